//! The record of every exchange that the simulator served: in memory, to listeners, and as JSON lines in a file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;

use crate::Holds;

/// How many exchanges memory keeps; the file keeps all of them.
const KEPT: usize = 20_000;

/// Which simulated service answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Discord's REST API (the gateway's frames are not recorded).
    Discord,
    /// Microsoft Graph, and Entra's token endpoint.
    Graph,
}

/// One request and its answer, in the line format that outside checkers read.
#[derive(Clone, Debug, Serialize)]
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
    kept: Mutex<VecDeque<Exchange>>,
    file: Mutex<Option<File>>,
    live: broadcast::Sender<Exchange>,
    in_flight: AtomicUsize,
    holds: Holds,
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
        if let Some(file) = self.0.file.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
            && let Ok(mut line) = serde_json::to_vec(&exchange)
        {
            line.push(b'\n');
            if let Err(error) = file.write_all(&line) {
                tracing::warn!(%error, "could not write the traffic log");
            }
        }
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(exchange.clone());
        drop(kept);
        let _nobody_listens = self.0.live.send(exchange);
    }

    /// Everything still in memory, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// What keeps an exchange on the wire.
    pub fn holds(&self) -> &Holds {
        &self.0.holds
    }

    /// Exchanges as they happen.
    pub fn subscribe(&self) -> broadcast::Receiver<Exchange> {
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
