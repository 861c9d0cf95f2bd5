//! `/bulk-sync`: finds the devices, asks the gate about each, and stores the request that the card will ask about.

use std::collections::{BTreeMap, HashSet};

use commands::Target;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::desk::{Desk, Trouble};
use super::failure_index::IndexAge;
use super::notify::of_request;
use super::refusal::Refusal;
use super::targets::{Found, patience_with};
use crate::chat::Actor;
use crate::graph::Patience;
use crate::identity::CheckFailed;
use crate::intune::{Decision, Denial, Device, DeviceId, NotSyncable, Task};
use crate::store::{BulkTarget, Freeze, NewBulk, Reply, RequestId, RuleAsked, Stopped};

/// How long finding and looking at devices may take: the reply can be edited for 14 minutes, and the asker still wants to press Yes.
const LONGEST_READING: SignedDuration = SignedDuration::from_mins(10);

/// What asking for many led to.
#[derive(Clone, Debug)]
pub enum BulkAsked {
    /// A card to confirm, or only to look at.
    Propose(Box<BulkProposal>),
    /// No.
    Refused(Refusal),
}

/// What the card asks about.
#[derive(Clone, Debug)]
pub struct BulkProposal {
    /// The request that Yes confirms; `None`: a dry run.
    pub request: Option<RequestId>,
    /// What was asked for.
    pub target: BulkTarget,
    /// The devices that would be synced.
    pub devices: Vec<Device>,
    /// Those that would not.
    pub left_out: LeftOut,
    /// The ticket.
    pub reason: Option<String>,
    /// When Yes stops counting.
    pub expires_at: Timestamp,
    /// Whether nothing would be sent.
    pub observe: bool,
    /// How long sending takes at today's budget, with what waits already.
    pub takes: SignedDuration,
    /// Rules that ask for a second person.
    pub rules: Vec<RuleAsked>,
    /// Rules that would let it through by themselves.
    pub allowed_by: Vec<String>,
    /// When the list was read that the devices were taken from; `None`: just now.
    pub as_of: Option<Timestamp>,
    /// How old the index of app failures is, where it was asked.
    pub index: Option<IndexAge>,
    /// Nothing is sent at the moment.
    pub freeze: Option<Freeze>,
    /// The moment.
    pub now: Timestamp,
}

/// Devices that are not taken in.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    /// Out of the asker's sight: never named, only counted.
    pub hidden: u32,
    /// Those the asker may see.
    pub shown: Vec<(Device, WhyLeftOut)>,
}

/// Why a device is not taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyLeftOut {
    /// The gate says no.
    Denied(Denial),
    /// Sync means nothing to it.
    NotSyncable(NotSyncable),
    /// It was synced a moment ago.
    Cooldown,
}

/// What a command comes to, before anything is stored.
struct Candidates {
    target: BulkTarget,
    /// All that were looked at.
    considered: Vec<DeviceId>,
    devices: Vec<Device>,
    left_out: LeftOut,
    as_of: Option<Timestamp>,
}

impl LeftOut {
    /// How many.
    pub fn count(&self) -> usize {
        self.shown.len() + usize::try_from(self.hidden).unwrap_or(usize::MAX)
    }

    /// How many for each reason, as words for the audit.
    pub(super) fn words(&self) -> BTreeMap<&'static str, usize> {
        let mut words = BTreeMap::new();
        if self.hidden > 0 {
            words.insert("hidden", usize::try_from(self.hidden).unwrap_or(usize::MAX));
        }
        for (_, why) in &self.shown {
            let word = match why {
                WhyLeftOut::Denied(_) => "denied",
                WhyLeftOut::NotSyncable(_) => "not_syncable",
                WhyLeftOut::Cooldown => "cooldown",
            };
            *words.entry(word).or_default() += 1;
        }
        words
    }
}

impl Desk {
    /// Someone wants many devices to check in.
    pub async fn ask_bulk(
        &self,
        actor: &Actor,
        target: &Target,
        reason: Option<&str>,
        dry_run: bool,
        reply: &Reply,
    ) -> Result<BulkAsked, Trouble> {
        if self.settings.sync.require_reason && reason.is_none() && !dry_run {
            return self.refused(actor, Refusal::ReasonRequired).await.map(BulkAsked::Refused);
        }
        let since = self.gate.begin(actor);
        let ruled_out = self.gate.rule_out(Task::SyncDevice, actor, since, Patience::Interactive).await;
        if let Some(denial) = self.checked(actor, ruled_out).await? {
            let refusal = Refusal::NotAllowed { denial, device: None };
            return self.refused(actor, refusal).await.map(BulkAsked::Refused);
        }
        let sorted = match self.in_time(Box::pin(self.candidates(actor, target, since))).await {
            Some(sorted) => sorted?,
            None => Err(Refusal::TookTooLong),
        };
        let Candidates { target, considered, devices, left_out, as_of } = match sorted {
            Ok(sorted) => sorted,
            Err(refusal) => return self.refused(actor, refusal).await.map(BulkAsked::Refused),
        };
        let max = self.settings.sync.max_devices;
        if devices.len() > max && !dry_run {
            let refusal = Refusal::TooManyForOne { count: devices.len(), max };
            return self.refused(actor, refusal).await.map(BulkAsked::Refused);
        }
        let now = self.clock.now();
        let expires_at = now.saturating_add(self.settings.sync.confirm_timeout).unwrap_or(now);
        let request = if dry_run {
            None
        } else {
            let detail = json!(left_out.words());
            let (considered, devices) = (&considered[..], &devices[..]);
            let new = NewBulk { actor, reason, target: &target, devices, expires_at, reply, considered, detail };
            Some(self.store.create_bulk(now, &new).await?)
        };
        self.bells.timers.ring();
        let (rules, allowed_by) = self.outlook(actor, &devices, now).await?;
        Ok(BulkAsked::Propose(Box::new(BulkProposal {
            request,
            takes: self.takes(devices.len()).await?,
            index: self.index_asked(&target),
            target,
            devices,
            left_out,
            reason: reason.map(str::to_owned),
            expires_at,
            observe: self.settings.sync.observe,
            rules,
            allowed_by,
            as_of,
            freeze: self.store.freeze(now).await?,
            now,
        })))
    }

    /// What a command names, and what of it this person may have synced now. Where that is nothing, or too much to be looked at: why.
    async fn candidates(
        &self,
        actor: &Actor,
        target: &Target,
        since: Timestamp,
    ) -> Result<Result<Candidates, Refusal>, Trouble> {
        let found = match self.bulk_target(target).await? {
            Ok(target) => self.devices_of(actor, target).await?,
            Err(refusal) => Err(refusal),
        };
        let Found { target, devices, as_of } = match found {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // The gate may have to read several things about each device. Nobody needs that for a list that cannot fit.
        let (recent, most) = (self.just_synced().await?, self.most_looked_at());
        let can_be = |device: &&Device| device.syncable().is_ok() && !recent.contains(&device.id);
        let count = devices.iter().filter(can_be).count();
        if count > most {
            return Ok(Err(Refusal::TooManyToCheck { count, most, members: false }));
        }
        let considered = devices.iter().map(|device| device.id).collect();
        let (devices, left_out) = self.sort_out(actor, devices, since).await?;
        if devices.is_empty() {
            let index = self.index_asked(&target);
            return Ok(Err(Refusal::NoDevices { target: Box::new(target), left_out: Box::new(left_out), index }));
        }
        Ok(Ok(Candidates { target, considered, devices, left_out, as_of }))
    }

    /// How old the index of app failures is, where a target asks it.
    fn index_asked(&self, target: &BulkTarget) -> Option<IndexAge> {
        let asked = matches!(target, BulkTarget::Filter(filter) if filter.retryable_failures);
        asked.then(|| self.failures.age(&self.directory))
    }

    /// Does `reading`; `None`: it took longer than an answer can be waited for.
    async fn in_time<T>(&self, reading: impl Future<Output = T>) -> Option<T> {
        // Counted by itself: that the time runs does not mean that the reading rests.
        let busy = self.clock.busy();
        let done = tokio::select! {
            biased;
            done = reading => Some(done),
            () = self.clock.sleep(LONGEST_READING) => None,
        };
        drop(busy);
        done
    }

    /// Devices that were synced a moment ago.
    async fn just_synced(&self) -> Result<HashSet<DeviceId>, Trouble> {
        let since = self.clock.now().saturating_sub(self.settings.sync.cooldown).unwrap_or(Timestamp::MIN);
        Ok(self.store.recently_synced(since).await?)
    }

    /// Which of these devices this person may have synced now, and why the others not.
    async fn sort_out(
        &self,
        actor: &Actor,
        devices: Vec<Device>,
        since: Timestamp,
    ) -> Result<(Vec<Device>, LeftOut), Trouble> {
        let recent = self.just_synced().await?;
        let sorted = self.sorted(actor, devices, since, &recent).await;
        self.checked(actor, sorted).await
    }

    /// The same, where it cannot be told: why.
    pub(super) async fn sorted(
        &self,
        actor: &Actor,
        devices: Vec<Device>,
        since: Timestamp,
        recent: &HashSet<DeviceId>,
    ) -> Result<(Vec<Device>, LeftOut), CheckFailed> {
        let all: Vec<_> = devices.iter().collect();
        let patience = patience_with(actor, all.len());
        let rulings = self.gate.rule_many(Task::SyncDevice, actor, &all, since, patience).await?;
        let (mut taken, mut left_out) = (Vec::new(), LeftOut::default());
        for (device, ruling) in devices.into_iter().zip(rulings) {
            let ruling = ruling?;
            match ruling.decision {
                Decision::Denied(_) if !ruling.visible => left_out.hidden += 1,
                Decision::Denied(denial) => left_out.shown.push((device, WhyLeftOut::Denied(denial))),
                Decision::Allowed { .. } => match device.syncable() {
                    Err(why) => left_out.shown.push((device, WhyLeftOut::NotSyncable(why))),
                    Ok(()) if recent.contains(&device.id) => left_out.shown.push((device, WhyLeftOut::Cooldown)),
                    Ok(()) => taken.push(device),
                },
            }
        }
        Ok((taken, left_out))
    }

    /// The rules that would ask for somebody, and those that would not.
    pub(super) async fn outlook(
        &self,
        actor: &Actor,
        devices: &[Device],
        now: Timestamp,
    ) -> Result<(Vec<RuleAsked>, Vec<String>), Trouble> {
        let (mut asked, mut allowed) = (Vec::new(), Vec::new());
        let count = u32::try_from(devices.len()).unwrap_or(u32::MAX);
        for rule in self.rules_due(actor, devices, now).await {
            let fits = match rule.allowance {
                None => false,
                Some((most, since)) => {
                    self.store.allowance(&rule.asked.name, since).await?.saturating_add(count) <= most
                }
            };
            if fits { allowed.push(rule.asked.name) } else { asked.push(rule.asked) }
        }
        Ok((asked, allowed))
    }

    /// How long sending so many takes, behind those that wait already, at the rate that is taken now: less than the configured one, or
    /// none for a while, where Graph throttles.
    async fn takes(&self, count: usize) -> Result<SignedDuration, Trouble> {
        let rate = self.settings.limits.graph_writes;
        let ahead = self.store.bulk_waiting().await?;
        let all = u32::try_from(count).unwrap_or(u32::MAX).saturating_add(ahead);
        let (throttled_until, share) = self.graph.sending();
        let rests = throttled_until.map_or(SignedDuration::ZERO, |until| until.duration_since(self.clock.now()));
        let taken = f64::from(rate.count.max(1)) * share.clamp(0.01, 1.0);
        Ok(rests.max(SignedDuration::ZERO) + rate.per.mul_f64(f64::from(all) / taken))
    }

    /// Cancel on a running bulk request.
    pub async fn stop(&self, actor: &Actor, request: RequestId) -> Result<Stopped, Trouble> {
        let now = self.clock.now();
        let tell = of_request(&self.settings, now);
        let stopped = self.store.stop_bulk(now, request, actor, self.is_admin(actor), &tell).await?;
        if !matches!(stopped, Stopped::Done(_)) {
            self.click_ignored(actor, Some(request), "nothing_to_stop").await?;
        }
        Ok(stopped)
    }
}
