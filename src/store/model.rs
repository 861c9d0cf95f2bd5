//! What is stored, as types: states, outcomes, and the asker's reply.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Error;
use crate::intune::{Advice, Compliance, Denial, Freshness, NotSyncable};

macro_rules! stored_words {
    ($name:ident, $what:literal, { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the database.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub(super) fn read(word: &str) -> Result<Self, Error> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word).ok_or_else(|| Error::row($what, word))
            }
        }
    };
}
pub(super) use stored_words;

/// Where a sync request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestState {
    /// The card is shown; Yes or No is awaited.
    AwaitingConfirmation,
    /// Confirmed; a second person has to agree.
    AwaitingApproval,
    /// Confirmed; its device syncs are under way.
    Running,
    /// Every device sync has its outcome.
    Finished,
    /// No was pressed.
    Cancelled,
    /// Nothing was pressed in time.
    Expired,
    /// Rights or state changed before Yes.
    Refused,
    /// The second person did not agree.
    Rejected,
}

stored_words!(RequestState, "request state", {
    AwaitingConfirmation = "awaiting_confirmation",
    AwaitingApproval = "awaiting_approval",
    Running = "running",
    Finished = "finished",
    Cancelled = "cancelled",
    Expired = "expired",
    Refused = "refused",
    Rejected = "rejected",
});

/// Where a device sync stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceSyncState {
    /// Waits for its click, its turn, or its leader.
    Queued,
    /// An attempt is written down; the call is being made.
    Sending,
    /// Graph answered 204.
    Accepted,
    /// The call was sent and no answer was recorded.
    Unknown,
    /// It has an outcome.
    Ended,
}

stored_words!(DeviceSyncState, "device sync state", {
    Queued = "queued",
    Sending = "sending",
    Accepted = "accepted",
    Unknown = "unknown",
    Ended = "ended",
});

/// What Graph answered to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// 204.
    Accepted,
    /// The request never left, or Graph refused it without taking it; it may be tried again.
    NotTaken,
    /// It was sent and no answer came.
    Unknown,
    /// Refused for good.
    Refused,
}

stored_words!(Answer, "answer", {
    Accepted = "accepted",
    NotTaken = "not_taken",
    Unknown = "unknown",
    Refused = "refused",
});

/// How a device sync ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// The device checked in after the request.
    CheckedIn(Report),
    /// The deadline passed. Not a failure: the request stays queued with Intune.
    NoCheckInSeen {
        /// Whether Graph's acceptance is known.
        accepted: bool,
        /// `lastSyncDateTime` at the last look.
        last_check_in: Option<Timestamp>,
    },
    /// Graph did not take the call.
    Failed {
        /// Whether it was still unreachable or throttling when we stopped trying.
        gave_up: bool,
        /// Where it failed in the bot itself: whether a call had been made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        broken: Option<Called>,
    },
    /// The device is no longer in Intune.
    Gone,
    /// Intune ignores a sync of this device.
    NotSupported(NotSyncable),
    /// The bot refused, before anything was sent.
    Refused(RefusedWhy),
    /// The asker cancelled.
    Cancelled,
    /// Nothing was sent: observe mode.
    Skipped,
}

impl Outcome {
    /// Graph did not take the call.
    pub fn failed(gave_up: bool) -> Self {
        Self::Failed { gave_up, broken: None }
    }

    /// The word that stored outcomes are counted by.
    pub fn word(&self) -> OutcomeWord {
        match self {
            Self::CheckedIn(_) => OutcomeWord::CheckedIn,
            Self::NoCheckInSeen { .. } => OutcomeWord::NoCheckInSeen,
            Self::Failed { .. } => OutcomeWord::Failed,
            Self::Gone => OutcomeWord::Gone,
            Self::NotSupported(_) => OutcomeWord::NotSupported,
            Self::Refused(_) => OutcomeWord::Refused,
            Self::Cancelled => OutcomeWord::Cancelled,
            Self::Skipped => OutcomeWord::Skipped,
        }
    }
}

/// An outcome without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutcomeWord {
    /// The device checked in.
    CheckedIn,
    /// The deadline passed.
    NoCheckInSeen,
    /// Graph did not take the call.
    Failed,
    /// No longer in Intune.
    Gone,
    /// Intune ignores a sync of it.
    NotSupported,
    /// The bot refused.
    Refused,
    /// Cancelled before anything was sent.
    Cancelled,
    /// Observe mode.
    Skipped,
}

stored_words!(OutcomeWord, "outcome", {
    CheckedIn = "checked_in",
    NoCheckInSeen = "no_check_in_seen",
    Failed = "failed",
    Gone = "gone",
    NotSupported = "not_supported",
    Refused = "refused",
    Cancelled = "cancelled",
    Skipped = "skipped",
});

/// Whether a call was made for a device sync, as far as that is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Called {
    /// None that Graph took.
    No,
    /// Graph accepted it.
    Accepted,
    /// One was made, or was about to be, and its answer is not known.
    Unknown,
}

/// Why a confirmed sync was refused before it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusedWhy {
    /// The asker's rights ended in between.
    Rights(Denial),
    /// The tenant wants a second admin (Multi Admin Approval).
    ApprovalRequired,
    /// The bot's own application permission is missing.
    BotPermission,
}

/// What a check-in brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When the device checked in.
    pub checked_in_at: Timestamp,
    /// When the call was made.
    pub requested_at: Timestamp,
    /// Compliance after it.
    pub compliance: Compliance,
    /// App failures after it, or that they cannot be read.
    pub apps: Option<Vec<FailureReport>>,
    /// Failed apps beyond those looked up.
    pub more_failures: usize,
}

/// One failed app with its advice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureReport {
    /// The app's name, from outside.
    pub name: String,
    /// The error code, if one was reported.
    pub code: Option<crate::intune::ErrorCode>,
    /// Microsoft's words for the code, if known.
    pub description: Option<String>,
    /// When it failed, if known.
    pub failed_at: Option<Timestamp>,
    /// Whether that is news.
    pub freshness: Freshness,
    /// What to do.
    pub advice: Advice,
}

/// The asker's reply: what can still be edited, and until when.
#[derive(Clone)]
pub struct Reply {
    /// The interaction's token; a secret for as long as it works.
    pub token: secrecy::SecretString,
    /// When it stops working (with a margin).
    pub until: Timestamp,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("until", &self.until).finish_non_exhaustive()
    }
}
