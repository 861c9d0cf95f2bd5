//! A small hand-written bot for the tests: REST calls, and a gateway connection, without any Discord library.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::allow_attributes, reason = "dead code differs from test file to test file")]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use sim::{Clock, Options, Scenario, Sim};
use tokio_tungstenite::tungstenite::Message;

pub(crate) const APP: &str = "900000000000000010";
pub(crate) const GUILD: &str = "900000000000000001";
pub(crate) const HELPDESK: &str = "900000000000000101";
pub(crate) const HANNA: &str = "900000000000000301";
pub(crate) const OMAR: &str = "900000000000000302";

/// A simulated world whose time stands still.
pub(crate) async fn world() -> Sim {
    world_at(Clock::manual("2026-11-23T10:00:00Z".parse().expect("a time"))).await
}

/// A simulated world with its traffic appended to `SIM_TRAFFIC_LOG`, where that is set.
pub(crate) async fn world_at(clock: Clock) -> Sim {
    let traffic_log = std::env::var_os("SIM_TRAFFIC_LOG").map(std::path::PathBuf::from);
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Sim::start(Options { listen, scenario: Scenario::default(), clock, traffic_log }).await.expect("the world starts")
}

/// An answer of the REST API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }

    /// Status and JSON code.
    pub(crate) fn verdict(&self) -> (u16, u64) {
        (self.status, self.body["code"].as_u64().unwrap_or(0))
    }
}

/// The REST side of a bot.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    base: String,
    token: String,
    http: reqwest::Client,
}

impl Rest {
    pub(crate) fn new(sim: &Sim) -> Self {
        Self { base: format!("{}/api/v10", sim.url()), token: "sim-bot-token".to_owned(), http: reqwest::Client::new() }
    }

    pub(crate) fn with_token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.token);
        self
    }

    pub(crate) async fn try_call(&self, method: &str, path: &str, body: Option<Value>) -> reqwest::Result<Answer> {
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        request = request.header("authorization", format!("Bot {}", self.token));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        Ok(Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: impl Into<Option<Value>>) -> Answer {
        self.try_call(method, path, body.into()).await.expect("an answer")
    }

    /// Registers the commands that the tests use.
    pub(crate) async fn register(&self) -> Answer {
        self.call("PUT", &format!("/applications/{APP}/guilds/{GUILD}/commands"), commands()).await
    }

    /// Answers an interaction.
    pub(crate) async fn reply(&self, interaction: &Value, body: Value) -> Answer {
        let (id, token) = (text(interaction, "id"), text(interaction, "token"));
        self.call("POST", &format!("/interactions/{id}/{token}/callback"), body).await
    }

    /// Calls `/webhooks/{app}/{token}{rest}`.
    pub(crate) async fn webhook(
        &self,
        method: &str,
        interaction: &Value,
        rest: &str,
        body: impl Into<Option<Value>>,
    ) -> Answer {
        self.call(method, &format!("/webhooks/{APP}/{}{rest}", text(interaction, "token")), body).await
    }

    /// Posts in #helpdesk.
    pub(crate) async fn post(&self, body: Value) -> Answer {
        self.call("POST", &format!("/channels/{HELPDESK}/messages"), body).await
    }
}

/// A text field.
pub(crate) fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// The commands that the tests use.
pub(crate) fn commands() -> Value {
    json!([
        {"name": "sync", "description": "Make a device check in", "options": [
            {"type": 3, "name": "device", "description": "Which device", "required": true, "autocomplete": true},
            {"type": 3, "name": "reason", "description": "Why"}]},
        {"name": "bulk-sync", "description": "Make many devices check in", "options": [
            {"type": 1, "name": "user", "description": "Somebody's devices", "options": [
                {"type": 6, "name": "who", "description": "Whose", "required": true}]}]},
    ])
}

/// The gateway side of a bot.
pub(crate) struct Socket {
    inner: tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>,
    pub(crate) session: String,
    pub(crate) seq: u64,
}

impl Socket {
    /// Connects and takes the hello.
    pub(crate) async fn open(sim: &Sim) -> Self {
        let url = format!("{}?v=10", sim.gateway_url());
        let (inner, _) = tokio_tungstenite::connect_async(url).await.expect("a websocket");
        let mut socket = Self { inner, session: String::new(), seq: 0 };
        let hello = socket.next().await.expect("hello");
        assert_eq!((hello["op"].as_u64(), hello["d"]["heartbeat_interval"].as_u64()), (Some(10), Some(41_250)));
        socket
    }

    /// Connects and identifies.
    pub(crate) async fn identified(sim: &Sim) -> Self {
        let mut socket = Self::open(sim).await;
        socket.send(identify("sim-bot-token", 0)).await;
        let ready = socket.next().await.expect("READY");
        assert_eq!(ready["t"], "READY");
        socket.session = text(&ready["d"], "session_id");
        socket
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.inner.send(Message::text(frame.to_string())).await.expect("sent");
    }

    /// The next frame, or the close code.
    pub(crate) async fn next(&mut self) -> Result<Value, u16> {
        self.next_within(Duration::from_secs(5)).await
    }

    async fn next_within(&mut self, patience: Duration) -> Result<Value, u16> {
        let frame = tokio::time::timeout(patience, self.inner.next()).await.expect("a frame in time");
        match frame {
            Some(Ok(Message::Text(text))) => {
                let frame: Value = serde_json::from_str(&text).expect("JSON");
                self.seq = frame["s"].as_u64().unwrap_or(self.seq);
                Ok(frame)
            }
            Some(Ok(Message::Close(frame))) => Err(frame.map_or(0, |frame| frame.code.into())),
            _ => Err(0),
        }
    }

    /// The next interaction.
    pub(crate) async fn interaction(&mut self) -> Value {
        loop {
            let frame = self.next_within(Duration::from_mins(2)).await.expect("an open connection");
            if frame["t"] == "INTERACTION_CREATE" {
                return frame["d"].clone();
            }
        }
    }

    /// Resumes another connection's session.
    pub(crate) async fn resume(&mut self, session: &str, seq: u64) {
        let data = json!({"token": "sim-bot-token", "session_id": session, "seq": seq});
        self.send(json!({"op": 6, "d": data})).await;
    }

    /// Closes with a code.
    pub(crate) async fn close(mut self, code: u16) {
        use tokio_tungstenite::tungstenite::protocol::CloseFrame;
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.inner.close(Some(frame)).await.expect("closed");
        while let Some(Ok(_)) = self.inner.next().await {}
    }
}

/// An IDENTIFY.
pub(crate) fn identify(token: &str, intents: u64) -> Value {
    let properties = json!({"os": "linux", "browser": "test", "device": "test"});
    json!({"op": 2, "d": {"token": format!("Bot {token}"), "intents": intents, "properties": properties, "compress": true}})
}

/// A message body that pings nobody.
pub(crate) fn quiet(mut body: Value) -> Value {
    body["allowed_mentions"] = json!({"parse": []});
    body
}
