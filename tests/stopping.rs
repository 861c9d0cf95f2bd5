//! The real binary is told to stop while something hangs: it ends within ten seconds, whatever that is.
#![expect(clippy::disallowed_methods, reason = "a process lives in real time")]

#[expect(dead_code, reason = "what can hang is a server")]
mod engines;
#[path = "bed/pipe.rs"]
mod pipe;
#[expect(dead_code, reason = "nobody asks for its id here")]
mod process;

use std::process::Command;
use std::time::Duration;

use engines::{Database, Engine};
use pipe::{Flow, Pipe};
use process::{BINARY, Bot, PATIENCE, config, free_port, wait_for_readiness, world};
use secrecy::ExposeSecret as _;
use sim::Sim;
use sim::discord::Fault as DiscordFault;
use sim::tenant::{Fault, FaultKind};
use tempfile::TempDir;

/// The longest that a stop may take.
const MOST: Duration = Duration::from_secs(10);

/// Longer than anybody waits.
const FOR_EVER: Duration = Duration::from_mins(10);

fn graph_hangs(sim: &Sim, _pipe: &Pipe) {
    sim.tenant.push_fault(Fault::new(FaultKind::Slow(FOR_EVER)).path("/v1.0"));
}

fn discord_hangs(sim: &Sim, _pipe: &Pipe) {
    sim.discord.fault("", DiscordFault::Slow(FOR_EVER), 1_000);
    sim.discord.silence_gateway(true);
}

fn the_database_hangs(_sim: &Sim, pipe: &Pipe) {
    pipe.set(Flow::Stuck);
}

fn the_database_is_gone(_sim: &Sim, pipe: &Pipe) {
    pipe.set(Flow::Cut);
}

fn everything_hangs(sim: &Sim, pipe: &Pipe) {
    graph_hangs(sim, pipe);
    discord_hangs(sim, pipe);
    the_database_hangs(sim, pipe);
}

/// A bot with work under way is told to stop after `trouble` began.
async fn stops_while(http: bool, trouble: fn(&Sim, &Pipe)) {
    let (sim, database) = (world().await, Database::new(Engine::Postgres).await);
    let pipe = Pipe::to(database.url()).await;
    let (folder, ops, web) = (TempDir::new().expect("a folder"), free_port(), free_port());
    let file = folder.path().join("config.toml");
    let text = config(&sim, http, pipe.url().expose_secret(), ops, web, "[watch]\nmin_interval = \"1s\"\n");
    std::fs::write(&file, text).expect("written");
    let bot = Bot::start(&mut Command::new(BINARY), &file);
    wait_for_readiness(ops, "ready").await;
    if http {
        sim.discord.set_endpoint(Some(&format!("http://{web}/interactions"))).await.expect("it is verified");
    }
    sim.tenant.plan_check_in("LT-042", sim::tenant::CheckIn::Never).expect("there is such a device");
    let hanna = sim.discord.user("hanna");
    let asked = hanna.run("helpdesk", "/sync device:LT-042").expect("the command is registered");
    let shown =
        |discord: &sim::Discord| discord.reply_to(asked).is_some_and(|reply| reply.text().contains("Sync `LT-042`?"));
    tokio::time::timeout(PATIENCE, sim.discord.wait_until(shown)).await.expect("the card");
    let card = sim.discord.reply_to(asked).expect("the card").id;
    hanna.click(card, "Yes").expect("there is a button");
    while sim.tenant.sync_calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    trouble(&sim, &pipe);
    // New work meets the trouble, and so does the watch.
    let _unanswered = hanna.run("helpdesk", "/device device:PIX-009");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let (code, took, log) = tokio::task::spawn_blocking(|| bot.terminate()).await.expect("it ends");
    assert!(took < MOST, "it took {took:?}:\n{log}");
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopping"), "{log}");
    database.remove().await;
}

macro_rules! it_stops_in_time_while {
    ($($trouble:ident),+ $(,)?) => {$(
        mod $trouble {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_the_gateway() {
                super::stops_while(false, super::$trouble).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn with_posted_interactions() {
                super::stops_while(true, super::$trouble).await;
            }
        }
    )+};
}

it_stops_in_time_while! { graph_hangs, discord_hangs, the_database_hangs, the_database_is_gone, everything_hangs }

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_within_fifteen_seconds_when_the_connected_process_is_killed() {
    let (sim, database, folder) =
        (world().await, Database::new(Engine::Postgres).await, TempDir::new().expect("a folder"));
    let start = |name: &str, ops, web| {
        let file = folder.path().join(name);
        let text = config(&sim, false, database.url().expose_secret(), ops, web, "");
        std::fs::write(&file, text).expect("written");
        Bot::start(&mut Command::new(BINARY), &file)
    };
    let (first_ops, second_ops) = (free_port(), free_port());
    let first = start("first.toml", first_ops, free_port());
    wait_for_readiness(first_ops, "ready").await;
    let second = start("second.toml", second_ops, free_port());
    wait_for_readiness(second_ops, "standby").await;
    drop(first);
    let began = std::time::Instant::now();
    wait_for_readiness(second_ops, "ready").await;
    assert!(began.elapsed() < Duration::from_secs(15), "it took {:?}", began.elapsed());
    assert_eq!((sim.discord.connections(), sim.discord.identifies()), (1, 2));
    let (code, _, log) = tokio::task::spawn_blocking(|| second.terminate()).await.expect("it ends");
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("this one stands by"), "{log}");
    database.remove().await;
}
