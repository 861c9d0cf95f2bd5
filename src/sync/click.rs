//! Clicks: Yes, No, a chosen device, "tell me", "sync again". Each counts only for whom it was meant.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::time::timeout;

use super::desk::{Desk, Trouble};
use crate::budget::Urgency;
use crate::chat::Actor;
use crate::graph::Patience;
use crate::intune::{Decision, Denial, Device, DeviceId, Task};
use crate::store::{
    AuditRow, Choice, Confirmed, DeviceSyncId, Event, Freeze, LateEnd, Reply, RequestId, RequestState, RuleDue,
    Subject, Yes,
};

/// What a press of Yes or No did.
#[derive(Clone, Debug)]
pub enum Clicked {
    /// Yes: it is written down and will be done.
    Confirmed {
        /// What it is about.
        subject: Subject,
        /// Whether it follows a sync that is already running.
        joined: bool,
        /// Whether a second person has to agree first.
        approval: bool,
        /// Nothing is sent at the moment.
        freeze: Option<Freeze>,
    },
    /// No.
    Cancelled {
        /// What it is about.
        subject: Subject,
    },
    /// The rights ended between the card and the click.
    RightsEnded(Denial),
    /// Too late.
    Expired,
    /// It was answered before.
    AlreadyHandled(RequestState),
    /// Somebody else's card.
    NotYours,
    /// No such card.
    Unknown,
}

/// What a press of Yes is held against.
#[derive(Clone, Debug)]
pub struct Rechecked {
    /// What the gate says; `None`: it could not be read.
    pub decision: Option<Decision>,
    /// The approval rules that apply.
    pub rules: Vec<RuleDue>,
}

/// What "tell me when it shows up" did.
pub type Told = LateEnd;

impl Desk {
    /// What the gate and the approval rules say at the press of Yes, as far as it can be known within so long. `None`: it is not theirs
    /// to press, or the store did not say in time; then the press is written down with every rule there is. What Entra or Graph do not
    /// say in time, the worker reads before anything is sent; a rule that only they could rule out applies.
    pub async fn recheck(&self, actor: &Actor, request: RequestId, within: Duration) -> Option<Rechecked> {
        let (now, began) = (self.gate.begin(actor), self.clock.steady());
        let read = async {
            let Some(subject) = self.store.confirmable(now, request, actor).await? else { return Ok(None) };
            let devices = self.devices_at_yes(request, &subject).await?;
            Ok::<_, crate::store::Error>(Some((subject, devices)))
        };
        let (subject, devices) = match timeout(within, read).await {
            Ok(Ok(found)) => found?,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a click could not be checked; the worker checks before the call");
                return None;
            }
            Err(_elapsed) => {
                tracing::warn!(
                    "the store did not say in time what a click is about; the worker checks before the call"
                );
                return None;
            }
        };
        let left = within.saturating_sub((self.clock.steady() - began).unsigned_abs());
        let (decision, rules) = tokio::join!(
            timeout(left, self.redecide(actor, &subject, now)),
            self.rules_due_within(actor, &devices, now, left)
        );
        let decision = decision.unwrap_or_else(|_elapsed| {
            tracing::warn!("rights were not read in time at a click; the worker reads them before the call");
            None
        });
        Some(Rechecked { decision, rules })
    }

    /// The devices that the approval rules are held against; none where there are no rules.
    async fn devices_at_yes(&self, request: RequestId, subject: &Subject) -> Result<Vec<Device>, crate::store::Error> {
        match subject {
            _ if self.settings.approval_rules.is_empty() => Ok(Vec::new()),
            Subject::Device(device) => Ok(vec![(**device).clone()]),
            Subject::Devices { .. } => self.store.devices_of(request).await,
        }
    }

    /// The gate again. Of many devices only what concerns them all: each is asked about right before its call.
    async fn redecide(&self, actor: &Actor, subject: &Subject, now: Timestamp) -> Option<Decision> {
        let decided = match subject {
            Subject::Device(device) => {
                let ruling =
                    self.gate.rule(Task::SyncDevice, actor, device, now, Patience::OnceAs(Urgency::Person)).await;
                ruling.map(|ruling| Some(ruling.decision))
            }
            Subject::Devices { .. } => {
                let denial = self.gate.rule_out(Task::SyncDevice, actor, now, Patience::OnceAs(Urgency::Person)).await;
                denial.map(|denial| denial.map(Decision::Denied))
            }
        };
        decided.unwrap_or_else(|error| {
            tracing::warn!(%error, "rights could not be read at a click; the worker reads them before the call");
            None
        })
    }

    /// Yes. Written down before anything else happens; `checked` is what [`Desk::recheck`] said.
    pub async fn confirm(
        &self,
        actor: &Actor,
        request: RequestId,
        reply: &Reply,
        checked: Option<Rechecked>,
    ) -> Result<Clicked, Trouble> {
        let now = self.clock.now();
        let Rechecked { decision, rules } =
            checked.unwrap_or_else(|| Rechecked { decision: None, rules: self.every_rule(now) });
        if let Some(Decision::Denied(denial)) = decision {
            // Only a card that still waits, and only its asker's click, can end the request.
            let detail = json!({ "why": "rights_ended", "denial": denial });
            return match self.store.refuse(now, request, actor, detail).await? {
                Confirmed::Done { .. } => Ok(Clicked::RightsEnded(denial)),
                no => self.ignored(actor, no, request).await,
            };
        }
        let yes = Yes { reply, decision: json!(decision), rules: &rules, approval: self.approval_frame(now) };
        match self.store.confirm(now, request, actor, &yes).await? {
            Confirmed::Done { subject, joined, approval } => {
                let freeze = self.store.freeze(now).await?;
                Ok(Clicked::Confirmed { subject, joined, approval, freeze })
            }
            no => self.ignored(actor, no, request).await,
        }
    }

    /// Starts the work that a click has made due. Called after the click was answered, so that no later word about
    /// the sync overtakes the answer; should it never be called, the worker finds the work by itself.
    pub fn wake(&self) {
        self.bells.ring_work();
        self.bells.notices.ring();
        self.bells.timers.ring();
    }

    /// No.
    pub async fn cancel(&self, actor: &Actor, request: RequestId) -> Result<Clicked, Trouble> {
        match self.store.cancel(self.clock.now(), request, actor).await? {
            Confirmed::Done { subject, .. } => Ok(Clicked::Cancelled { subject }),
            no => self.ignored(actor, no, request).await,
        }
    }

    async fn ignored(&self, actor: &Actor, no: Confirmed, request: RequestId) -> Result<Clicked, Trouble> {
        let (why, clicked) = match no {
            Confirmed::NotFound | Confirmed::Done { .. } => ("unknown", Clicked::Unknown),
            Confirmed::NotYours => ("not_yours", Clicked::NotYours),
            Confirmed::Expired => ("expired", Clicked::Expired),
            Confirmed::AlreadyHandled(state) => (state.as_str(), Clicked::AlreadyHandled(state)),
        };
        self.click_ignored(actor, Some(request), why).await?;
        Ok(clicked)
    }

    /// A click whose custom id this bot never wrote, or wrote in another version.
    pub async fn foreign_click(&self, actor: &Actor) -> Result<(), Trouble> {
        self.click_ignored(actor, None, "foreign_id").await
    }

    /// The question behind a select menu, if this person may answer it now.
    pub async fn chosen(&self, actor: &Actor, choice: RequestId) -> Result<Option<Choice>, Trouble> {
        let found = self.store.choice(self.clock.now(), choice).await?.filter(|choice| choice.actor == actor.user);
        if found.is_none() {
            self.click_ignored(actor, None, "no_such_question").await?;
        }
        Ok(found)
    }

    /// "Tell me when it shows up." Not for somebody who holds no role any more.
    pub async fn tell(&self, actor: &Actor, device_sync: DeviceSyncId) -> Result<Result<Told, Denial>, Trouble> {
        let now = self.gate.begin(actor);
        let ruled_out = self.gate.rule_out(Task::ReadDevice, actor, now, Patience::OnceAs(Urgency::Person)).await;
        if let Some(denial) = self.checked(actor, ruled_out).await? {
            let detail = json!({ "why": "rights_ended", "denial": denial });
            self.store.audit(now, &AuditRow::new(Event::Refused).by(actor).detail(detail)).await?;
            return Ok(Err(denial));
        }
        let watch = &self.settings.watch;
        let due_at = now.saturating_add(watch.tell_interval).unwrap_or(now);
        let until = now.saturating_add(watch.tell_for).unwrap_or(now);
        let told = self.store.watch_late(now, device_sync, actor, due_at, until).await?;
        if matches!(told, LateEnd::NotYours | LateEnd::Nothing) {
            self.click_ignored(actor, None, "nothing_to_watch").await?;
        }
        self.bells.timers.ring();
        Ok(Ok(told))
    }

    /// The device of an ended sync of this person's, for "Sync again".
    pub async fn again(&self, actor: &Actor, device_sync: DeviceSyncId) -> Result<Option<DeviceId>, Trouble> {
        let ended = self.store.ended_sync(device_sync).await?.filter(|(asker, _)| *asker == actor.user);
        if ended.is_none() {
            self.click_ignored(actor, None, "nothing_to_repeat").await?;
        }
        Ok(ended.map(|(_, device)| device))
    }
}
