//! Spans of time as scenes say them: `15.minutes()`.

use jiff::SignedDuration;

/// A number that counts time.
pub(crate) trait Spans {
    /// So many seconds.
    fn seconds(self) -> SignedDuration;
    /// So many minutes.
    fn minutes(self) -> SignedDuration;
    /// So many hours.
    fn hours(self) -> SignedDuration;
}

impl Spans for i64 {
    fn seconds(self) -> SignedDuration {
        SignedDuration::from_secs(self)
    }

    fn minutes(self) -> SignedDuration {
        SignedDuration::from_mins(self)
    }

    fn hours(self) -> SignedDuration {
        SignedDuration::from_hours(self)
    }
}
