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

/// Devices in one answer to a search.
const FOUND: usize = 20;

impl PanelSource for Tenant {
    fn devices(&self, query: &str) -> Value {
        let needle = query.to_lowercase();
        let fits = |text: &str| text.to_lowercase().contains(&needle);
        let found = self.devices().into_iter().filter(|device| {
            fits(&device.name) || fits(&device.serial) || device.user_name.as_deref().is_some_and(&fits)
        });
        let rows = found.take(FOUND).map(
            |device| json!({ "id": device.id, "name": device.name, "user": device.user_name, "os": device.platform }),
        );
        Value::Array(rows.collect())
    }

    fn device(&self, id: &str) -> Option<Value> {
        let device = Tenant::device(self, id)?;
        let apps = device.apps.iter().map(|app| {
            json!({ "name": app.name, "state": app.state, "code": app.code, "at": app.at.map(|at| at.to_string()) })
        });
        Some(json!({
            "id": device.id,
            "name": device.name,
            "user": device.user_name,
            "os": format!("{} {}", device.platform, device.os_version),
            "compliance": device.compliance,
            "state": device.management_state,
            "last_check_in": device.last_check_in.map(|at| at.to_string()),
            "next_check_in": device.next_check_in.map(|at| at.to_string()),
            "note": if device.sync_waits { "a sync waits for it" } else { "" },
            "apps": apps.collect::<Vec<_>>(),
        }))
    }

    fn check_in(&self, id: &str) -> bool {
        self.check_in_now(id).is_ok()
    }
}

/// The search text.
#[derive(Debug, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

pub(super) async fn devices(State(page): State<Page>, Query(search): Query<Search>) -> Json<Value> {
    Json(PanelSource::devices(&page.tenant, search.q.trim()))
}

pub(super) async fn device(State(page): State<Page>, Path(id): Path<String>) -> Result<Json<Value>, StatusCode> {
    PanelSource::device(&page.tenant, &id).map(Json).ok_or(StatusCode::NOT_FOUND)
}

pub(super) async fn check_in(State(page): State<Page>, Path(id): Path<String>) -> StatusCode {
    if PanelSource::check_in(&page.tenant, &id) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}
