//! From a click to its acknowledgement, at a hundred interactions in a second: the bot by both transports, and beside it the smallest
//! bots in discord.js and in poise, which do nothing else.
//!
//! Real time, each in a process of its own before the same simulated Discord, by turns. A Yes to the bot is on the disk before it
//! is acknowledged; the others keep nothing. `make bench ARGS='click [SECONDS]'`.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use sim::Sim;
use sim::discord::{InteractionId, MessageId};

use crate::print::{print, spread};
use crate::rivals::Rivals;
use crate::world::{Bot, Process, world};

/// For how many seconds a round has commands, and then clicks, when no number is given.
const SECONDS: usize = 10;

/// Of each in a second.
const RATE: usize = 100;

/// Rounds that everybody plays, by turns.
const ROUNDS: usize = 2;

/// Commands that are sent at once, to see how many are acknowledged in a second.
const CROWD: usize = 500;

/// How long anything may take to come about.
const PATIENCE: Duration = Duration::from_mins(2);

/// Between two looks at whether it has.
const LOOK: Duration = Duration::from_millis(20);

const APPLICATION: &str = "900000000000000010";
const GUILD: &str = "900000000000000001";

/// Limits that nobody here reaches.
const CONFIG: &str = r#"
        [limits]
        per_person = "100000/1s"
        per_guild = "100000/1s"
"#;

/// Who answers.
#[derive(Clone, Copy, Debug)]
enum Who {
    Gateway,
    DiscordJs,
    Http,
    Poise,
}

const EVERYBODY: [Who; 4] = [Who::Gateway, Who::DiscordJs, Who::Http, Who::Poise];

impl Who {
    fn name(self) -> &'static str {
        match self {
            Self::Gateway => "the bot, by the gateway",
            Self::Http => "the bot, by HTTP",
            Self::DiscordJs => "discord.js, acknowledging only",
            Self::Poise => "poise, acknowledging only",
        }
    }
}

/// What was measured of somebody.
#[derive(Default)]
struct Measured {
    commands: Vec<Duration>,
    clicks: Vec<Duration>,
    in_a_second: Vec<f64>,
}

pub(crate) async fn run(numbers: &[usize]) -> anyhow::Result<()> {
    let (rivals, count) = (Rivals::find()?, RATE * numbers.first().copied().unwrap_or(SECONDS));
    let mut measured: [Measured; 4] = std::array::from_fn(|_| Measured::default());
    for _ in 0..ROUNDS {
        for (who, into) in EVERYBODY.into_iter().zip(&mut measured) {
            round(who, &rivals, count, into).await.with_context(|| format!("{who:?}"))?;
        }
    }
    for (who, Measured { commands, clicks, in_a_second }) in EVERYBODY.into_iter().zip(measured) {
        print(&format!("{}: a command {}", who.name(), spread(commands)));
        print(&format!("{}: a click {}", who.name(), spread(clicks)));
        print(&format!("{}: of {CROWD} commands at once, acknowledged in a second: {in_a_second:.0?}", who.name()));
    }
    Ok(())
}

async fn round(who: Who, rivals: &Rivals, count: usize, into: &mut Measured) -> anyhow::Result<()> {
    let sim = world(count * 3).await?;
    let (mut _bot, mut _process) = (None, None);
    match who {
        Who::Gateway => _bot = Some(Bot::start(&sim, false, CONFIG).await?),
        Who::Http => _bot = Some(Bot::start(&sim, true, CONFIG).await?),
        Who::DiscordJs => _process = Some(start(rivals.discord_js().arg(sim.url()))?),
        Who::Poise => _process = Some(start(rivals.poise().arg(sim.url()).arg(sim.gateway_url()))?),
    }
    until("the bot is there", || {
        let connected = matches!(who, Who::Http) || sim.discord.connected();
        connected && !sim.discord.registered_commands().is_empty()
    })
    .await?;
    // Those made up come last, and nothing is special about any of them.
    let devices = sim.tenant.devices().into_iter().rev().filter(|device| device.platform == "Windows");
    let devices: Vec<String> = devices.take(count).map(|device| device.id).collect();
    ensure!(devices.len() == count, "{} devices", devices.len());
    let hanna = sim.discord.user("hanna");
    let ask = |device: &str| Ok(hanna.run_with("helpdesk", "/sync device:x", &[("device", device)])?);

    // Warm, as a bot is that runs all day.
    for device in &devices[..20] {
        ask(device)?;
    }
    answered(&sim, 20).await?;
    let asked = paced(&devices, |device| ask(device)).await?;
    into.commands.extend(answered(&sim, 20 + count).await?.split_off(20));
    let cards = cards(&sim, &asked).await?;
    let clicked = paced(&cards, |&card| Ok(hanna.click(card, "Yes")?)).await?;
    into.clicks.extend(answered(&sim, 20 + count + clicked.len()).await?.split_off(20 + count));
    let before = 20 + count + clicked.len();
    for device in devices.iter().cycle().take(CROWD) {
        ask(device)?;
    }
    let crowd = answered(&sim, before + CROWD).await?.split_off(before);
    let last = crowd.into_iter().max().context("a crowd")?;
    into.in_a_second.push(f64::from(u32::try_from(CROWD)?) / last.as_secs_f64());
    Ok(())
}

fn start(command: &mut Command) -> anyhow::Result<Process> {
    let command = command.args(["sim-bot-token", APPLICATION, GUILD]);
    Process::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()))
}

/// Does something for each, a hundred times in a second whatever becomes of it.
async fn paced<T>(
    all: &[T],
    mut act: impl FnMut(&T) -> anyhow::Result<InteractionId>,
) -> anyhow::Result<Vec<InteractionId>> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(RATE)?);
    let mut ids = Vec::with_capacity(all.len());
    for one in all {
        ticks.tick().await;
        ids.push(act(one)?);
    }
    Ok(ids)
}

/// How long each of so many interactions waited for its first answer, in their order.
async fn answered(sim: &Sim, count: usize) -> anyhow::Result<Vec<Duration>> {
    until("everything is acknowledged", || sim.discord.unanswered() == 0).await?;
    let latencies = sim.discord.ack_latencies();
    ensure!(latencies.len() == count, "{} of {count} were acknowledged", latencies.len());
    Ok(latencies)
}

/// The cards with their Yes.
async fn cards(sim: &Sim, asked: &[InteractionId]) -> anyhow::Result<Vec<MessageId>> {
    let mut cards = Vec::with_capacity(asked.len());
    for &id in asked {
        let card = || sim.discord.reply_to(id).filter(|card| card.button("Yes").is_some());
        until("the card is there", || card().is_some()).await?;
        cards.extend(card().map(|card| card.id));
    }
    Ok(cards)
}

async fn until(what: &str, holds: impl Fn() -> bool) -> anyhow::Result<()> {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.with_context(|| format!("until {what}"))
}
