//! Clicks: Yes, No, a chosen device, "tell me", "sync again". Each counts only for whom it was meant.

use serde_json::json;

use super::desk::{Desk, Trouble};
use crate::budget::Urgency;
use crate::chat::Actor;
use crate::graph::Patience;
use crate::intune::{Decision, Denial, Device, DeviceId, Task};
use crate::store::{AuditRow, Choice, Confirmed, DeviceSyncId, Event, LateEnd, Reply, RequestId, RequestState};

/// What a press of Yes or No did.
#[derive(Clone, Debug)]
pub enum Clicked {
    /// Yes: it is written down and will be done.
    Confirmed {
        /// The device.
        device: Box<Device>,
        /// Whether it follows a sync that is already running.
        joined: bool,
    },
    /// No.
    Cancelled {
        /// The device.
        device: Box<Device>,
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

/// What "tell me when it shows up" did.
pub type Told = LateEnd;

impl Desk {
    /// What the gate says at the press of Yes. `None`: it is not theirs to press, or Entra, Graph or the store did not say
    /// in time; then the press is written down, and the worker decides before anything is sent.
    pub async fn recheck(&self, actor: &Actor, request: RequestId) -> Option<Decision> {
        let now = self.gate.begin(actor);
        let device = match self.store.confirmable(now, request, actor).await {
            Ok(device) => device?,
            Err(error) => {
                tracing::warn!(%error, "a click could not be checked; the worker checks before the call");
                return None;
            }
        };
        match self.gate.rule(Task::SyncDevice, actor, &device, now, Patience::OnceAs(Urgency::Person)).await {
            Ok(ruling) => Some(ruling.decision),
            Err(error) => {
                tracing::warn!(%error, "rights could not be read at a click; the worker reads them before the call");
                None
            }
        }
    }

    /// Yes. Written down before anything else happens; `checked` is what [`Desk::recheck`] said.
    pub async fn confirm(
        &self,
        actor: &Actor,
        request: RequestId,
        reply: &Reply,
        checked: Option<Decision>,
    ) -> Result<Clicked, Trouble> {
        let now = self.clock.now();
        if let Some(Decision::Denied(denial)) = checked {
            // Only a card that still waits, and only its asker's click, can end the request.
            let detail = json!({ "why": "rights_ended", "denial": denial });
            return match self.store.refuse(now, request, actor, detail).await? {
                Confirmed::Done { .. } => Ok(Clicked::RightsEnded(denial)),
                no => self.ignored(actor, no, request).await,
            };
        }
        match self.store.confirm(now, request, actor, reply, json!(checked)).await? {
            Confirmed::Done { device, joined } => Ok(Clicked::Confirmed { device, joined }),
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
            Confirmed::Done { device, .. } => Ok(Clicked::Cancelled { device }),
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
        let row = AuditRow::new(Event::ClickIgnored).by(actor).request(request).detail(json!({ "why": why }));
        self.store.audit(self.clock.now(), &row).await?;
        Ok(clicked)
    }

    /// A click whose custom id this bot never wrote, or wrote in another version.
    pub async fn foreign_click(&self, actor: &Actor) -> Result<(), Trouble> {
        let row = AuditRow::new(Event::ClickIgnored).by(actor).detail(json!({ "why": "foreign_id" }));
        Ok(self.store.audit(self.clock.now(), &row).await?)
    }

    /// The question behind a select menu, if this person may answer it now.
    pub async fn chosen(&self, actor: &Actor, choice: RequestId) -> Result<Option<Choice>, Trouble> {
        let found = self.store.choice(self.clock.now(), choice).await?.filter(|choice| choice.actor == actor.user);
        if found.is_none() {
            let row = AuditRow::new(Event::ClickIgnored).by(actor).detail(json!({ "why": "no_such_question" }));
            self.store.audit(self.clock.now(), &row).await?;
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
            let row = AuditRow::new(Event::ClickIgnored).by(actor).detail(json!({ "why": "nothing_to_watch" }));
            self.store.audit(now, &row).await?;
        }
        self.bells.timers.ring();
        Ok(Ok(told))
    }

    /// The device of an ended sync of this person's, for "Sync again".
    pub async fn again(&self, actor: &Actor, device_sync: DeviceSyncId) -> Result<Option<DeviceId>, Trouble> {
        let ended = self.store.ended_sync(device_sync).await?.filter(|(asker, _)| *asker == actor.user);
        if ended.is_none() {
            let row = AuditRow::new(Event::ClickIgnored).by(actor).detail(json!({ "why": "nothing_to_repeat" }));
            self.store.audit(self.clock.now(), &row).await?;
        }
        Ok(ended.map(|(_, device)| device))
    }
}
