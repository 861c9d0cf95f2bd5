//! The shared budget toward Graph: two rates, and a pause of the whole class when Graph says so.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::budget::{Budget, Burst};
use crate::clock::Clock;
use crate::settings::{Limits, Rate};

/// Traffic classes; Graph counts a write as a request of any kind as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Read,
    Write,
}

/// Longest pause taken at Graph's word; a longer one is taken in pieces.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(120);

/// Resource units of Entra's users, groups and devices for one app. Graph gives 3,500 in a small tenant (throttling page;
/// larger ones have more); what is taken a moment before it is sent needs some room below that.
const IDENTITY: Rate = Rate { count: 3_300, per: SignedDuration::from_secs(10) };

/// What one HTTP request is charged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Requests as Graph counts them: a batch is as many as it has items.
    pub(super) requests: u32,
    /// Entra's resource units.
    pub(super) identity_units: u32,
}

impl Load {
    /// One request of Intune's.
    pub(super) const ONE: Self = Self { requests: 1, identity_units: 0 };
}

#[derive(Debug)]
pub(super) struct Throttle {
    clock: Clock,
    writes: Budget,
    any: Budget,
    identity: Budget,
    paused_reads: Mutex<Timestamp>,
    paused_writes: Mutex<Timestamp>,
}

impl Throttle {
    pub(super) fn new(limits: &Limits, clock: &Clock) -> Self {
        Self {
            clock: clock.clone(),
            writes: Budget::new(limits.graph_writes, Burst::Steady, clock),
            any: Budget::new(limits.graph_reads, Burst::Steady, clock),
            identity: Budget::new(IDENTITY, Burst::Steady, clock),
            paused_reads: Mutex::new(Timestamp::MIN),
            paused_writes: Mutex::new(Timestamp::MIN),
        }
    }

    fn paused(&self, class: Class) -> &Mutex<Timestamp> {
        match class {
            Class::Read => &self.paused_reads,
            Class::Write => &self.paused_writes,
        }
    }

    /// Nothing of this class is sent before `after` has passed.
    pub(super) fn pause(&self, class: Class, after: SignedDuration) {
        let until = self.clock.now().saturating_add(after.min(LONGEST_PAUSE)).unwrap_or(Timestamp::MAX);
        let mut paused = self.paused(class).lock().unwrap_or_else(PoisonError::into_inner);
        *paused = until.max(*paused);
    }

    /// The most requests that one batch may hold: all of them take their turn in one go.
    pub(super) fn at_once(&self) -> usize {
        usize::try_from(self.any.at_once()).unwrap_or(usize::MAX)
    }

    /// Waits for the turn of a request of this load.
    pub(super) async fn turn(&self, class: Class, load: Load) {
        while let Err(wait) = self.identity.take_many(load.identity_units) {
            self.clock.sleep(wait.0).await;
        }
        loop {
            let paused = *self.paused(class).lock().unwrap_or_else(PoisonError::into_inner);
            let rest = paused.duration_since(self.clock.now());
            if rest.is_positive() {
                self.clock.sleep(rest).await;
                continue;
            }
            let allowed = match class {
                Class::Write => self.writes.take().and_then(|()| self.any.take()),
                Class::Read => self.any.take_many(load.requests),
            };
            match allowed {
                Ok(()) => return,
                Err(wait) => self.clock.sleep(wait.0).await,
            }
        }
    }
}
