//! Ids of our own records: 128 bits, made in time order, written as 32 hex digits.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::{NoContext, Uuid};

/// The text is not an id of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a record id")]
pub struct NotARecord;

macro_rules! record {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u128);

        impl $name {
            /// A new id, later than those made before `now`.
            pub fn new(now: Timestamp) -> Self {
                let seconds = u64::try_from(now.as_second()).unwrap_or(0);
                let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
                Self(Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos)).as_u128())
            }

            /// The time it was made with, to the millisecond (RFC 9562: the first 48 bits).
            pub fn time(self) -> Timestamp {
                i64::try_from(self.0 >> 80).ok().and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or_default()
            }

            /// The last digits, as a reference that people can read out.
            pub fn reference(self) -> String {
                let text = self.to_string();
                text[text.len() - 8..].to_ascii_uppercase()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotARecord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if text.len() != 32 {
                    return Err(NotARecord);
                }
                u128::from_str_radix(text, 16).map(Self).map_err(|_| NotARecord)
            }
        }
    )+};
}

record! {
    /// A sync request.
    RequestId,
    /// A device sync.
    DeviceSyncId,
    /// A notice in the outbox.
    NoticeId,
    /// A "tell me when it shows up".
    LateWatchId,
    /// A `/link` on its way.
    LinkAttemptId,
}
