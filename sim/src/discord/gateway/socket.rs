//! One gateway connection: hello, identify or resume, heartbeats, and the codes with which Discord hangs up.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::extract::{Query, State, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Frame, IDENTIFIES_A_DAY, Resume};
use crate::Discord;
use crate::discord::payload;

/// Intents that exist.
const KNOWN_INTENTS: u64 = 0x03ff_ffff;
/// Intents that a bot must have been granted: members, presences, message content.
const PRIVILEGED_INTENTS: u64 = (1 << 1) | (1 << 8) | (1 << 15);
/// Frames that a connection may send in a minute.
const SENDS_A_MINUTE: usize = 120;

/// The query of the gateway's address.
#[derive(Debug, Deserialize)]
pub(in crate::discord) struct Wanted {
    v: Option<u32>,
    encoding: Option<String>,
}

/// `GET /gateway`, upgraded to a websocket.
pub(in crate::discord) async fn open(
    State(discord): State<Discord>,
    Query(wanted): Query<Wanted>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if discord.with(|state| state.gateway.shut) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    upgrade.on_upgrade(move |socket| serve(discord, wanted, socket))
}

async fn serve(discord: Discord, wanted: Wanted, mut socket: WebSocket) {
    if wanted.v.is_some_and(|version| version != 10) {
        return close(socket, 4012, "Invalid API version").await;
    }
    if wanted.encoding.is_some_and(|encoding| encoding != "json") {
        return close(socket, 4002, "Error while decoding payload.").await;
    }
    let (out, mut inbox) = mpsc::unbounded_channel();
    let interval = discord.with(|state| {
        state.gateway.accept(&out);
        state.gateway.settings.heartbeat_interval_ms
    });
    let hello = json!({"op": 10, "d": {"heartbeat_interval": interval, "_trace": ["sim"]}, "s": null, "t": null});
    if socket.send(Message::text(hello.to_string())).await.is_err() {
        return;
    }
    let mut connection =
        Connection { discord: discord.clone(), out: out.clone(), session: None, sent: VecDeque::new() };
    // Two intervals without a heartbeat, in real time, and Discord takes the client for dead.
    let patience = Duration::from_millis(interval * 2);
    let mut heard = Instant::now();
    let clean = loop {
        tokio::select! {
            frame = inbox.recv() => match frame {
                Some(Frame::Text(text)) => if socket.send(Message::text(text)).await.is_err() { break false },
                Some(Frame::Close(code, reason)) => { close(socket, code, reason).await; break false }
                Some(Frame::Drop) | None => break false,
            },
            message = socket.recv() => {
                let text = match message {
                    Some(Ok(Message::Text(text))) => text.to_string(),
                    Some(Ok(Message::Close(frame))) => break frame.is_some_and(|frame| matches!(frame.code, 1000 | 1001)),
                    Some(Ok(Message::Binary(_))) => { close(socket, 4002, "Error while decoding payload.").await; break false }
                    Some(Ok(_)) => continue,
                    Some(Err(_)) | None => break false,
                };
                heard = Instant::now();
                if let Err((code, reason)) = connection.take(&text) {
                    close(socket, code, reason).await;
                    break false;
                }
            }
            () = tokio::time::sleep(patience.saturating_sub(heard.elapsed())) => {
                close(socket, 4009, "Session timed out").await;
                break false;
            }
        }
    };
    if let Some(session) = connection.session {
        discord.with(|state| state.gateway.left(&session, &out, clean));
    }
    discord.notify();
}

async fn close(mut socket: WebSocket, code: u16, reason: &'static str) {
    let _gone = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
    // Give the client a moment to answer the close.
    let drain = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _slow = tokio::time::timeout(Duration::from_secs(1), drain).await;
}

struct Connection {
    discord: Discord,
    out: mpsc::UnboundedSender<Frame>,
    session: Option<String>,
    sent: VecDeque<Instant>,
}

type Hangup = (u16, &'static str);

impl Connection {
    fn say(&self, frame: &Value) {
        let _gone = self.out.send(Frame::Text(frame.to_string()));
    }

    /// Handles one frame of the client's.
    fn take(&mut self, text: &str) -> Result<(), Hangup> {
        let now = Instant::now();
        self.sent.push_back(now);
        while self.sent.front().is_some_and(|at| now.duration_since(*at) > Duration::from_mins(1)) {
            self.sent.pop_front();
        }
        if self.sent.len() > SENDS_A_MINUTE {
            return Err((4008, "You are being rate limited."));
        }
        let frame: Value = serde_json::from_str(text).map_err(|_| (4002, "Error while decoding payload."))?;
        let data = &frame["d"];
        match frame["op"].as_u64() {
            Some(1) => {
                if !self.discord.with(|state| state.gateway.silent) {
                    self.say(&json!({"op": 11, "d": null, "s": null, "t": null}));
                }
                Ok(())
            }
            Some(2) => self.identify(data),
            Some(6) => self.resume(data),
            Some(3 | 4 | 8) if self.session.is_some() => Ok(()),
            Some(3 | 4 | 8) => Err((4003, "Not authenticated.")),
            _ => Err((4001, "Unknown opcode.")),
        }
    }

    fn authenticate(&self, data: &Value) -> Result<(), Hangup> {
        if self.session.is_some() {
            return Err((4005, "Already authenticated."));
        }
        let token = data["token"].as_str().unwrap_or_default();
        let token = token.strip_prefix("Bot ").unwrap_or(token).to_owned();
        self.discord.with(|state| {
            if let Some(code) = state.gateway.refuse_with {
                return Err((code, "The simulator was told to refuse."));
            }
            if state.token == token { Ok(()) } else { Err((4004, "Authentication failed.")) }
        })
    }

    fn identify(&mut self, data: &Value) -> Result<(), Hangup> {
        let known = self.authenticate(data);
        if !matches!(known, Err((4004 | 4005, _))) {
            self.discord.with(|state| state.gateway.logins += 1);
        }
        known?;
        let shard: Vec<u64> = match &data["shard"] {
            Value::Array(list) => list.iter().filter_map(Value::as_u64).collect(),
            _ => vec![0, 1],
        };
        if shard.len() != 2 || shard[0] >= shard[1] {
            return Err((4010, "Invalid shard."));
        }
        let intents = data["intents"].as_u64().filter(|intents| intents & !KNOWN_INTENTS == 0);
        let intents = intents.ok_or((4013, "Invalid intent(s)."))?;
        if intents & PRIVILEGED_INTENTS != 0 {
            return Err((4014, "Disallowed intent(s)."));
        }
        if !data["properties"].is_object() {
            return Err((4002, "Error while decoding payload."));
        }
        let id = uuid::Uuid::new_v4().simple().to_string();
        let ready = self.discord.with(|state| {
            if state.gateway.logins > IDENTIFIES_A_DAY {
                return Err((4004, "Authentication failed."));
            }
            let ready = json!({
                "v": 10, "user": payload::current_user(state),
                "guilds": [{"id": state.guild_id.to_string(), "unavailable": true}],
                "session_id": id, "session_type": "normal", "resume_gateway_url": self.discord.gateway_url(),
                "shard": shard, "application": {"id": state.app_id.to_string(), "flags": 0},
                "private_channels": [], "relationships": [], "presences": [], "geo_ordered_rtc_regions": [],
            });
            state.gateway.start(&id, &self.out, &ready);
            Ok(())
        });
        self.session = Some(id);
        self.discord.notify();
        ready
    }

    fn resume(&mut self, data: &Value) -> Result<(), Hangup> {
        self.authenticate(data)?;
        let id = data["session_id"].as_str().unwrap_or_default().to_owned();
        let seq = data["seq"].as_u64().unwrap_or(0);
        match self.discord.with(|state| state.gateway.resume(&id, seq, &self.out)) {
            Resume::Resumed => {
                self.session = Some(id);
                self.discord.notify();
                Ok(())
            }
            Resume::Unknown => {
                self.say(&json!({"op": 9, "d": false, "s": null, "t": null}));
                Ok(())
            }
            Resume::BadSequence => Err((4007, "Invalid seq.")),
        }
    }
}
