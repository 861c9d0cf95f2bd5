//! How interactions come in and notices go out at the moment, for health and metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::gateway::{Duty, GatewayStatus};
use super::http::EndpointStatus;

/// Of the one way by which interactions come in.
#[derive(Clone, Debug)]
pub enum Status {
    /// The gateway.
    Gateway(Arc<GatewayStatus>),
    /// The interactions endpoint.
    Http(Arc<EndpointStatus>),
}

impl Status {
    /// Why no interaction can come in, if so.
    pub fn hindrance(&self) -> Option<&'static str> {
        match self {
            Self::Gateway(gateway) => gateway.hindrance(),
            Self::Http(endpoint) => (!endpoint.is_listening()).then_some("the interactions endpoint is not served"),
        }
    }

    /// Whether another process is connected to Discord's gateway, and this one waits to take over.
    pub fn is_standby(&self) -> bool {
        matches!(self, Self::Gateway(gateway) if gateway.duty() == Duty::Standby)
    }

    /// Interactions that could not be read.
    pub fn unreadable(&self) -> u64 {
        let count: &AtomicU64 = match self {
            Self::Gateway(gateway) => &gateway.unreadable,
            Self::Http(endpoint) => &endpoint.unreadable,
        };
        count.load(Ordering::Relaxed)
    }
}

/// Of what goes out.
#[derive(Debug, Default)]
pub struct DeliveryStatus {
    /// Notices that could not be delivered anywhere.
    dropped: AtomicU64,
    /// Times that a notice went to another channel, because its own could not be reached.
    fell_back: AtomicU64,
    /// Whether Discord refuses the bot's token.
    token_refused: AtomicBool,
}

impl DeliveryStatus {
    /// Why nothing goes out, if so.
    pub fn hindrance(&self) -> Option<&'static str> {
        self.token_refused.load(Ordering::Relaxed).then_some("Discord does not accept the bot's token")
    }

    /// Notices dropped since the start.
    pub fn notices_dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Times since the start that a notice went to another channel.
    pub fn notices_fell_back(&self) -> u64 {
        self.fell_back.load(Ordering::Relaxed)
    }

    pub(super) fn dropped(&self, notices: usize) {
        self.dropped.fetch_add(u64::try_from(notices).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn fell_back(&self) {
        self.fell_back.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn token_refused(&self, refused: bool) {
        self.token_refused.store(refused, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_nobody_serves_is_a_hindrance() {
        let endpoint = Arc::new(EndpointStatus::default());
        let status = Status::Http(Arc::clone(&endpoint));
        assert_eq!(status.hindrance(), Some("the interactions endpoint is not served"));
        endpoint.listens(true);
        assert_eq!(status.hindrance(), None);
        let gateway = Arc::<GatewayStatus>::default();
        let status = Status::Gateway(Arc::clone(&gateway));
        assert_eq!(status.hindrance(), Some("the gateway is not connected"));
        gateway.is_on(Duty::Standby);
        assert_eq!((status.hindrance(), status.is_standby()), (None, true));
    }
}
