//! What is stored, as types: states, outcomes, and the notices that wait for delivery.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::subject::BulkTarget;
use super::{DeviceSyncId, Error, RequestId, row};
use crate::chat::{ChannelId, ChatUserId};
use crate::intune::{Advice, Compliance, Denial, Device, Freshness, NotSyncable};

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

/// Where a notice goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Address {
    /// The asker's own reply; once it cannot be edited any more, the channel they asked in, with a mention.
    Asker,
    /// A channel.
    Channel(ChannelId),
    /// A message of the bot's own in a channel: posted once, and edited for as long as it lives. Only the newest counts.
    Living {
        /// Where it is posted.
        channel: ChannelId,
        /// Which of the request's.
        board: Board,
    },
    /// An outgoing webhook, by its name in the config.
    Webhook(String),
}

impl Address {
    /// The queue that it begins in: what stands in one goes out one after the other.
    pub(super) fn queue(&self, request: RequestId) -> String {
        match self {
            Self::Asker => request.to_string(),
            Self::Channel(_) | Self::Webhook(_) => row::json(self),
            Self::Living { board, .. } => format!("{request} {}", board.as_str()),
        }
    }
}

/// Which living message of a request's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Board {
    /// How far a request with many devices is.
    Progress,
    /// A question to those who may approve.
    Approval,
}

impl Board {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::Approval => "approval",
        }
    }
}

/// How far down its way a notice is: each place after the first is tried because the one before could not be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Where its address says.
    First,
    /// The channel that the asker asked in.
    Asked,
    /// The channel for what finds no other.
    Fallback,
}

stored_words!(Stage, "stage", { First = "first", Asked = "asked", Fallback = "fallback" });

/// How far a running device sync is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Waiting for its turn, or for Graph to come back.
    Waiting,
    /// Graph accepted; the device has not checked in yet.
    Accepted,
    /// No answer was recorded; the device is being watched.
    Unknown,
    /// It checked in; its apps report a little later.
    ReadingApps {
        /// When it checked in.
        checked_in_at: Timestamp,
    },
}

/// Something the bot has to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// The live state of a running sync. Only the newest matters.
    Progress {
        /// The device.
        device: Box<Device>,
        /// How far.
        phase: Phase,
        /// When the call was made, once it was.
        requested_at: Option<Timestamp>,
    },
    /// The reply is about to freeze: the outcome will appear in the channel.
    MovesToChannel {
        /// The device.
        device: Box<Device>,
    },
    /// How it ended.
    Outcome {
        /// The device sync.
        device_sync: DeviceSyncId,
        /// The device.
        device: Box<Device>,
        /// How.
        outcome: Outcome,
    },
    /// One line for the team.
    TeamLine {
        /// Who asked.
        actor: ChatUserId,
        /// The device.
        device: Box<Device>,
        /// How it ended.
        outcome: Outcome,
        /// The ticket, if given.
        reason: Option<String>,
        /// Told together with what else comes by then.
        #[serde(default)]
        digest: bool,
    },
    /// A device that had not shown up has checked in.
    ShowedUp {
        /// The device.
        device: Box<Device>,
        /// When.
        checked_in_at: Timestamp,
        /// When the call was made.
        requested_at: Timestamp,
    },
    /// It did not show up in all that time, or is gone.
    NeverShowedUp {
        /// The device.
        device: Box<Device>,
        /// Whether Intune no longer knows it.
        gone: bool,
    },
    /// News that the database holds and that cannot be read any more.
    Unreadable,
    /// The card expired.
    Expired {
        /// The device.
        device: Box<Device>,
    },
    /// The card of a bulk request expired.
    BulkExpired {
        /// What was asked for.
        target: BulkTarget,
        /// How many devices.
        count: u32,
    },
    /// Where a bulk request stands, as it is when this is said.
    BulkProgress,
    /// How a bulk request ended.
    BulkSummary,
    /// One line about it for the team.
    BulkTeamLine,
    /// Nothing is sent from now on.
    Frozen {
        /// Why, from outside.
        reason: String,
        /// Until when.
        ends_at: Timestamp,
    },
    /// That ended early.
    Thawed,
    /// The card that asks for a second person, as it is when this is said.
    Approval,
    /// It has been waiting for long.
    ApprovalReminder,
    /// A second person is asked for, or has answered: what the asker is told.
    ApprovalStep {
        /// What it is about.
        what: ApprovalStep,
    },
}

/// A step of an approval, as the asker is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalStep {
    /// One of several has agreed.
    Agreed {
        /// Who.
        by: ChatUserId,
        /// How many more it takes.
        missing: u32,
    },
    /// All that had to have agreed.
    Approved {
        /// Who was the last.
        by: ChatUserId,
    },
    /// Somebody has refused.
    Rejected {
        /// Who.
        by: ChatUserId,
        /// Why, from outside.
        reason: Option<String>,
    },
    /// Nobody answered in time.
    Expired,
    /// The devices are other ones by now, so everybody has to agree anew.
    Changed {
        /// How many there are now.
        count: u32,
    },
}

impl Notice {
    /// Whether a newer notice of the same request makes this one pointless.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Progress { .. } | Self::MovesToChannel { .. })
    }
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
