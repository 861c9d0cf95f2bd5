//! The points at which the bot is killed.

use std::fmt;

use sim::{Hold, Moment, Service};

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

/// Flow, name, which.
const COMMITS: &[(Flow, &str, u32)] = &[];

/// Flow, name, whose, method, part of the path, how many pass before it.
const WIRE: &[(Flow, &str, Service, &str, &str, u32)] = &[];
