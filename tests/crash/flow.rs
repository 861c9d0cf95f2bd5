//! What happens around a crash: the ways that a sync can take.

use std::fmt;

use jiff::SignedDuration;
use sim::tenant::{CheckIn, Fault, FaultKind};
use sim::{Hold, Moment, Service, Sim};

/// The device of every flow.
pub(crate) const DEVICE: &str = "LT-042";

/// Whose it is.
pub(crate) const PERSON: &str = "jonas.weber";

/// A group of more devices than are taken together.
const GROUP: &str = "Pilot";

/// The way of a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Flow {
    /// Asked for, confirmed, accepted, checked in.
    Plain,
    /// A second person asks for the same device while it is being synced.
    Joined,
    /// Graph's answer to the first call gets lost, and the call with it.
    Lost,
    /// Graph does not take the first call.
    NotTaken,
    /// The reply is deleted, so that the outcome goes to the channel.
    NoReply,
    /// No is pressed.
    Cancelled,
    /// Nothing is pressed.
    Expired,
    /// Every device of a person.
    Bulk,
    /// More devices than are taken together, of which not all are sent, since Cancel is pressed.
    Stopped,
    /// Every device of a person, where somebody else has to agree.
    Approved,
    /// The same, where two have to agree.
    TwoVotes,
    /// The same, where somebody refuses.
    Rejected,
    /// The same, where the devices change after everybody agreed, so that they are asked again.
    AskedAgain,
}

impl Flow {
    pub(crate) const ALL: [Self; 13] = [
        Self::Plain,
        Self::Joined,
        Self::Lost,
        Self::NotTaken,
        Self::NoReply,
        Self::Cancelled,
        Self::Expired,
        Self::Bulk,
        Self::Stopped,
        Self::Approved,
        Self::TwoVotes,
        Self::Rejected,
        Self::AskedAgain,
    ];

    /// What is typed.
    pub(crate) fn command(self) -> String {
        match self {
            Self::Stopped => format!("/bulk-sync group group:{GROUP}"),
            _ if self.is_bulk() => format!("/bulk-sync user user:{PERSON}@contoso.example"),
            _ => format!("/sync device:{DEVICE}"),
        }
    }

    /// Arranges the simulated world for it.
    pub(crate) fn arrange(self, sim: &Sim) {
        let after = if self == Self::Joined { 6 } else { 3 };
        let plan = CheckIn::After(SignedDuration::from_secs(after));
        if self == Self::Stopped {
            let ipads = sim.tenant.devices().into_iter().filter(|device| device.platform == "iPadOS");
            let names: Vec<_> = ipads.map(|device| device.name).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            sim.tenant.add_group(GROUP, &names).expect("they are there");
        }
        let devices = if self == Self::Stopped { devices(sim, |_| true) } else { devices_of(sim, PERSON) };
        for device in devices {
            sim.tenant.plan_check_in(&device, plan.clone()).expect("there is such a device");
        }
        let fault = match self {
            Self::Lost => FaultKind::LostRequest,
            Self::NotTaken => FaultKind::Unavailable,
            _ => return,
        };
        sim.tenant.push_fault(Fault::on_sync(fault).times(1));
    }

    /// Whether it is about many devices.
    pub(crate) fn is_bulk(self) -> bool {
        matches!(self, Self::Bulk | Self::Stopped) || self.is_approved()
    }

    /// Whether somebody else has to agree.
    pub(crate) fn is_approved(self) -> bool {
        matches!(self, Self::Approved | Self::TwoVotes | Self::Rejected | Self::AskedAgain)
    }

    /// How many have to agree.
    pub(crate) fn needed(self) -> u32 {
        if self == Self::TwoVotes { 2 } else { 1 }
    }

    /// How many calls are made in a second.
    pub(crate) fn pace(self) -> u32 {
        if self == Self::Stopped { 5 } else { 10 }
    }

    /// How long Yes can be pressed.
    pub(crate) fn confirm_timeout(self) -> &'static str {
        if self == Self::Expired { "3s" } else { "10m" }
    }
}

/// The devices of a person.
fn devices_of(sim: &Sim, person: &str) -> Vec<String> {
    devices(sim, |upn| upn.is_some_and(|upn| upn.starts_with(person)))
}

/// Those whose primary user is such.
fn devices(sim: &Sim, theirs: impl Fn(Option<&str>) -> bool) -> Vec<String> {
    let devices = sim.tenant.devices().into_iter();
    devices.filter(|device| theirs(device.user_upn.as_deref())).map(|device| device.id).collect()
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Joined => "joined",
            Self::Lost => "answer lost",
            Self::NotTaken => "not taken",
            Self::NoReply => "reply gone",
            Self::Cancelled => "No",
            Self::Expired => "expired",
            Self::Bulk => "many",
            Self::Stopped => "stopped",
            Self::Approved => "approved",
            Self::TwoVotes => "two votes",
            Self::Rejected => "rejected",
            Self::AskedAgain => "asked again",
        })
    }
}

/// A hold on the wire.
pub(crate) fn hold(service: Service, method: &str, path: &str, moment: Moment, passes: u32) -> Hold {
    Hold { service, method: method.to_owned(), path: path.to_owned(), moment, passes }
}
