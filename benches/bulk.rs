//! A bulk request from Yes to its last call, as a ratio to what Graph's write window allows: 200 writes in any 20 s.
//!
//! The whole bot on the simulated tenant, whose windows are Graph's. Time is moved, not waited for, so that a run of
//! minutes takes seconds; what is measured is that time. `cargo bench --bench bulk [-- DEVICES]`.

use anyhow::{Context as _, ensure};
use intune_sync_bot::demo::{Stage, StageOptions};
use jiff::SignedDuration;
use sim::discord::Limits;

/// Devices asked for when no number is given.
const DEVICES: usize = 1_000;

/// Graph's write window for Intune devices (Graph throttling page).
const WINDOW: (f64, f64) = (200.0, 20.0);

/// What other apps write in the second run, of the tenant's 400 in 20 s.
const OTHERS: u32 = 300;

/// Seconds without a call after which the request counts as sent: longer than any pause after throttling.
const QUIET: u32 = 150;

const CONFIG: &str = r#"
    [limits]
    per_person = "100000/1s"
    per_guild = "100000/1s"
    [sync]
    max_devices = 100000
    [watch]
    deadline = "2h"
    [directory]
    refresh = "24h"
"#;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let devices = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(DEVICES);
    Box::pin(run(devices, 0)).await?;
    Box::pin(run(devices, OTHERS)).await
}

async fn run(devices: usize, others: u32) -> anyhow::Result<()> {
    let mut options = StageOptions { config: CONFIG.to_owned(), ..StageOptions::still() };
    // About 4 in 10 generated devices run Windows.
    options.scenario.tenant.generate.devices = devices * 5 / 2;
    options.scenario.tenant.generate.people = devices;
    let stage = Stage::start(options).await?;
    stage.sim.discord.set_limits(Limits::generous());
    stage.sim.tenant.set_other_writes(others);
    stage.settle().await?;
    let asked = stage.sim.discord.user("hanna").run("helpdesk", "/bulk-sync filter platform:windows")?;
    stage.settle().await?;
    let card = stage.sim.discord.reply_to(asked).context("a card")?;
    let started = stage.sim.tenant.now();
    stage.sim.discord.user("hanna").click(card.id, "Yes").with_context(|| card.text())?;
    let taken = || stage.sim.tenant.sync_calls().iter().filter(|call| call.status == 204).count();
    // A device may turn out to be none to call, so the end is when nothing was called for a while.
    let (mut made, mut quiet) = (0, 0);
    while quiet < QUIET {
        stage.advance(SignedDuration::from_secs(1)).await?;
        let now = stage.sim.tenant.sync_calls().len();
        quiet = if now == made { quiet + 1 } else { 0 };
        made = now;
    }
    let calls = stage.sim.tenant.sync_calls();
    let last = calls.iter().map(|call| call.at).max().context("calls")?;
    let took = last.duration_since(started).as_secs_f64();
    let left = (2.0 * WINDOW.0 - f64::from(others)).min(WINDOW.0);
    let count = calls.iter().filter(|call| call.status != 429).count();
    let floor = f64::from(u32::try_from(count)?) * WINDOW.1 / left;
    ensure!(stage.sim.tenant.over_limit() == 0, "the app's own limit was passed");
    let throttled = calls.len() - count;
    print(&format!(
        "{count} devices ({} accepted), others take {others} of 400: {took:.1} s, {:.3} of the floor of {floor:.1} s; {throttled} calls throttled, {} reads",
        taken(),
        took / floor,
        stage.sim.tenant.graph_calls().len() - calls.len()
    ));
    stage.stop().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a bench reports on standard output")]
fn print(line: &str) {
    println!("{line}");
}
