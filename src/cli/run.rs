//! `run` and `register`.

use anyhow::{Context as _, bail};
use tokio::signal::unix::{SignalKind, signal};

use super::print::say;
use super::telemetry;
use crate::app::{App, Options, http_client};
use crate::discord::Outbound;
use crate::settings::{Source, load};
use crate::store::Store;

/// Runs until SIGTERM or Ctrl-C, or until the gateway ends for good.
pub(super) async fn run(source: &Source) -> anyhow::Result<()> {
    let settings = load(source)?;
    telemetry::start(&settings.log)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let app = App::start(settings, Options::production()).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    let ended = tokio::select! {
        _ = terminate.recv() => None,
        result = tokio::signal::ctrl_c() => { result?; None }
        reason = app.ended() => Some(reason),
    };
    tracing::info!("stopping");
    app.stop().await;
    // A supervisor starts us again; without a reason from outside, that is what is needed.
    ended.map_or(Ok(()), |reason| bail!("{reason}"))
}

/// Registers the commands now.
pub(super) async fn register(source: &Source) -> anyhow::Result<()> {
    let settings = load(source)?;
    telemetry::start(&settings.log)?;
    let store = Store::open(&settings.store.url, settings.entra.tenant_id).await.context("while opening the store")?;
    let outbound = Outbound::new(&settings.discord, http_client()?);
    let guilds = &settings.discord.guild_ids;
    let registered = crate::discord::register(&outbound, &store, guilds, true).await.context("while registering")?;
    say(&format!("registered {} commands in {registered} server(s)", commands::definitions().len()));
    Ok(())
}
