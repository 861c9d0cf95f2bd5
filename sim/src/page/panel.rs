//! The side panel's view into the tenant.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Page;
use crate::Tenant;

/// What the panel shows of a tenant.
pub trait PanelSource {
    /// Devices whose name, serial number or user contains `query`, as a list of
    /// `{"id", "name", "user", "os"}`; at most some twenty.
    fn devices(&self, query: &str) -> Value;

    /// One device: `{"id", "name", "user", "os", "compliance", "state", "last_check_in", "next_check_in", "note",
    /// "apps": [{"name", "state", "code", "at"}]}`. Times are RFC 3339 or null.
    fn device(&self, id: &str) -> Option<Value>;

    /// Makes a device check in right now; false where there is no such device.
    fn check_in(&self, id: &str) -> bool;
}

impl PanelSource for Tenant {
    fn devices(&self, _query: &str) -> Value {
        json!([])
    }

    fn device(&self, _id: &str) -> Option<Value> {
        None
    }

    fn check_in(&self, _id: &str) -> bool {
        false
    }
}

/// The search text.
#[derive(Debug, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

pub(super) async fn devices(State(page): State<Page>, Query(search): Query<Search>) -> Json<Value> {
    Json(page.tenant.devices(search.q.trim()))
}

pub(super) async fn device(State(page): State<Page>, Path(id): Path<String>) -> Result<Json<Value>, StatusCode> {
    page.tenant.device(&id).map(Json).ok_or(StatusCode::NOT_FOUND)
}

pub(super) async fn check_in(State(page): State<Page>, Path(id): Path<String>) -> StatusCode {
    if page.tenant.check_in(&id) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}
