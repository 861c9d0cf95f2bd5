//! The demo: the real bot on a simulated Discord and a simulated tenant, for people who want to try it.
//!
//! [`Stage`] sets both worlds up; tests play their scenes on it too.

mod config;
mod scenes;
mod script;
mod stage;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use sim::{Clock as SimClock, Scenario};

pub use config::config_for;
pub use stage::{Stage, StageOptions};

/// `intune-sync-bot demo`.
pub async fn demo(listen: SocketAddr, script: bool, scenario: Option<PathBuf>) -> anyhow::Result<()> {
    let scenario = match scenario {
        None => Scenario::default(),
        Some(path) => {
            let text = std::fs::read_to_string(&path).with_context(|| format!("while reading {}", path.display()))?;
            Scenario::parse(&text).with_context(|| format!("in {}", path.display()))?
        }
    };
    if script { Box::pin(script::play()).await } else { Box::pin(interactive(listen, scenario)).await }
}

async fn interactive(listen: SocketAddr, scenario: Scenario) -> anyhow::Result<()> {
    let options = StageOptions { listen, scenario, ..StageOptions::live() };
    let stage = match Stage::start(options.clone()).await {
        Ok(stage) => stage,
        Err(error) if listen.port() != 0 => {
            // The usual reason is another demo on the same port.
            tracing::warn!("{error:#}; another port is taken");
            Stage::start(StageOptions { listen: SocketAddr::new(listen.ip(), 0), ..options }).await?
        }
        Err(error) => return Err(error),
    };
    debug_assert!(!SimClock::is_manual(&stage.sim.clock));
    crate::cli::say(&format!(
        "\nThe chat page: {}\n\n  You are Hanna, a helpdesk agent. Type /sync device:IPAD-017 and press Yes.\n  \
         The device checks in after about 45 seconds; the panel on the right shows the simulated tenant.\n  \
         Try /bulk-sync user user:jonas.weber@contoso.example too: Lena approves it in #sync-approvals. One device never\n  \
         shows up; press +1 h in the panel, and the summary with its picture is there.\n  \
         Switch to Rolf or Nora to see refusals. Ctrl-C ends the demo.\n",
        stage.sim.url()
    ));
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended?,
        never = stage.keeps_time() => match never {},
    }
    stage.stop().await;
    Ok(())
}
