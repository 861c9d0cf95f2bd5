//! What is known of the ledger's clock from here: bounds that hold however slowly it answers. Pure.

/// How much two clocks may drift apart: a five-thousandth, ten times what machines do.
const DRIFT: i64 = 5_000;

/// The ledger's time less our steady time, in microseconds: certainly between these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bearings {
    low: i64,
    high: i64,
    at: i64,
}

impl Bearings {
    /// After an answer: the ledger's clock showed `shown` at some moment between `asked` and `answered`, our steady time.
    pub(super) fn taken(before: Option<Self>, asked: i64, answered: i64, shown: i64) -> Self {
        let new = Self { low: shown - answered, high: shown - asked, at: answered };
        let Some(old) = before else { return new };
        let drift = (answered - old.at).max(0) / DRIFT + 1;
        let (low, high) = (new.low.max(old.low - drift), new.high.min(old.high + drift));
        // They contradict each other when one of the clocks was set; only the new ones hold then.
        if low > high { new } else { Self { low, high, at: answered } }
    }

    /// When (our steady time) the ledger's clock certainly shows `moment`.
    pub(super) fn not_before(self, moment: i64) -> i64 {
        moment - self.low
    }

    /// Until when (our steady time) it certainly does not show more than `moment`.
    pub(super) fn not_after(self, moment: i64) -> i64 {
        moment - self.high
    }

    /// By how much the two may be wrong.
    pub(super) fn doubt(self) -> i64 {
        self.high - self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_answer_makes_up_for_slow_ones() {
        let slow = Bearings::taken(None, 0, 300_000, 1_000_100_000);
        assert_eq!(slow.doubt(), 300_000);
        let quick = Bearings::taken(Some(slow), 400_000, 402_000, 1_000_401_000);
        assert!(quick.doubt() <= 2_000);
        let slow_again = Bearings::taken(Some(quick), 1_000_000, 1_300_000, 1_001_200_000);
        assert!(slow_again.doubt() <= 2_500, "{slow_again:?}");
        assert!(slow_again.not_before(1_001_200_000) >= 1_199_000);
    }

    #[test]
    fn a_clock_that_was_set_is_believed_anew() {
        let before = Bearings::taken(None, 0, 1_000, 5_000_000);
        let after = Bearings::taken(Some(before), 2_000_000, 2_001_000, 3_600_000_000);
        assert_eq!(after, Bearings::taken(None, 2_000_000, 2_001_000, 3_600_000_000));
    }
}
