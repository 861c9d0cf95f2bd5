//! A bulk request from Yes to its last call, as a ratio to what Graph's write window allows: 200 writes in any 20 s.
//!
//! The whole bot on the simulated tenant, whose windows are Graph's. Time is moved, not waited for, so that a run of
//! minutes takes seconds; what is measured is that time. `make bench ARGS='bulk [DEVICES …]'`.
//!
//! And the reads that watching many devices takes: `make bench ARGS='watch [DEVICES …]'`.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use intune_sync_bot::demo::{Stage, StageOptions};
use jiff::{SignedDuration, Timestamp};
use sim::discord::Limits;
use sim::tenant::{CheckIn, SyncCall};

use crate::print::print;
use crate::world::{ENOUGH, leave_windows};

/// Devices asked for when no number is given.
const DEVICES: &[usize] = &[1_000, 10_000];

/// Devices that are watched and do not check in.
const WATCHED: &[usize] = &[5_000];

/// For how long their reads are counted.
const WATCH: SignedDuration = SignedDuration::from_mins(30);

/// Graph's write window for Intune devices (Graph throttling page).
const WINDOW: (f64, f64) = (200.0, 20.0);

/// What other apps write in the second run, of the tenant's 400 in 20 s.
const OTHERS: u32 = 300;

/// How long (in real time) a world of many devices may take for one step.
const REST: Duration = Duration::from_mins(15);

/// By then the bot has read the list of devices anew.
const UNTIL_READ_ANEW: SignedDuration = SignedDuration::from_mins(20);

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
    [graph]
    timeout = "1m"
"#;

pub(crate) async fn run(numbers: &[usize]) -> anyhow::Result<()> {
    for &devices in if numbers.is_empty() { DEVICES } else { numbers } {
        Box::pin(send(devices, 0)).await?;
        Box::pin(send(devices, OTHERS)).await?;
    }
    Ok(())
}

/// The reads alone.
pub(crate) async fn watch(numbers: &[usize]) -> anyhow::Result<()> {
    for &devices in if numbers.is_empty() { WATCHED } else { numbers } {
        Box::pin(watched(devices)).await?;
    }
    Ok(())
}

/// A tenant with so many Windows devices and a few more, and the bot in it.
async fn stage(devices: usize) -> anyhow::Result<Stage> {
    let mut options = StageOptions { config: CONFIG.to_owned(), rest: REST, ..StageOptions::still() };
    options.scenario.tenant.generate.devices = devices * ENOUGH;
    options.scenario.tenant.generate.people = devices;
    let stage = Stage::start(options).await?;
    stage.sim.discord.set_limits(Limits::generous());
    stage.settle().await?;
    leave_windows(&stage.sim.tenant, devices)?;
    stage.advance(UNTIL_READ_ANEW).await?;
    Ok(stage)
}

/// Asks for every Windows device, and presses Yes.
async fn ask(stage: &Stage) -> anyhow::Result<Timestamp> {
    let hanna = stage.sim.discord.user("hanna");
    // The list of a large tenant may take a while, or another try.
    let mut tries = 0..10;
    let card = loop {
        let asked = hanna.run("helpdesk", "/bulk-sync filter platform:windows")?;
        stage.settle().await?;
        let card = stage.sim.discord.reply_to(asked).context("a card")?;
        if card.button("Yes").is_some() || tries.next().is_none() {
            break card;
        }
        stage.advance(SignedDuration::from_mins(1)).await?;
    };
    let started = stage.sim.tenant.now();
    hanna.click(card.id, "Yes").with_context(|| card.text())?;
    Ok(started)
}

/// Moves time until nothing was called for a while: a device may turn out to be none to call, so there is no other end.
async fn until_sent(stage: &Stage) -> anyhow::Result<Vec<SyncCall>> {
    let (mut made, mut quiet) = (0, 0);
    while quiet < QUIET {
        stage.advance(SignedDuration::from_secs(1)).await?;
        let now = stage.sim.tenant.sync_calls().len();
        quiet = if now == made { quiet + 1 } else { 0 };
        made = now;
    }
    Ok(stage.sim.tenant.sync_calls())
}

/// How long so many take at the least, in seconds, while others write so often in each window.
pub(crate) fn floor(devices: usize, others: u32) -> f64 {
    let left = (2.0 * WINDOW.0 - f64::from(others)).min(WINDOW.0);
    f64::from(u32::try_from(devices).unwrap_or(u32::MAX)) * WINDOW.1 / left
}

async fn send(devices: usize, others: u32) -> anyhow::Result<()> {
    let stage = Box::pin(stage(devices)).await?;
    stage.sim.tenant.set_other_writes(others);
    let started = ask(&stage).await?;
    let calls = until_sent(&stage).await?;
    let last = calls.iter().map(|call| call.at).max().context("calls")?;
    let took = last.duration_since(started).as_secs_f64();
    let count = calls.iter().filter(|call| call.status != 429).count();
    let accepted = calls.iter().filter(|call| call.status == 204).count();
    let floor = floor(count, others);
    ensure!(stage.sim.tenant.over_limit() == 0, "the app's own limit was passed");
    print(&format!(
        "{count} devices ({accepted} accepted), others take {others} of 400: {took:.1} s, {:.3} of the floor of {floor:.1} s; {} calls throttled",
        took / floor,
        calls.len() - count,
    ));
    stage.stop().await;
    Ok(())
}

/// Reads while many devices are watched that do not check in.
async fn watched(devices: usize) -> anyhow::Result<()> {
    let stage = Box::pin(stage(devices)).await?;
    for device in stage.sim.tenant.devices() {
        stage.sim.tenant.plan_check_in(&device.id, CheckIn::Never)?;
    }
    ask(&stage).await?;
    let calls = until_sent(&stage).await?;
    let watched = stage.app().store().under_way().await?;
    let since = stage.sim.tenant.now();
    stage.advance(WATCH).await?;
    let reads = stage.sim.tenant.graph_calls_since(since).len();
    print(&format!(
        "{watched} devices of {} watched for {WATCH:#}: {reads} reads, {:.3} for each device",
        calls.len(),
        f64::from(u32::try_from(reads)?) / f64::from(i32::try_from(watched)?),
    ));
    stage.stop().await;
    Ok(())
}
