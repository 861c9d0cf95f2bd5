//! `cargo run -p sim -- --listen 127.0.0.1:4300 [--scenario FILE]`: the simulated world alone.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use sim::{Clock, Options, Scenario, Sim};

/// A simulated Microsoft tenant and a simulated Discord with a chat page, on loopback.
#[derive(Debug, Parser)]
#[command(name = "sim", version)]
struct Args {
    /// Where to listen (loopback only).
    #[arg(long, default_value = "127.0.0.1:4300")]
    listen: SocketAddr,
    /// The scenario file; without it, the built-in one.
    #[arg(long)]
    scenario: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let args = Args::parse();
    let scenario = match &args.scenario {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            Scenario::parse(&text).with_context(|| format!("in {}", path.display()))?
        }
        None => Scenario::default(),
    };
    let traffic_log = std::env::var_os("SIM_TRAFFIC_LOG").map(PathBuf::from);
    let sim = Sim::start(Options { listen: args.listen, scenario, clock: Clock::real(), traffic_log }).await?;
    let mut out = std::io::stdout().lock();
    std::io::Write::write_fmt(&mut out, format_args!("chat page, Discord, Entra and Graph: {}\n", sim.url()))?;
    drop(out);
    tokio::signal::ctrl_c().await?;
    Ok(())
}
