//! The gateway: one serenity client that hands every interaction to the handler.

mod logins;
mod status;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use serenity::all::{
    Client, ClientBuilder, Context, Event, EventHandler, GatewayError as Closed, GatewayIntents, Interaction,
    RawEventHandler, Ready, ResumedEvent, ShardManager, ShardRunnerMessage,
};
use tokio_util::task::TaskTracker;
use url::Url;

pub use logins::{LoginsLeft, back_off};
pub use status::{Duty, GatewayStatus};

use super::handler::Handler;
use super::outbound::{CallError, Outbound};
use crate::settings::Discord;

/// How long the shard gets to say goodbye.
const GOODBYE: Duration = Duration::from_secs(3);

/// How long a shard takes to close at most: it looks at its commands every half second.
const CLOSING: Duration = Duration::from_millis(700);

/// The close code that ends a session.
const CLEAN: u16 = 1000;

/// Why the gateway cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The API does not name a gateway.
    #[error("Discord does not name its gateway: {0}")]
    Address(#[from] CallError),
    /// The gateway named by a configured API is on another host: the token must not go there.
    #[error("the gateway {0} is not on the host of discord.api_url; set discord.gateway_url to one that is")]
    OtherHost(String),
    /// Close code 4004.
    #[error(
        "Discord does not accept the bot's token at the gateway: set discord.token to the one of the application's Bot page"
    )]
    Token,
    /// Close codes 4013 and 4014; the bot asks for no intent at all.
    #[error("Discord refuses the bot's gateway intents, although it asks for none: please report it ({0})")]
    Intents(String),
    /// Discord does not let the bot in; serenity would try until the day's logins are used up.
    #[error(
        "Discord does not let the bot in at the gateway, most likely by close code 4010 or 4011 (the bot is in too many servers for one connection): \
         look at the bot's page in Discord's developer portal, and use [discord] mode = \"http\" where it is in thousands of servers"
    )]
    LoginsRefused,
    /// Serenity could not connect, or stopped for good.
    #[error("the gateway ended: {0}")]
    Ended(String),
}

/// A client that is ready to start.
pub struct Gateway {
    client: Client,
    status: Arc<GatewayStatus>,
}

struct Events {
    handler: Arc<Handler>,
    status: Arc<GatewayStatus>,
    /// A stop waits for interactions that are being handled.
    tasks: TaskTracker,
}

#[async_trait]
impl EventHandler for Events {
    async fn ready(&self, _ctx: Context, ready: Ready) {
        self.status.connected(true);
        self.status.identified.fetch_add(1, Ordering::Relaxed);
        tracing::info!(bot = %ready.user.name, "connected to Discord's gateway");
    }

    async fn resume(&self, _ctx: Context, _event: ResumedEvent) {
        self.status.connected(true);
        self.status.resumed.fetch_add(1, Ordering::Relaxed);
        tracing::info!("resumed the gateway session");
    }

    async fn interaction_create(&self, _ctx: Context, interaction: Interaction) {
        self.tasks.track_future(Box::pin(Arc::clone(&self.handler).handle(interaction))).await;
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
        tasks: &TaskTracker,
    ) -> Result<Self, GatewayError> {
        let address = match (&settings.gateway_url, &settings.api_url) {
            (Some(gateway), _) => Some(gateway.to_string()),
            (None, Some(api)) => Some(on_the_same_host(outbound.gateway_url().await?, api)?),
            (None, None) => None,
        };
        // Interactions come without any intent.
        let events = Events { handler, status: Arc::clone(&status), tasks: tasks.clone() };
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
        let logins = self.status.identified.load(Ordering::Relaxed);
        Goodbye { shards: Arc::clone(&self.client.shard_manager), status: Arc::clone(&self.status), logins }
    }

    /// Runs until it is stopped; an error where Discord does not want this bot (a wrong token, for example).
    pub async fn run(mut self) -> Result<(), GatewayError> {
        let shards = Arc::clone(&self.client.shard_manager);
        let result = tokio::select! {
            result = self.client.start() => result.map_err(|error| sorted(&error)),
            never = logins::watch(&shards, &self.status) => match never {},
        };
        self.status.connected(false);
        result
    }
}

fn sorted(error: &serenity::Error) -> GatewayError {
    match error {
        serenity::Error::Gateway(Closed::InvalidAuthentication) => GatewayError::Token,
        serenity::Error::Gateway(error @ (Closed::InvalidGatewayIntents | Closed::DisallowedGatewayIntents)) => {
            GatewayError::Intents(error.to_string())
        }
        serenity::Error::Gateway(error) => GatewayError::Ended(error.to_string()),
        other => GatewayError::Ended(super::outbound::sort(other).to_string()),
    }
}

/// Stops a running gateway.
pub struct Goodbye {
    shards: Arc<ShardManager>,
    status: Arc<GatewayStatus>,
    /// Logins before this client's first.
    logins: u64,
}

impl Goodbye {
    /// Says goodbye to Discord. Afterwards no connection of ours is left.
    pub async fn say(&self) {
        let shards: Vec<_> = {
            let runners = self.shards.runners.lock().await;
            runners.iter().map(|(id, runner)| (*id, runner.runner_tx.clone())).collect()
        };
        if tokio::time::timeout(GOODBYE, self.shards.shutdown_all()).await.is_err() {
            tracing::warn!("the gateway did not close in time");
        }
        // Since it logged in anew, serenity takes an old message for the word that the shard has closed, and may forget to tell it.
        if self.status.identified.load(Ordering::Relaxed) > self.logins + 1 {
            for (id, shard) in shards {
                shard.send_to_shard(ShardRunnerMessage::Shutdown(id, CLEAN));
            }
            tokio::time::sleep(CLOSING).await;
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
