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
        Flow::Stopped => {
            wants(sim, flow, "hanna", "Yes").await;
            stops(sim).await;
        }
        Flow::Approved => {
            wants(sim, flow, "hanna", "Yes").await;
            approves(sim, "lena", "Approved: sync of 6 devices").await;
        }
        Flow::TwoVotes => {
            wants(sim, flow, "hanna", "Yes").await;
            approves(sim, "lena", "1 of 2 agreed").await;
            approves(sim, "priya", "Approved: sync of 6 devices").await;
        }
        Flow::Rejected => {
            wants(sim, flow, "hanna", "Yes").await;
            rejects(sim).await;
        }
        Flow::AskedAgain => {
            types(sim, "ada", "/freeze for:1h reason:CHG-7").await;
            wants(sim, flow, "hanna", "Yes").await;
            approves(sim, "lena", "Approved: sync of 6 devices").await;
            sim.tenant.remove_device(GOES).expect("it is there");
            place.approvals_age().await;
            types(sim, "ada", "/unfreeze").await;
            approves(sim, "lena", "Approved: sync of 5 devices").await;
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
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
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

/// Somebody presses Approve until a card says this.
async fn approves(sim: &Sim, who: &str, until: &str) {
    while !says(sim, until) {
        if let Some(card) = waiting_card(sim) {
            presses(sim, who, &card, "Approve").await;
            shows(sim, until).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Lena presses Reject and sends the dialog until the card says so.
async fn rejects(sim: &Sim) {
    const UNTIL: &str = "Rejected: sync of";
    while !says(sim, UNTIL) {
        if let Some(card) = waiting_card(sim) {
            presses(sim, "lena", &card, "Reject").await;
            if let Some(dialog) = sim.discord.modal("lena") {
                let _no_answer = sim.discord.user("lena").submit(&dialog, &[("reason", "not now")]);
            }
            shows(sim, UNTIL).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Hanna presses Cancel until the live message has no such button any more.
async fn stops(sim: &Sim) {
    let has_button = |message: &MessageView| message.button("Cancel").is_some();
    let mut seen = false;
    loop {
        let live = sim.discord.messages("helpdesk").into_iter().rfind(has_button);
        match live {
            Some(live) if sim.tenant.sync_calls().len() >= 3 => {
                seen = true;
                presses(sim, "hanna", &live, "Cancel").await;
                let gone = |discord: &sim::Discord| discord.message(live.id).is_none_or(|live| !has_button(&live));
                let _not_yet = tokio::time::timeout(PATIENCE, sim.discord.wait_until(gone)).await;
            }
            None if seen => return,
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The newest card that waits for somebody.
fn waiting_card(sim: &Sim) -> Option<MessageView> {
    let cards = sim.discord.messages("sync-approvals").into_iter();
    sim.discord.connected().then_some(cards)?.rfind(|card| card.button("Approve").is_some())
}

/// Whether a card says this.
fn says(sim: &Sim, words: &str) -> bool {
    sim.discord.messages("sync-approvals").iter().any(|card| card.text().contains(words))
}

/// Waits for that, as long as somebody would.
async fn shows(sim: &Sim, words: &str) {
    let shown =
        |discord: &sim::Discord| discord.messages("sync-approvals").iter().any(|card| card.text().contains(words));
    let _not_yet = tokio::time::timeout(PATIENCE, sim.discord.wait_until(shown)).await;
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
