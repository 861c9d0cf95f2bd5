//! The control API under `/_sim/tenant/`: the handle over HTTP, for a simulator that runs alone.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::handle::NotThere;
use super::{CheckIn, DeviceView, Fault, FaultId, GraphCall, SyncCall, Tenant};

type Reply = Result<Json<Value>, (StatusCode, Json<Value>)>;

/// The routes of the control API.
pub(crate) fn routes() -> Router<Tenant> {
    Router::new()
        .route("/_sim/tenant/devices", get(devices))
        .route("/_sim/tenant/device/{id}", get(device))
        .route("/_sim/tenant/graph-calls", get(graph_calls))
        .route("/_sim/tenant/sync-calls", get(sync_calls))
        .route("/_sim/tenant/state", get(state))
        .route("/_sim/tenant/check-in", post(check_in))
        .route("/_sim/tenant/plan", post(plan))
        .route("/_sim/tenant/fault", post(fault))
        .route("/_sim/tenant/faults/clear", post(clear_faults))
        .route("/_sim/tenant/clock/advance", post(advance))
}

async fn devices(State(tenant): State<Tenant>) -> Json<Vec<DeviceView>> {
    Json(tenant.devices())
}

async fn device(State(tenant): State<Tenant>, Path(id): Path<String>) -> Reply {
    tenant.device(&id).map(|d| Json(json!(d))).ok_or_else(|| missing(&NotThere(format!("device {id:?}"))))
}

async fn graph_calls(State(tenant): State<Tenant>) -> Json<Vec<GraphCall>> {
    Json(tenant.graph_calls())
}

async fn sync_calls(State(tenant): State<Tenant>) -> Json<Vec<SyncCall>> {
    Json(tenant.sync_calls())
}

async fn state(State(tenant): State<Tenant>) -> Json<Value> {
    Json(json!({
        "now": tenant.now(),
        "throttled": tenant.throttled(),
        "over_limit": tenant.over_limit(),
        "unexpected_writes": tenant.unexpected_writes(),
        "tokens_issued": tenant.tokens_issued(),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckInBody {
    device: String,
}

async fn check_in(State(tenant): State<Tenant>, Json(body): Json<CheckInBody>) -> Reply {
    tenant.check_in_now(&body.device).map_err(|error| missing(&error))?;
    Ok(done())
}

/// `{"device": "LT-042", "after": [30]}`, `{…, "never": true}` or `{…, "crossed": 120, "after": [90]}`, in seconds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanBody {
    device: String,
    #[serde(default)]
    after: Vec<u32>,
    #[serde(default)]
    crossed: Option<u32>,
    #[serde(default)]
    never: bool,
}

async fn plan(State(tenant): State<Tenant>, Json(body): Json<PlanBody>) -> Reply {
    let seconds = |n: u32| SignedDuration::from_secs(i64::from(n));
    let plan = match (body.never, body.crossed, body.after.as_slice()) {
        (true, None, []) => CheckIn::Never,
        (false, None, [one]) => CheckIn::After(seconds(*one)),
        (false, None, [_, ..]) => CheckIn::Several(body.after.iter().map(|n| seconds(*n)).collect()),
        (false, Some(before), [after]) => CheckIn::Crossed { before: seconds(before), after: seconds(*after) },
        _ => {
            return Err((StatusCode::BAD_REQUEST, Json(json!({"error": "never, or after, or crossed and one after"}))));
        }
    };
    tenant.plan_check_in(&body.device, plan).map_err(|error| missing(&error))?;
    Ok(done())
}

async fn fault(State(tenant): State<Tenant>, Json(fault): Json<Fault>) -> Json<Value> {
    let FaultId(id) = tenant.push_fault(fault);
    Json(json!({"fault": id}))
}

async fn clear_faults(State(tenant): State<Tenant>) -> Json<Value> {
    tenant.clear_faults();
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceBody {
    seconds: u32,
}

async fn advance(State(tenant): State<Tenant>, Json(body): Json<AdvanceBody>) -> Json<Value> {
    tenant.clock.advance(SignedDuration::from_secs(i64::from(body.seconds)));
    Json(json!({"now": tenant.now()}))
}

fn done() -> Json<Value> {
    Json(json!({"done": true}))
}

fn missing(error: &NotThere) -> (StatusCode, Json<Value>) {
    (StatusCode::NOT_FOUND, Json(json!({"error": error.to_string()})))
}
