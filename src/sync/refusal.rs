//! A refusal: a decision about the person's question, shown to them. It is a value, not an error.

use jiff::{SignedDuration, Timestamp};

use super::bulk::LeftOut;
use super::failure_index::IndexAge;
use crate::intune::{Denial, Device, DeviceId, GroupId, NotSyncable};
use crate::store::BulkTarget;

/// Why the answer is no.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// No device by that name, serial number or user that this person may see.
    UnknownDevice {
        /// What was typed, from outside.
        text: String,
        /// Which device it really is, and why they may not: for the audit alone, chat says the same either way.
        hidden: Option<(DeviceId, Denial)>,
    },
    /// So many that a list helps nobody.
    TooManyDevices {
        /// What was typed, from outside.
        text: String,
        /// How many.
        count: usize,
    },
    /// The gate says no.
    NotAllowed {
        /// Why.
        denial: Denial,
        /// About which device, if it came so far.
        device: Option<Box<Device>>,
    },
    /// Sync means nothing to this device.
    NotSyncable {
        /// The device.
        device: Box<Device>,
        /// Why.
        why: NotSyncable,
    },
    /// It was synced a moment ago.
    Cooldown {
        /// The device.
        device: Box<Device>,
        /// When it was synced.
        synced_at: Timestamp,
        /// When it may be synced again.
        again_at: Timestamp,
    },
    /// The config wants a reason.
    ReasonRequired,
    /// No person by that user principal name or id.
    UnknownPerson {
        /// What was typed, from outside.
        text: String,
    },
    /// No group by that name or id.
    UnknownGroup {
        /// What was typed, from outside.
        text: String,
    },
    /// Several groups by that name.
    SeveralGroups {
        /// What was typed, from outside.
        text: String,
        /// Some of them.
        ids: Vec<GroupId>,
    },
    /// The list of devices has not been read yet.
    ListNotRead,
    /// The index of app failures is off.
    IndexOff,
    /// The index of app failures has not been read yet.
    IndexNotRead,
    /// Nothing is left to sync.
    NoDevices {
        /// What was asked for.
        target: Box<BulkTarget>,
        /// What was left out, and why.
        left_out: Box<LeftOut>,
        /// How old the index of app failures is, where it was asked.
        index: Option<IndexAge>,
    },
    /// More than one request may hold.
    TooManyForOne {
        /// How many.
        count: usize,
        /// How many are taken.
        max: usize,
    },
    /// So many that nobody's rights are looked at for each of them.
    TooManyToCheck {
        /// How many.
        count: usize,
        /// For how many that is done.
        most: usize,
        /// Whether they are the members of a group; otherwise devices.
        members: bool,
    },
    /// Looking at so many took longer than an answer can be waited for.
    TookTooLong,
    /// Too many commands.
    TooFast {
        /// How long to wait.
        wait: SignedDuration,
        /// Whether it is the whole server's limit.
        whole_server: bool,
    },
}
