//! The rule by which a sync is known to have happened: `lastSyncDateTime` passed the attempt's baseline.

use jiff::{SignedDuration, Timestamp};

/// What an attempt is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// `lastSyncDateTime` read just before the attempt; `None`: never checked in.
    pub baseline: Option<Timestamp>,
    /// When the attempt was made, by Graph's clock where its `Date` header told.
    pub requested: Timestamp,
    /// How far the two clocks may disagree.
    pub skew: SignedDuration,
}

/// What a reading of `lastSyncDateTime` proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A check-in was completed after the request (not that our push caused it).
    CheckedIn(Timestamp),
    /// A normal check-in crossed with the request; the one asked for is still to come.
    Crossed,
    /// Nothing new, or a stale replica.
    NothingYet,
}

/// Judges one reading.
pub fn judge(evidence: Evidence, last_check_in: Option<Timestamp>) -> Verdict {
    let Some(reading) = last_check_in else { return Verdict::NothingYet };
    if evidence.baseline.is_some_and(|baseline| reading <= baseline) {
        return Verdict::NothingYet;
    }
    let earliest = evidence.requested.checked_sub(evidence.skew).unwrap_or(Timestamp::MIN);
    if reading >= earliest { Verdict::CheckedIn(reading) } else { Verdict::Crossed }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn evidence() -> Evidence {
        Evidence {
            baseline: Some(at("2026-11-23T08:00:00Z")),
            requested: at("2026-11-23T10:00:00Z"),
            skew: SignedDuration::from_secs(60),
        }
    }

    #[test]
    fn a_reading_after_the_request_is_a_check_in() {
        let reading = at("2026-11-23T10:00:38Z");
        assert_eq!(judge(evidence(), Some(reading)), Verdict::CheckedIn(reading));
    }

    #[test]
    fn clocks_may_disagree_by_the_skew() {
        let reading = at("2026-11-23T09:59:00Z");
        assert_eq!(judge(evidence(), Some(reading)), Verdict::CheckedIn(reading));
    }

    #[test]
    fn a_check_in_from_before_the_request_only_crossed_with_it() {
        assert_eq!(judge(evidence(), Some(at("2026-11-23T09:58:59Z"))), Verdict::Crossed);
    }

    #[test]
    fn the_baseline_and_anything_below_it_say_nothing() {
        assert_eq!(judge(evidence(), Some(at("2026-11-23T08:00:00Z"))), Verdict::NothingYet);
        assert_eq!(judge(evidence(), Some(at("2026-11-23T07:00:00Z"))), Verdict::NothingYet);
        assert_eq!(judge(evidence(), None), Verdict::NothingYet);
    }

    #[test]
    fn the_first_check_in_ever_counts() {
        let never = Evidence { baseline: None, ..evidence() };
        let reading = at("2026-11-23T10:01:00Z");
        assert_eq!(judge(never, Some(reading)), Verdict::CheckedIn(reading));
    }

    proptest! {
        #[test]
        fn no_check_in_is_claimed_at_or_below_the_baseline(seconds in -100_000_i64..=0) {
            let evidence = evidence();
            let reading = evidence.baseline.unwrap() + SignedDuration::from_secs(seconds);
            prop_assert_eq!(judge(evidence, Some(reading)), Verdict::NothingYet);
        }
    }
}
