//! The worker: takes one due device sync at a time and does one step with it.
//!
//! Queued: the gate again, the baseline, the attempt written down, the call, the answer written down.
//! Accepted or unknown: look whether it checked in; read app failures; report. A step that finds the store or
//! Graph away leaves the device sync where it was and comes back.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::desk::{Bells, Desk, Trouble};
use super::directory::Directory;
use super::report::read_failures;
use super::schedule::{backoff, deadline, jitter, next_look, retry_wait, tries_within};
use crate::budget::Urgency;
use crate::chat::Actor;
use crate::clock::Clock;
use crate::graph::{Error, Graph, Kind, Patience};
use crate::identity::{ChatRoles, CheckFailed, Gate};
use crate::intune::{Decision, Denial, Device, ErrorTable, Evidence, Task, Verdict, judge};
use crate::settings::Settings;
use crate::store::{
    Answer, Attempt, Begun, ClaimedSync, DeviceSyncState, Ending, Lease, Outcome, Phase, RefusedWhy, Store,
};

/// Calls made for one device sync at the most; a further unknown one is only watched.
pub(super) const MOST_ATTEMPTS: usize = 4;

/// Does the work that the store says is due.
pub struct Worker {
    pub(super) graph: Arc<Graph>,
    pub(super) gate: Arc<Gate>,
    pub(super) store: Store,
    pub(super) error_table: Arc<ErrorTable>,
    pub(super) settings: Arc<Settings>,
    pub(super) chat_roles: Arc<dyn ChatRoles>,
    pub(super) clock: Clock,
    pub(super) bells: Bells,
    pub(super) directory: Arc<Directory>,
    pub(super) desk: Arc<Desk>,
}

/// What the gate and the device said right before a call.
pub(super) enum Ready {
    /// The call may be made; `requested_at` is Graph's own time.
    Go { device: Box<Device>, requested_at: Timestamp, decision: Decision },
    /// It ends here.
    End(Outcome),
    /// Something did not answer.
    Later(Option<Error>),
    /// The store did not say who the person is.
    StoreAway(crate::store::Error),
}

impl Worker {
    /// A worker; `chat_roles` says what somebody may by their chat roles at the moment of a call.
    pub fn new(desk: Arc<Desk>, chat_roles: Arc<dyn ChatRoles>) -> Self {
        Self {
            graph: Arc::clone(&desk.graph),
            gate: Arc::clone(&desk.gate),
            store: desk.store.clone(),
            error_table: Arc::clone(&desk.error_table),
            settings: Arc::clone(&desk.settings),
            chat_roles,
            clock: desk.clock.clone(),
            bells: desk.bells.clone(),
            directory: Arc::clone(&desk.directory),
            desk,
        }
    }

    /// Takes a due device sync and does its next step. `false`: none was due.
    pub async fn step(&self) -> Result<bool, Trouble> {
        let claimed = self.store.claim_device_sync(self.clock.now()).await?;
        self.next_step(claimed).await
    }

    /// The same for a device sync that Graph accepted: its next step needs no turn to write, so it does not wait behind those that do.
    pub async fn look_step(&self) -> Result<bool, Trouble> {
        let claimed = self.store.claim_look(self.clock.now()).await?;
        self.next_step(claimed).await
    }

    async fn next_step(&self, claimed: Option<ClaimedSync>) -> Result<bool, Trouble> {
        let Some(mut claimed) = claimed else { return Ok(false) };
        let kept = claimed.clone();
        let work = async {
            match claimed.state {
                DeviceSyncState::Queued | DeviceSyncState::Ended => self.dispatch(&mut claimed).await,
                DeviceSyncState::Sending => self.answer_was_lost(&claimed).await,
                DeviceSyncState::Accepted | DeviceSyncState::Unknown => self.look(&mut claimed).await,
            }
        };
        let held = self.store.holding(&self.clock, kept.lease(), Box::pin(work));
        let done = self.guarded(&kept, held).await;
        self.bells.notices.ring();
        self.owing(kept.lease(), done)
    }

    /// A step that the database failed owes its lease.
    pub(super) fn owing(&self, lease: Lease, done: Result<(), Trouble>) -> Result<bool, Trouble> {
        if done.is_err() {
            self.store.owe(lease);
        }
        done.map(|()| true)
    }

    /// When the next step is due.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Trouble> {
        Ok(self.store.next_due_sync(self.clock.now()).await?)
    }

    async fn dispatch(&self, claimed: &mut ClaimedSync) -> Result<(), Trouble> {
        if !self.desk.stands(&claimed.request).await? {
            return Ok(());
        }
        let ready = self.make_ready(claimed).await;
        self.set_out(claimed, ready).await
    }

    /// The call, or what comes instead of it.
    pub(super) async fn set_out(&self, claimed: &mut ClaimedSync, ready: Ready) -> Result<(), Trouble> {
        let (device, requested_at, decision) = match ready {
            Ready::Go { device, requested_at, decision } => (device, requested_at, decision),
            // An unknown call may have been taken, so "nothing was sent" would be a guess: it is watched to its end.
            Ready::End(Outcome::Refused(_) | Outcome::Skipped) if may_have_been_taken(claimed) => {
                return self.only_watch(claimed).await;
            }
            Ready::End(outcome) => return self.end(claimed, &outcome, None).await,
            Ready::Later(error) => return self.later(claimed, error).await,
            Ready::StoreAway(error) => return Err(error.into()),
        };
        // The turn comes first, so that nothing is written down as sent that still stands in line.
        let turn = match self.graph.sync_turn(urgency_of(claimed)).await {
            Ok(turn) => turn,
            Err(Error { kind: Kind::NoTurn, .. }) => {
                // Others went first for long: rights and baseline are read anew.
                let (now, tries) = (self.clock.now(), claimed.tries);
                return Ok(self.store.come_back(now, claimed, DeviceSyncState::Queued, now, tries, None).await?);
            }
            Err(error) => return self.later(claimed, Some(error)).await,
        };
        match self.store.begin_attempt(self.clock.now(), claimed, &device, requested_at, json!(decision)).await? {
            Begun::Written => {}
            Begun::Stopped if may_have_been_taken(claimed) => return self.only_watch(claimed).await,
            Begun::Stopped => {
                return match self.end(claimed, &Outcome::Cancelled, None).await {
                    // Whoever pressed Cancel has ended it.
                    Err(Trouble::Store(crate::store::Error::LeaseLost)) => Ok(()),
                    done => done,
                };
            }
            Begun::Frozen => {
                // Due at once: nobody takes it while the freeze holds, and its end may come sooner than it says now.
                let (now, tries) = (self.clock.now(), claimed.tries);
                return Ok(self.store.come_back(now, claimed, DeviceSyncState::Queued, now, tries, None).await?);
            }
        }
        let called = self.graph.sync_device(device.id, turn).await;
        let now = self.clock.now();
        match called {
            Ok(request_id) => {
                tracing::info!(device = %device.id, device_sync = %claimed.id, request_id, "Graph accepted a sync");
                let next = (DeviceSyncState::Accepted, next_look(&self.settings.watch, requested_at, now));
                Ok(self.store.record_answer(now, claimed, Answer::Accepted, request_id.as_deref(), next).await?)
            }
            Err(error) => self.not_accepted(claimed, &error).await,
        }
    }

    /// Rights, device and baseline, all read right before the call.
    async fn make_ready(&self, claimed: &ClaimedSync) -> Ready {
        let actor = &claimed.request.actor;
        let roles = match self.chat_roles.roles_of(actor.guild, actor.user).await {
            Ok(Some(roles)) => roles,
            Ok(None) => return Ready::End(Outcome::Refused(RefusedWhy::Rights(Denial::NoRole))),
            Err(_unreachable) => return Ready::Later(None),
        };
        let (device, graph_time) = match self.graph.device(claimed.device.id, Patience::Once).await {
            Ok(Some(stamped)) => (stamped.value, stamped.graph_time),
            Ok(None) => return Ready::End(Outcome::Gone),
            Err(error) => return Ready::Later(Some(error)),
        };
        let actor = Actor { roles, ..actor.clone() };
        // What was known before Yes does not count.
        let ruling = self.gate.rule(Task::SyncDevice, &actor, &device, claimed.started_at, Patience::Once).await;
        self.admitted(device, graph_time, ruling.map(|ruling| ruling.decision))
    }

    /// What the gate's word and the device's own state come to.
    pub(super) fn admitted(
        &self,
        device: Device,
        graph_time: Option<Timestamp>,
        ruling: Result<Decision, CheckFailed>,
    ) -> Ready {
        let decision = match ruling {
            Ok(Decision::Denied(denial)) => return Ready::End(Outcome::Refused(RefusedWhy::Rights(denial))),
            Ok(allowed) => allowed,
            Err(CheckFailed::Graph(error)) => return Ready::Later(Some(error)),
            Err(CheckFailed::Store(error)) => return Ready::StoreAway(error),
        };
        if let Err(why) = device.syncable() {
            return Ready::End(Outcome::NotSupported(why));
        }
        if self.settings.sync.observe {
            return Ready::End(Outcome::Skipped);
        }
        let requested_at = graph_time.unwrap_or_else(|| self.clock.now());
        Ready::Go { device: Box::new(device), requested_at, decision }
    }

    /// Nothing was sent yet, and something did not answer: come back, or give up in time.
    async fn later(&self, claimed: &mut ClaimedSync, error: Option<Error>) -> Result<(), Trouble> {
        let now = self.clock.now();
        let wait = match &error {
            Some(error) => retry_wait(error, claimed.tries, jitter()),
            None => Some(backoff(claimed.tries, jitter())),
        };
        let reason = error.as_ref().map_or_else(|| "the chat does not say who may".to_owned(), ToString::to_string);
        tracing::warn!(reason, device_sync = %claimed.id, "a sync has to wait");
        let is_time_up = self.is_time_up(claimed, now).await?;
        let Some(wait) = wait.filter(|_| !is_time_up) else {
            if may_have_been_taken(claimed) {
                return self.only_watch(claimed).await;
            }
            let outcome = match error {
                Some(Error { kind: Kind::Forbidden, .. }) => Outcome::Refused(RefusedWhy::BotPermission),
                Some(error) => Outcome::failed(error.retry() != crate::graph::Retry::Never),
                None => Outcome::Refused(RefusedWhy::Rights(Denial::CouldNotCheck)),
            };
            return self.end(claimed, &outcome, None).await;
        };
        let due_at = now.saturating_add(wait).unwrap_or(now);
        let phase = (claimed.tries == 0).then_some(Phase::Waiting);
        Ok(self.store.come_back(now, claimed, DeviceSyncState::Queued, due_at, claimed.tries + 1, phase).await?)
    }

    async fn is_time_up(&self, claimed: &ClaimedSync, now: Timestamp) -> Result<bool, Trouble> {
        if claimed.request.target.is_some() {
            // One of many may have waited for its turn for longer than that.
            return Ok(claimed.tries >= tries_within(self.settings.sync.give_up));
        }
        // Nor does the time count that a freeze held it back.
        let thawed_at = self.store.thawed_at(now).await?.unwrap_or(claimed.started_at);
        Ok(now.duration_since(claimed.started_at.max(thawed_at)) >= self.settings.sync.give_up)
    }

    /// The call was made and was not accepted, or nobody knows.
    async fn not_accepted(&self, claimed: &ClaimedSync, error: &Error) -> Result<(), Trouble> {
        let now = self.clock.now();
        let request_id = error.request_id.as_deref();
        let refused = Some((Answer::Refused, request_id));
        tracing::warn!(%error, device_sync = %claimed.id, "a sync was not accepted");
        let is_time_up = self.is_time_up(claimed, now).await?;
        match error.kind {
            Kind::NoAnswer => self.unknown(claimed).await,
            Kind::ApprovalRequired => self.end(claimed, &Outcome::Refused(RefusedWhy::ApprovalRequired), refused).await,
            Kind::Forbidden => self.end(claimed, &Outcome::Refused(RefusedWhy::BotPermission), refused).await,
            Kind::NotFound => self.end(claimed, &Outcome::Gone, refused).await,
            Kind::Observing => self.end(claimed, &Outcome::Skipped, refused).await,
            _ => match retry_wait(error, claimed.tries, jitter()) {
                Some(wait) if !is_time_up => {
                    let due_at = now.saturating_add(wait).unwrap_or(now);
                    let next = (DeviceSyncState::Queued, due_at);
                    Ok(self.store.record_answer(now, claimed, Answer::NotTaken, request_id, next).await?)
                }
                Some(_) if may_have_been_taken(claimed) => {
                    let requested_at = claimed.attempts.last().map_or(now, |attempt| attempt.requested_at);
                    let next = (DeviceSyncState::Unknown, next_look(&self.settings.watch, requested_at, now));
                    Ok(self.store.record_answer(now, claimed, Answer::NotTaken, request_id, next).await?)
                }
                Some(_) => self.end(claimed, &Outcome::failed(true), Some((Answer::NotTaken, request_id))).await,
                None => self.end(claimed, &Outcome::failed(false), refused).await,
            },
        }
    }

    /// A worker died between the call and its answer. Nobody knows whether Graph took it.
    pub(super) async fn answer_was_lost(&self, claimed: &ClaimedSync) -> Result<(), Trouble> {
        tracing::warn!(device_sync = %claimed.id, "an attempt has no recorded answer; the device is watched first");
        self.unknown(claimed).await
    }

    async fn unknown(&self, claimed: &ClaimedSync) -> Result<(), Trouble> {
        let now = self.clock.now();
        let requested_at = claimed.attempts.last().map_or(now, |attempt| attempt.requested_at);
        let next = (DeviceSyncState::Unknown, next_look(&self.settings.watch, requested_at, now));
        Ok(self.store.record_answer(now, claimed, Answer::Unknown, None, next).await?)
    }

    /// No further call can be made, and an earlier one may have been taken: back to watching the device.
    async fn only_watch(&self, claimed: &mut ClaimedSync) -> Result<(), Trouble> {
        claimed.state = DeviceSyncState::Unknown;
        let first = claimed.effective_attempts().next().cloned();
        match first {
            Some(first) => self.look_again(claimed, &first, false).await,
            None => self.end(claimed, &Outcome::failed(true), None).await,
        }
    }

    /// Has it checked in?
    async fn look(&self, claimed: &mut ClaimedSync) -> Result<(), Trouble> {
        let Some(first) = claimed.effective_attempts().next().cloned() else {
            // Accepted without an attempt cannot be; asking again is the safe way out.
            let now = self.clock.now();
            return Ok(self.store.come_back(now, claimed, DeviceSyncState::Queued, now, 0, None).await?);
        };
        let device = match self.graph.device(claimed.device.id, Patience::Once).await {
            Ok(Some(stamped)) => stamped.value,
            Ok(None) => return self.end(claimed, &Outcome::Gone, None).await,
            Err(error) => {
                tracing::info!(%error, device_sync = %claimed.id, "a look at a device has to wait");
                return self.look_again(claimed, &first, false).await;
            }
        };
        self.seen(claimed, &first, device).await
    }

    /// The device, as it was just read.
    pub(super) async fn seen(&self, claimed: &mut ClaimedSync, first: &Attempt, device: Device) -> Result<(), Trouble> {
        claimed.device = device;
        if let Verdict::CheckedIn(at) = self.verdict(first, &claimed.device) {
            let now = self.clock.now();
            let settled_at = at.saturating_add(self.settings.apps.settle).unwrap_or(at);
            // Say at once that it checked in; its apps report a little later. `tries` remembers that it was said.
            if now < settled_at && claimed.tries == 0 {
                let due_at = settled_at.min(now.saturating_add(self.settings.apps.settle).unwrap_or(now));
                let phase = Some(Phase::ReadingApps { checked_in_at: at });
                return Ok(self.store.come_back(now, claimed, claimed.state, due_at, 1, phase).await?);
            }
            let (apps, table) = (&self.settings.apps, &self.error_table);
            let requested = first.requested_at;
            let patience = Patience::TriesAs(Urgency::Single);
            let failures = read_failures(&self.graph, apps, table, &claimed.device, Some(requested), patience).await;
            let report = failures.into_report(&claimed.device, at, requested);
            return self.end(claimed, &Outcome::CheckedIn(report), None).await;
        }
        if let Some(action) = claimed.device.ending_action() {
            let outcome = Outcome::NotSupported(crate::intune::NotSyncable::Pending(action));
            return self.end(claimed, &outcome, None).await;
        }
        self.look_again(claimed, first, true).await
    }

    /// The earliest attempt has the lowest bar, so it is the one to judge by.
    pub(super) fn verdict(&self, first: &Attempt, device: &Device) -> Verdict {
        let skew = self.settings.watch.skew;
        let evidence = Evidence { baseline: first.baseline, requested: first.requested_at, skew };
        judge(evidence, device.last_check_in)
    }

    /// Comes back for another look, or says that the time is over. `seen`: this look got an answer.
    pub(super) async fn look_again(&self, claimed: &ClaimedSync, first: &Attempt, seen: bool) -> Result<(), Trouble> {
        let now = self.clock.now();
        let watch = &self.settings.watch;
        let last = claimed.effective_attempts().last().unwrap_or(first);
        if now >= deadline(watch, last.requested_at) {
            let accepted = claimed.attempts.iter().any(|attempt| attempt.answer == Some(Answer::Accepted));
            let last_check_in = claimed.device.last_check_in;
            return self.end(claimed, &Outcome::NoCheckInSeen { accepted, last_check_in }, None).await;
        }
        let mut next = next_look(watch, last.requested_at, now);
        // Only a look that saw nothing lets the device be called once more.
        if seen && claimed.state == DeviceSyncState::Unknown && claimed.attempts.len() < MOST_ATTEMPTS {
            let again_at = last.requested_at.saturating_add(watch.unknown_wait).unwrap_or(Timestamp::MAX);
            if now >= again_at {
                return Ok(self.store.come_back(now, claimed, DeviceSyncState::Queued, now, 0, None).await?);
            }
            next = next.min(again_at.max(now.saturating_add(watch.min_interval).unwrap_or(now)));
        }
        Ok(self.store.come_back(now, claimed, claimed.state, next, 0, None).await?)
    }

    pub(super) async fn end(
        &self,
        claimed: &ClaimedSync,
        outcome: &Outcome,
        answer: Option<(Answer, Option<&str>)>,
    ) -> Result<(), Trouble> {
        let tell = self.tell_of(&claimed.request, &claimed.device, outcome).await?;
        let ending = Ending { outcome, answer, tell };
        if self.store.finish(self.clock.now(), claimed, &ending).await? {
            self.bells.ring_work();
        }
        Ok(())
    }
}

/// In which line its call stands.
fn urgency_of(claimed: &ClaimedSync) -> Urgency {
    if claimed.bulk { Urgency::Bulk(claimed.request.id.0) } else { Urgency::Single }
}

/// Whether Graph may have taken an earlier call, whose answer was lost.
pub(super) fn may_have_been_taken(claimed: &ClaimedSync) -> bool {
    claimed.attempts.iter().any(|attempt| attempt.answer == Some(Answer::Unknown))
}
