//! A refusal: a decision about the person's question, shown to them. It is a value, not an error.

use jiff::{SignedDuration, Timestamp};

use crate::intune::{Denial, Device, DeviceId, NotSyncable};

/// Why the answer is no.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Too many commands.
    TooFast {
        /// How long to wait.
        wait: SignedDuration,
        /// Whether it is the whole server's limit.
        whole_server: bool,
    },
}
