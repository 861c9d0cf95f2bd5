//! The one clock of the simulator: real time, or time that a test moves by hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// A clock shared by the tenant and by Discord. Cloning gives another handle to the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    start: Timestamp,
    /// `None`: time stands still until [`Clock::advance`].
    running_since: Option<Instant>,
    moved: SignedDuration,
}

impl Clock {
    /// Follows the machine's own time.
    pub fn real() -> Self {
        Self::new(Timestamp::now(), Some(Instant::now()))
    }

    /// Stands still at `start` until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self::new(start, None)
    }

    fn new(start: Timestamp, running_since: Option<Instant>) -> Self {
        Self(Arc::new(Mutex::new(Inner { start, running_since, moved: SignedDuration::ZERO })))
    }

    /// The present moment of the simulated world.
    pub fn now(&self) -> Timestamp {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let run = inner.running_since.map_or(SignedDuration::ZERO, |since| {
            SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX)
        });
        inner.start.saturating_add(inner.moved + run).unwrap_or(Timestamp::MAX)
    }

    /// Moves time forward by `by`, on a real clock too.
    pub fn advance(&self, by: SignedDuration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).moved += by;
    }

    /// By how much [`Clock::advance`] has moved time in all.
    pub fn moved(&self) -> SignedDuration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).moved
    }

    /// Whether time only moves by [`Clock::advance`].
    pub fn is_manual(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).running_since.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let clock = Clock::manual(start);
        assert_eq!(clock.now(), start);
        clock.advance(SignedDuration::from_secs(90));
        assert_eq!(clock.now().to_string(), "2026-11-23T10:01:30Z");
    }
}
