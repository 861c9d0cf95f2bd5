//! People who want something and try again when the bot does not answer, as people do.

use std::time::Duration;

use sim::Sim;
use sim::discord::{InteractionId, InteractionState, MessageId, MessageView};

use super::flow::Flow;

/// How long somebody waits for an answer: Discord says after three seconds that there is none.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long somebody watches "thinking…" while the bot is there.
const THINKING: Duration = Duration::from_secs(30);

/// How often somebody presses a button before they look again whether the bot answers at all.
const TRIES: usize = 8;

/// Does what the people of a flow do.
pub(crate) async fn act(sim: &Sim, flow: Flow) {
    match flow {
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
