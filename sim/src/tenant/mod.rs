//! Entra and Microsoft Graph, as they behave.

use std::net::SocketAddr;

use crate::{Clock, Scenario, Traffic};

/// A handle to the simulated tenant.
#[derive(Clone, Debug)]
pub struct Tenant;

impl Tenant {
    /// Builds the tenant of a scenario.
    pub fn new(_scenario: &Scenario, _clock: Clock, _traffic: Traffic, _addr: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self)
    }
}

/// The routes of Entra and Graph.
pub fn router(_tenant: Tenant) -> axum::Router {
    axum::Router::new()
}
