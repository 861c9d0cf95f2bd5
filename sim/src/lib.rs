//! A second witness: a simulated Microsoft tenant and a simulated Discord, written from the public documents alone.
//!
//! It knows nothing of the bot. Any Discord or Graph client can be pointed at it: one listener on loopback serves
//! Discord's REST API (`/api/v10/…`) and gateway (`/gateway`), Entra's sign-in page and token endpoint
//! (`/{tenant}/oauth2/v2.0/…`), Microsoft Graph (`/v1.0/…`, `/beta/…`) and a chat page (`/`).
//!
//! - [`tenant`]: Entra and Graph, stateful, with Graph's quirks.
//! - [`discord`]: Discord's REST and gateway, strict; and the people who type and click.
//! - [`page`]: the chat page and its side panel.
//! - [`scenario`]: the TOML file that says who and what there is.
//! - [`clock`], [`traffic`]: simulated time, and the record of what was said.

pub mod clock;
pub mod discord;
pub mod hold;
pub mod page;
pub mod scenario;
pub mod tenant;
pub mod traffic;

use std::net::SocketAddr;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use clock::Clock;
pub use discord::Discord;
pub use hold::{Hold, Holds, Moment};
pub use scenario::Scenario;
pub use tenant::Tenant;
pub use traffic::{Exchange, Service, Traffic};

/// How to start a simulated world.
#[derive(Debug)]
pub struct Options {
    /// Where to listen; port 0 picks a free one. Loopback only.
    pub listen: SocketAddr,
    /// Who and what there is.
    pub scenario: Scenario,
    /// The world's time.
    pub clock: Clock,
    /// Where every exchange is appended, if anywhere.
    pub traffic_log: Option<std::path::PathBuf>,
}

/// A running simulated world; it stops when dropped.
#[derive(Debug)]
pub struct Sim {
    /// The world's time.
    pub clock: Clock,
    /// Entra and Graph.
    pub tenant: Tenant,
    /// Discord and the people in it.
    pub discord: Discord,
    /// What was said so far.
    pub traffic: Traffic,
    addr: SocketAddr,
    _stop: DropGuard,
}

impl Sim {
    /// Binds the listener and serves in the background.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let Options { listen, scenario, clock, traffic_log } = options;
        anyhow::ensure!(listen.ip().is_loopback(), "the simulator listens on loopback only, not on {listen}");
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let traffic = Traffic::new(traffic_log.as_deref())?;
        let tenant = Tenant::new(&scenario, clock.clone(), traffic.clone(), addr)?;
        let discord = Discord::new(&scenario, clock.clone(), traffic.clone(), addr)?;
        let router = axum::Router::new()
            .merge(tenant::router(tenant.clone()))
            .merge(discord::router(discord.clone()))
            .merge(page::router(tenant.clone(), discord.clone(), traffic.clone()));
        // As servers on the internet do: what is small is not held back to go with what comes next.
        let listener = listener.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "a connection may hold back what is small");
            }
        });
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            let serve = axum::serve(listener, router);
            tokio::select! {
                () = stopped.cancelled() => {}
                result = serve => if let Err(error) = result { tracing::error!(%error, "the simulator stopped serving"); }
            }
        });
        Ok(Self { clock, tenant, discord, traffic, addr, _stop: stop.drop_guard() })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT`: Graph's, Entra's and Discord's base address, and the chat page's.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// `ws://127.0.0.1:PORT/gateway`.
    pub fn gateway_url(&self) -> String {
        format!("ws://{}/gateway", self.addr)
    }

    /// Whether nothing is under way: no request being served, and every interaction answered.
    pub fn is_idle(&self) -> bool {
        self.traffic.in_flight() == 0 && self.discord.unanswered() == 0
    }
}
