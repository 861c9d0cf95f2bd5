//! Entra and Microsoft Graph, as they behave.
//!
//! - `http`, `entra`, `odata`, `route`, `dispatch`, `batch`: from the wire to a handler.
//! - `devices`, `directory`, `rbac`, `apps`, `report`, `audit`: the handlers, one area each.
//! - `sign_in`: people who sign in with a browser.
//! - `model`, `settle`: what there is, and what time does to it.
//! - `fault`, `throttle`: what goes wrong, and what is too much.
//! - `handle`, `people`, `rights`, `views`, `control`: what tests and the chat page see and do.

mod answer;
mod apps;
mod audit;
mod batch;
mod build;
mod built_in;
mod control;
mod device_filter;
mod devices;
mod directory;
mod dispatch;
mod entra;
mod fault;
mod filter;
mod generate;
mod handle;
mod http;
mod log;
mod model;
mod odata;
mod people;
mod platform;
mod rbac;
mod report;
mod rights;
mod route;
mod seed;
mod settle;
mod sign_in;
mod throttle;
mod views;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

pub use fault::{Fault, FaultId, FaultKind, RetryAfter};
pub use handle::NotThere;
pub use log::{GraphCall, SyncCall};
pub use model::{AppChange, CheckIn, Hidden, ScopeFill};
pub use rights::AssignmentSpec;
pub use sign_in::{Forgery, SignInError};
pub use views::{AppView, DeviceView};

use crate::{Clock, Scenario, Traffic};

/// A handle to the simulated tenant. Cloning gives another handle to the same tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    clock: Clock,
    traffic: Traffic,
    world: Arc<Mutex<model::World>>,
}

impl Tenant {
    /// Builds the tenant of a scenario, as it is at the clock's present moment.
    pub fn new(scenario: &Scenario, clock: Clock, traffic: Traffic, addr: SocketAddr) -> anyhow::Result<Self> {
        let world = build::world(&scenario.tenant, clock.now(), &format!("http://{addr}"))?;
        Ok(Self { clock, traffic, world: Arc::new(Mutex::new(world)) })
    }

    /// Puts the tenant of another scenario in the place of this one. Its application's tokens and the log stay, so that one
    /// client can meet many tenants.
    pub fn replace(&self, scenario: &Scenario) -> anyhow::Result<()> {
        self.with(|world| {
            let mut next = build::world(&scenario.tenant, world.now, &world.base)?;
            std::mem::swap(&mut next.tokens, &mut world.tokens);
            std::mem::swap(&mut next.log, &mut world.log);
            *world = next;
            Ok(())
        })
    }

    /// Does something with the tenant, brought up to the present moment first.
    fn with<R>(&self, act: impl FnOnce(&mut model::World) -> R) -> R {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.settle(self.clock.now());
        act(&mut world)
    }
}

/// The routes of Entra, of Graph, and of the control API.
pub fn router(tenant: Tenant) -> axum::Router {
    http::routes().merge(control::routes()).with_state(tenant)
}
