//! When to look again, and when to try again.

use jiff::{SignedDuration, Timestamp};

use crate::graph::{Error, Retry};
use crate::settings::Watch;

/// First wait before a call that Graph did not take is made again; its throttling windows are 20 s long.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(10);

/// Longest such wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(120);

/// The next look at a device that was asked at `requested`: a quarter of the time since, between the two bounds,
/// and never past the deadline.
pub(super) fn next_look(watch: &Watch, requested: Timestamp, now: Timestamp) -> Timestamp {
    let since = now.duration_since(requested).max(SignedDuration::ZERO);
    let wait = (since / 4).clamp(watch.min_interval, watch.max_interval);
    let next = now.saturating_add(wait).unwrap_or(now);
    next.min(deadline(watch, requested).max(now))
}

/// When "no check-in seen yet" is said.
pub(super) fn deadline(watch: &Watch, requested: Timestamp) -> Timestamp {
    requested.saturating_add(watch.deadline).unwrap_or(Timestamp::MAX)
}

/// How long to wait before a failed step is tried again; `None`: it would end the same way.
///
/// `jitter` is in `0.0..1.0`: half of each wait is random, so that what failed together does not return together.
pub(super) fn retry_wait(error: &Error, tries: u32, jitter: f64) -> Option<SignedDuration> {
    match error.retry() {
        Retry::Never => None,
        Retry::After(after) => Some(after.max(SignedDuration::from_secs(1))),
        Retry::Backoff => Some(backoff(tries, jitter)),
    }
}

/// Doubling waits with jitter.
pub(super) fn backoff(tries: u32, jitter: f64) -> SignedDuration {
    let full = FIRST_WAIT.saturating_mul(1 << tries.min(6)).min(LONGEST_WAIT);
    full.mul_f64(0.5 + jitter / 2.0)
}

/// How many tries fit into this time, with waits that are half as long as they can be.
pub(super) fn tries_within(time: SignedDuration) -> u32 {
    let (mut tries, mut waited) = (0, SignedDuration::ZERO);
    while waited < time {
        waited += backoff(tries, 0.5);
        tries += 1;
    }
    tries
}

/// A random number in `0.0..1.0`.
pub(super) fn jitter() -> f64 {
    fastrand::f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> Watch {
        let secs = SignedDuration::from_secs;
        Watch {
            min_interval: secs(20),
            max_interval: secs(300),
            deadline: secs(3_600),
            skew: secs(60),
            unknown_wait: secs(300),
            tell_for: secs(604_800),
            tell_interval: secs(900),
        }
    }

    #[test]
    fn looks_become_rarer_and_end_at_the_deadline() {
        let requested: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut now = requested;
        let mut waits = Vec::new();
        while now < deadline(&watch(), requested) {
            let next = next_look(&watch(), requested, now);
            waits.push(next.duration_since(now).as_secs());
            now = next;
        }
        assert_eq!(waits[..6], [20, 20, 20, 20, 20, 25]);
        assert!(waits.iter().all(|&wait| (1..=300).contains(&wait)));
        assert_eq!(now, deadline(&watch(), requested));
        assert!(waits.len() < 30, "{} looks in an hour", waits.len());
    }

    #[test]
    fn a_quarter_of_an_hour_holds_thirteen_tries() {
        assert_eq!(tries_within(SignedDuration::from_mins(15)), 13);
        assert_eq!(tries_within(SignedDuration::ZERO), 0);
    }

    #[test]
    fn waits_double_up_to_two_minutes() {
        let waits: Vec<_> = (0..6).map(|tries| backoff(tries, 1.0).as_secs()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 120, 120]);
        assert_eq!(backoff(0, 0.0).as_secs(), 5);
    }
}
