//! `/livez`, `/readyz` and `/metrics` (Prometheus), on an address of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::budget::{Figures, Urgency, WHOLE};
use crate::clock::Clock;
use crate::discord::{DeliveryStatus, Status};
use crate::graph::Graph;
use crate::store::Store;
use crate::sync::Directory;

/// What is looked at.
#[derive(Clone, Debug)]
pub struct OpsParts {
    /// The store.
    pub store: Store,
    /// Graph, whose budget is looked at.
    pub graph: Arc<Graph>,
    /// The devices in memory.
    pub directory: Arc<Directory>,
    /// How interactions come in.
    pub status: Status,
    /// How notices go out.
    pub delivery: Arc<DeliveryStatus>,
    /// Time.
    pub clock: Clock,
    /// Cancelled when the bot stops, a moment before it really does.
    pub leaving: CancellationToken,
}

/// The server of health and metrics.
#[derive(Clone, Debug)]
pub struct Ops(Arc<OpsParts>);

impl Ops {
    /// A server over these parts.
    pub fn new(parts: OpsParts) -> Self {
        Self(Arc::new(parts))
    }

    /// Its routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/livez", get(|| async { "alive\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(self)
    }

    /// Why the bot is not ready, if so: one line each.
    async fn hindrances(&self) -> Vec<&'static str> {
        let mut hindrances = Vec::new();
        if self.0.store.ping().await.is_err() {
            hindrances.push("the database does not answer");
        } else if self.0.store.takes_writes().await.is_err() {
            hindrances.push("the database takes nothing: it can only be read, or its disk is full");
        }
        hindrances.extend(self.0.status.hindrance());
        hindrances.extend(self.0.delivery.hindrance());
        if self.0.leaving.is_cancelled() {
            hindrances.push("stopping");
        }
        hindrances
    }
}

async fn ready(State(ops): State<Ops>) -> Response {
    let hindrances = ops.hindrances().await;
    if hindrances.is_empty() {
        let word = if ops.0.status.is_standby() { "standby\n" } else { "ready\n" };
        return word.into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, hindrances.join("\n") + "\n").into_response()
}

/// The budget toward Graph, a line for each limit that Graph counts.
fn budget(registry: &mut Registry, limits: &[Figures]) {
    type Labels = Vec<(&'static str, &'static str)>;
    let (waiting, turns) = (Family::<Labels, Gauge>::default(), Family::<Labels, Gauge>::default());
    let throttled = Family::<Labels, Gauge>::default();
    let share = Family::<Labels, Gauge<f64, AtomicU64>>::default();
    let saturated = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    for limit in limits {
        let of_limit = vec![("limit", limit.name)];
        for (level, urgency) in Urgency::LEVELS.into_iter().enumerate() {
            let labels = vec![("limit", limit.name), ("urgency", urgency)];
            waiting.get_or_create(&labels).set(saturated(limit.waiting[level] as u64));
            turns.get_or_create(&labels).set(saturated(limit.taken[level]));
        }
        throttled.get_or_create(&of_limit).set(saturated(limit.throttled));
        #[expect(clippy::cast_precision_loss, reason = "at most a million")]
        share.get_or_create(&of_limit).set(limit.share as f64 / WHOLE as f64);
    }
    registry.register("graph_waiting", "Calls that wait for their turn in the budget toward Graph", waiting);
    registry.register("graph_turns", "Turns taken since the start", turns);
    registry.register("graph_throttled", "Calls that Graph throttled since the start", throttled);
    registry.register("graph_share", "The part of the configured rate that is taken; below 1 after throttling", share);
}

async fn metrics(State(ops): State<Ops>) -> Response {
    let parts = &ops.0;
    let now = parts.clock.now();
    let mut registry = Registry::with_prefix("intune_sync_bot");
    let mut gauge = |name: &str, help: &str, value: i64| {
        let gauge: Gauge = Gauge::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    let count = |counter: &AtomicU64| i64::try_from(counter.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
    match &parts.status {
        Status::Gateway(status) => {
            gauge("gateway_connected", "1 while the gateway is connected", i64::from(status.is_connected()));
            let help = "1 while another process is connected to the gateway in place of this one";
            gauge("gateway_standby", help, i64::from(parts.status.is_standby()));
            let help = "Sessions begun since the start; Discord allows 1,000 a day";
            gauge("gateway_identifies", help, count(&status.identified));
            gauge("gateway_resumes", "Sessions resumed since the start", count(&status.resumed));
        }
        Status::Http(status) => {
            let help = "Requests to the interactions endpoint that were not shown to be Discord's, since the start";
            gauge("interactions_refused", help, count(&status.refused));
        }
    }
    let unreadable = i64::try_from(parts.status.unreadable()).unwrap_or(i64::MAX);
    gauge("interactions_unreadable", "Interactions whose asker got no answer", unreadable);
    let total = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let help = "Notices since the start that could not be delivered anywhere; each is in the audit";
    gauge("notices_dropped", help, total(parts.delivery.notices_dropped()));
    let help = "Times since the start that a notice went to another channel, because its own could not be reached";
    gauge("notices_fell_back", help, total(parts.delivery.notices_fell_back()));
    gauge("directory_devices", "Devices in memory", i64::try_from(parts.directory.len()).unwrap_or(i64::MAX));
    let age = parts.directory.read_at().map_or(-1, |at| now.duration_since(at).as_secs());
    gauge("directory_age_seconds", "Age of the list of devices; -1: never read", age);
    let store_up = match (
        parts.store.under_way().await,
        parts.store.count_dead().await,
        parts.store.outbox(now).await,
        parts.store.late_watches().await,
        parts.store.approvals_waiting().await,
        parts.store.freeze(now).await,
    ) {
        (Ok(under_way), Ok(dead), Ok((waiting, oldest)), Ok(late), Ok(approvals), Ok(freeze)) => {
            gauge("approvals_waiting", "Requests that wait for a second person", approvals);
            gauge("frozen", "1 while nothing is sent because of /freeze", i64::from(freeze.is_some()));
            gauge("device_syncs_given_up", "Device syncs of which no step could be done; see `jobs list`", dead);
            gauge("device_syncs_under_way", "Confirmed device syncs without an outcome", under_way);
            gauge("late_watches", "Devices that someone wants to be told of", late);
            gauge("notices_waiting", "Notices that Discord, or a webhook, has not taken yet", waiting);
            let age = oldest.map_or(0, |at| now.duration_since(at).as_secs());
            gauge("notices_oldest_seconds", "How long the oldest of them has been due", age);
            1
        }
        _ => 0,
    };
    gauge("store_up", "1 while the database answers", store_up);
    let writable = parts.store.takes_writes().await.is_ok();
    gauge("store_writable", "1 while the database takes what is written", i64::from(writable));
    budget(&mut registry, &parts.graph.budget());
    let mut text = String::new();
    if encode(&mut text, &registry).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}
