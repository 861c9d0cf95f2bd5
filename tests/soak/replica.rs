//! One of the bot's processes, and its supervisor: whatever ends it, it is started again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bot::Bot;

/// The signal that nothing survives.
const SIGKILL: i32 = 9;

/// The signal that asks to stop.
const SIGTERM: i32 = 15;

/// Between two looks at whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// How often it is told to stop: it may just be about to be started.
const AGAIN: Duration = Duration::from_millis(200);

/// How long a supervisor waits before it starts a process again.
const PAUSE: Duration = Duration::from_millis(700);

/// Environment of the processes: what the config file leaves to it.
const ENVIRONMENT: [(&str, &str); 1] = [("SYNC_BOT_GRAPH__TIMEOUT", "5s")];

/// How long a stop may take.
const STOPS_WITHIN: Duration = Duration::from_secs(15);

/// A replica. Cloning gives another handle to the same one.
#[derive(Clone)]
pub(crate) struct Replica(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    web: SocketAddr,
    ops: SocketAddr,
    process: Mutex<Option<Bot>>,
    /// Its supervisor starts it no more.
    over: AtomicBool,
    supervised: AtomicBool,
    ends: Mutex<BTreeMap<String, usize>>,
}

impl Replica {
    /// One whose config lies in this folder.
    pub(crate) fn new(folder: PathBuf, web: SocketAddr, ops: SocketAddr) -> Self {
        let (over, supervised) = (AtomicBool::new(false), AtomicBool::new(false));
        let (process, ends) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { folder, web, ops, process, over, supervised, ends }))
    }

    pub(crate) fn folder(&self) -> &PathBuf {
        &self.0.folder
    }

    pub(crate) fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.0.web, self.0.ops)
    }

    /// Runs it, and runs it again whenever it has ended, until it is told to rest.
    pub(crate) async fn supervised(self) {
        self.0.supervised.store(true, Ordering::SeqCst);
        while !self.0.over.load(Ordering::SeqCst) {
            *self.process() = Some(Bot::start(&self.0.folder, &ENVIRONMENT));
            let status = self.ended().await;
            *self.process() = None;
            *self.ends().entry(words(status)).or_default() += 1;
            tokio::time::sleep(PAUSE).await;
        }
        self.0.supervised.store(false, Ordering::SeqCst);
    }

    async fn ended(&self) -> ExitStatus {
        loop {
            if let Some(status) = self.process().as_mut().and_then(Bot::has_ended) {
                return status;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Kills it, if it runs: nothing is tidied up.
    pub(crate) fn kill(&self) {
        if let Some(bot) = self.process().as_mut()
            && bot.has_ended().is_none()
        {
            bot.kill();
        }
    }

    /// Asks it to stop, if it runs.
    pub(crate) fn stop(&self) {
        if let Some(bot) = self.process().as_mut()
            && bot.has_ended().is_none()
        {
            bot.stop();
        }
    }

    /// Stops it for good. `false`: it did not stop in time.
    pub(crate) async fn rests(&self) -> bool {
        self.0.over.store(true, Ordering::SeqCst);
        let gone = async {
            while self.0.supervised.load(Ordering::SeqCst) {
                self.stop();
                tokio::time::sleep(AGAIN).await;
            }
        };
        tokio::time::timeout(STOPS_WITHIN, gone).await.is_ok()
    }

    /// It may be supervised again.
    pub(crate) fn goes_on(&self) -> Self {
        self.0.over.store(false, Ordering::SeqCst);
        self.clone()
    }

    /// How its processes ended, and how often.
    pub(crate) fn ends(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.0.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn process(&self) -> MutexGuard<'_, Option<Bot>> {
        self.0.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn words(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(SIGKILL), _) => "killed (SIGKILL)".to_owned(),
        // It had only just begun, and does not listen yet.
        (Some(SIGTERM), _) => "stopped (SIGTERM) while they started".to_owned(),
        (None, Some(0)) => "stopped (SIGTERM)".to_owned(),
        (None, Some(1)) => "ended by themselves, with a reason".to_owned(),
        _ => format!("ended otherwise: {status}"),
    }
}
