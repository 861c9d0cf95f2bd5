//! The loops of the running bot. Each waits for a bell or for the time when its next work is due.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::{Bell, Busy, Clock};
use crate::discord::Delivery;
use crate::graph::Graph;
use crate::identity::Gate;
use crate::intune::ErrorTable;
use crate::settings::Apps;
use crate::store::{ClaimedNotice, Store, Wakes};
use crate::sync::{Bells, Directory, FailureIndex, Worker};

/// Longest idle wait of a loop: a fallback should a bell ever not ring.
const LONGEST_IDLE: SignedDuration = SignedDuration::from_mins(10);

/// Wait of a loop after the store failed, and of the directory after Graph did.
const AFTER_TROUBLE: SignedDuration = SignedDuration::from_secs(5);

/// Shortest wait of a loop that found nothing to do although something is due.
const SHORTEST_IDLE: SignedDuration = SignedDuration::from_secs(1);

/// After another process committed something, it goes first for so long: it may still have to answer the click that it
/// committed, and no later word about that sync may overtake the answer.
const OTHERS_FIRST: SignedDuration = SignedDuration::from_secs(1);

/// What suggestions know of roles and scope groups is read again after this; five minutes is the most.
const DISPLAY_FRESH: SignedDuration = SignedDuration::from_mins(4);

/// Between two looks for audit rows that are too old.
const PRUNE: SignedDuration = SignedDuration::from_hours(24);

/// What every loop holds.
#[derive(Clone)]
pub(super) struct LoopEnv {
    pub(super) clock: Clock,
    pub(super) stop: CancellationToken,
    pub(super) store: Store,
}

impl LoopEnv {
    fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    fn after(&self, wait: SignedDuration) -> Timestamp {
        self.clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX)
    }

    /// Waits until something is due, the bell rings, or the bot stops.
    async fn idle(&self, bell: &Bell, due: Option<Timestamp>) {
        let wait = due.map_or(LONGEST_IDLE, |due| due.duration_since(self.clock.now()));
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = bell.wait_for(wait.clamp(SHORTEST_IDLE, LONGEST_IDLE)) => {}
        }
    }

    async fn rest(&self, wait: SignedDuration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.clock.sleep(wait) => {}
        }
    }
}

pub(super) async fn work(env: LoopEnv, worker: Arc<Worker>, bell: Bell) {
    let _busy = env.clock.busy();
    while !env.is_stopping() {
        match worker.step().await {
            Ok(true) => {}
            Ok(false) => match worker.next_due().await {
                Ok(due) => env.idle(&bell, due).await,
                Err(error) => after_trouble(&env, &error).await,
            },
            Err(error) => after_trouble(&env, &error).await,
        }
    }
}

pub(super) async fn look(env: LoopEnv, worker: Arc<Worker>, bell: Bell) {
    let _busy = env.clock.busy();
    while !env.is_stopping() {
        match worker.look_step().await {
            Ok(true) => {}
            Ok(false) => match worker.next_due().await {
                Ok(due) => env.idle(&bell, due).await,
                Err(error) => after_trouble(&env, &error).await,
            },
            Err(error) => after_trouble(&env, &error).await,
        }
    }
}

pub(super) async fn send_bulk(env: LoopEnv, worker: Arc<Worker>, bell: Bell) {
    let _busy = env.clock.busy();
    while !env.is_stopping() {
        match worker.bulk_step().await {
            Ok(true) => {}
            Ok(false) => match worker.next_due_bulk().await {
                Ok(due) => env.idle(&bell, due).await,
                Err(error) => after_trouble(&env, &error).await,
            },
            Err(error) => after_trouble(&env, &error).await,
        }
    }
}

pub(super) async fn look_bulk(env: LoopEnv, worker: Arc<Worker>, bell: Bell) {
    let _busy = env.clock.busy();
    while !env.is_stopping() {
        match worker.bulk_look_step().await {
            Ok(true) => {}
            Ok(false) => match worker.next_bulk_look().await {
                Ok(due) => env.idle(&bell, due).await,
                Err(error) => after_trouble(&env, &error).await,
            },
            Err(error) => after_trouble(&env, &error).await,
        }
    }
}

/// What the index of app failures is made from.
pub(super) struct IndexParts {
    pub(super) graph: Arc<Graph>,
    pub(super) directory: Arc<Directory>,
    pub(super) failures: Arc<FailureIndex>,
    pub(super) error_table: Arc<ErrorTable>,
}

pub(super) async fn index(env: LoopEnv, parts: IndexParts, apps: Apps, every: SignedDuration) {
    let _busy = env.clock.busy();
    while !env.is_stopping() {
        if parts.directory.read_at().is_none() {
            env.rest(AFTER_TROUBLE).await;
            continue;
        }
        let IndexParts { graph, directory, failures, error_table } = &parts;
        let read =
            Box::pin(failures.refresh(graph, directory, &apps, error_table, &env.clock, || env.is_stopping())).await;
        tracing::info!(devices = read, "read the index of app failures");
        env.rest(every).await;
    }
}

async fn after_trouble(env: &LoopEnv, error: &impl std::fmt::Display) {
    if !env.is_stopping() {
        tracing::error!(%error, "the store did not answer; the work waits");
        env.rest(AFTER_TROUBLE).await;
        if let Err(error) = env.store.give_back_owed().await {
            tracing::info!(%error, "leases could not be given back yet");
        }
    }
}

/// Deliveries that are under way side by side: so many slow or busy channels hold up nobody else.
const SIDE_BY_SIDE: usize = 8;

/// Takes due notices and has each sent by itself. Whatever ends rings the bell, so that the next one is taken.
pub(super) async fn delivery(env: LoopEnv, delivery: Arc<Delivery>, bell: Bell) {
    let _busy = env.clock.busy();
    let mut under_way = JoinSet::new();
    while !env.is_stopping() {
        while under_way.try_join_next().is_some() {}
        if under_way.len() >= SIDE_BY_SIDE {
            env.idle(&bell, None).await;
            continue;
        }
        match delivery.claim().await {
            Ok(Some(claimed)) => {
                // Counted from here on, started or not.
                let done = Done { bell: bell.clone(), _busy: env.clock.busy() };
                under_way.spawn(deliver(env.clone(), Arc::clone(&delivery), claimed, done));
            }
            Ok(None) => match delivery.next_due().await {
                Ok(due) => env.idle(&bell, due).await,
                Err(error) => after_trouble(&env, &error).await,
            },
            Err(error) => after_trouble(&env, &error).await,
        }
    }
    while under_way.join_next().await.is_some() {}
}

/// Rings when a delivery ended, however it did.
struct Done {
    bell: Bell,
    _busy: Busy,
}

impl Drop for Done {
    fn drop(&mut self) {
        self.bell.ring();
    }
}

async fn deliver(env: LoopEnv, delivery: Arc<Delivery>, claimed: ClaimedNotice, _done: Done) {
    let turn = delivery.turn(&claimed);
    let wait = turn.at.duration_since(env.clock.now());
    if wait.is_positive() {
        env.rest(wait).await;
        if env.is_stopping() {
            // Its lease is given back with all others.
            return;
        }
    }
    let lease = claimed.lease();
    if let Err(error) = Box::pin(delivery.send(claimed, turn.busy)).await {
        env.store.owe(lease);
        after_trouble(&env, &error).await;
    }
}

pub(super) async fn timers(env: LoopEnv, worker: Arc<Worker>, bell: Bell) {
    let _busy = env.clock.busy();
    while !env.is_stopping() {
        match worker.timers_step().await {
            Ok(due) => env.idle(&bell, due).await,
            Err(error) => after_trouble(&env, &error).await,
        }
    }
}

/// Sees to it that nothing waits for longer than it was meant to when somebody sets this machine's time of day.
pub(super) async fn jumps(env: LoopEnv, store: Store, bells: Bells) {
    let _busy = env.clock.busy();
    let mut known = env.clock.moment();
    while !env.is_stopping() {
        let by = tokio::select! {
            () = env.stop.cancelled() => return,
            by = env.clock.is_set(&mut known) => by,
        };
        tracing::warn!(by = format!("{by:#}"), "this machine's time of day was set; is it kept by NTP?");
        while by.is_negative()
            && !env.is_stopping()
            && let Err(error) = store.time_was_set_back(env.clock.now()).await
        {
            after_trouble(&env, &error).await;
        }
        bells.ring_all();
    }
}

/// Wakes every loop for what other processes on the same database commit.
pub(super) async fn listen(env: LoopEnv, store: Store, bells: Bells) {
    while !env.is_stopping() {
        let trouble = match store.listen().await {
            Ok(None) => return,
            Ok(Some(mut wakes)) => {
                // Whatever was said before we listened.
                bells.ring_all();
                tokio::select! {
                    () = env.stop.cancelled() => return,
                    error = ring_for(&env, &mut wakes, &bells) => error,
                }
            }
            Err(error) => error,
        };
        tracing::warn!(error = %trouble, "the database does not tell what others commit; the loops look by themselves");
        let _busy = env.clock.busy();
        env.rest(AFTER_TROUBLE).await;
    }
}

/// Rings, at most once in [`OTHERS_FIRST`], until listening fails.
async fn ring_for(env: &LoopEnv, wakes: &mut Wakes, bells: &Bells) -> crate::store::Error {
    loop {
        if let Err(error) = wakes.next().await {
            return error;
        }
        let others_first = async {
            let _busy = env.clock.busy();
            env.clock.sleep(OTHERS_FIRST).await;
        };
        let mut others_first = std::pin::pin!(others_first);
        // What comes meanwhile is rung for by the same stroke.
        loop {
            tokio::select! {
                () = &mut others_first => break,
                heard = wakes.next() => if let Err(error) = heard { return error; },
            }
        }
        bells.ring_all();
    }
}

pub(super) async fn directory(env: LoopEnv, graph: Arc<Graph>, directory: Arc<Directory>, refresh: SignedDuration) {
    let _busy = env.clock.busy();
    while !env.is_stopping() {
        match directory.refresh(&graph, env.clock.now()).await {
            Ok(devices) => {
                tracing::info!(devices, "read the list of devices");
                env.rest(refresh).await;
            }
            Err(error) => {
                tracing::warn!(%error, "the list of devices could not be read; the old one stays");
                env.rest(AFTER_TROUBLE.saturating_mul(6)).await;
            }
        }
    }
}

pub(super) async fn display(env: LoopEnv, gate: Arc<Gate>) {
    let _busy = env.clock.busy();
    while !env.is_stopping() {
        gate.refresh_display().await;
        env.idle(gate.display_bell(), Some(env.after(DISPLAY_FRESH))).await;
    }
}

/// As whom the audit's head is written to the log, whatever `[log] level` says.
pub(crate) const AUDIT_HEAD: &str = "intune_sync_bot::audit_head";

/// Writes the head of the audit's chain to the log, and lets old rows go.
pub(super) async fn audit(env: LoopEnv, store: Store, publish: SignedDuration, keep: Option<SignedDuration>) {
    let _busy = env.clock.busy();
    let mut prune_at = env.clock.now();
    loop {
        if let Some(keep) = keep
            && env.clock.now() >= prune_at
        {
            let now = env.clock.now();
            prune_at = env.after(PRUNE);
            match store.prune_audit(now, now.saturating_sub(keep).unwrap_or(Timestamp::MIN)).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "old audit rows were removed"),
                Err(error) => tracing::error!(%error, "old audit rows could not be removed"),
            }
        }
        match store.audit_head().await {
            Ok(Some(head)) => {
                tracing::info!(target: AUDIT_HEAD, position = head.position, seal = head.seal, "audit head");
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the audit's head could not be read"),
        }
        // At the stop the head was just published once more.
        if env.is_stopping() {
            return;
        }
        env.rest(publish).await;
    }
}
