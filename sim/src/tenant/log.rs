//! What the tenant remembers of the calls it served, for tests and for the chat page.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

/// One `syncDevice` call and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SyncCall {
    /// The device id in the path.
    pub device_id: String,
    /// Its name, where there is such a device.
    pub device_name: Option<String>,
    /// When it was served.
    pub at: Timestamp,
    /// The status sent; of a lost answer, the one that was meant.
    pub status: u16,
    /// Whether the answer got lost on the way.
    pub lost: bool,
}

/// One Graph call: an item of a batch is one too, and so is the batch around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GraphCall {
    /// When it was served.
    pub at: Timestamp,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path from `/v1.0` or `/beta` on, with the query as it was sent.
    pub path: String,
    /// The status sent; 0: no answer.
    pub status: u16,
    /// Whether it came inside a batch.
    pub in_batch: bool,
}

/// How many calls memory keeps at most, so that a simulator can run for weeks.
const KEPT: usize = 100_000;

/// Everything that was served.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) calls: VecDeque<GraphCall>,
    pub(crate) syncs: Vec<SyncCall>,
    pub(crate) unexpected: Vec<GraphCall>,
    /// How many answers were a 429, for any reason.
    pub(crate) throttled: usize,
    /// How many of them because a published limit was passed.
    pub(crate) over_limit: usize,
    pub(crate) tokens_issued: usize,
}

impl Log {
    /// Notes one call.
    pub(crate) fn call(&mut self, call: GraphCall) {
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }
}
