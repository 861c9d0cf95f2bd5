//! The record of every exchange that the simulator served: in memory, to listeners, and as JSON lines in a file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::Holds;

/// How many exchanges memory keeps, and in how many bytes; the file keeps all of them.
const KEPT: usize = 20_000;
const KEPT_BYTES: usize = 128 << 20;

/// Which simulated service answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Discord's REST API (the gateway's frames are not recorded).
    Discord,
    /// Microsoft Graph, and Entra's token endpoint.
    Graph,
}

/// One request and its answer, in the line format that outside checkers read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exchange {
    /// Who answered.
    pub service: Service,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path on the wire, without the query.
    pub path: String,
    /// The raw query string.
    pub query: Option<String>,
    /// The request body (of a multipart body, its `payload_json`; of a form, an object of its fields with secrets blanked).
    pub request: Option<Value>,
    /// The status sent, or 0 where the answer was lost on the way.
    pub status: u16,
    /// The answer's body.
    pub response: Option<Value>,
    /// When it was answered, in simulated time. Not part of the file's format.
    #[serde(skip)]
    pub at: Option<Timestamp>,
}

/// Where exchanges go. Cloning gives another handle to the same record.
#[derive(Clone, Debug)]
pub struct Traffic(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kept: Mutex<Kept>,
    file: Mutex<Option<File>>,
    live: broadcast::Sender<Arc<Exchange>>,
    in_flight: AtomicUsize,
    holds: Holds,
}

/// What memory keeps: lines as they stand in the file, because a list of a thousand devices takes five times as much when it is read.
#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<(String, Option<Timestamp>)>,
    bytes: usize,
}

impl Kept {
    fn push(&mut self, line: String, at: Option<Timestamp>) {
        self.bytes += line.len();
        self.lines.push_back((line, at));
        while self.lines.len() > KEPT || (self.bytes > KEPT_BYTES && self.lines.len() > 1) {
            let Some((oldest, _)) = self.lines.pop_front() else { return };
            self.bytes -= oldest.len();
        }
    }
}

/// Counts one request as being served for as long as it lives.
#[derive(Debug)]
pub struct InFlight(Arc<Inner>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Traffic {
    /// A record that also appends to `file`, when one is named (the value of `SIM_TRAFFIC_LOG`).
    pub fn new(file: Option<&Path>) -> std::io::Result<Self> {
        let file = file.map(|path| File::options().create(true).append(true).open(path)).transpose()?;
        Ok(Self(Arc::new(Inner {
            kept: Mutex::default(),
            file: Mutex::new(file),
            live: broadcast::channel(1024).0,
            in_flight: AtomicUsize::new(0),
            holds: Holds::default(),
        })))
    }

    /// Notes one served exchange.
    pub fn record(&self, exchange: Exchange) {
        let mut line = match serde_json::to_string(&exchange) {
            Ok(line) => line,
            Err(error) => return tracing::warn!(%error, "could not record an exchange"),
        };
        line.push('\n');
        if let Some(file) = self.0.file.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
            && let Err(error) = file.write_all(line.as_bytes())
        {
            tracing::warn!(%error, "could not write the traffic log");
        }
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner).push(line, exchange.at);
        let _nobody_listens = self.0.live.send(Arc::new(exchange));
    }

    /// Everything still in memory, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        let kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |(line, at): &(String, Option<Timestamp>)| {
            let exchange: Exchange = serde_json::from_str(line).ok()?;
            Some(Exchange { at: *at, ..exchange })
        };
        kept.lines.iter().filter_map(read).collect()
    }

    /// What keeps an exchange on the wire.
    pub fn holds(&self) -> &Holds {
        &self.0.holds
    }

    /// Exchanges as they happen.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Exchange>> {
        self.0.live.subscribe()
    }

    /// Marks a request as being served until the guard is dropped.
    pub fn begin(&self) -> InFlight {
        self.0.in_flight.fetch_add(1, Ordering::SeqCst);
        InFlight(Arc::clone(&self.0))
    }

    /// How many requests are being served right now.
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_forgets_the_oldest_beyond_its_bytes_and_its_number() {
        let mut kept = Kept::default();
        for _ in 0..200 {
            kept.push("x".repeat(1 << 20), None);
        }
        assert_eq!((kept.lines.len(), kept.bytes), (KEPT_BYTES >> 20, KEPT_BYTES));
        kept.push("y".repeat(KEPT_BYTES + 1), None);
        assert_eq!(kept.lines.len(), 1, "what was just said is always there");
        for _ in 0..=KEPT {
            kept.push("z".to_owned(), None);
        }
        assert_eq!((kept.lines.len(), kept.bytes), (KEPT, KEPT));
    }
}
