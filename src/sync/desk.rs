//! The desk: holds what questions need, and says what can go wrong with them.

use std::sync::Arc;

use serde_json::json;

use super::directory::Directory;
use super::failure_index::FailureIndex;
use crate::chat::Actor;
use crate::clock::{Bell, Clock};
use crate::graph::Graph;
use crate::identity::{CheckFailed, Gate};
use crate::intune::{Denial, ErrorTable};
use crate::settings::Settings;
use crate::store::{AuditRow, Event, RequestId, Store};

/// Wakes the loops when there is something to do.
#[derive(Clone, Debug)]
pub struct Bells {
    /// Device syncs: one bell for each worker.
    pub work: Vec<Bell>,
    /// Notices.
    pub notices: Bell,
    /// Cards that expire, and late watches.
    pub timers: Bell,
    /// Devices of bulk requests that wait to be sent: one bell for each sender.
    pub bulk: Vec<Bell>,
    /// Devices of bulk requests that are watched.
    pub looks: Bell,
}

impl Bells {
    /// One bell for each loop.
    pub fn new(clock: &Clock, workers: usize, senders: usize) -> Self {
        let bells = |count: usize| (0..count.max(1)).map(|_| clock.bell()).collect();
        let (work, bulk) = (bells(workers), bells(senders));
        Self { work, notices: clock.bell(), timers: clock.bell(), bulk, looks: clock.bell() }
    }

    /// Wakes every worker.
    pub fn ring_work(&self) {
        for bell in self.work.iter().chain(&self.bulk) {
            bell.ring();
        }
        self.looks.ring();
    }

    /// Wakes every loop.
    pub fn ring_all(&self) {
        self.ring_work();
        self.notices.ring();
        self.timers.ring();
    }
}

/// What people ask for.
#[derive(Debug)]
pub struct Desk {
    /// Graph.
    pub(super) graph: Arc<Graph>,
    /// The gate.
    pub(super) gate: Arc<Gate>,
    /// The store.
    pub(super) store: Store,
    /// The devices in memory.
    pub(super) directory: Arc<Directory>,
    /// Which devices have failures that a sync may mend.
    pub(super) failures: Arc<FailureIndex>,
    /// The app error table.
    pub(super) error_table: Arc<ErrorTable>,
    /// Every setting.
    pub(super) settings: Arc<Settings>,
    /// Time.
    pub(super) clock: Clock,
    /// The loops.
    pub(super) bells: Bells,
}

/// A question could not be answered. Chat shows one calm sentence and a reference; the log has the rest.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Graph did not answer.
    #[error(transparent)]
    Graph(#[from] crate::graph::Error),
    /// The person's rights could not be read: in doubt the answer is no.
    #[error("rights could not be checked: {0}")]
    Rights(crate::graph::Error),
    /// The store did not answer: nothing was recorded.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

/// Rights could not be read, which is no.
impl From<CheckFailed> for Trouble {
    fn from(failed: CheckFailed) -> Self {
        match failed {
            CheckFailed::Graph(error) => Self::Rights(error),
            CheckFailed::Store(error) => Self::Store(error),
        }
    }
}

impl Desk {
    /// A desk.
    #[expect(clippy::too_many_arguments, reason = "app.rs builds it once, from the parts it names")]
    pub fn new(
        graph: Arc<Graph>,
        gate: Arc<Gate>,
        store: Store,
        directory: Arc<Directory>,
        failures: Arc<FailureIndex>,
        error_table: Arc<ErrorTable>,
        settings: Arc<Settings>,
        clock: Clock,
        bells: Bells,
    ) -> Self {
        Self { graph, gate, store, directory, failures, error_table, settings, clock, bells }
    }

    /// What the gate found. Where it could not look, the answer is no, and the audit says so.
    pub(super) async fn checked<T>(&self, actor: &Actor, found: Result<T, CheckFailed>) -> Result<T, Trouble> {
        if matches!(found, Err(CheckFailed::Graph(_))) {
            let detail = json!({ "why": "not_allowed", "denial": Denial::CouldNotCheck });
            let row = AuditRow::new(Event::Refused).by(actor).detail(detail);
            self.store.audit(self.clock.now(), &row).await?;
        }
        Ok(found?)
    }

    /// A click that counted for nothing, for the audit.
    pub(super) async fn click_ignored(
        &self,
        actor: &Actor,
        request: Option<RequestId>,
        why: &str,
    ) -> Result<(), Trouble> {
        let mut row = AuditRow::new(Event::ClickIgnored).by(actor).detail(json!({ "why": why }));
        row.request = request;
        Ok(self.store.audit(self.clock.now(), &row).await?)
    }

    /// Whether they hold one of `[access] admin_roles`.
    pub(super) fn is_admin(&self, actor: &Actor) -> bool {
        self.settings.access.admin_roles.iter().any(|role| actor.roles.contains(role))
    }

    /// Somebody linked or unlinked their account: suggestions are to know it at once. The gate always does.
    pub fn link_changed(&self) {
        self.gate.display_bell().ring();
    }

    /// The app error table.
    pub fn error_table(&self) -> &ErrorTable {
        &self.error_table
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
