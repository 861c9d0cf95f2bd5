//! Discord's ids: snowflakes, made from simulated time, one type for each kind of thing.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// The first millisecond of 2015, where Discord's ids begin to count.
const EPOCH_MS: i64 = 1_420_070_400_000;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// Reads the decimal form that travels on the wire.
            pub fn parse(text: &str) -> Option<Self> {
                text.parse().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }
    )+};
}

id! {
    /// A message.
    MessageId,
    /// One use of a command, button, select menu or modal; or one autocomplete question.
    InteractionId,
    /// A channel.
    ChannelId,
    /// A person, or the bot.
    UserId,
    /// A chat role.
    RoleId,
}

/// Makes ids that never go back, even while time stands still.
#[derive(Debug, Default)]
pub(crate) struct Snowflakes {
    last: u64,
}

impl Snowflakes {
    /// The next id at simulated time `now`.
    pub(crate) fn next(&mut self, now: Timestamp) -> u64 {
        let since = u64::try_from(now.as_millisecond() - EPOCH_MS).unwrap_or(0);
        self.last = (since << 22).max(self.last + 1);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_the_time_and_grow_while_it_stands_still() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut flakes = Snowflakes::default();
        let first = flakes.next(now);
        assert_eq!(i64::try_from(first >> 22).unwrap() + EPOCH_MS, now.as_millisecond());
        assert_eq!(flakes.next(now), first + 1);
    }
}
