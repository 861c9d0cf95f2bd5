//! Sending: one turn in the budget, one token, one timeout, and a retry only where that is safe.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use super::endpoint::{Read, SyncDevice, Version};
use super::error::{Error, Kind, Retry, classify};
use super::headers::{graph_time, header, retry_after};
use super::throttle::{Load, Throttle, Turn};
use super::token::Token;
use crate::budget::{Figures, Ledger, NoTurn, Urgency, WHOLE};
use crate::clock::Clock;
use crate::intune::DeviceId;
use crate::settings::{Limits, Settings};

/// How long a caller is willing to wait for Graph to come back, and in which line for a turn in the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Someone looks at "thinking…": a few tries within 20 s, before everybody else.
    Interactive,
    /// A worker with the sync of one device: one try, and it comes back later by itself.
    Once,
    /// One try in a line of the caller's choice.
    OnceAs(Urgency),
    /// A few tries within 20 s, in a line of the caller's choice.
    TriesAs(Urgency),
}

impl Patience {
    /// In which line.
    pub fn urgency(self) -> Urgency {
        match self {
            Self::Interactive => Urgency::Person,
            Self::Once => Urgency::Single,
            Self::OnceAs(urgency) | Self::TriesAs(urgency) => urgency,
        }
    }

    fn tries(self) -> bool {
        matches!(self, Self::Interactive | Self::TriesAs(_))
    }
}

/// Longest time that tries for a person may take together.
const INTERACTIVE: SignedDuration = SignedDuration::from_secs(20);

/// First wait after Graph's own trouble.
pub(super) const UNAVAILABLE_FIRST: SignedDuration = SignedDuration::from_secs(1);

/// Longest wait of a write for its turn: after that, what was read before it (rights, baseline) is too old.
const WRITE_TURN: SignedDuration = SignedDuration::from_secs(30);

/// Microsoft Graph, seen through the permissions of the bot's app registration.
#[derive(Debug)]
pub struct Graph {
    http: reqwest::Client,
    pub(super) base: Url,
    token: Token,
    throttle: Throttle,
    clock: Clock,
    timeout: Duration,
    observe: bool,
}

/// An answer, and Graph's own time when it was given.
#[derive(Clone, Debug)]
pub struct Stamped<T> {
    /// The answer.
    pub value: T,
    /// The `Date` header, which spares us our own clock's error.
    pub graph_time: Option<Timestamp>,
}

/// The turn of one sync.
#[derive(Debug)]
pub struct SyncTurn(Turn);

/// An answer that was not an error.
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    pub(super) request_id: Option<String>,
    pub(super) graph_time: Option<Timestamp>,
    pub(super) turn: Turn,
}

impl Graph {
    /// A client over `http`, which brings connect timeouts and the pool; `ledger` is where the budget is counted.
    pub fn new(
        settings: &Settings,
        token: Token,
        http: reqwest::Client,
        ledger: &Arc<dyn Ledger>,
        clock: &Clock,
    ) -> Self {
        let limits: &Limits = &settings.limits;
        Self {
            http,
            base: settings.graph.url.clone(),
            token,
            throttle: Throttle::new(limits, ledger, clock),
            clock: clock.clone(),
            timeout: Duration::try_from(settings.graph.timeout).unwrap_or(Duration::from_secs(30)),
            observe: settings.sync.observe,
        }
    }

    /// Waits for the turn of one sync, which is to be used at once. [`Kind::NoTurn`]: others went first for half a minute, or Graph
    /// asked for a pause.
    pub async fn sync_turn(&self, urgency: Urgency) -> Result<SyncTurn, Error> {
        let started = self.clock.now();
        // A call that has its turn must not wait for Entra.
        let turn = match self.fresh_token().await {
            Ok(_token) => self.turn(Load::WRITE, urgency).await,
            Err(kind) => Err(kind),
        };
        turn.map(SyncTurn).map_err(|kind| self.error(kind, 0, started, None))
    }

    /// Asks a device to check in. `Ok` means accepted, never synced.
    ///
    /// Sent once: after [`Kind::NoAnswer`] the caller must look at the device before it asks again.
    pub async fn sync_device(&self, device: DeviceId, turn: SyncTurn) -> Result<Option<String>, Error> {
        if self.observe {
            return Err(self.error(Kind::Observing, 0, self.clock.now(), None));
        }
        let started = self.clock.now();
        let url = SyncDevice(device).url(&self.base);
        let request = || self.http.post(url.clone()).header("Content-Length", "0");
        // A turn that went stale meanwhile is taken anew, before everybody else: this one stood in line already.
        let sent = self.send(Load::WRITE, Urgency::Person, Some(turn.0), request).await;
        sent.map(|answer| answer.request_id).map_err(|(kind, id)| self.error(kind, 1, started, id))
    }

    pub(super) async fn read<T: DeserializeOwned>(&self, read: &Read, patience: Patience) -> Result<Stamped<T>, Error> {
        let answer = self.fetch(&read.url(&self.base), read, patience).await?;
        let value = serde_json::from_slice(&answer.body).map_err(|error| {
            tracing::warn!(%error, endpoint = ?std::mem::discriminant(read), "Graph's answer does not have the documented shape");
            self.error(Kind::Malformed("not the documented shape"), 1, self.clock.now(), answer.request_id.clone())
        })?;
        Ok(Stamped { value, graph_time: answer.graph_time })
    }

    pub(super) async fn fetch(&self, url: &Url, read: &Read, patience: Patience) -> Result<Answer, Error> {
        let started = self.clock.now();
        let load = read.load();
        let body = read.body();
        let mut attempts = 0;
        let mut wait = UNAVAILABLE_FIRST;
        loop {
            attempts += 1;
            let request = || match &body {
                Some(body) => self.http.post(url.clone()).json(body),
                None => self.http.get(url.clone()),
            };
            let (kind, request_id) = match self.send(load, patience.urgency(), None, request).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let error = self.error(kind, attempts, started, request_id);
            let Some(next) = again_after(&error, patience, wait) else { return Err(error) };
            tracing::info!(%error, wait = %format_args!("{next:#}"), "reading from Graph is tried again");
            self.clock.sleep(next).await;
            wait = wait.saturating_add(wait);
        }
    }

    /// One batch of reads.
    pub(super) async fn send_batch(
        &self,
        version: Version,
        items: &[serde_json::Value],
        load: Load,
        urgency: Urgency,
    ) -> Result<Answer, Kind> {
        let url = version.batch_url(&self.base);
        let body = serde_json::json!({ "requests": items });
        let sent = self.send(load, urgency, None, || self.http.post(url.clone()).json(&body)).await;
        sent.map_err(|(kind, _)| kind)
    }

    /// Items that a batch may hold.
    pub(super) fn batch_size(&self, most: usize) -> usize {
        most.min(self.throttle.at_once()).max(1)
    }

    /// An item of a batch that was sent in this turn was throttled.
    pub(super) async fn throttled(&self, turn: &Turn, item: Load, after: Option<SignedDuration>) {
        Box::pin(self.throttle.throttled(turn, item, after)).await;
    }

    /// The budget as it stands, for metrics: each limit that Graph counts.
    pub fn budget(&self) -> [Figures; 4] {
        self.throttle.figures()
    }

    /// What throttling does to calls for a sync at the moment: until when none goes, and which part of the configured rate is taken.
    pub fn sending(&self) -> (Option<Timestamp>, f64) {
        let [writes, ..] = self.throttle.figures();
        let until = writes.rests_for.map(|rest| self.clock.now().saturating_add(rest).unwrap_or(Timestamp::MAX));
        #[expect(clippy::cast_precision_loss, reason = "at most a million")]
        let share = writes.share as f64 / WHOLE as f64;
        (until, share)
    }

    pub(super) async fn rest(&self, wait: SignedDuration) {
        self.clock.sleep(wait).await;
    }

    /// One request, with a fresh token if the first one is refused.
    async fn send(
        &self,
        load: Load,
        urgency: Urgency,
        mut turn: Option<Turn>,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<Answer, (Kind, Option<String>)> {
        let mut fresh_token = false;
        loop {
            match Box::pin(self.send_once(load, urgency, turn.take(), request())).await {
                Err((Kind::Unauthorized, _)) if !fresh_token => {
                    fresh_token = true;
                    self.token.forget();
                }
                other => return other,
            }
        }
    }

    async fn fresh_token(&self) -> Result<SecretString, Kind> {
        match tokio::time::timeout(self.timeout, self.token.get()).await {
            Ok(Ok(token)) => Ok(token),
            Ok(Err(error)) => {
                tracing::warn!(%error, "Entra gave no token");
                Err(Kind::NoToken)
            }
            Err(_elapsed) => {
                tracing::warn!("Entra did not answer in time");
                Err(Kind::NoToken)
            }
        }
    }

    async fn turn(&self, load: Load, urgency: Urgency) -> Result<Turn, Kind> {
        let patience = match urgency {
            // A person reads what there is to say.
            Urgency::Person => Some(INTERACTIVE),
            _ => (load.writes > 0).then_some(WRITE_TURN),
        };
        let deadline = patience.map(|patience| self.clock.steady() + patience);
        self.throttle.turn(load, urgency, deadline).await.map_err(|NoTurn| Kind::NoTurn)
    }

    async fn send_once(
        &self,
        load: Load,
        urgency: Urgency,
        turn: Option<Turn>,
        request: reqwest::RequestBuilder,
    ) -> Result<Answer, (Kind, Option<String>)> {
        let token = self.fresh_token().await.map_err(|kind| (kind, None))?;
        let turn = match turn.filter(|turn| turn.is_good(&self.clock)) {
            Some(turn) => turn,
            None => self.turn(load, urgency).await.map_err(|kind| (kind, None))?,
        };
        let client_request_id = uuid::Uuid::new_v4().to_string();
        let sent = request
            .bearer_auth(token.expose_secret())
            .header("client-request-id", &client_request_id)
            .timeout(self.timeout)
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => {
                // A reqwest error's text holds the address; ours hold no secret, but ids belong into fields.
                let kind = if error.is_connect() { Kind::NotSent } else { Kind::NoAnswer };
                tracing::warn!(client_request_id, reason = %error.without_url(), ?kind, "Graph did not answer");
                return Err((kind, None));
            }
        };
        let status = answer.status().as_u16();
        let request_id = header(answer.headers(), "request-id");
        let graph_time = graph_time(answer.headers());
        let retry_after = retry_after(answer.headers(), graph_time.unwrap_or_else(|| self.clock.now()));
        let body = match answer.bytes().await {
            Ok(body) => body.to_vec(),
            // The status is here, so a write was taken; a read without its body is worth nothing.
            Err(_) if (200..300).contains(&status) && load.writes > 0 => Vec::new(),
            Err(_) => return Err((Kind::NoAnswer, request_id)),
        };
        if (200..300).contains(&status) {
            return Ok(Answer { body, request_id, graph_time, turn });
        }
        let kind = classify(status, &body, retry_after);
        tracing::info!(status, request_id, client_request_id, %kind, "Graph refused a request");
        if let Kind::Throttled { after } = kind {
            self.throttle.throttled(&turn, load, after).await;
        }
        Err((kind, request_id))
    }

    pub(super) fn error(&self, kind: Kind, attempts: u32, started: Timestamp, request_id: Option<String>) -> Error {
        Error { kind, attempts, elapsed: self.clock.now().duration_since(started), request_id }
    }

    /// An answer in its documented shape.
    pub(super) fn shape<T: DeserializeOwned>(&self, answer: serde_json::Value) -> Result<T, Error> {
        serde_json::from_value(answer).map_err(|error| {
            tracing::warn!(%error, "Graph's answer does not have the documented shape");
            self.malformed("not the documented shape")
        })
    }

    pub(super) fn malformed(&self, what: &'static str) -> Error {
        self.error(Kind::Malformed(what), 1, self.clock.now(), None)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// How long to wait before a failed read is asked again; `None`: it stays failed.
pub(super) fn again_after(error: &Error, patience: Patience, wait: SignedDuration) -> Option<SignedDuration> {
    let next = match error.retry() {
        Retry::Never => return None,
        Retry::After(after) => after,
        Retry::Backoff => wait,
    };
    (patience.tries() && error.elapsed + next <= INTERACTIVE).then_some(next)
}
