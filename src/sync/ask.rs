//! `/sync`: finds the device, asks the gate, and stores the request that the card will ask about.

use jiff::Timestamp;
use serde_json::json;

use super::desk::{Desk, Trouble};
use super::refusal::Refusal;
use super::resolve::Resolved;
use crate::chat::Actor;
use crate::intune::{Device, Task};
use crate::store::{AuditRow, Choice, Event, Freeze, NewRequest, Purpose, Reply, RequestId, RuleAsked};

/// What asking led to.
#[derive(Clone, Debug)]
pub enum Asked {
    /// A card to confirm.
    Propose(Proposal),
    /// The device is being synced already; this person will hear the outcome too.
    Joined {
        /// The device.
        device: Box<Device>,
    },
    /// Several devices have that name.
    Choose {
        /// The stored question.
        choice: RequestId,
        /// The devices.
        devices: Vec<Device>,
    },
    /// No.
    Refused(Refusal),
}

/// What the card asks about.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The request that Yes confirms.
    pub request: RequestId,
    /// The device, as just read.
    pub device: Box<Device>,
    /// The ticket.
    pub reason: Option<String>,
    /// When Yes stops counting.
    pub expires_at: Timestamp,
    /// Whether nothing would be sent.
    pub observe: bool,
    /// Nothing is sent at the moment.
    pub freeze: Option<Freeze>,
    /// Rules that ask for a second person.
    pub rules: Vec<RuleAsked>,
}

impl Desk {
    /// Someone wants a device to check in.
    pub async fn ask(&self, actor: &Actor, text: &str, reason: Option<&str>, reply: &Reply) -> Result<Asked, Trouble> {
        if self.settings.sync.require_reason && reason.is_none() {
            return self.refused(actor, Refusal::ReasonRequired).await.map(Asked::Refused);
        }
        let (device, decision) = match self.resolve(Task::SyncDevice, actor, text, self.gate.begin(actor)).await? {
            Resolved::One(device, decision) => (device, decision),
            Resolved::Several(devices) => {
                let choice = self.offer(actor, Purpose::Sync, reason).await?;
                return Ok(Asked::Choose { choice, devices });
            }
            Resolved::No(refusal) => return self.refused(actor, refusal).await.map(Asked::Refused),
        };
        if let Err(why) = device.syncable() {
            return self.refused(actor, Refusal::NotSyncable { device, why }).await.map(Asked::Refused);
        }
        let now = self.clock.now();
        let since = now.saturating_sub(self.settings.sync.cooldown).unwrap_or(Timestamp::MIN);
        if let Some(recent) = self.store.recent_sync(device.id, since).await? {
            let synced_at = recent.ended_at;
            let again_at = synced_at.saturating_add(self.settings.sync.cooldown).unwrap_or(synced_at);
            return self.refused(actor, Refusal::Cooldown { device, synced_at, again_at }).await.map(Asked::Refused);
        }
        let expires_at = now.saturating_add(self.settings.sync.confirm_timeout).unwrap_or(now);
        let (rules, allowed) = self.outlook(actor, std::slice::from_ref(&*device), now).await?;
        // Who joins has pressed no Yes and asked nobody, and may be left with the sync when the other one withdraws.
        let may_join = rules.is_empty() && allowed.is_empty();
        let detail = json!(decision);
        let new = NewRequest { actor, reason, device: &device, expires_at, reply, may_join, detail };
        let (request, joined) = self.store.create_request(now, &new).await?;
        self.bells.timers.ring();
        if joined {
            self.bells.notices.ring();
            return Ok(Asked::Joined { device });
        }
        let reason = reason.map(str::to_owned);
        Ok(Asked::Propose(Proposal {
            request,
            device,
            reason,
            expires_at,
            observe: self.settings.sync.observe,
            freeze: self.store.freeze(now).await?,
            rules,
        }))
    }

    /// Stores "which of these?".
    pub(super) async fn offer(
        &self,
        actor: &Actor,
        purpose: Purpose,
        reason: Option<&str>,
    ) -> Result<RequestId, Trouble> {
        let now = self.clock.now();
        let expires_at = now.saturating_add(self.settings.sync.confirm_timeout).unwrap_or(now);
        let choice = Choice { actor: actor.user, purpose, reason: reason.map(str::to_owned) };
        Ok(self.store.create_choice(now, &choice, expires_at).await?)
    }

    /// Writes a refusal into the audit and hands it on.
    pub(super) async fn refused(&self, actor: &Actor, refusal: Refusal) -> Result<Refusal, Trouble> {
        let device = match &refusal {
            Refusal::NotAllowed { device, .. } => device.as_ref().map(|device| device.id),
            Refusal::UnknownDevice { hidden, .. } => hidden.as_ref().map(|(device, _)| *device),
            Refusal::NotSyncable { device, .. } | Refusal::Cooldown { device, .. } => Some(device.id),
            _ => None,
        };
        let why = match &refusal {
            Refusal::UnknownDevice { text, hidden: None } => json!({ "why": "unknown_device", "text": text }),
            Refusal::UnknownDevice { text, hidden: Some((_, denial)) } => {
                json!({ "why": "not_allowed", "denial": denial, "text": text, "hidden": true })
            }
            Refusal::TooManyDevices { text, count } => {
                json!({ "why": "too_many_devices", "text": text, "count": count })
            }
            Refusal::NotAllowed { denial, .. } => json!({ "why": "not_allowed", "denial": denial }),
            Refusal::NotSyncable { why, .. } => json!({ "why": "not_syncable", "reason": why }),
            Refusal::Cooldown { again_at, .. } => json!({ "why": "cooldown", "again_at": again_at }),
            Refusal::UnknownPerson { text } => json!({ "why": "unknown_person", "text": text }),
            Refusal::UnknownGroup { text } => json!({ "why": "unknown_group", "text": text }),
            Refusal::SeveralGroups { text, .. } => json!({ "why": "several_groups", "text": text }),
            Refusal::ListNotRead => json!({ "why": "list_not_read" }),
            Refusal::IndexOff => json!({ "why": "index_off" }),
            Refusal::IndexNotRead => json!({ "why": "index_not_read" }),
            Refusal::NoDevices { target, left_out, .. } => {
                json!({ "why": "no_devices", "target": target, "left_out": left_out.words() })
            }
            Refusal::TooManyForOne { count, max } => json!({ "why": "too_many_devices", "count": count, "max": max }),
            Refusal::TooManyToCheck { count, most, .. } => {
                json!({ "why": "too_many_to_check", "count": count, "most": most })
            }
            Refusal::TookTooLong => json!({ "why": "took_too_long" }),
            Refusal::ReasonRequired => json!({ "why": "reason_required" }),
            Refusal::TooFast { whole_server, .. } => json!({ "why": "too_fast", "whole_server": whole_server }),
        };
        let mut row = AuditRow::new(Event::Refused).by(actor).detail(why);
        row.device = device;
        self.store.audit(self.clock.now(), &row).await?;
        Ok(refusal)
    }
}
