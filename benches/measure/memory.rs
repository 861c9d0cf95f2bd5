//! Memory of the bot in a process of its own: at rest, and with thousands of device syncs in flight.
//!
//! Real time. The simulated tenant and the bot's `[limits]` are opened, so that all are sent in minutes; none checks in, so all
//! stay in flight. `make bench ARGS='memory [DEVICES]'`.

use std::time::Duration;

use anyhow::Context as _;
use sim::tenant::CheckIn;
use sim::{Discord, Sim};

use crate::print::print;
use crate::world::{Bot, ENOUGH, leave_windows, world};

/// Device syncs in flight when no number is given.
const DEVICES: usize = 10_000;

/// Devices of a small tenant.
const SMALL: usize = 250;

/// Until memory is looked at, after nothing more happens.
const REST: Duration = Duration::from_secs(20);

/// How long sending all may take.
const SENDING: Duration = Duration::from_mins(20);

const CONFIG: &str = r#"
        [limits]
        graph_writes = "200000/20s"
        graph_reads = "200000/20s"
        [sync]
        max_devices = 100000
"#;

pub(crate) async fn run(numbers: &[usize]) -> anyhow::Result<()> {
    let devices = numbers.first().copied().unwrap_or(DEVICES);
    at_rest().await?;
    in_flight(devices).await
}

async fn at_rest() -> anyhow::Result<()> {
    let sim = world(SMALL).await?;
    let bot = Bot::start(&sim, false, "").await?;
    rest(&sim, &bot).await
}

async fn in_flight(devices: usize) -> anyhow::Result<()> {
    let sim = world(devices * ENOUGH).await?;
    leave_windows(&sim.tenant, devices)?;
    sim.tenant.set_limits(0.0);
    for device in sim.tenant.devices() {
        sim.tenant.plan_check_in(&device.id, CheckIn::Never)?;
    }
    let bot = Bot::start(&sim, false, CONFIG).await?;
    rest(&sim, &bot).await?;
    let hanna = sim.discord.user("hanna");
    let asked = hanna.run("helpdesk", "/bulk-sync filter platform:windows")?;
    let asks = |discord: &Discord| discord.reply_to(asked).is_some_and(|card| card.button("Yes").is_some());
    tokio::time::timeout(SENDING, sim.discord.wait_until(asks)).await.context("the card came")?;
    let card = sim.discord.reply_to(asked).context("the card")?;
    say("the card of the request shown", &bot)?;
    hanna.click(card.id, "Yes")?;
    let sent = async {
        let mut made = 0;
        loop {
            tokio::time::sleep(REST).await;
            let now = sim.tenant.sync_calls().len();
            if now == made {
                return made;
            }
            made = now;
        }
    };
    let made = tokio::time::timeout(SENDING, sent).await.context("all were sent")?;
    say(&format!("{made} device syncs in flight"), &bot)
}

async fn rest(sim: &Sim, bot: &Bot) -> anyhow::Result<()> {
    bot.knows_devices().await?;
    tokio::time::sleep(REST).await;
    say(&format!("at rest, {} devices in the directory", sim.tenant.devices().len()), bot)
}

fn say(what: &str, bot: &Bot) -> anyhow::Result<()> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", bot.process.id()))?;
    let megabytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kilobytes / 1024.0)
    };
    let (now, most) = (megabytes("VmRSS:").context("VmRSS")?, megabytes("VmHWM:").context("VmHWM")?);
    print(&format!("{what}: {now:.1} MB resident, {most:.1} MB at its peak so far"));
    Ok(())
}
