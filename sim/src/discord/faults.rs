//! What can be made to go wrong with the REST API, at run time.

use std::collections::BTreeMap;
use std::time::Duration;

/// One way for a request to go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429 with `Retry-After`.
    RateLimited {
        /// When the client may come again.
        retry_after: Duration,
        /// Whether the global limit is said to be hit.
        global: bool,
    },
    /// 429 with code 20028: too many writes in the channel.
    ChannelWriteLimit {
        /// When the client may come again.
        retry_after: Duration,
    },
    /// A failure on Discord's side, such as 502; nothing is done.
    Status(u16),
    /// Served after this much real time.
    Slow(Duration),
    /// The connection breaks before anything is done.
    LostRequest,
    /// Everything is done, and the connection breaks before the answer.
    LostAnswer,
}

impl Fault {
    /// What faults of this kind are counted as.
    fn name(&self) -> &'static str {
        match self {
            Self::RateLimited { .. } => "429",
            Self::ChannelWriteLimit { .. } => "429 for a channel",
            Self::Status(500..) => "5xx",
            Self::Status(_) => "another status",
            Self::Slow(_) => "slow answer",
            Self::LostRequest => "lost request",
            Self::LostAnswer => "lost answer",
        }
    }
}

#[derive(Debug)]
struct Rule {
    on: String,
    fault: Fault,
    left: usize,
}

/// The faults still to come, and how many requests each kind has hit.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<Rule>,
    served: BTreeMap<&'static str, usize>,
}

impl Faults {
    pub(super) fn add(&mut self, on: &str, fault: Fault, times: usize) {
        self.rules.push(Rule { on: on.to_owned(), fault, left: times });
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The fault for `METHOD /path`, used up by one.
    pub(super) fn take(&mut self, request: &str) -> Option<Fault> {
        let rule = self.rules.iter_mut().find(|rule| rule.left > 0 && request.contains(&rule.on))?;
        rule.left -= 1;
        let fault = rule.fault.clone();
        self.rules.retain(|rule| rule.left > 0);
        *self.served.entry(fault.name()).or_default() += 1;
        Some(fault)
    }

    pub(super) fn served(&self) -> BTreeMap<&'static str, usize> {
        self.served.clone()
    }
}
