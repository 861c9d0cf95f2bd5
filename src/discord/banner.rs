//! The one banner of a freeze: what only asks how things are is answered as always, with the word that nothing is sent.

use commands::Command;

use super::card::Card;
use super::cards;
use super::handler::Handler;

impl Handler {
    /// While nothing is sent, answers say so too. Cards to confirm have their own word on it.
    pub(super) async fn under_the_banner(&self, command: &Command, mut card: Card) -> Card {
        if !is_question(command) {
            return card;
        }
        match self.desk.frozen().await {
            Ok(Some(freeze)) if card.content.is_empty() => card.content = cards::banner(&freeze),
            Ok(Some(freeze)) => card.content = format!("{}\n\n{}", cards::banner(&freeze), card.content),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "whether something is frozen could not be looked up"),
        }
        card
    }
}

/// Whether a command only asks how things are.
fn is_question(command: &Command) -> bool {
    matches!(command, Command::Device { .. } | Command::Apps { .. } | Command::Access { .. } | Command::History)
}
