//! Notices as types: what the bot has to say, to whom, and how far on its way it is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::{Outcome, stored_words};
use super::subject::BulkTarget;
use super::{DeviceSyncId, Error, RequestId, row};
use crate::chat::{ChannelId, ChatUserId};
use crate::intune::Device;

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
        /// In which round of an approval: what is posted anew in a later one is another message.
        #[serde(default)]
        round: u32,
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
    /// News that the database holds and that cannot be read any more.
    Unreadable,
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
    /// What was asked for stands for devices that nobody can agree to, so everybody is asked about the old ones anew.
    AskedAnew,
}

impl Notice {
    /// Whether a newer notice of the same request makes this one pointless.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Progress { .. } | Self::MovesToChannel { .. })
    }
}
