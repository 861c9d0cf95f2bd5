//! The interactions endpoint: while an address is set, Discord posts every interaction there, signed, and dispatches none.
//!
//! Here are also the means of somebody who is not Discord: other keys, changed bodies, other times, deliveries once more.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;
use serde_json::{Value, json};

use super::Discord;
use super::ids::InteractionId;
use super::rest;

/// The application's signing key. It is for tests, and everyone knows it.
const SEED: [u8; 32] = *b"the simulator's own signing key.";
/// Somebody else's.
const OTHER_SEED: [u8; 32] = *b"a key that Discord never gave us";
/// How long Discord waits for an answer.
const WITHIN: Duration = Duration::from_secs(3);
/// The same where simulated time stands still, and only the machine is slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request to the endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// `X-Signature-Ed25519`.
    pub signature: Option<String>,
    /// `X-Signature-Timestamp`.
    pub timestamp: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What the endpoint answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The status.
    pub status: u16,
    /// `Content-Type`, or nothing.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Why an address was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointRefused(pub String);

impl fmt::Display for EndpointRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The specified interactions endpoint url could not be verified: {}", self.0)
    }
}

impl std::error::Error for EndpointRefused {}

/// What the endpoint needs to be reached.
#[derive(Debug)]
pub(super) struct Endpoint {
    key: PKey<Private>,
    other_key: PKey<Private>,
    http: reqwest::Client,
    pub(super) url: Option<String>,
    /// Deliveries are kept back.
    held: bool,
    sent: Vec<Delivery>,
}

impl Endpoint {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            key: PKey::private_key_from_raw_bytes(&SEED, Id::ED25519)?,
            other_key: PKey::private_key_from_raw_bytes(&OTHER_SEED, Id::ED25519)?,
            http: reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?,
            url: None,
            held: false,
            sent: Vec::new(),
        })
    }

    /// The key that signatures are held against, in hexadecimal.
    pub(super) fn public_key(&self) -> String {
        hex(&self.key.raw_public_key().unwrap_or_default())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn signed(key: &PKey<Private>, at: Timestamp, body: Vec<u8>) -> Delivery {
    let timestamp = at.as_second().to_string();
    let message = [timestamp.as_bytes(), &body].concat();
    let signature = Signer::new_without_digest(key).and_then(|mut signer| signer.sign_oneshot_to_vec(&message));
    Delivery { signature: signature.ok().map(|bytes| hex(&bytes)), timestamp: Some(timestamp), body }
}

impl Delivery {
    /// The same with another body under the old signature.
    #[must_use]
    pub fn tampered(&self, change: impl FnOnce(&mut Value)) -> Self {
        Self { body: self.changed(change), ..self.clone() }
    }

    /// The body's JSON, changed.
    pub fn changed(&self, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        change(&mut body);
        body.to_string().into_bytes()
    }
}

impl Discord {
    /// The application's public key, as the developer portal shows it.
    pub fn public_key(&self) -> String {
        self.with(|state| state.endpoint.public_key())
    }

    /// The interactions endpoint, if one is set.
    pub fn endpoint(&self) -> Option<String> {
        self.with(|state| state.endpoint.url.clone())
    }

    /// Sets the interactions endpoint, or takes it away. As Discord does, it tries the address first: a PING must be
    /// answered, and one with a bad signature must be refused.
    pub async fn set_endpoint(&self, url: Option<&str>) -> Result<(), EndpointRefused> {
        let Some(url) = url else {
            self.with(|state| state.endpoint.url = None);
            self.notify();
            return Ok(());
        };
        let ping = self.sign(self.ping());
        let told = self.post(url, &ping).await.map_err(EndpointRefused)?;
        let body: Value = serde_json::from_slice(&told.body).unwrap_or_default();
        if told.status != 200 || body["type"] != 1 || !told.content_type.starts_with("application/json") {
            let (status, kind) = (told.status, told.content_type);
            return Err(EndpointRefused(format!("a PING was answered by {status} ({kind}) and {body}, not by a PONG")));
        }
        let forged = self.sign_by_another_key(self.ping());
        let told = self.post(url, &forged).await.map_err(EndpointRefused)?;
        if told.status != 401 {
            let status = told.status;
            return Err(EndpointRefused(format!("a PING with a bad signature was answered by {status}, not by 401")));
        }
        self.with(|state| state.endpoint.url = Some(url.to_owned()));
        self.notify();
        Ok(())
    }

    /// The body of a PING.
    pub fn ping(&self) -> Vec<u8> {
        let now = self.now();
        self.with(|state| {
            let id = state.snowflakes.next(now).to_string();
            json!({"id": id, "application_id": state.app_id.to_string(), "type": 1, "version": 1,
                "token": uuid::Uuid::new_v4().simple().to_string(), "entitlements": [],
                "authorizing_integration_owners": {}})
            .to_string()
            .into_bytes()
        })
    }

    /// Signs a body, as Discord would at this moment.
    pub fn sign(&self, body: Vec<u8>) -> Delivery {
        self.sign_at(self.now(), body)
    }

    /// Signs a body as of another time.
    pub fn sign_at(&self, at: Timestamp, body: Vec<u8>) -> Delivery {
        self.with(|state| signed(&state.endpoint.key, at, body))
    }

    /// Signs a body by a key that is not the application's.
    pub fn sign_by_another_key(&self, body: Vec<u8>) -> Delivery {
        let now = self.now();
        self.with(|state| signed(&state.endpoint.other_key, now, body))
    }

    /// Sends a request to the endpoint, whatever it is.
    pub async fn deliver(&self, delivery: &Delivery) -> Result<Told, String> {
        let _in_flight = self.traffic().begin();
        let url = self.endpoint().ok_or("no interactions endpoint is set")?;
        self.post(&url, delivery).await
    }

    /// Every interaction that was sent to the endpoint or is kept back, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.with(|state| state.endpoint.sent.clone())
    }

    /// Keeps interactions back from now on, as somebody between Discord and the bot could; or no longer.
    pub fn hold_deliveries(&self, hold: bool) {
        self.with(|state| state.endpoint.held = hold);
    }

    async fn post(&self, url: &str, delivery: &Delivery) -> Result<Told, String> {
        let http = self.with(|state| state.endpoint.http.clone());
        let mut request = http.post(url).header("content-type", "application/json").body(delivery.body.clone());
        for (name, value) in
            [("x-signature-ed25519", &delivery.signature), ("x-signature-timestamp", &delivery.timestamp)]
        {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let exchange = async {
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let content_type = kind.to_owned();
            reqwest::Result::Ok(Told { status, content_type, body: answer.bytes().await?.to_vec() })
        };
        let patience = if self.0.clock.is_manual() { PATIENCE } else { WITHIN };
        match tokio::time::timeout(patience, exchange).await {
            Ok(told) => told.map_err(|error| error.without_url().to_string()),
            Err(_elapsed) => Err("no answer in time".to_owned()),
        }
    }

    /// Sends an interaction on its way; whether there is an endpoint to send it to.
    pub(super) fn send_to_endpoint(&self, id: InteractionId) -> bool {
        let now = self.now();
        let sent = self.with(|state| {
            let url = state.endpoint.url.clone()?;
            let interaction = state.interactions.get_mut(&id)?;
            let delivery = signed(&state.endpoint.key, now, interaction.payload.to_string().into_bytes());
            state.endpoint.sent.push(delivery.clone());
            interaction.delivered += usize::from(!state.endpoint.held);
            Some((url, delivery, state.endpoint.held))
        });
        let Some((url, delivery, held)) = sent else { return false };
        if held {
            return true;
        }
        let (discord, in_flight) = (self.clone(), self.traffic().begin());
        tokio::spawn(async move {
            let told = discord.post(&url, &delivery).await;
            discord.hear(id, told);
            drop(in_flight);
            discord.notify();
        });
        true
    }

    /// Takes the endpoint's word on an interaction: an answer, a promise of one, or nothing.
    fn hear(&self, id: InteractionId, told: Result<Told, String>) {
        let responded = match told {
            Ok(Told { status: 200, body, .. }) => rest::answered_inline(self, id, &body),
            Ok(told) => (200..300).contains(&told.status),
            Err(reason) => {
                tracing::debug!(reason, "the interactions endpoint did not answer");
                false
            }
        };
        if !responded {
            self.with(|state| {
                if let Some(interaction) = state.interactions.get_mut(&id).filter(|one| one.ack.is_none()) {
                    interaction.abandoned = true;
                }
            });
        }
    }
}
