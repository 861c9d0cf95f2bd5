//! What happens around a crash: the ways that a sync can take.

use std::fmt;

use jiff::SignedDuration;
use sim::tenant::{CheckIn, Fault, FaultKind};
use sim::{Hold, Moment, Service, Sim};

/// The device of every flow.
pub(crate) const DEVICE: &str = "LT-042";

/// Whose it is.
pub(crate) const PERSON: &str = "jonas.weber";

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
    /// The same, where somebody else has to agree.
    Approved,
    /// The same, where the devices change after everybody agreed, so that they are asked again.
    AskedAgain,
}

impl Flow {
    pub(crate) const ALL: [Self; 10] = [
        Self::Plain,
        Self::Joined,
        Self::Lost,
        Self::NotTaken,
        Self::NoReply,
        Self::Cancelled,
        Self::Expired,
        Self::Bulk,
        Self::Approved,
        Self::AskedAgain,
    ];

    /// What is typed.
    pub(crate) fn command(self) -> String {
        match self {
            _ if self.is_bulk() => format!("/bulk-sync user user:{PERSON}@contoso.example"),
            _ => format!("/sync device:{DEVICE}"),
        }
    }

    /// Arranges the simulated world for it.
    pub(crate) fn arrange(self, sim: &Sim) {
        let after = if self == Self::Joined { 6 } else { 3 };
        let plan = CheckIn::After(SignedDuration::from_secs(after));
        for device in devices_of(sim, PERSON) {
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
        matches!(self, Self::Bulk) || self.is_approved()
    }

    /// Whether somebody else has to agree.
    pub(crate) fn is_approved(self) -> bool {
        matches!(self, Self::Approved | Self::AskedAgain)
    }

    /// How long Yes can be pressed.
    pub(crate) fn confirm_timeout(self) -> &'static str {
        if self == Self::Expired { "3s" } else { "10m" }
    }
}

/// The devices of a person, by name.
fn devices_of(sim: &Sim, person: &str) -> Vec<String> {
    let theirs = |upn: &Option<String>| upn.as_ref().is_some_and(|upn| upn.starts_with(person));
    sim.tenant.devices().into_iter().filter(|device| theirs(&device.user_upn)).map(|device| device.id).collect()
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
            Self::Approved => "approved",
            Self::AskedAgain => "asked again",
        })
    }
}

/// A hold on the wire.
pub(crate) fn hold(service: Service, method: &str, path: &str, moment: Moment, passes: u32) -> Hold {
    Hold { service, method: method.to_owned(), path: path.to_owned(), moment, passes }
}
