//! The log: to standard error, as text or JSON, without the places that would write tokens.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::app::AUDIT_HEAD;
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

/// Starts the log of `run`. The audit's head is in it at every level: it is what proves that no end was cut off.
pub(super) fn start(log: &Log) -> anyhow::Result<()> {
    let filter = filter(&log.level)?;
    let colours = std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log could not be started: {error}"))
}

fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    let mut filter = EnvFilter::try_new(level).context("`log.level` is not a level or a filter")?;
    for directive in ALWAYS.into_iter().map(str::to_owned).chain([format!("{AUDIT_HEAD}=info")]) {
        filter = filter.add_directive(directive.parse().context("a built-in directive")?);
    }
    Ok(filter)
}

/// The demo's log: only what goes wrong, unless `RUST_LOG` asks for more.
#[cfg(feature = "demo")]
pub(super) fn for_demo() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error,serenity=off"));
    let _already_started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn the_audits_head_is_written_at_every_level() {
        for level in ["off", "error", "warn", "info", "debug", "intune_sync_bot=warn"] {
            let subscriber = tracing_subscriber::registry().with(filter(level).expect("it is a filter"));
            tracing::subscriber::with_default(subscriber, || {
                assert!(tracing::enabled!(target: AUDIT_HEAD, tracing::Level::INFO), "{level}");
                let others = matches!(level, "info" | "debug");
                assert_eq!(tracing::enabled!(tracing::Level::INFO), others, "{level}");
            });
        }
    }
}
