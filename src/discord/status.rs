//! How interactions come in at the moment, for health and metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::gateway::GatewayStatus;
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
            Self::Gateway(gateway) => (!gateway.is_connected()).then_some("the gateway is not connected"),
            Self::Http(endpoint) => (!endpoint.is_listening()).then_some("the interactions endpoint is not served"),
        }
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
        assert_eq!(Status::Gateway(Arc::default()).hindrance(), Some("the gateway is not connected"));
    }
}
