//! Whether what somebody agrees to, or has agreed to, is still what would be synced: the devices of a request are looked up anew when
//! Approve is pressed, and once more before the first call where that was long ago.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::desk::{Desk, Trouble};
use super::refusal::Refusal;
use super::targets::Found;
use crate::chat::Actor;
use crate::graph;
use crate::intune::{Device, DeviceId};
use crate::store::{NewRound, PendingApproval, StoredRequest};

/// How old a look at the devices may be when the first of them is called. What was agreed to is sent at once, so an older one means
/// that a freeze, an outage or a stop lies between.
const COUNTS_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How the devices of a request differ from those it was asked for.
pub(super) enum Drift {
    /// They do not.
    None,
    /// Nobody can say what they are.
    NotKnown(Refusal),
    /// None of them is left.
    NothingLeft,
    /// Some are gone, or others have come.
    Other(Others),
}

/// The devices that there are instead.
pub(super) struct Others {
    /// All of them.
    pub(super) devices: Vec<Device>,
    /// Every device that was looked at so far.
    considered: Vec<DeviceId>,
    added: usize,
    removed: usize,
}

/// Whether a request may be sent that others had to agree to.
pub(super) enum Agreement {
    /// As they agreed to it.
    Stands,
    /// It is not what they agreed to. They are asked anew, and nothing is to be done until then.
    Void,
    /// Nobody can say at the moment.
    NotKnown(Option<graph::Error>),
}

impl Desk {
    /// Whether the target stands for the same devices as when it was asked; `actor` waits to know.
    pub(super) async fn drift(
        &self,
        actor: &Actor,
        pending: &PendingApproval,
        asked: &[Device],
    ) -> Result<Drift, Trouble> {
        let Some(target) = pending.request.target.clone() else { return Ok(Drift::None) };
        let now = match self.devices_of(actor, target).await? {
            Ok(Found { devices, .. }) => devices,
            Err(refusal) => return Ok(Drift::NotKnown(refusal)),
        };
        let here: HashSet<DeviceId> = now.iter().map(|device| device.id).collect();
        let known: HashSet<DeviceId> = self.store.considered(pending.request.id).await?.into_iter().collect();
        let new: Vec<Device> = now.into_iter().filter(|device| !known.contains(&device.id)).collect();
        let mut devices: Vec<Device> = asked.iter().filter(|device| here.contains(&device.id)).cloned().collect();
        let removed = asked.len() - devices.len();
        let considered = known.iter().copied().chain(new.iter().map(|device| device.id)).collect();
        let since = self.gate.begin(&pending.request.actor);
        let (taken, _) = self.sort_out(&pending.request.actor, new, since, false).await?;
        let added = taken.len();
        devices.extend(taken);
        Ok(match (removed, added) {
            (0, 0) => Drift::None,
            _ if devices.is_empty() => Drift::NothingLeft,
            _ => Drift::Other(Others { devices, considered, added, removed }),
        })
    }

    /// Of a request that waits: the devices are other ones, every vote is void, and rules that did not apply before may apply to these.
    pub(super) async fn ask_about(&self, pending: &PendingApproval, others: &Others) -> Result<(), Trouble> {
        let now = self.clock.now();
        let rules = self.rules_due(&pending.request.actor, &others.devices, now).await;
        let round = NewRound {
            devices: &others.devices,
            considered: Some(&others.considered),
            rules: &rules,
            detail: json!({ "added": others.added, "removed": others.removed }),
        };
        self.store.next_round(now, pending, &round).await?;
        self.wake();
        Ok(())
    }

    /// Right before a call: whether others agreed to this. Where they did so long ago and nothing was sent yet, the devices are looked up
    /// once more. Are they other ones, everybody is asked anew.
    pub(super) async fn agreement(&self, request: &StoredRequest) -> Result<Agreement, Trouble> {
        let now = self.clock.now();
        let looked_at = request.agreed_at.filter(|_| request.target.is_some());
        let Some(looked_at) = looked_at.filter(|at| now.duration_since(*at).abs() >= COUNTS_FOR) else {
            return Ok(Agreement::Stands);
        };
        if self.store.has_begun(request.id).await? {
            return Ok(Agreement::Stands);
        }
        let Some(seen) = self.store.approval(request.id).await? else { return Ok(Agreement::Stands) };
        let asked = self.store.devices_of(request.id).await?;
        let others = match self.drift(&request.actor, &seen, &asked).await {
            Ok(Drift::None) => {
                self.store.still_agreed(now, &seen).await?;
                return Ok(Agreement::Stands);
            }
            Ok(Drift::NotKnown(Refusal::ListNotRead)) => return Ok(Agreement::NotKnown(None)),
            Ok(Drift::Other(others)) if others.devices.len() <= self.settings.sync.max_devices => Some(others),
            // Nobody could agree to what there is now. So the old ones are asked about, and whoever presses Approve is told what is wrong.
            Ok(Drift::Other(_) | Drift::NothingLeft | Drift::NotKnown(_)) => None,
            Err(Trouble::Graph(error) | Trouble::Rights(error)) => return Ok(Agreement::NotKnown(Some(error))),
            Err(trouble) => return Err(trouble),
        };
        let devices = others.as_ref().map_or(&asked[..], |others| &others.devices);
        self.ask_again(&seen, devices, others.as_ref(), (looked_at, now)).await
    }

    async fn ask_again(
        &self,
        seen: &PendingApproval,
        devices: &[Device],
        others: Option<&Others>,
        (looked_at, now): (Timestamp, Timestamp),
    ) -> Result<Agreement, Trouble> {
        let (id, actor) = (seen.request.id, &seen.request.actor);
        let rules = self.rules_due(actor, devices, now).await;
        let round = NewRound {
            devices,
            considered: others.map(|others| &others.considered[..]),
            rules: &rules,
            detail: json!({
                "before_the_first_call": true,
                "agreed_at": looked_at,
                "added": others.map(|others| others.added),
                "removed": others.map(|others| others.removed),
            }),
        };
        if !self.store.reopen(now, seen, &round, self.approval_window(now)).await? {
            // It was stopped meanwhile, or somebody else was faster: what is written next says which.
            return Ok(Agreement::Stands);
        }
        tracing::warn!(request = %id, %looked_at, "the devices of a request are other ones than were agreed to: it waits for approval again");
        self.wake();
        Ok(Agreement::Void)
    }
}
