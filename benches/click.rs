//! Click to first answer: 1,000 times `/sync`, Yes, and how long Discord waited for the answer to Yes.
//!
//! Everything is the real thing but for the two far ends: serenity over its gateway, reqwest over loopback, SQLite on
//! disk with full synchronisation. `cargo bench --bench click [-- COUNT]`.

use std::time::Duration;

use intune_sync_bot::demo::{Stage, StageOptions};
use jiff::SignedDuration;
use sim::discord::Limits;

/// Scenes played when no number is given.
const SCENES: usize = 1_000;

/// Limits that no scene reaches, and no pause between two syncs of one device.
const CONFIG: &str = r#"
    [limits]
    per_person = "100000/1s"
    per_guild = "100000/1s"
    [sync]
    cooldown = "0s"
    [apps]
    settle = "0s"
"#;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let scenes = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(SCENES);
    let stage = Stage::start(StageOptions { config: CONFIG.to_owned(), ..StageOptions::still() }).await?;
    stage.sim.discord.set_limits(Limits::generous());
    stage.sim.tenant.set_limits(0.0);
    stage.settle().await?;
    let syncable = |os: &str| ["Windows", "iOS", "iPadOS", "macOS", "Android"].contains(&os);
    let devices: Vec<_> = stage
        .sim
        .tenant
        .devices()
        .into_iter()
        .filter(|device| syncable(&device.platform) && device.management_state == "managed" && device.agent == "mdm")
        .collect();
    let hanna = stage.sim.discord.user("hanna");
    let (mut commands, mut clicks) = (Vec::new(), Vec::new());
    for scene in 0..scenes {
        let device = &devices[scene % devices.len()];
        let asked = hanna.run_with("helpdesk", "/sync device:x", &[("device", &device.id)])?;
        stage.settle().await?;
        let Some(card) = stage.sim.discord.reply_to(asked) else { continue };
        commands.extend(stage.sim.discord.ack_latencies().last().copied());
        if card.button("Yes").is_none() {
            continue;
        }
        hanna.click(card.id, "Yes")?;
        stage.settle().await?;
        clicks.extend(stage.sim.discord.ack_latencies().last().copied());
        stage.advance(SignedDuration::from_secs(90)).await?;
    }
    let calls = stage.sim.tenant.sync_calls().len();
    stage.stop().await;
    report("command to first answer", commands);
    report("Yes to first answer", clicks);
    print(&format!("{calls} calls to Graph"));
    Ok(())
}

fn report(what: &str, mut latencies: Vec<Duration>) {
    latencies.sort_unstable();
    let at = |share: usize| latencies.get(latencies.len() * share / 100).copied().unwrap_or_default();
    print(&format!(
        "{what}: {} measured, p50 {:?}, p99 {:?}, most {:?}",
        latencies.len(),
        at(50),
        at(99),
        latencies.last()
    ));
}

#[expect(clippy::print_stdout, reason = "a bench reports on standard output")]
fn print(line: &str) {
    println!("{line}");
}
