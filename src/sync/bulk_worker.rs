//! The worker's way with many: the next twenty of a bulk request are read, judged and called together, and all that are
//! watched are looked at together.
//!
//! Each device keeps its own steps and its own fence; only reads are shared.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::future::{BoxFuture, join_all};
use jiff::Timestamp;

use super::broken::MOST_TROUBLES;
use super::desk::Trouble;
use super::schedule::{deadline, next_look};
use super::worker::{MOST_ATTEMPTS, Ready, Worker};
use crate::budget::Urgency;
use crate::chat::Actor;
use crate::graph::{CheckIn, Patience};
use crate::identity::CheckFailed;
use crate::intune::{Denial, Device, DeviceId, Task, Verdict};
use crate::panics::caught;
use crate::store::{Attempt, ClaimedSync, DeviceSyncState, Outcome, RefusedWhy};

/// Devices that are made ready together: what one batch of Graph's holds.
const TOGETHER: u32 = 20;

/// Devices that are looked at together. Beyond a few, the tenant's whole list costs less than one read each.
const LOOKS: u32 = 2_000;

/// Devices on a page of that list.
const PAGE: usize = 1_000;

/// In which line looks stand: they are of several requests.
const LOOKING: Patience = Patience::OnceAs(Urgency::Bulk(0));

/// Device syncs of a group that are under way at once; the budget spaces their calls.
const AT_ONCE: usize = 20;

/// Reports that are read at once.
const REPORTS: usize = 8;

impl Worker {
    /// Takes the next devices of a bulk request and calls them. `false`: none waits.
    pub async fn bulk_step(&self) -> Result<bool, Trouble> {
        let Some(group) = self.store.claim_bulk(self.clock.now(), TOGETHER).await? else { return Ok(false) };
        let lease = group.lease();
        let held = self.store.holding(&self.clock, lease.clone(), Box::pin(self.send_all(group.syncs)));
        let ended = caught(held).await;
        self.bells.notices.ring();
        self.bells.looks.ring();
        let done = self.all_failed(&lease, ended).await;
        self.owing(lease, done)
    }

    /// When the next of them is due to be sent.
    pub async fn next_due_bulk(&self) -> Result<Option<Timestamp>, Trouble> {
        Ok(self.store.next_due_bulk(self.clock.now()).await?.0)
    }

    async fn send_all(&self, syncs: Vec<ClaimedSync>) -> Result<(), Trouble> {
        let (lost, mut waiting): (Vec<_>, Vec<_>) =
            syncs.into_iter().partition(|sync| sync.state == DeviceSyncState::Sending);
        for claimed in &lost {
            self.guarded(claimed, self.answer_was_lost(claimed)).await?;
        }
        self.leave_out_broken(&mut waiting).await?;
        let Some(first) = waiting.first() else { return Ok(()) };
        if !self.desk.stands(&first.request).await? {
            return Ok(());
        }
        let ready = self.make_all_ready(&waiting).await;
        let mut steps: Vec<Step<'_>> = Vec::with_capacity(waiting.len());
        for (claimed, ready) in waiting.iter_mut().zip(ready) {
            let kept = claimed.clone();
            steps.push(Box::pin(async move { self.guarded(&kept, self.set_out(claimed, ready)).await }));
        }
        self.all(steps, AT_ONCE).await
    }

    /// Deals with those of which no step can be done, and takes them out.
    async fn leave_out_broken(&self, syncs: &mut Vec<ClaimedSync>) -> Result<(), Trouble> {
        let (broken, whole) = std::mem::take(syncs)
            .into_iter()
            .partition(|sync| sync.troubles >= MOST_TROUBLES || sync.unreadable.is_some());
        *syncs = whole;
        let broken: Vec<ClaimedSync> = broken;
        for claimed in &broken {
            self.guarded(claimed, std::future::ready(Ok(()))).await?;
        }
        Ok(())
    }

    /// Rights, devices and baselines of devices that one person asked for, all read right before the calls.
    async fn make_all_ready(&self, syncs: &[ClaimedSync]) -> Vec<Ready> {
        let Some(first) = syncs.first() else { return Vec::new() };
        let all = |ready: &dyn Fn() -> Ready| syncs.iter().map(|_| ready()).collect();
        let actor = &first.request.actor;
        let roles = match self.chat_roles.roles_of(actor.guild, actor.user).await {
            Ok(Some(roles)) => roles,
            Ok(None) => return all(&|| Ready::End(Outcome::Refused(RefusedWhy::Rights(Denial::NoRole)))),
            Err(_unreachable) => return all(&|| Ready::Later(None)),
        };
        let ids: Vec<DeviceId> = syncs.iter().map(|sync| sync.device.id).collect();
        let patience = Patience::OnceAs(Urgency::Bulk(first.request.id.0));
        let read = self.graph.devices_now(&ids, patience).await;
        let present: Vec<&Device> = read.iter().filter_map(|read| Some(&read.as_ref().ok()?.as_ref()?.value)).collect();
        let actor = Actor { roles, ..actor.clone() };
        // What was known before Yes does not count.
        let since = syncs.iter().map(|sync| sync.started_at).max().unwrap_or(first.started_at);
        let mut rulings = match self.gate.rule_many(Task::SyncDevice, &actor, &present, since, patience).await {
            Ok(rulings) => rulings.into_iter(),
            Err(CheckFailed::Graph(error)) => return all(&|| Ready::Later(Some(error.clone()))),
            Err(CheckFailed::Store(error)) => {
                tracing::warn!(%error, "the store did not say who somebody is; their devices wait");
                return all(&|| Ready::Later(None));
            }
        };
        let mut ready = Vec::with_capacity(syncs.len());
        for read in read {
            ready.push(match read {
                Ok(None) => Ready::End(Outcome::Gone),
                Err(error) => Ready::Later(Some(error)),
                Ok(Some(stamped)) => match rulings.next() {
                    Some(ruling) => {
                        let decision = ruling.map(|ruling| ruling.decision).map_err(CheckFailed::Graph);
                        self.admitted(stamped.value, stamped.graph_time, decision)
                    }
                    None => Ready::Later(None),
                },
            });
        }
        ready
    }

    /// Looks at the devices of bulk requests that are due for it. `false`: none is.
    pub async fn bulk_look_step(&self) -> Result<bool, Trouble> {
        let Some(mut group) = self.store.claim_bulk_looks(self.clock.now(), LOOKS).await? else { return Ok(false) };
        let lease = group.lease();
        let mut syncs = std::mem::take(&mut group.syncs);
        let work = async {
            self.leave_out_broken(&mut syncs).await?;
            let quiet_until = self.look_at_all(syncs).await?;
            if let Some(next) = quiet_until {
                self.store.look_again_all(&group, next).await?;
            }
            Ok(())
        };
        let ended: Result<Result<(), Trouble>, String> =
            caught(self.store.holding(&self.clock, lease.clone(), Box::pin(work))).await;
        self.bells.notices.ring();
        // An unknown call may be made once more.
        self.bells.bulk.iter().for_each(crate::clock::Bell::ring);
        let done = self.all_failed(&lease, ended).await;
        self.owing(lease, done)
    }

    /// When the next of them is due for a look.
    pub async fn next_bulk_look(&self) -> Result<Option<Timestamp>, Trouble> {
        Ok(self.store.next_due_bulk(self.clock.now()).await?.1)
    }

    /// Deals with every device of which there is news; returns when those without any are looked at again, if there are such.
    async fn look_at_all(&self, syncs: Vec<ClaimedSync>) -> Result<Option<Timestamp>, Trouble> {
        let seen = match self.read_all(&syncs).await {
            Ok(seen) => seen,
            Err(error) => {
                tracing::info!(%error, "a look at many devices has to wait");
                HashMap::new()
            }
        };
        let now = self.clock.now();
        let (mut next, mut news) = (None::<Timestamp>, Vec::new());
        for claimed in syncs {
            let first = claimed.effective_attempts().next().cloned();
            let device = seen.get(&claimed.device.id).cloned();
            match self.quiet_until(&claimed, first.as_ref(), device.as_ref(), now) {
                Some(at) => next = Some(next.map_or(at, |next| next.min(at))),
                None => news.push((claimed, first, device)),
            }
        }
        let mut steps: Vec<Step<'_>> = Vec::with_capacity(news.len());
        for (claimed, first, device) in &mut news {
            let kept = claimed.clone();
            let (first, device) = (first.as_ref(), device.take());
            steps.push(Box::pin(async move { self.guarded(&kept, self.tell(claimed, first, device)).await }));
        }
        self.all(steps, REPORTS).await?;
        Ok(next)
    }

    /// When to look again at a device of which there is nothing to say; `None`: there is.
    fn quiet_until(
        &self,
        claimed: &ClaimedSync,
        first: Option<&Attempt>,
        device: Option<&Seen>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let (first, watch) = (first?, &self.settings.watch);
        let last = claimed.effective_attempts().last().unwrap_or(first);
        if now >= deadline(watch, last.requested_at) {
            return None;
        }
        let mut next = next_look(watch, last.requested_at, now);
        match device {
            // It could not be read: later.
            None => {}
            Some(Seen::Gone) => return None,
            Some(Seen::There(device)) => {
                let checked_in = matches!(self.verdict(first, device), Verdict::CheckedIn(_));
                if checked_in || device.ending_action().is_some() {
                    return None;
                }
                if claimed.state == DeviceSyncState::Unknown && claimed.attempts.len() < MOST_ATTEMPTS {
                    let again_at = last.requested_at.saturating_add(watch.unknown_wait).unwrap_or(Timestamp::MAX);
                    if now >= again_at {
                        return None;
                    }
                    next = next.min(again_at.max(now.saturating_add(watch.min_interval).unwrap_or(now)));
                }
            }
        }
        Some(next)
    }

    async fn tell(
        &self,
        claimed: &mut ClaimedSync,
        first: Option<&Attempt>,
        device: Option<Seen>,
    ) -> Result<(), Trouble> {
        let Some(first) = first else {
            // Accepted without an attempt cannot be; asking again is the safe way out.
            let now = self.clock.now();
            return Ok(self.store.come_back(now, claimed, DeviceSyncState::Queued, now, 0, None).await?);
        };
        match device {
            Some(Seen::There(device)) => self.seen(claimed, first, *device).await,
            Some(Seen::Gone) => self.end(claimed, &Outcome::Gone, None).await,
            None => self.look_again(claimed, first, false).await,
        }
    }

    /// The devices as they are now: each by itself, or, where that costs less, from the list of the whole tenant.
    async fn read_all(&self, syncs: &[ClaimedSync]) -> Result<HashMap<DeviceId, Seen>, crate::graph::Error> {
        let pages = self.directory.len() / PAGE + 1;
        let mut seen = HashMap::with_capacity(syncs.len());
        let mut alone: Vec<DeviceId> = syncs.iter().map(|sync| sync.device.id).collect();
        if syncs.len() > pages {
            let list = self.graph.check_ins(LOOKING).await?;
            let list: HashMap<DeviceId, CheckIn> = list.into_iter().map(|row| (row.device, row)).collect();
            for sync in syncs {
                if let Some(row) = list.get(&sync.device.id) {
                    seen.insert(sync.device.id, Seen::There(Box::new(updated(&sync.device, row))));
                }
            }
            // What the list does not hold may be gone, and that is not said on a list's word.
            alone.retain(|id| !seen.contains_key(id));
        }
        for (id, read) in alone.iter().zip(self.graph.devices_now(&alone, LOOKING).await) {
            match read {
                Ok(Some(stamped)) => drop(seen.insert(*id, Seen::There(Box::new(stamped.value)))),
                Ok(None) => drop(seen.insert(*id, Seen::Gone)),
                Err(error) => tracing::info!(%error, device = %id, "a look at a device has to wait"),
            }
        }
        Ok(seen)
    }

    /// Does steps side by side.
    async fn all(&self, mut steps: Vec<Step<'_>>, at_once: usize) -> Result<(), Trouble> {
        let mut all = Ok(());
        while !steps.is_empty() {
            let now: Vec<_> = steps.drain(..at_once.min(steps.len())).collect();
            // The task counts as busy once; each further step that is under way counts by itself.
            let others = Mutex::new((1..now.len()).map(|_| self.clock.busy()).collect::<Vec<_>>());
            let counted = now.into_iter().map(|step| async {
                let done = step.await;
                drop(others.lock().unwrap_or_else(PoisonError::into_inner).pop());
                done
            });
            for done in join_all(counted).await {
                all = all.and(done);
            }
        }
        all
    }
}

/// One step of one device.
type Step<'a> = BoxFuture<'a, Result<(), Trouble>>;

/// What a look gave.
#[derive(Clone, Debug)]
enum Seen {
    There(Box<Device>),
    Gone,
}

fn updated(device: &Device, row: &CheckIn) -> Device {
    Device {
        last_check_in: row.at,
        management_state: row.management_state.clone(),
        compliance: row.compliance.clone(),
        ..device.clone()
    }
}
