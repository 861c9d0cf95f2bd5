//! People who want something and try again when the bot does not answer, as people do.

use std::time::Duration;

use sim::Sim;
use sim::discord::{InteractionId, InteractionState, MessageId, MessageView};

use super::flow::Flow;
use super::place::Place;

/// How long somebody waits for an answer: Discord says after three seconds that there is none.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long somebody watches "thinking…" while the bot is there.
const THINKING: Duration = Duration::from_secs(30);

/// How often somebody presses a button before they look again whether the bot answers at all.
const TRIES: usize = 8;

/// A device that is removed in the middle of a flow.
const GOES: &str = "LT-LATE";

/// Does what the people of a flow do.
pub(crate) async fn act(place: &Place) {
    let (sim, flow) = (&place.sim, place.flow);
    match flow {
        Flow::Approved => {
            wants(sim, flow, "hanna", "Yes").await;
            approves(sim, 6).await;
        }
        Flow::AskedAgain => {
            types(sim, "ada", "/freeze for:1h reason:CHG-7").await;
            wants(sim, flow, "hanna", "Yes").await;
            approves(sim, 6).await;
            sim.tenant.remove_device(GOES).expect("it is there");
            place.approvals_age().await;
            types(sim, "ada", "/unfreeze").await;
            approves(sim, 5).await;
        }
        Flow::Joined => {
            wants(sim, flow, "hanna", "Yes").await;
            wants(sim, flow, "omar", "Yes").await;
        }
        Flow::NoReply => {
            if let Some(card) = wants(sim, flow, "hanna", "Yes").await {
                sim.discord.delete_message(card);
            }
        }
        Flow::Cancelled => {
            wants(sim, flow, "hanna", "No").await;
        }
        Flow::Expired => {
            wants(sim, flow, "hanna", "").await;
        }
        Flow::Plain | Flow::Lost | Flow::NotTaken | Flow::Bulk => {
            wants(sim, flow, "hanna", "Yes").await;
        }
    }
}

/// Asks for a sync until there is an answer, and presses this button until that is answered. The card, if there was one.
async fn wants(sim: &Sim, flow: Flow, who: &str, button: &str) -> Option<MessageId> {
    // Whoever plays this sets an end to it.
    loop {
        sim.discord.wait_connected().await;
        let asked = sim.discord.user(who).run("helpdesk", &flow.command());
        let card = match asked {
            Ok(asked) => answer(sim, asked).await,
            // The commands are not registered yet, or nobody is connected.
            Err(_not_yet) => None,
        };
        match card {
            // It was joined, or synced a moment ago.
            Some(card) if card.button("Yes").is_none() => return None,
            Some(card) if button.is_empty() || presses(sim, who, &card, button).await => return Some(card.id),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Types a command until it is answered.
async fn types(sim: &Sim, who: &str, command: &str) {
    loop {
        sim.discord.wait_connected().await;
        if let Ok(asked) = sim.discord.user(who).run("helpdesk", command)
            && answer(sim, asked).await.is_some()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Lena presses Approve until a card says that the sync of so many devices is approved.
async fn approves(sim: &Sim, devices: usize) {
    let approved = format!("Approved: sync of {devices} devices");
    loop {
        let cards = sim.discord.messages("sync-approvals");
        if cards.iter().any(|card| card.text().contains(&approved)) {
            return;
        }
        if let Some(card) = cards.iter().rfind(|card| card.button("Approve").is_some()) {
            presses(sim, "lena", card, "Approve").await;
            let edited =
                |discord: &sim::Discord| discord.message(card.id).is_none_or(|card| card.button("Approve").is_none());
            let _not_yet = tokio::time::timeout(PATIENCE, sim.discord.wait_until(edited)).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// What came in the place of "thinking…"; nothing comes from a bot that is gone.
async fn answer(sim: &Sim, asked: InteractionId) -> Option<MessageView> {
    let waits = |discord: &sim::Discord| matches!(discord.interaction(asked), Some(InteractionState::Waiting));
    tokio::time::timeout(PATIENCE, sim.discord.wait_until(|discord| !waits(discord))).await.ok()?;
    let there = |discord: &sim::Discord| discord.reply_to(asked).is_some_and(|reply| !reply.loading);
    let over = |discord: &sim::Discord| there(discord) || !discord.connected();
    tokio::time::timeout(THINKING, sim.discord.wait_until(over)).await.ok()?;
    sim.discord.reply_to(asked).filter(|reply| !reply.loading)
}

/// Presses a button of a card until the bot answers; `false`: the card is gone.
async fn presses(sim: &Sim, who: &str, card: &MessageView, button: &str) -> bool {
    for _try in 0..TRIES {
        sim.discord.wait_connected().await;
        // What an unanswered press did may show by now.
        let changed = sim.discord.message(card.id).is_none_or(|card| card.button(button).is_none());
        if changed {
            return true;
        }
        let Ok(pressed) = sim.discord.user(who).click(card.id, button) else { continue };
        let ended = |discord: &sim::Discord| {
            discord.interaction(pressed).is_some_and(|state| state != InteractionState::Waiting)
        };
        let _no_answer = tokio::time::timeout(PATIENCE, sim.discord.wait_until(ended)).await;
        if matches!(sim.discord.interaction(pressed), Some(InteractionState::Acknowledged { .. })) {
            return true;
        }
    }
    false
}
