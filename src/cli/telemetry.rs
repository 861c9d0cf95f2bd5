//! The log: to standard error, as text or JSON, without the places that would write tokens.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::settings::{Log, LogFormat};

/// Serenity's HTTP room logs addresses, and Discord's addresses hold interaction tokens: it stays silent whatever
/// the level. Tungstenite would write whole frames at trace, and the first one holds the bot's token. The others are turned down to what an operator can use.
const ALWAYS: [&str; 7] = [
    "serenity=warn",
    "serenity::http=off",
    "hyper_util=info",
    "reqwest=info",
    "azure_core=warn",
    "tungstenite=info",
    "tokio_tungstenite=info",
];

/// Starts the log of `run`.
pub(super) fn start(log: &Log) -> anyhow::Result<()> {
    let mut filter = EnvFilter::try_new(&log.level).context("`log.level` is not a level or a filter")?;
    for directive in ALWAYS {
        filter = filter.add_directive(directive.parse().context("a built-in directive")?);
    }
    let colours = std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log could not be started: {error}"))
}

/// The demo's log: only what goes wrong, unless `RUST_LOG` asks for more.
#[cfg(feature = "demo")]
pub(super) fn for_demo() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error,serenity=off"));
    let _already_started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
