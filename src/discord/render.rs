//! From notices to cards. What is said of many devices, or of an approval, is read when it is said, so that it is true then.

use jiff::{SignedDuration, Timestamp};

use super::card::Card;
use super::cards;
use super::delivery::Delivery;
use super::{picture, table};
use crate::store::{ClaimedNotice, Error, NewNotice, Notice, RequestId, RequestState};

/// Between two states of a live message while devices are being sent.
const WHILE_SENDING: SignedDuration = SignedDuration::from_secs(5);

/// And while they are only watched.
const WHILE_WATCHING: SignedDuration = SignedDuration::from_secs(30);

impl Delivery {
    /// The card of a notice, with the lines that its message says too.
    pub(super) async fn render(&self, claimed: &ClaimedNotice) -> Result<Card, Error> {
        let card = self.card(claimed).await?;
        let mut others = Vec::new();
        for other in &claimed.behind {
            others.push(self.line(other.request, &other.body).await?);
        }
        Ok(if others.is_empty() { card } else { cards::digest(&card, others.into_iter()) })
    }

    async fn card(&self, claimed: &ClaimedNotice) -> Result<Card, Error> {
        let asker = claimed.request.actor.user;
        let id = claimed.request.id;
        Ok(match &claimed.body {
            Notice::Progress { device, phase, requested_at } => cards::progress(device, *phase, *requested_at),
            Notice::MovesToChannel { device } => cards::moves_to_channel(device),
            Notice::Outcome { device_sync, device, outcome } => cards::outcome(*device_sync, device, outcome),
            line @ (Notice::TeamLine { .. } | Notice::BulkTeamLine) => self.line(id, line).await?,
            Notice::ShowedUp { device, checked_in_at, requested_at } => {
                cards::showed_up(asker, device, *checked_in_at, *requested_at)
            }
            Notice::NeverShowedUp { device, gone } => cards::never_showed_up(asker, device, *gone, self.clock.now()),
            Notice::Expired { device } => cards::expired(device),
            Notice::Unreadable => cards::unreadable(&claimed.id.reference()),
            Notice::BulkExpired { target, count } => cards::bulk_expired(target, *count),
            Notice::BulkProgress => self.bulk_progress(id).await?,
            Notice::BulkSummary => {
                let (standing, rows) = (self.store.bulk_standing(id).await?, self.store.bulk_rows(id).await?);
                let mut card = cards::bulk_summary(&standing, &rows);
                match picture::outcomes(&rows) {
                    Ok(file) => attach(&mut card, "outcomes.png", file),
                    Err(error) => tracing::warn!(%error, "a summary goes without its picture"),
                }
                card
            }
            Notice::Frozen { reason, ends_at } => cards::frozen_line(asker, reason, *ends_at),
            Notice::Thawed => cards::thawed_line(asker),
            Notice::Approval => self.approval(id).await?,
            Notice::ApprovalReminder => match self.store.approval(id).await? {
                Some(pending) => cards::approval_reminder(&pending),
                None => return Err(Error::row("approval", "there is none")),
            },
            Notice::ApprovalStep { what } => cards::approval_step(what, claimed.request.id),
        })
    }

    /// One line for the team; another notice has none.
    pub(super) async fn line(&self, request: RequestId, body: &Notice) -> Result<Card, Error> {
        Ok(match body {
            Notice::TeamLine { actor, device, outcome, reason, .. } => {
                cards::team_line(*actor, device, outcome, reason.as_deref())
            }
            Notice::BulkTeamLine => cards::bulk_team_line(&self.store.bulk_standing(request).await?),
            _ => Card::default(),
        })
    }

    async fn bulk_progress(&self, id: RequestId) -> Result<Card, Error> {
        let now = self.clock.now();
        let (standing, freeze) = (self.store.bulk_standing(id).await?, self.store.freeze(now).await?);
        let (throttled_until, share) = self.graph.sending();
        let to_send = self.store.bulk_before(id, standing.waiting).await?;
        let pace = cards::Pace { now, rate: self.rate, throttled_until, share, to_send, freeze: freeze.as_ref() };
        let mut card = cards::bulk_progress(&standing, pace);
        if standing.waiting + standing.watched == 0 {
            attach(&mut card, "devices.csv", table::outcomes(&self.store.bulk_rows(id).await?));
        }
        Ok(card)
    }

    async fn approval(&self, id: RequestId) -> Result<Card, Error> {
        let pending = self.store.approval(id).await?.ok_or_else(|| Error::row("approval", "there is none"))?;
        let mut devices = match pending.request.state {
            RequestState::AwaitingApproval => self.store.open_devices_of(id).await?,
            _ => self.store.devices_of(id).await?,
        };
        devices.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
        let rejection = self.store.rejection(id).await?;
        let now = self.clock.now();
        let freeze = self.store.freeze(now).await?;
        let mut card = cards::approval(&pending, &devices, rejection.as_ref(), freeze.as_ref(), now);
        if pending.subject.device().is_none() {
            attach(&mut card, "devices.csv", table::devices(&devices));
        }
        Ok(card)
    }

    /// A live message of a running request is written anew after a while, whether something happened or not.
    pub(super) async fn keep_alive(&self, claimed: &ClaimedNotice) -> Result<(), Error> {
        if claimed.body != Notice::BulkProgress {
            return Ok(());
        }
        let standing = self.store.bulk_standing(claimed.request.id).await?;
        let is_asked_again = standing.request.state == RequestState::AwaitingApproval;
        if standing.waiting + standing.watched == 0 || is_asked_again {
            return Ok(());
        }
        let wait = if standing.waiting > 0 { WHILE_SENDING } else { WHILE_WATCHING };
        let due_at = self.clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
        let (request, address, body) = (claimed.request.id, claimed.address.clone(), claimed.body.clone());
        self.store.say(&NewNotice { request, address, body, due_at }).await
    }
}

/// Attaches a table. One that is too large is left out: the words stand without it.
fn attach(card: &mut Card, name: &str, bytes: Vec<u8>) {
    if let Err(error) = card.attach(name, bytes) {
        tracing::warn!(%error, name, "a table was left out of a message");
    }
}
