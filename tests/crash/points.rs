//! The points at which the bot is killed.

use std::fmt;

use sim::{Hold, Moment, Service};

use super::engines::Engine;
use super::flow::{Flow, hold};

/// One of them.
#[derive(Clone, Debug)]
pub(crate) enum Point {
    /// Around a commit: the process kills itself.
    Commit {
        /// Before or after.
        moment: Moment,
        /// The event that it writes into the audit, or else its first change.
        name: &'static str,
        /// 1: the first such commit.
        which: u32,
    },
    /// Around an exchange with Discord or Graph: it is held on the wire while the process is killed from outside.
    Wire {
        /// Which.
        hold: Hold,
        /// In words.
        name: &'static str,
    },
}

impl Point {
    /// What the process is told.
    pub(crate) fn in_environment(&self) -> Option<String> {
        match self {
            Self::Commit { moment, name, which } => Some(format!("{} {name} {which}", word(*moment))),
            Self::Wire { .. } => None,
        }
    }
}

fn word(moment: Moment) -> &'static str {
    match moment {
        Moment::Before => "before",
        Moment::After => "after",
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit { moment, name, which: 1 } => write!(f, "{} the commit `{name}`", word(*moment)),
            Self::Commit { moment, name, which } => write!(f, "{} the commit `{name}`, {which}.", word(*moment)),
            Self::Wire { hold, name } => match hold.moment {
                Moment::Before => write!(f, "before {name}"),
                Moment::After => write!(f, "after {name}, before its answer"),
            },
        }
    }
}

/// Every point of an engine, with the flow that leads there. On PostgreSQL those that have nothing to do with the store are left out:
/// reads, and answers to interactions.
pub(crate) fn points_of(engine: Engine) -> Vec<(Flow, Point)> {
    let of_the_store = |point: &Point| match point {
        Point::Commit { .. } => true,
        Point::Wire { hold, .. } => hold.method == "POST" && !hold.path.contains("/callback"),
    };
    all_points().into_iter().filter(|(_, point)| engine == Engine::Sqlite || of_the_store(point)).collect()
}

/// Every point, with the flow that leads there.
pub(crate) fn all_points() -> Vec<(Flow, Point)> {
    let moments = [Moment::Before, Moment::After];
    let commits = COMMITS
        .iter()
        .flat_map(|&(flow, name, which)| moments.map(|moment| (flow, Point::Commit { moment, name, which })));
    let wire = WIRE.iter().flat_map(|&(flow, name, service, method, path, passes)| {
        moments.map(|moment| (flow, Point::Wire { hold: hold(service, method, path, moment, passes), name }))
    });
    commits.chain(wire).collect()
}

use Flow::{
    Approved, AskedAgain, Bulk, Cancelled, Expired, Joined, Lost, NoReply, NotTaken, Plain, Rejected, Stopped, TwoVotes,
};
use Service::{Discord, Graph};

/// Flow, name, which.
const COMMITS: &[(Flow, &str, u32)] = &[
    // The start, and what is done again and again.
    (Plain, "INSERT INTO meta", 1),
    (Plain, "UPDATE notices SET queue", 1),
    (Plain, "UPDATE late_watches SET lease_until", 1),
    (Plain, "DELETE FROM choices WHERE", 1),
    (Plain, "DELETE FROM interactions WHERE", 1),
    // The command and its card.
    (Plain, "INSERT INTO interactions", 1),
    (Plain, "asked", 1),
    // Yes.
    (Plain, "INSERT INTO interactions", 2),
    (Plain, "confirmed", 1),
    // The call.
    (Plain, "UPDATE device_syncs SET lease_until", 1),
    (Plain, "attempt", 1),
    (Plain, "answer", 1),
    // Looks.
    (Plain, "UPDATE device_syncs SET lease_until", 2),
    (Plain, "UPDATE device_syncs SET state", 1),
    // The end.
    (Plain, "outcome", 1),
    // What is said on the way, and at the end.
    (Plain, "UPDATE notices SET lease_until", 1),
    (Plain, "UPDATE notices SET state", 1),
    (Plain, "UPDATE notices SET lease_until", 3),
    (Plain, "UPDATE notices SET state", 3),
    (Plain, "UPDATE notices SET state", 4),
    // Somebody joins.
    (Joined, "joined", 1),
    (Joined, "outcome", 1),
    (Joined, "UPDATE notices SET state", 5),
    // The first call is lost on its way.
    (Lost, "answer", 1),
    (Lost, "UPDATE device_syncs SET state", 2),
    (Lost, "attempt", 2),
    (Lost, "answer", 2),
    (Lost, "outcome", 1),
    // Graph does not take it.
    (NotTaken, "answer", 1),
    (NotTaken, "attempt", 2),
    (NotTaken, "answer", 2),
    // The reply is gone.
    (NoReply, "UPDATE notices SET due_at", 1),
    (NoReply, "UPDATE notices SET stage", 1),
    // It comes to nothing.
    (Cancelled, "cancelled", 1),
    (Expired, "expired", 1),
    (Expired, "UPDATE notices SET state", 1),
    // Many at once.
    (Bulk, "asked", 1),
    (Bulk, "confirmed", 1),
    (Bulk, "UPDATE requests SET served_at", 1),
    (Bulk, "attempt", 1),
    (Bulk, "attempt", 2),
    (Bulk, "answer", 1),
    (Bulk, "answer", 2),
    (Bulk, "UPDATE device_syncs SET lease_until", 2),
    (Bulk, "UPDATE device_syncs SET due_at", 1),
    (Bulk, "outcome", 1),
    (Bulk, "outcome", 2),
    // More than are taken together, and Cancel.
    (Stopped, "UPDATE requests SET served_at", 2),
    (Stopped, "stopped", 1),
    (Stopped, "outcome", 2),
    // Somebody else agrees first, or does not.
    (Approved, "confirmed", 1),
    (Approved, "approved", 1),
    (Approved, "attempt", 1),
    (TwoVotes, "approved", 1),
    (TwoVotes, "approved", 2),
    (Rejected, "rejected", 1),
    // And once more, since the devices have changed.
    (AskedAgain, "frozen", 1),
    (AskedAgain, "unfrozen", 1),
    (AskedAgain, "votes_void", 1),
    (AskedAgain, "approved", 2),
    (AskedAgain, "outcome", 1),
];

/// Commits that are made only where one process alone uses the database, so that no point can be about them on both engines.
pub(crate) const ON_SQLITE_ALONE: &str = "UPDATE device_syncs SET lease_token";

/// The commit of a press that came a second time, since its reader saw nothing change for some seconds: it writes down that nothing was done.
pub(crate) const PRESSED_AGAIN: &str = "click_ignored";

/// Flow, name, whose, method, part of the path, how many pass before it.
const WIRE: &[(Flow, &str, Service, &str, &str, u32)] = &[
    (Plain, "the answer to the command", Discord, "POST", "/callback", 0),
    (Plain, "the card", Discord, "PATCH", "/messages/@original", 0),
    (Plain, "the answer to Yes", Discord, "POST", "/callback", 1),
    (Plain, "the asker's roles are read", Discord, "GET", "/members/", 0),
    (Plain, "the device is read for the command", Graph, "GET", "/managedDevices/", 0),
    (Plain, "the device is read at Yes", Graph, "GET", "/managedDevices/", 1),
    (Plain, "the device is read before the call", Graph, "GET", "/managedDevices/", 2),
    (Plain, "the call", Graph, "POST", "/syncDevice", 0),
    (Plain, "the first look", Graph, "GET", "/managedDevices/", 3),
    (Plain, "the second look", Graph, "GET", "/managedDevices/", 4),
    (Plain, "the app states are read", Graph, "GET", "/mobileAppIntentAndStates", 0),
    (Plain, "the reply says that it was accepted", Discord, "PATCH", "/messages/@original", 1),
    (Plain, "the reply says that it checked in", Discord, "PATCH", "/messages/@original", 2),
    (Plain, "the reply says the outcome", Discord, "PATCH", "/messages/@original", 3),
    (Plain, "the team's line", Discord, "POST", "/messages", 0),
    (Joined, "the answer to the second command", Discord, "POST", "/callback", 2),
    (Lost, "the second call", Graph, "POST", "/syncDevice", 1),
    (NotTaken, "the second call", Graph, "POST", "/syncDevice", 1),
    (NoReply, "the outcome in the channel", Discord, "POST", "/messages", 0),
    (NoReply, "the second message in a channel", Discord, "POST", "/messages", 1),
    (Cancelled, "the answer to No", Discord, "POST", "/callback", 1),
    (Expired, "the reply says that the card expired", Discord, "PATCH", "/messages/@original", 1),
    (Bulk, "the first call of many", Graph, "POST", "/syncDevice", 0),
    (Bulk, "the second call of many", Graph, "POST", "/syncDevice", 1),
    (Bulk, "the live message is posted", Discord, "POST", "/messages", 0),
    (Bulk, "the live message is edited", Discord, "PATCH", "/channels/", 0),
    (Bulk, "the summary or the team's line", Discord, "POST", "/messages", 1),
    (Bulk, "the other of the two", Discord, "POST", "/messages", 2),
    (Approved, "the answer to Approve", Discord, "POST", "/callback", 2),
    (AskedAgain, "the new card is posted", Discord, "POST", "/messages", 4),
];
