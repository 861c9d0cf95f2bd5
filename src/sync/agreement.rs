//! Whether what somebody agrees to, or has agreed to, is still what would be synced: the devices of a request are looked up anew when
//! Approve is pressed, and once more before the first call where that was long ago.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::desk::{Desk, Trouble};
use super::refusal::Refusal;
use super::targets::Found;
use crate::chat::Actor;
use crate::graph::Retry;
use crate::intune::{Device, DeviceId};
use crate::store::{NewRound, PendingApproval, StoredRequest};

/// How old a look at the devices may be when the first of them is called. What was agreed to is sent at once, so an older one means
/// that a freeze, an outage or a stop lies between.
const COUNTS_FOR: SignedDuration = SignedDuration::from_mins(5);

/// When it is looked again, where it cannot be told what the devices are.
const COMES_BACK: SignedDuration = SignedDuration::from_secs(30);

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
        let mut added = 0;
        if !new.is_empty() {
            let by = &pending.request.actor;
            let since = self.gate.begin(by);
            let (taken, _) = self.sorted(by, new, since, &HashSet::new()).await?;
            added = taken.len();
            devices.extend(taken);
        }
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

    /// Right before a call: whether it may be made, as far as others have to agree. Where they did so long ago and nothing was sent yet, the
    /// devices are looked up once more. `false`: nothing is to be done now. Either they are other ones, and everybody is asked anew; or that
    /// cannot be told at the moment, and the request was put off.
    pub(super) async fn stands(&self, request: &StoredRequest) -> Result<bool, Trouble> {
        let now = self.clock.now();
        let looked_at = request.agreed_at.filter(|_| request.target.is_some());
        let Some(looked_at) = looked_at.filter(|at| now.duration_since(*at).abs() >= COUNTS_FOR) else {
            return Ok(true);
        };
        if self.store.has_begun(request.id).await? {
            return Ok(true);
        }
        let Some(seen) = self.store.approval(request.id).await? else { return Ok(true) };
        let asked = self.store.open_devices_of(request.id).await?;
        let others = match self.drift(&request.actor, &seen, &asked).await {
            Ok(Drift::None) => {
                self.store.still_agreed(now, &seen).await?;
                return Ok(true);
            }
            Ok(Drift::NotKnown(Refusal::ListNotRead | Refusal::IndexNotRead)) => {
                return self.put_off(request, "the list of devices has not been read yet").await;
            }
            Err(Trouble::Graph(error) | Trouble::Rights(error)) if error.retry() != Retry::Never => {
                return self.put_off(request, &error.to_string()).await;
            }
            Err(Trouble::Store(error)) => return Err(error.into()),
            Ok(Drift::Other(others)) if others.devices.len() <= self.settings.sync.max_devices => Some(others),
            // Nobody could agree to what there is now. So the old ones are asked about, and whoever presses Approve is told what is wrong.
            Ok(Drift::Other(_) | Drift::NothingLeft | Drift::NotKnown(_)) => None,
            Err(Trouble::Graph(error) | Trouble::Rights(error)) => {
                tracing::warn!(request = %request.id, %error, "what the devices of a request are by now cannot be read");
                None
            }
        };
        let devices = others.as_ref().map_or(&asked[..], |others| &others.devices);
        let detail = json!({
            "before_the_first_call": true,
            "agreed_at": looked_at,
            "added": others.as_ref().map(|others| others.added),
            "removed": others.as_ref().map(|others| others.removed),
        });
        let rules = self.rules_due(&request.actor, devices, now).await;
        let considered = others.as_ref().map(|others| &others.considered[..]);
        let round = NewRound { devices, considered, rules: &rules, detail };
        if !self.store.reopen(now, &seen, &round, self.approval_window(now)).await? {
            // It was stopped meanwhile, or somebody else was faster: what is written next says which.
            return Ok(true);
        }
        tracing::warn!(request = %request.id, %looked_at, "the devices of a request are other ones than were agreed to: it waits for approval again");
        self.wake();
        Ok(false)
    }

    async fn put_off(&self, request: &StoredRequest, reason: &str) -> Result<bool, Trouble> {
        tracing::warn!(request = %request.id, reason, "it cannot be told whether a request is still what was agreed to: it waits");
        let due_at = self.clock.now().saturating_add(COMES_BACK).unwrap_or(Timestamp::MAX);
        self.store.put_off(request.id, due_at).await?;
        Ok(false)
    }
}
