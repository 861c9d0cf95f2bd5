//! How interactions come in: over the gateway, or posted to the endpoint. An application has one or the other.

use std::sync::Arc;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Starter;
use super::duty::GatewayDuty;
use crate::clock::Clock;
use crate::discord::{Endpoint, Gateway, GatewayStatus, Handler, Outbound, Status};
use crate::settings::{Discord, Mode};
use crate::store::Store;

/// Built, and not started yet.
pub(super) enum Transport {
    Gateway(Box<GatewayDuty>),
    Http(Arc<Endpoint>),
}

/// What a transport is built from.
pub(super) struct Parts<'a> {
    pub(super) settings: &'a Discord,
    pub(super) outbound: &'a Outbound,
    pub(super) handler: Arc<Handler>,
    pub(super) store: &'a Store,
    /// Counts the work that an interaction brings.
    pub(super) tasks: &'a TaskTracker,
    pub(super) stop: &'a CancellationToken,
    pub(super) clock: &'a Clock,
    /// For how long a process is connected to the gateway at a time.
    pub(super) term: SignedDuration,
}

impl Transport {
    /// What `[discord] mode` asks for.
    pub(super) async fn new(parts: Parts<'_>) -> anyhow::Result<Self> {
        let Parts { settings, outbound, handler, store, tasks, stop, clock, term } = parts;
        match settings.mode {
            Mode::Gateway => {
                let status = Arc::new(GatewayStatus::default());
                let built = Gateway::new(settings, outbound, Arc::clone(&handler), Arc::clone(&status), tasks).await?;
                Ok(Self::Gateway(Box::new(GatewayDuty {
                    clock: clock.clone(),
                    stop: stop.clone(),
                    store: store.clone(),
                    settings: settings.clone(),
                    outbound: outbound.clone(),
                    handler,
                    status,
                    tasks: tasks.clone(),
                    term,
                    gateway: Some(built),
                })))
            }
            Mode::Http(key) => {
                let tasks = tasks.clone();
                // Not by the starter: one interaction that panics must not stop the bot, as it does not by the gateway.
                let start = Box::new(move |work| drop(tasks.spawn(work)));
                Ok(Self::Http(Arc::new(Endpoint::new(key, settings.application_id, handler, start, clock)?)))
            }
        }
    }

    pub(super) fn status(&self) -> Status {
        match self {
            Self::Gateway(duty) => Status::Gateway(Arc::clone(&duty.status)),
            Self::Http(endpoint) => Status::Http(Arc::clone(endpoint.status())),
        }
    }

    /// What `[web] listen` serves of it.
    pub(super) fn endpoint(&self) -> Option<&Arc<Endpoint>> {
        match self {
            Self::Gateway(_) => None,
            Self::Http(endpoint) => Some(endpoint),
        }
    }

    /// Starts what does not start with a listener; the app ends when it does.
    pub(super) fn start(self, starter: &Starter) {
        if let Self::Gateway(duty) = self {
            let ended = starter.ended.clone();
            starter.start(duty.run(ended));
        }
    }
}
