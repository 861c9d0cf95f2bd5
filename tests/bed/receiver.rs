//! What an outgoing webhook is received by.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;

/// What webhooks are signed with.
pub(crate) const KEY: &str = "a key that nobody guesses";

/// What a receiver got: its signature header and body.
#[derive(Clone, Default)]
pub(crate) struct Received {
    pub(crate) calls: Arc<Mutex<Vec<(String, String)>>>,
    failing: Arc<Mutex<bool>>,
    /// Words of bodies that are refused, and the status of the refusal.
    unwanted: Arc<Mutex<Option<(&'static str, StatusCode)>>>,
    /// How many bodies were refused for that.
    refused: Arc<Mutex<usize>>,
}

impl Received {
    /// What it took.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        let calls = self.calls.lock().expect("nobody panicked");
        calls.iter().map(|(_, body)| serde_json::from_str(body).expect("it is JSON")).collect()
    }

    /// The devices that it was told of.
    pub(crate) fn devices(&self) -> BTreeSet<String> {
        let named = |body: &Value| body["device"]["name"].as_str().map(str::to_owned);
        self.bodies().iter().filter_map(named).collect()
    }

    /// Answers that it is down, or not any more.
    pub(crate) fn fails(&self, failing: bool) {
        *self.failing.lock().expect("nobody panicked") = failing;
    }

    /// Answers each body that holds these words with this status.
    pub(crate) fn refuses(&self, words: &'static str, status: StatusCode) {
        *self.unwanted.lock().expect("nobody panicked") = Some((words, status));
    }

    /// How many it refused for that.
    pub(crate) fn refused(&self) -> usize {
        *self.refused.lock().expect("nobody panicked")
    }

    /// What is answered to a body that is not taken.
    fn trouble(&self, body: &str) -> Option<StatusCode> {
        let failing = *self.failing.lock().expect("nobody panicked");
        let unwanted = *self.unwanted.lock().expect("nobody panicked");
        let unwanted = unwanted.filter(|(words, _)| body.contains(words)).map(|(_, status)| status);
        if unwanted.is_some() {
            *self.refused.lock().expect("nobody panicked") += 1;
        }
        failing.then_some(StatusCode::SERVICE_UNAVAILABLE).or(unwanted)
    }
}

/// A receiver on loopback, which goes down with the scene's runtime.
#[expect(clippy::disallowed_methods, reason = "the test starts a server of its own")]
pub(crate) async fn receiver() -> (Received, String) {
    async fn take(State(received): State<Received>, headers: HeaderMap, body: String) -> (StatusCode, Json<()>) {
        if let Some(status) = received.trouble(&body) {
            return (status, Json(()));
        }
        let seal = headers["x-sync-signature"].to_str().expect("it is text").to_owned();
        received.calls.lock().expect("nobody panicked").push((seal, body));
        (StatusCode::NO_CONTENT, Json(()))
    }
    let received = Received::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let router = Router::new().route("/hook", post(take)).with_state(received.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (received, format!("http://{address}/hook"))
}

/// The part of a config that calls it "siem", with rules.
pub(crate) fn config(url: &str, rules: &str) -> String {
    format!("[[notify.webhook]]\nname = \"siem\"\nurl = \"{url}\"\nkey = \"{KEY}\"\n{rules}")
}
