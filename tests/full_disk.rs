//! The real binary on SQLite whose disk takes nothing for a while: the chat says so, nothing is sent meanwhile, nothing is lost.
#![expect(clippy::disallowed_methods, reason = "a process lives in real time")]

mod process;

use std::process::Command;
use std::time::Duration;

use process::{BINARY, Bot, PATIENCE, config, free_port, wait_for_readiness, world};
use sim::Sim;
use sim::discord::{InteractionId, MessageView};
use tempfile::TempDir;

/// Becomes the bot, and has it told by an error, not by a signal, that a file may not grow.
const WITHOUT_THE_SIGNAL: &str = "trap '' XFSZ; exec \"$0\" \"$@\"";

/// How large files of this process may become.
fn files_of(bot: &Bot, most: &str) {
    let told = Command::new("prlimit").args(["--pid", &bot.id().to_string(), &format!("--fsize={most}:")]).status();
    assert!(told.expect("prlimit runs").success());
}

async fn replied(sim: &Sim, asked: InteractionId, words: &str) -> MessageView {
    let said = |discord: &sim::Discord| discord.reply_to(asked).is_some_and(|reply| reply.text().contains(words));
    let waited = tokio::time::timeout(PATIENCE, sim.discord.wait_until(said)).await;
    let reply = sim.discord.reply_to(asked);
    assert!(waited.is_ok(), "the bot never said {words:?}, but {reply:?}");
    reply.expect("a reply")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_in_chat_and_nothing_is_sent_or_lost() {
    let (sim, folder, ops) = (world().await, TempDir::new().expect("a folder"), free_port());
    let file = folder.path().join("config.toml");
    let store = format!("sqlite://{}", folder.path().join("bot.db").display());
    let quick = "[watch]\nmin_interval = \"1s\"\nmax_interval = \"1s\"\n[apps]\nsettle = \"2s\"\n";
    let text = config(&sim, false, &store, ops, free_port(), quick);
    std::fs::write(&file, text).expect("written");
    let bot = Bot::start(Command::new("sh").args(["-c", WITHOUT_THE_SIGNAL, BINARY]), &file);
    wait_for_readiness(ops, "ready").await;
    let soon = sim::tenant::CheckIn::After(jiff::SignedDuration::from_secs(2));
    for device in ["LT-042", "IPAD-017"] {
        sim.tenant.plan_check_in(device, soon.clone()).expect("there is such a device");
    }
    let (hanna, omar) = (sim.discord.user("hanna"), sim.discord.user("omar"));
    let watched = hanna.run("helpdesk", "/sync device:LT-042").expect("it is registered");
    let card = replied(&sim, watched, "Sync `LT-042`?").await;
    let waiting = omar.run("helpdesk", "/sync device:IPAD-017").expect("it is registered");
    let other = replied(&sim, waiting, "Sync `IPAD-017`?").await;
    hanna.click(card.id, "Yes").expect("there is a button");
    replied(&sim, watched, "accepted").await;

    files_of(&bot, "0");
    wait_for_readiness(ops, "the database takes nothing: it can only be read, or its disk is full").await;
    omar.click(other.id, "Yes").expect("there is a button");
    let words = "My database";
    let said = |discord: &sim::Discord| {
        discord.messages_seen_by("helpdesk", "omar").iter().any(|message| message.text().contains(words))
    };
    tokio::time::timeout(PATIENCE, sim.discord.wait_until(said)).await.expect("omar is told");
    // The device that is watched checks in meanwhile, and that cannot be written down.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(sim.tenant.sync_calls().len(), 1, "nothing is sent that cannot be written down before");

    files_of(&bot, "unlimited");
    wait_for_readiness(ops, "ready").await;
    replied(&sim, watched, "`LT-042` checked in").await;
    if let Some(card) = sim.discord.message(other.id).filter(|card| card.button("Yes").is_some()) {
        omar.click(card.id, "Yes").expect("there is a button");
    } else {
        let again = omar.run("helpdesk", "/sync device:IPAD-017").expect("it is registered");
        let card = replied(&sim, again, "Sync `IPAD-017`?").await;
        omar.click(card.id, "Yes").expect("there is a button");
    }
    let told = |discord: &sim::Discord| {
        discord
            .messages_seen_by("helpdesk", "omar")
            .iter()
            .any(|message| message.text().contains("`IPAD-017` checked in"))
    };
    tokio::time::timeout(PATIENCE, sim.discord.wait_until(told)).await.expect("omar is told the outcome");
    assert_eq!(sim.tenant.sync_calls().len(), 2, "each device once");
    let verified = Command::new(BINARY).arg("--config").arg(&file).args(["audit", "verify"]).output().expect("it runs");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let (code, _, log) = tokio::task::spawn_blocking(|| bot.terminate()).await.expect("it ends");
    assert_eq!(code, Some(0), "{log}");
}
