//! What is said when an answer goes wrong: the store was too slow for a click, or the bot broke.

use std::time::Duration;

use secrecy::SecretString;

use super::card::Card;
use super::cards;
use super::handler::Handler;
use super::outbound::CallError;
use crate::chat::InteractionId;
use crate::store::Commits;
use crate::sync::Trouble;

/// How much longer a click waits whose commit was sent and is not answered yet: it cannot be taken back, and what it came to is
/// worth more than a quick answer. With the two budgets before it this is well inside Discord's three seconds.
const COMMIT_PATIENCE: Duration = Duration::from_millis(400);

impl Handler {
    /// The calm sentence for chat; the rest is in the log, under the same reference.
    #[expect(clippy::unused_self, reason = "reads as a sentence at its callers")]
    pub(super) fn trouble(&self, trouble: &Trouble) -> Card {
        let reference = reference();
        tracing::error!(error = %trouble, reference, "a question could not be answered");
        cards::trouble(trouble, &reference)
    }

    /// A click is written down before it is answered, and the answer waits no longer than the budget.
    ///
    /// Work that is cut off before its commit did not happen, and the answer says so. After that nobody can say, and the answer does not.
    pub(super) async fn within_budget<T>(&self, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Card> {
        let commits = Commits::default();
        let mut work = Box::pin(commits.watching(work));
        let mut done = tokio::time::timeout(self.store_budget, &mut work).await;
        if done.is_err() && commits.begun() {
            done = tokio::time::timeout(COMMIT_PATIENCE, &mut work).await;
        }
        match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(trouble)) => Err(self.trouble(&trouble)),
            Err(_elapsed) => {
                let reference = reference();
                let (what, card) = if commits.begun() {
                    ("the database did not say in time whether it took a click", cards::uncertain(&reference))
                } else {
                    ("the database did not take a click in time", cards::nothing_recorded(&reference))
                };
                tracing::error!(reference, "{what}");
                Err(card)
            }
        }
    }

    /// Answering broke: the log has why, and the person hears that it is not known how far it came.
    pub(super) async fn broke(&self, id: InteractionId, token: &SecretString, why: &str) {
        let reference = reference();
        tracing::error!(interaction = %id, reference, why, "an interaction broke the bot's answer to it");
        // What it did before may have made work due.
        self.desk.wake();
        let card = cards::broken(&reference);
        let said = match self.say(id, token, &card).await {
            Err(CallError::AlreadyAcknowledged) => self.answer_with(token, &card).await,
            other => other,
        };
        if let Err(error) = said {
            tracing::warn!(%error, "an interaction could not be answered");
        }
    }
}

pub(super) fn reference() -> String {
    format!("{:08X}", fastrand::u32(..))
}
