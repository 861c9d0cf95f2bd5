//! The chat page: channels, cards and buttons as Discord shows them, and a side panel with the tenant.
//!
//! The page is plain HTML, CSS and JavaScript in `assets`; nothing is fetched from elsewhere. What it needs from the
//! simulator it gets under `/_sim/`.

mod act;
mod assets;
mod live;
pub mod panel;

use axum::Router;
use axum::routing::{get, post};

use crate::{Discord, Tenant, Traffic};

/// What the page's handlers share.
#[derive(Clone, Debug)]
struct Page {
    tenant: Tenant,
    discord: Discord,
    traffic: Traffic,
}

/// The routes of the page.
pub fn router(tenant: Tenant, discord: Discord, traffic: Traffic) -> Router {
    Router::new()
        .route("/", get(assets::index))
        .route("/_sim/assets/{name}", get(assets::file))
        .route("/_sim/attachments/{id}/{name}", get(assets::attachment))
        .route("/_sim/state", get(live::state))
        .route("/_sim/events", get(live::events))
        .route("/_sim/run", post(act::run))
        .route("/_sim/autocomplete", post(act::autocomplete))
        .route("/_sim/say", post(act::say))
        .route("/_sim/click", post(act::click))
        .route("/_sim/select", post(act::select))
        .route("/_sim/submit", post(act::submit))
        .route("/_sim/close-modal", post(act::close_modal))
        .route("/_sim/dismiss", post(act::dismiss))
        .route("/_sim/advance", post(act::advance))
        .route("/_sim/panel/devices", get(panel::devices))
        .route("/_sim/panel/device/{id}", get(panel::device))
        .route("/_sim/panel/device/{id}/check-in", post(panel::check_in))
        .with_state(Page { tenant, discord, traffic })
}
