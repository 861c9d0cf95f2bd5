//! How interactions come in: over the gateway, or posted to the endpoint. An application has one or the other.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::Starter;
use crate::clock::Clock;
use crate::discord::{Endpoint, Gateway, GatewayStatus, Goodbye, Handler, Outbound, Status};
use crate::settings::{Discord, Mode};

/// Built, and not started yet.
pub(super) enum Transport {
    Gateway(Box<Gateway>, Arc<GatewayStatus>),
    Http(Arc<Endpoint>),
}

impl Transport {
    /// What `[discord] mode` asks for. Work that an interaction brings is counted by `tasks`.
    pub(super) async fn new(
        settings: &Discord,
        outbound: &Outbound,
        handler: Arc<Handler>,
        tasks: &TaskTracker,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        match settings.mode {
            Mode::Gateway => {
                let status = Arc::new(GatewayStatus::default());
                let gateway = Gateway::new(settings, outbound, handler, Arc::clone(&status)).await?;
                Ok(Self::Gateway(Box::new(gateway), status))
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
            Self::Gateway(_, status) => Status::Gateway(Arc::clone(status)),
            Self::Http(endpoint) => Status::Http(Arc::clone(endpoint.status())),
        }
    }

    /// What `[web] listen` serves of it.
    pub(super) fn endpoint(&self) -> Option<&Arc<Endpoint>> {
        match self {
            Self::Gateway(..) => None,
            Self::Http(endpoint) => Some(endpoint),
        }
    }

    /// Starts what does not start with a listener; the app ends when it does. How to end it by ourselves comes back.
    pub(super) fn start(self, starter: &Starter) -> Option<Goodbye> {
        let Self::Gateway(gateway, _) = self else { return None };
        let goodbye = gateway.goodbye();
        let ended = starter.ended.clone();
        starter.start(async move {
            let reason = match gateway.run().await {
                Ok(()) => "the gateway was closed".to_owned(),
                Err(error) => error.to_string(),
            };
            ended.send_replace(Some(reason));
        });
        Some(goodbye)
    }
}
