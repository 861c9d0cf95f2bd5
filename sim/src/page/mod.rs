//! The chat page: channels, cards and buttons as Discord shows them, and a side panel with the tenant.

use crate::{Discord, Tenant, Traffic};

/// The routes of the page.
pub fn router(_tenant: Tenant, _discord: Discord, _traffic: Traffic) -> axum::Router {
    axum::Router::new()
}
