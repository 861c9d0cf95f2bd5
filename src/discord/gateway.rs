//! The gateway: one serenity client that hands every interaction to the handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serenity::all::{
    Client, ClientBuilder, ConnectionStage, Context, Event, EventHandler, GatewayIntents, Interaction, RawEventHandler,
    Ready, ResumedEvent, ShardManager, ShardStageUpdateEvent,
};
use url::Url;

use super::handler::Handler;
use super::outbound::{CallError, Outbound};
use crate::settings::Discord;

/// How long the shard gets to say goodbye; serenity looks at its commands every half second.
const GOODBYE: Duration = Duration::from_secs(3);

/// Why the gateway cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The API does not name a gateway.
    #[error("Discord does not name its gateway: {0}")]
    Address(#[from] CallError),
    /// The gateway named by a configured API is on another host: the token must not go there.
    #[error("the gateway {0} is not on the host of discord.api_url; set discord.gateway_url to one that is")]
    OtherHost(String),
    /// Serenity could not connect, or stopped for good.
    #[error("the gateway ended: {0}")]
    Ended(String),
}

/// What the gateway is doing, for health and metrics.
#[derive(Debug, Default)]
pub struct GatewayStatus {
    connected: AtomicBool,
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
        self.connected.load(Ordering::Relaxed)
    }
}

/// A client that is ready to start.
pub struct Gateway {
    client: Client,
    status: Arc<GatewayStatus>,
}

struct Events {
    handler: Arc<Handler>,
    status: Arc<GatewayStatus>,
}

#[async_trait]
impl EventHandler for Events {
    async fn ready(&self, _ctx: Context, ready: Ready) {
        self.status.connected.store(true, Ordering::Relaxed);
        self.status.identified.fetch_add(1, Ordering::Relaxed);
        tracing::info!(bot = %ready.user.name, "connected to Discord's gateway");
    }

    async fn resume(&self, _ctx: Context, _event: ResumedEvent) {
        self.status.connected.store(true, Ordering::Relaxed);
        self.status.resumed.fetch_add(1, Ordering::Relaxed);
        tracing::info!("resumed the gateway session");
    }

    async fn shard_stage_update(&self, _ctx: Context, event: ShardStageUpdateEvent) {
        self.status.connected.store(event.new == ConnectionStage::Connected, Ordering::Relaxed);
        if event.new == ConnectionStage::Disconnected {
            tracing::warn!("the gateway connection was lost; serenity reconnects");
        }
    }

    async fn interaction_create(&self, _ctx: Context, interaction: Interaction) {
        Box::pin(Arc::clone(&self.handler).handle(interaction)).await;
    }
}

/// Counts what serenity drops without a word: an interaction in a shape that it does not know.
struct Unreadable(Arc<GatewayStatus>);

#[async_trait]
impl RawEventHandler for Unreadable {
    async fn raw_event(&self, _ctx: Context, event: Event) {
        if let Event::Unknown(unknown) = event
            && unknown.kind == "INTERACTION_CREATE"
        {
            self.0.unreadable.fetch_add(1, Ordering::Relaxed);
            tracing::error!("an interaction came in a shape that cannot be read; its asker got no answer");
        }
    }
}

impl Gateway {
    /// Builds the client. With an API address of our own, its gateway must be on the same host: serenity would
    /// otherwise fall back to Discord's, and take the token along.
    pub async fn new(
        settings: &Discord,
        outbound: &Outbound,
        handler: Arc<Handler>,
        status: Arc<GatewayStatus>,
    ) -> Result<Self, GatewayError> {
        let address = match (&settings.gateway_url, &settings.api_url) {
            (Some(gateway), _) => Some(gateway.to_string()),
            (None, Some(api)) => Some(on_the_same_host(outbound.gateway_url().await?, api)?),
            (None, None) => None,
        };
        // Interactions come without any intent.
        let events = Events { handler, status: Arc::clone(&status) };
        let http = outbound.for_gateway();
        let client = ClientBuilder::new_with_http(http, GatewayIntents::empty())
            .event_handler(events)
            .raw_event_handler(Unreadable(Arc::clone(&status)))
            .await
            .map_err(|error| GatewayError::Ended(super::outbound::sort(&error).to_string()))?;
        if let Some(address) = address {
            *client.ws_url.lock().await = address;
        }
        Ok(Self { client, status })
    }

    /// The handle that stops it.
    pub fn goodbye(&self) -> Goodbye {
        Goodbye(Arc::clone(&self.client.shard_manager))
    }

    /// Runs until it is stopped; an error where Discord does not want this bot (a wrong token, for example).
    pub async fn run(mut self) -> Result<(), GatewayError> {
        let result = self.client.start().await;
        self.status.connected.store(false, Ordering::Relaxed);
        result.map_err(|error| match error {
            serenity::Error::Gateway(error) => GatewayError::Ended(error.to_string()),
            other => GatewayError::Ended(super::outbound::sort(&other).to_string()),
        })
    }
}

/// Stops a running gateway.
pub struct Goodbye(Arc<ShardManager>);

impl Goodbye {
    /// Says goodbye to Discord.
    pub async fn say(&self) {
        if tokio::time::timeout(GOODBYE, self.0.shutdown_all()).await.is_err() {
            tracing::warn!("the gateway did not close in time");
        }
    }
}

fn on_the_same_host(gateway: String, api: &Url) -> Result<String, GatewayError> {
    let same = gateway.parse::<Url>().is_ok_and(|url| url.host() == api.host());
    if same { Ok(gateway) } else { Err(GatewayError::OtherHost(gateway)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_never_goes_to_another_host() {
        let api: Url = "http://127.0.0.1:4300".parse().unwrap();
        assert!(on_the_same_host("ws://127.0.0.1:4300/gateway".to_owned(), &api).is_ok());
        assert!(matches!(
            on_the_same_host("wss://gateway.discord.gg".to_owned(), &api),
            Err(GatewayError::OtherHost(_))
        ));
    }
}
