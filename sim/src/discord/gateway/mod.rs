//! The gateway: sessions, their sequence numbers, and what a reconnecting client has missed.

mod socket;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::scenario::GatewayScenario;

pub(super) use socket::open;

/// Events kept for a session that resumes.
const KEPT: usize = 1000;
/// Sessions that a bot may start in a day.
pub(super) const IDENTIFIES_A_DAY: usize = 1000;

/// What a connection is told to do.
#[derive(Debug)]
pub(super) enum Frame {
    Text(String),
    Close(u16, &'static str),
    /// Break the TCP connection without a word.
    Drop,
}

#[derive(Debug)]
struct Session {
    id: String,
    seq: u64,
    log: Vec<(u64, String)>,
    out: Option<mpsc::UnboundedSender<Frame>>,
}

impl Session {
    fn connected(&self) -> bool {
        self.out.as_ref().is_some_and(|out| !out.is_closed())
    }

    fn send(&mut self, event: &str, data: &Value) -> bool {
        self.seq += 1;
        let text = json!({"op": 0, "t": event, "s": self.seq, "d": data}).to_string();
        self.log.push((self.seq, text.clone()));
        if self.log.len() > KEPT {
            self.log.remove(0);
        }
        self.out.as_ref().is_some_and(|out| out.send(Frame::Text(text)).is_ok())
    }
}

/// All sessions and connections.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) settings: GatewayScenario,
    /// Sessions that were started.
    pub(super) identifies: usize,
    /// What was used of the day's session starts: every IDENTIFY with the right token, whatever became of it.
    pub(super) logins: usize,
    /// No connection is taken.
    pub(super) shut: bool,
    pub(super) silent: bool,
    pub(super) refuse_with: Option<u16>,
    sessions: Vec<Session>,
    connections: Vec<mpsc::UnboundedSender<Frame>>,
}

impl Gateway {
    pub(super) fn new(settings: GatewayScenario) -> Self {
        let (sessions, connections) = (Vec::new(), Vec::new());
        Self {
            settings,
            identifies: 0,
            logins: 0,
            shut: false,
            silent: false,
            refuse_with: None,
            sessions,
            connections,
        }
    }

    /// Whether a client with a live session is there.
    pub(super) fn connected(&self) -> bool {
        self.sessions.iter().any(Session::connected)
    }

    /// How many connections with a live session there are.
    pub(super) fn connections(&self) -> usize {
        self.sessions.iter().filter(|session| session.connected()).count()
    }

    /// Sends an event to every session; returns how many have a live connection. The others get it when they resume.
    pub(super) fn dispatch(&mut self, event: &str, data: &Value) -> usize {
        self.sessions.iter_mut().map(|session| usize::from(session.send(event, data))).sum()
    }

    /// Notes a new connection.
    pub(super) fn accept(&mut self, out: &mpsc::UnboundedSender<Frame>) {
        self.connections.retain(|one| !one.is_closed());
        self.connections.push(out.clone());
    }

    /// Starts a session and says READY.
    pub(super) fn start(&mut self, id: &str, out: &mpsc::UnboundedSender<Frame>, ready: &Value) {
        self.identifies += 1;
        let mut session = Session { id: id.to_owned(), seq: 0, log: Vec::new(), out: Some(out.clone()) };
        session.send("READY", ready);
        self.sessions.push(session);
    }

    /// Takes a session up again and replays what came after `seq`.
    pub(super) fn resume(&mut self, id: &str, seq: u64, out: &mpsc::UnboundedSender<Frame>) -> Resume {
        let Some(session) = self.sessions.iter_mut().find(|session| session.id == id) else {
            return Resume::Unknown;
        };
        if seq > session.seq {
            return Resume::BadSequence;
        }
        for (_, text) in session.log.iter().filter(|(number, _)| *number > seq) {
            let _gone = out.send(Frame::Text(text.clone()));
        }
        session.out = Some(out.clone());
        session.send("RESUMED", &json!({}));
        Resume::Resumed
    }

    /// Ends a session's connection; a clean close ends the session too.
    pub(super) fn left(&mut self, id: &str, out: &mpsc::UnboundedSender<Frame>, clean: bool) {
        if clean {
            self.sessions.retain(|session| session.id != id);
        } else if let Some(session) = self.sessions.iter_mut().find(|session| session.id == id)
            && session.out.as_ref().is_some_and(|own| own.same_channel(out))
        {
            session.out = None;
        }
    }

    /// Tells every connection the same.
    pub(super) fn tell_all(&mut self, frame: impl Fn() -> Frame) {
        for out in self.connections.drain(..) {
            let _gone = out.send(frame());
        }
        for session in &mut self.sessions {
            session.out = None;
        }
    }

    /// Sends a frame to every connection and keeps them.
    pub(super) fn say_all(&mut self, text: &str) {
        for out in &self.connections {
            let _gone = out.send(Frame::Text(text.to_owned()));
        }
    }

    /// Forgets all sessions.
    pub(super) fn forget(&mut self) {
        self.sessions.clear();
    }
}

/// How a RESUME went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resume {
    Resumed,
    Unknown,
    BadSequence,
}
