//! The same bulk job by the bot and by Microsoft's own SDKs, as people write it with them: a loop.
//!
//! Real time, real windows, and everyone at the same time on the same machine, each before a simulated tenant of their own.
//! The clock of the bot starts at Yes, that of a loop at its first call. `make bench ARGS='sdks [DEVICES]'`.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use sim::Sim;
use sim::tenant::{Fault, FaultKind};
use tempfile::TempDir;

use crate::bulk::floor;
use crate::print::print;
use crate::rivals::Rivals;
use crate::world::{Bot, ENOUGH, Process, leave_windows, windows, world};

/// Devices when no number is given.
const DEVICES: usize = 1_000;

/// How long Graph takes for an answer in the second run.
const SLOW: Duration = Duration::from_millis(250);

/// So long without a call, and a job is over: longer than any pause.
const QUIET: Duration = Duration::from_secs(45);

const CONFIG: &str = "
        [sync]
        max_devices = 100000
";

/// Who does the job.
#[derive(Clone, Copy, Debug)]
enum Who {
    Bot,
    Python { retry: bool },
    JavaScript { retry: bool },
}

const EVERYBODY: [Who; 5] = [
    Who::Bot,
    Who::Python { retry: true },
    Who::JavaScript { retry: true },
    Who::Python { retry: false },
    Who::JavaScript { retry: false },
];

pub(crate) async fn run(numbers: &[usize]) -> anyhow::Result<()> {
    let devices = numbers.first().copied().unwrap_or(DEVICES);
    let rivals = Rivals::find()?;
    for latency in [Duration::ZERO, SLOW] {
        print(&format!("{devices} devices; Graph answers after {latency:?} and what the machine takes"));
        for line in try_join_all(EVERYBODY.map(|who| job(who, &rivals, devices, latency))).await? {
            print(&line);
        }
    }
    Ok(())
}

async fn job(who: Who, rivals: &Rivals, devices: usize, latency: Duration) -> anyhow::Result<String> {
    let sim = world(devices * ENOUGH).await?;
    if !latency.is_zero() {
        sim.tenant.push_fault(Fault::on_sync(FaultKind::Slow(latency)));
    }
    let folder = TempDir::new()?;
    let (mut began, mut _bot, mut _process) = (None, None, None);
    match who {
        Who::Bot => {
            let (yes, bot) = by_the_bot(&sim, devices).await?;
            (began, _bot) = (Some(yes), Some(bot));
        }
        Who::Python { retry } => _process = Some(by_a_loop(&sim, rivals.python_loop(), retry, devices, &folder).await?),
        Who::JavaScript { retry } => {
            _process = Some(by_a_loop(&sim, rivals.javascript_loop(), retry, devices, &folder).await?);
        }
    }
    let mut made = 0;
    let mut quiet = Duration::ZERO;
    while quiet < QUIET || made == 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = sim.tenant.sync_calls().len();
        quiet = if now == made { quiet + Duration::from_secs(1) } else { Duration::ZERO };
        made = now;
    }
    let calls = sim.tenant.sync_calls();
    let began = began.or(calls.iter().map(|call| call.at).min()).context("calls")?;
    let last = calls.iter().filter(|call| call.status == 204).map(|call| call.at).max().context("calls")?;
    let (done, throttled) = (
        calls.iter().filter(|call| call.status == 204).count(),
        calls.iter().filter(|call| call.status == 429).count(),
    );
    let (took, floor) = (last.duration_since(began).as_secs_f64(), floor(devices, 0));
    Ok(format!(
        "  {who:?}: {done} of {devices} taken in {took:.1} s, {:.3} of the floor of {floor:.1} s, {} write attempts, {throttled} of them throttled",
        took / floor,
        calls.len()
    ))
}

/// The bot's own process; when Yes was pressed.
async fn by_the_bot(sim: &Sim, devices: usize) -> anyhow::Result<(Timestamp, Bot)> {
    // As many as the loops have.
    leave_windows(&sim.tenant, devices)?;
    let bot = Bot::start(sim, false, CONFIG).await?;
    let hanna = sim.discord.user("hanna");
    let asked = hanna.run("helpdesk", "/bulk-sync filter platform:windows")?;
    let shown = async {
        loop {
            if let Some(card) = sim.discord.reply_to(asked).filter(|card| card.button("Yes").is_some()) {
                return card;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let card = tokio::time::timeout(QUIET, shown).await.context("the card came")?;
    let began = sim.tenant.now();
    hanna.click(card.id, "Yes")?;
    Ok((began, bot))
}

/// One of Microsoft's SDKs, in a loop over the ids that it is given.
async fn by_a_loop(
    sim: &Sim,
    mut command: std::process::Command,
    retry: bool,
    devices: usize,
    folder: &TempDir,
) -> anyhow::Result<Process> {
    leave_windows(&sim.tenant, devices)?;
    let ids = windows(&sim.tenant);
    let (client, secret) = sim.tenant.credentials();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &client),
        ("client_secret", &secret),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let address = format!("{}/{}/oauth2/v2.0/token", sim.url(), sim.tenant.tenant_id());
    let answer = intune_sync_bot::app::http_client()?.post(address).form(&form).send().await?;
    let token: serde_json::Value = answer.error_for_status()?.json().await?;
    let token = token["access_token"].as_str().context("a token")?;
    let file = folder.path().join("ids");
    std::fs::write(&file, ids.join("\n"))?;
    command.args([sim.url().as_str(), token, if retry { "retry" } else { "plain" }]).arg(file);
    Process::start(command.stdin(Stdio::null()).stdout(Stdio::null()))
}
