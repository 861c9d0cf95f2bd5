//! Interactions by HTTP: whose word a request is, and what Discord is told at once. The answer itself goes out as for the gateway.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::SignedDuration;
use serenity::all::Interaction;

use super::handler::Handler;
use super::seal::{BadKey, Broken, Seal, Sealed};
use crate::budget::BudgetPer;
use crate::chat::ApplicationId;
use crate::clock::Clock;
use crate::settings::{PublicKey, Rate};

/// Refusals of one address that are logged, and after which its connection may stay. Discord's own checks need a few.
const REFUSALS: Rate = Rate { count: 60, per: SignedDuration::from_secs(60) };

/// Work that goes on after Discord has had its answer.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts such work, so that whoever stops the bot can wait for it.
pub type Start = Box<dyn Fn(Work) + Send + Sync>;

/// What the endpoint is doing, for health and metrics.
#[derive(Debug, Default)]
pub struct EndpointStatus {
    listening: AtomicBool,
    /// Requests that were not shown to be Discord's.
    pub refused: AtomicU64,
    /// Interactions in a shape that cannot be read: their askers got no answer.
    pub unreadable: AtomicU64,
}

impl EndpointStatus {
    /// Whether somebody serves it.
    pub fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }

    /// Notes whether somebody serves it.
    pub fn listens(&self, listening: bool) {
        self.listening.store(listening, Ordering::Relaxed);
    }
}

/// Not shown to be Discord's: 401, always.
///
/// Discord tries bad signatures itself and takes the address back where they get another answer. Behind a proxy everyone
/// has one address, so whoever hammers must not change what Discord is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDiscord {
    /// So many came from there that the next one shall need a connection of its own.
    pub hang_up: bool,
}

/// What Discord is told at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It asked whether anybody is there.
    Pong,
    /// The interaction is taken; its answer comes by itself.
    Taken,
    /// Discord sent it, and it cannot be read.
    Unreadable,
    /// Discord sent it for another application.
    NotOurs,
}

/// Takes interactions that Discord posts.
pub struct Endpoint {
    seal: Seal,
    application: ApplicationId,
    handler: Arc<Handler>,
    start: Start,
    clock: Clock,
    refusals: BudgetPer<IpAddr>,
    status: Arc<EndpointStatus>,
}

impl Endpoint {
    /// An endpoint of this application's, whose interactions `handler` answers in work that `start` starts.
    pub fn new(
        key: PublicKey,
        application: ApplicationId,
        handler: Arc<Handler>,
        start: Start,
        clock: &Clock,
    ) -> Result<Self, BadKey> {
        let refusals = BudgetPer::new(REFUSALS, clock);
        let status = Arc::default();
        Ok(Self { seal: Seal::new(key)?, application, handler, start, clock: clock.clone(), refusals, status })
    }

    /// What it is doing.
    pub fn status(&self) -> &Arc<EndpointStatus> {
        &self.status
    }

    /// Reads `X-Signature-Ed25519` and `X-Signature-Timestamp`; where they are of no use, the body need not be read.
    pub fn sealed(
        &self,
        from: IpAddr,
        signature: Option<&[u8]>,
        timestamp: Option<&[u8]>,
    ) -> Result<Sealed, NotDiscord> {
        Sealed::read(signature, timestamp).map_err(|broken| self.refuse(from, broken))
    }

    /// Takes a body as it came, byte for byte.
    pub fn take(&self, from: IpAddr, sealed: &Sealed, body: &[u8]) -> Result<Told, NotDiscord> {
        self.seal.check(sealed, body, self.clock.now()).map_err(|broken| self.refuse(from, broken))?;
        let Ok(interaction) = serde_json::from_slice::<Interaction>(body) else {
            self.status.unreadable.fetch_add(1, Ordering::Relaxed);
            tracing::error!("an interaction came in a shape that cannot be read; its asker got no answer");
            return Ok(Told::Unreadable);
        };
        if interaction.application_id().get() != self.application.0 {
            tracing::warn!(
                "an interaction for another application was refused; do application_id and public_key belong together?"
            );
            return Ok(Told::NotOurs);
        }
        if matches!(interaction, Interaction::Ping(_)) {
            tracing::info!("Discord asked whether the interactions endpoint is there");
            return Ok(Told::Pong);
        }
        (self.start)(Box::pin(Arc::clone(&self.handler).handle(interaction)));
        Ok(Told::Taken)
    }

    fn refuse(&self, from: IpAddr, broken: Broken) -> NotDiscord {
        self.status.refused.fetch_add(1, Ordering::Relaxed);
        let is_rare = self.refusals.take(&from).is_ok();
        match broken {
            Broken::Time if is_rare => {
                tracing::warn!("a request of Discord's is too old or of the future; is this machine's clock right?");
            }
            _ if is_rare => tracing::info!(%from, why = ?broken, "a request without Discord's signature was refused"),
            _ => {}
        }
        NotDiscord { hang_up: !is_rare }
    }
}
