//! Discord's REST API and gateway, and the people who type and click.

use std::net::SocketAddr;

use crate::{Clock, Scenario, Traffic};

/// A handle to the simulated Discord.
#[derive(Clone, Debug)]
pub struct Discord;

impl Discord {
    /// Builds the guild of a scenario.
    pub fn new(_scenario: &Scenario, _clock: Clock, _traffic: Traffic, _addr: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self)
    }

    /// Interactions sent out and not acknowledged yet.
    pub fn unanswered(&self) -> usize {
        0
    }
}

/// The routes of Discord.
pub fn router(_discord: Discord) -> axum::Router {
    axum::Router::new()
}
