//! The late watch: rare looks at a device that did not check in before the deadline, and one word when it does.

use jiff::Timestamp;

use super::broken::{MOST_TROUBLES, later};
use super::desk::Trouble;
use super::worker::Worker;
use crate::budget::Urgency;
use crate::graph::Patience;
use crate::intune::Verdict;
use crate::panics::caught;
use crate::store::{ClaimedLateWatch, Notice};

impl Worker {
    /// Takes a due late watch and looks. `false`: none was due.
    pub async fn late_step(&self) -> Result<bool, Trouble> {
        let Some(claimed) = self.store.claim_late_watch(self.clock.now()).await? else { return Ok(false) };
        let work = Box::pin(self.late_look(&claimed));
        let why = match caught(self.store.holding(&self.clock, claimed.lease(), work)).await {
            Ok(Ok(()) | Err(Trouble::Store(crate::store::Error::LeaseLost))) => return Ok(true),
            Ok(Err(Trouble::Store(error))) if error.is_of_the_row() => error.to_string(),
            Ok(Err(trouble)) => return self.owing(claimed.lease(), Err(trouble)),
            Err(panic) => panic,
        };
        let (now, troubles) = (self.clock.now(), claimed.troubles + 1);
        tracing::error!(request = %claimed.request, why, troubles, "a late look failed in the bot itself");
        self.store.late_watch_failed(&claimed, later(now, troubles)).await?;
        Ok(true)
    }

    async fn late_look(&self, claimed: &ClaimedLateWatch) -> Result<(), Trouble> {
        let now = self.clock.now();
        if claimed.troubles >= MOST_TROUBLES || claimed.unreadable.is_some() {
            tracing::error!(request = %claimed.request, why = claimed.unreadable, "a late watch was given up: no look could be made");
            self.store.end_late_watch(now, claimed, Notice::Unreadable).await?;
            self.bells.notices.ring();
            return Ok(());
        }
        let read = self.graph.device(claimed.device.id, Patience::OnceAs(Urgency::Background)).await;
        let now_over = now >= claimed.until;
        let ended = match read {
            Ok(None) => Some(Notice::NeverShowedUp { device: Box::new(claimed.device.clone()), gone: true }),
            Ok(Some(stamped)) => {
                let device = Box::new(stamped.value);
                let seen = claimed.attempts.iter().find_map(|attempt| match self.verdict(attempt, &device) {
                    Verdict::CheckedIn(at) => Some((at, attempt.requested_at)),
                    Verdict::Crossed | Verdict::NothingYet => None,
                });
                match seen {
                    Some((checked_in_at, requested_at)) => {
                        Some(Notice::ShowedUp { device, checked_in_at, requested_at })
                    }
                    None => now_over.then_some(Notice::NeverShowedUp { device, gone: false }),
                }
            }
            Err(error) => {
                tracing::info!(%error, "a late look has to wait");
                now_over.then(|| Notice::NeverShowedUp { device: Box::new(claimed.device.clone()), gone: false })
            }
        };
        if let Some(body) = ended {
            self.store.end_late_watch(now, claimed, body).await?;
            self.bells.notices.ring();
            return Ok(());
        }
        let next = now.saturating_add(self.settings.watch.tell_interval).unwrap_or(now).min(claimed.until);
        Ok(self.store.late_watch_again(claimed, next).await?)
    }

    /// Ends cards whose time is over, forgets what is old, and says when there is something to do next.
    pub async fn timers_step(&self) -> Result<Option<Timestamp>, Trouble> {
        let now = self.clock.now();
        while self.late_step().await? {}
        let next_expiry = self.store.expire_requests(now).await?;
        let next_approval = self.store.expire_approvals(now).await?;
        self.store.forget_choices(now).await?;
        self.store.forget_interactions(now.saturating_sub(KEEP_INTERACTIONS).unwrap_or(Timestamp::MIN)).await?;
        self.bells.notices.ring();
        let next_late = self.store.next_due_late_watch().await?;
        Ok([next_expiry, next_approval, next_late].into_iter().flatten().min())
    }
}

/// How long interaction ids are kept; a token lives 15 minutes, so nothing older comes again.
const KEEP_INTERACTIONS: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);
