//! Discord's REST API and gateway, strict; and the people who type and click.
//!
//! [`Discord`] is a handle to all of it. REST lives in `rest`, what Discord enforces on bodies in `rules`,
//! the websocket in `gateway`, what is posted to a bot instead in `endpoint`; people act through [`ChatUser`].

mod embed;
mod endpoint;
mod error;
mod faults;
mod gateway;
mod ids;
mod limits;
mod message;
mod payload;
mod people;
mod rest;
mod rules;
mod state;
mod transcript;
mod trouble;
mod view;
mod watch;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::routing::{any, get};
use jiff::Timestamp;
use tokio::sync::watch as channel;

use crate::{Clock, Scenario, Traffic};
use state::State;

pub use embed::{Embed, EmbedAuthor, EmbedField, EmbedFooter, EmbedImage};
pub use endpoint::{Delivery, EndpointRefused, Told};
pub use faults::Fault;
pub use ids::{ChannelId, InteractionId, MessageId, RoleId, UserId};
pub use limits::{Limits, Rate};
pub use people::{ChatError, ChatUser, Typed};
pub use view::{
    Button, Choice, Component, InteractionState, MessageView, Modal, ModalInput, Ping, Revision, Select, SelectOption,
};
pub use watch::{ChannelView, InteractionView, PersonView, Upload};

/// A handle to the simulated Discord. Cloning gives another handle to the same one.
#[derive(Clone, Debug)]
pub struct Discord(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    clock: Clock,
    traffic: Traffic,
    addr: SocketAddr,
    changed: channel::Sender<u64>,
    invalid: AtomicUsize,
}

impl Discord {
    /// Builds the guild of a scenario.
    pub fn new(scenario: &Scenario, clock: Clock, traffic: Traffic, addr: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Inner {
            state: Mutex::new(State::new(&scenario.discord)?),
            clock,
            traffic,
            addr,
            changed: channel::Sender::new(0),
            invalid: AtomicUsize::new(0),
        })))
    }

    /// Runs `work` on the state. Nothing here waits while it holds the lock.
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells listeners that something changed.
    fn notify(&self) {
        self.0.changed.send_modify(|version| *version += 1);
    }

    fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn base_url(&self) -> String {
        format!("http://{}", self.0.addr)
    }

    fn gateway_url(&self) -> String {
        format!("ws://{}/gateway", self.0.addr)
    }

    fn count_invalid(&self) {
        self.0.invalid.fetch_add(1, Ordering::SeqCst);
    }
}

/// The routes of Discord.
pub fn router(discord: Discord) -> axum::Router {
    axum::Router::new()
        .route("/api/v10/{*path}", any(rest::serve))
        .route("/gateway", get(gateway::open))
        .route("/gateway/", get(gateway::open))
        .with_state(discord)
}
