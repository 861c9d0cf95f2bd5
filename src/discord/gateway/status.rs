//! What the gateway of this process is doing: for health, for metrics, and for whoever waits for it.

use std::sync::atomic::AtomicU64;

use tokio::sync::watch;

/// Whose turn it is to be connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duty {
    /// Ours.
    #[default]
    Ours,
    /// Another process is connected; this one takes over when that one stops.
    Standby,
    /// Ours, but Discord allows no further login for now.
    NoLogin,
}

/// What the gateway is doing.
#[derive(Debug, Default)]
pub struct GatewayStatus {
    connected: watch::Sender<bool>,
    duty: watch::Sender<Duty>,
    /// READYs: each costs one of a day's 1,000 IDENTIFYs.
    pub identified: AtomicU64,
    /// Resumed sessions.
    pub resumed: AtomicU64,
    /// Interactions that serenity could not read: their askers got no answer.
    pub unreadable: AtomicU64,
}

impl GatewayStatus {
    /// Whether the shard is connected.
    pub fn is_connected(&self) -> bool {
        *self.connected.borrow()
    }

    /// Whose turn it is.
    pub fn duty(&self) -> Duty {
        *self.duty.borrow()
    }

    /// Says whose turn it is from now on.
    pub fn is_on(&self, duty: Duty) {
        self.duty.send_replace(duty);
    }

    pub(super) fn connected(&self, connected: bool) {
        self.connected.send_replace(connected);
    }

    /// Completes when the shard is connected, or is not.
    pub async fn wait_for(&self, connected: bool) {
        let mut receiver = self.connected.subscribe();
        // The sender is ours, so it cannot be gone.
        let _seen = receiver.wait_for(|now| *now == connected).await;
    }

    /// Why no interaction can come in, if so. Where another process is connected, they come in there.
    pub(in crate::discord) fn hindrance(&self) -> Option<&'static str> {
        match self.duty() {
            Duty::Standby => None,
            Duty::NoLogin => Some("Discord allows no further login for now"),
            Duty::Ours => (!self.is_connected()).then_some("the gateway is not connected"),
        }
    }
}
