//! Commits: whether one was begun, and whether its failure says that it did not take place.
//!
//! Work that is given up before its commit was begun did not happen. From then on only the database knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Error;

tokio::task_local! {
    /// Of the work that is being watched.
    static BEGUN: Arc<AtomicBool>;
}

/// Watches a piece of work for its commits.
#[derive(Clone, Debug, Default)]
pub struct Commits(Arc<AtomicBool>);

impl Commits {
    /// Does the work.
    pub async fn watching<T>(&self, work: impl Future<Output = T>) -> T {
        BEGUN.scope(Arc::clone(&self.0), work).await
    }

    /// Whether it has begun to commit anything. Until then nothing of it counts, and nothing will if it is dropped now.
    pub fn begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether this is work that somebody watches: a person waits for it, and Discord for three seconds only.
pub(super) fn is_watched() -> bool {
    BEGUN.try_with(|_begun| ()).is_ok()
}

/// Notes that a commit is about to be sent.
pub(super) fn begin() {
    let _nobody_watches = BEGUN.try_with(|begun| begun.store(true, Ordering::Relaxed));
}

/// SQLite: busy, locked, full, a constraint. PostgreSQL: a constraint, a transaction that was rolled back.
/// With any other code a commit may have taken place all the same.
fn is_a_clear_no(code: &str) -> bool {
    matches!(code, "5" | "6" | "13" | "19")
        || (code.len() == 5 && ["23", "40"].iter().any(|class| code.starts_with(class)))
}

/// What the failure of a commit means.
pub(super) fn failed(error: Error) -> Error {
    match &error {
        Error::Database(sqlx::Error::Database(said)) if said.code().is_some_and(|code| is_a_clear_no(&code)) => error,
        _ => {
            tracing::warn!(%error, "a commit was not answered");
            Error::Uncertain
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_work_that_began_to_commit_says_so() {
        let (idle, busy) = (Commits::default(), Commits::default());
        idle.watching(std::future::ready(())).await;
        busy.watching(async { begin() }).await;
        assert!(!idle.begun() && busy.begun());
        begin();
        assert!(idle.watching(async { is_watched() }).await && !is_watched());
    }

    #[test]
    fn in_doubt_a_commit_may_have_taken_place() {
        for no in ["13", "23505", "40001"] {
            assert!(is_a_clear_no(no), "{no}");
        }
        for unknown in ["10", "57P01", "58030", "08006", ""] {
            assert!(!is_a_clear_no(unknown), "{unknown}");
        }
        assert!(matches!(failed(Error::NoAnswer), Error::Uncertain));
    }
}
