//! The account of one rate: where its next place is, how long it is paused, and which share of the rate is taken. Pure.
//!
//! Places are moments on one lattice. Whoever reserves gets the next few; a call takes a place not before its moment, and at most the
//! pace's *slack* after it. So what is sent within any T took its places within T and one slack, and places are spaced so that such a
//! stretch (and a second slack, for a process that starts without knowing of its predecessor's places) holds N of them at most.
//!
//! All times are microseconds on the ledger's clock.

use crate::settings::Rate;

/// The whole of a rate, in millionths.
pub const WHOLE: i64 = 1_000_000;

/// What is left of the share after a 429: four fifths. Other apps share the tenant's limit, and nobody says how much they take.
const CUT: (i64, i64) = (4, 5);

/// What a share grows by in one window while nothing is throttled: a fiftieth of the whole.
const GROWTH: i64 = WHOLE / 50;

/// The smallest share: a twentieth. Below that a job would look dead.
const LEAST: i64 = WHOLE / 20;

/// How far ahead places are reserved. What one replica holds, another one's most urgent call has to wait for.
const AHEAD: i64 = 400_000;

/// Longest pause taken at Graph's word; a longer one is taken in pieces.
const LONGEST_PAUSE: i64 = 120_000_000;

/// A rate, as spacing of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    window: i64,
    slack: i64,
    spacing: i64,
}

impl Pace {
    /// `rate`, with a slack of one `part`-th of its window: the larger, the more may go at once, and the less in the long run.
    pub fn new(rate: Rate, part: u32) -> Self {
        let window = i64::try_from(rate.per.as_micros()).unwrap_or(i64::MAX / 8).max(1);
        let slack = window / i64::from(part.max(1));
        let count = i64::from(rate.count.max(1));
        let stretch = window + 2 * slack;
        // Rounded up: a microsecond too much is safe.
        Self { window, slack, spacing: (stretch + count - 1) / count }
    }

    /// How long after its moment a place may still be taken.
    pub(super) fn slack(self) -> i64 {
        self.slack
    }

    /// What `count` places that are taken together lose of their slack: all but the last one are older.
    pub(super) fn spread(self, count: u32) -> i64 {
        i64::from(count.saturating_sub(1)) * self.spacing
    }

    /// The most that one request may take together.
    pub fn at_once(self) -> u32 {
        u32::try_from(self.slack / self.spacing + 1).unwrap_or(u32::MAX)
    }
}

/// What is kept of one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The next place that nobody has.
    pub next_at: i64,
    /// No place before this.
    pub paused_until: i64,
    /// The share of the rate that was taken at `share_at`, in millionths; it grows from there.
    pub share: i64,
    /// See `share`.
    pub share_at: i64,
    /// When the share was last cut.
    pub cut_at: i64,
}

/// Places in a row that somebody reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) start: i64,
    pub(super) gap: i64,
    pub(super) left: u32,
}

/// That Graph throttled a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// The place of the call.
    pub place: i64,
    /// How long to pause.
    pub pause: i64,
}

impl Account {
    /// The account of a rate of which nothing was taken yet, or nobody knows what.
    pub fn fresh(pace: Pace, now: i64) -> Self {
        let next_at = now - pace.slack + pace.spacing;
        Self { next_at, paused_until: i64::MIN, share: WHOLE, share_at: now, cut_at: i64::MIN }
    }

    /// The share of the rate that is taken now, in millionths.
    pub fn share(&self, pace: Pace, now: i64) -> i64 {
        let windows = now.saturating_sub(self.share_at).max(0);
        let grown = (i128::from(windows) * i128::from(GROWTH) / i128::from(pace.window)).min(i128::from(WHOLE));
        (self.share + i64::try_from(grown).unwrap_or(WHOLE)).clamp(LEAST, WHOLE)
    }

    /// Reserves `wanted` places in a row, or as many as lie near enough, but `least` in any case. `Err`: none lie near; how long to
    /// wait before asking again.
    pub(super) fn reserve(self, pace: Pace, now: i64, wanted: u32, least: u32) -> Result<(Self, Block), i64> {
        // Neither can be unless the ledger's clock was set back. A whole window of silence is safe then.
        let next_at = if self.next_at > now + 2 * pace.window + AHEAD { now + pace.window } else { self.next_at };
        let paused_until = self.paused_until.min(now + LONGEST_PAUSE);
        if paused_until > now {
            return Err(paused_until - now);
        }
        let start = next_at.max(now - pace.slack).max(paused_until);
        let near = now + AHEAD - start;
        if near < 0 {
            return Err(-near);
        }
        let gap = pace.spacing * WHOLE / self.share(pace, now);
        let fit = u32::try_from(near / gap + 1).unwrap_or(u32::MAX);
        let left = wanted.min(fit).max(least).max(1);
        let next_at = start + i64::from(left) * gap;
        Ok((Self { next_at, ..self }, Block { start, gap, left }))
    }

    /// Pauses, and cuts the share: once for all calls that were under way when it was cut.
    #[must_use]
    pub(super) fn throttled(self, pace: Pace, now: i64, throttled: Throttled) -> Self {
        let pause = throttled.pause.clamp(0, LONGEST_PAUSE);
        let paused_until = self.paused_until.min(now + LONGEST_PAUSE).max(now + pause);
        if throttled.place <= self.cut_at && self.cut_at <= now {
            return Self { paused_until, share_at: self.share_at.max(paused_until), ..self };
        }
        let share = (self.share(pace, now) * CUT.0 / CUT.1).max(LEAST);
        // It grows again from the end of the pause.
        Self { paused_until, share, share_at: paused_until, cut_at: now, ..self }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    fn writes() -> Pace {
        Pace::new("200/20s".parse().unwrap(), 100)
    }

    #[test]
    fn a_job_that_takes_every_place_runs_within_three_hundredths_of_the_rate() {
        let pace = writes();
        assert!(pace.spacing <= 102_001, "{} µs between places", pace.spacing);
        assert_eq!(pace.at_once(), 2);
        assert!(Pace::new("2000/20s".parse().unwrap(), 16).at_once() >= 20, "a whole batch fits");
    }

    #[test]
    fn a_throttled_rate_pauses_falls_and_comes_back() {
        let pace = writes();
        let account = Account::fresh(pace, 0);
        let told = account.throttled(pace, 1_000, Throttled { place: 900, pause: 5_000_000 });
        assert_eq!(told.reserve(pace, 2_000, 9, 1), Err(4_999_000), "nothing during the pause");
        assert_eq!(told.share(pace, 5_001_000), WHOLE * 4 / 5);
        let again = told.throttled(pace, 2_000, Throttled { place: 950, pause: 1_000_000 });
        assert_eq!(again, told, "a call that was under way counts once");
        assert_eq!(told.share(pace, 5_001_000 + 5 * 20_000_000), WHOLE * 9 / 10);
        assert_eq!(told.share(pace, i64::MAX), WHOLE);
    }

    #[test]
    fn a_ledger_whose_clock_was_set_back_is_silent_for_a_window_and_no_longer() {
        let pace = writes();
        let hour = 3_600_000_000;
        let account = Account { next_at: 2 * hour, paused_until: 2 * hour, ..Account::fresh(pace, hour) };
        let waited = account.reserve(pace, hour, 1, 1).unwrap_err();
        assert!(waited <= LONGEST_PAUSE);
        let waited = Account { paused_until: 0, ..account }.reserve(pace, hour, 1, 1).unwrap_err();
        assert!((19_000_000..=20_000_000).contains(&waited), "{waited}");
    }

    proptest! {
        /// Several replicas reserve as they like, take their places early or late, and lose them when they die; the account is lost
        /// once, as when a process with an account of its own starts anew.
        #[test]
        fn no_stretch_of_t_ever_holds_more_than_n(
            count in 1_u32..60,
            part in 10_u32..100,
            steps in prop::collection::vec((0_i64..600_000, 1_u32..30, 1_u32..4, 0_u32..100, any::<bool>()), 1..400),
            lost_at in 0_usize..400,
            cuts in prop::collection::vec(0_usize..400, 0..3),
        ) {
            let rate = Rate { count, per: SignedDuration::from_secs(20) };
            let pace = Pace::new(rate, part);
            let (mut now, mut account) = (0, Account::fresh(pace, 0));
            let mut sent: Vec<(i64, u32)> = Vec::new();
            for (number, (pass, wanted, least, late, dies)) in steps.into_iter().enumerate() {
                now += pass;
                if number == lost_at {
                    // Only what had come due by then was sent.
                    sent.retain(|(at, _)| *at <= now);
                    account = Account::fresh(pace, now);
                }
                if cuts.contains(&number) {
                    account = account.throttled(pace, now, Throttled { place: now, pause: 1_000_000 });
                }
                let least = least.min(pace.at_once());
                let Ok((next, block)) = account.reserve(pace, now, wanted, least) else { continue };
                account = next;
                if dies {
                    continue;
                }
                let mut taken = 0;
                while taken + least <= block.left {
                    let last = block.start + i64::from(taken + least - 1) * block.gap;
                    let (first, latest) = (last.max(now), last + pace.slack - pace.spread(least));
                    if first <= latest {
                        sent.push((first + (latest - first) * i64::from(late) / 100, least));
                    }
                    taken += least;
                }
            }
            sent.sort_unstable();
            for (first, (at, _)) in sent.iter().enumerate() {
                let window = sent[first..].iter().take_while(|(later, _)| later - at < 20_000_000);
                let within: u32 = window.map(|(_, count)| count).sum();
                prop_assert!(within <= count, "{within} in one window of {count}");
            }
        }
    }
}
