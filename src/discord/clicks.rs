//! How long a click waits for the store, and what is said when that was not long enough.

use std::time::Duration;

use super::card::Card;
use super::cards;
use super::handler::{Handler, reference};
use crate::store::Commits;
use crate::sync::Trouble;

/// How much longer a click waits whose commit was sent and is not answered yet: it cannot be taken back, and what it came to is
/// worth more than a quick answer. With the two budgets before it this is well inside Discord's three seconds.
const COMMIT_PATIENCE: Duration = Duration::from_millis(400);

impl Handler {
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
}
