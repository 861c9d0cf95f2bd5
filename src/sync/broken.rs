//! Steps that fail in the bot itself, by a panic or by a row that cannot be read: counted with back-off, and in the end given up
//! with an outcome that is said, so that neither a poisoned row nor a mistake of ours keeps the others waiting or is kept secret.

use jiff::Timestamp;

use super::desk::Trouble;
use super::schedule::{backoff, jitter};
use super::worker::Worker;
use crate::panics::caught;
use crate::store::{Called, ClaimedSync, Lease, Outcome};

/// Steps in a row that may fail so. With their waits that is about five minutes: long enough for another version of the bot to take
/// over what this one cannot read, and short enough for somebody who waits.
pub(super) const MOST_TROUBLES: u32 = 6;

/// What a step came to: `Err` is a panic's words.
type Ended = Result<Result<(), Trouble>, String>;

impl Worker {
    /// Does one step of one device sync, unless there is none that could be done. `Err`: the store is away, and nothing is counted.
    pub(super) async fn guarded(
        &self,
        claimed: &ClaimedSync,
        step: impl Future<Output = Result<(), Trouble>> + Send,
    ) -> Result<(), Trouble> {
        if claimed.troubles >= MOST_TROUBLES {
            let why = claimed.trouble.clone().or_else(|| claimed.unreadable.clone()).unwrap_or_default();
            return self.give_up(claimed, &why).await;
        }
        if let Some(why) = &claimed.unreadable {
            return self.failed(claimed, why).await;
        }
        match trouble_of(caught(Box::pin(step)).await) {
            Ok(()) => Ok(()),
            Err(Failed::Elsewhere(trouble)) => Err(trouble),
            Err(Failed::Lease) => {
                // Whoever holds the lease by now goes on from what is stored.
                tracing::warn!(device_sync = %claimed.id, "the lease was lost");
                Ok(())
            }
            Err(Failed::Here(why)) => self.failed(claimed, &why).await,
        }
    }

    async fn failed(&self, claimed: &ClaimedSync, why: &str) -> Result<(), Trouble> {
        let troubles = claimed.troubles + 1;
        tracing::error!(device_sync = %claimed.id, request = %claimed.request.id, why, troubles, "a step failed in the bot itself");
        let now = self.clock.now();
        let again_at = if troubles >= MOST_TROUBLES { now } else { later(now, troubles) };
        Ok(self.store.step_failed(claimed, why, again_at).await?)
    }

    /// A step of several together failed: nobody knows for which of them. From now on each is taken by itself.
    pub(super) async fn all_failed(&self, lease: &Lease, ended: Ended) -> Result<(), Trouble> {
        match trouble_of(ended) {
            Ok(()) => Ok(()),
            Err(Failed::Elsewhere(trouble)) => Err(trouble),
            Err(Failed::Lease) => {
                tracing::warn!("a lease was lost");
                Ok(())
            }
            Err(Failed::Here(why)) => {
                tracing::error!(why, "a step of many devices failed in the bot itself");
                Ok(self.store.steps_failed(lease, &why, later(self.clock.now(), 1)).await?)
            }
        }
    }

    async fn give_up(&self, claimed: &ClaimedSync, why: &str) -> Result<(), Trouble> {
        let called = self.store.called(claimed.id).await.unwrap_or(Called::Unknown);
        let outcome = Outcome::Failed { gave_up: true, broken: Some(called) };
        let tell = self.tell_of(&claimed.request, &claimed.device, &outcome).await?;
        tracing::error!(device_sync = %claimed.id, request = %claimed.request.id, device = %claimed.device.id, why, called = ?called, "a device sync was given up: no step of it could be done");
        match self.store.give_up(self.clock.now(), claimed, (called, why), tell).await {
            Err(crate::store::Error::LeaseLost) => Ok(()),
            done => Ok(done?),
        }
    }
}

/// Why a step did not succeed.
enum Failed {
    /// Somebody else has the lease.
    Lease,
    /// In the bot, or in the row.
    Here(String),
    /// The store is away.
    Elsewhere(Trouble),
}

fn trouble_of(ended: Ended) -> Result<(), Failed> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Trouble::Store(crate::store::Error::LeaseLost))) => Err(Failed::Lease),
        Ok(Err(Trouble::Store(error))) if error.is_of_the_row() => Err(Failed::Here(error.to_string())),
        Ok(Err(trouble)) => Err(Failed::Elsewhere(trouble)),
        Err(panic) => Err(Failed::Here(panic)),
    }
}

/// When it is tried again.
pub(super) fn later(now: Timestamp, troubles: u32) -> Timestamp {
    now.saturating_add(backoff(troubles, jitter())).unwrap_or(now)
}
