//! What can be made to go wrong with the REST API, at run time.

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

#[derive(Debug)]
struct Rule {
    on: String,
    fault: Fault,
    left: usize,
}

/// The faults still to come.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Rule>);

impl Faults {
    pub(super) fn add(&mut self, on: &str, fault: Fault, times: usize) {
        self.0.push(Rule { on: on.to_owned(), fault, left: times });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault for `METHOD /path`, used up by one.
    pub(super) fn take(&mut self, request: &str) -> Option<Fault> {
        let rule = self.0.iter_mut().find(|rule| rule.left > 0 && request.contains(&rule.on))?;
        rule.left -= 1;
        let fault = rule.fault.clone();
        self.0.retain(|rule| rule.left > 0);
        Some(fault)
    }
}
