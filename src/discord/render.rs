//! From notices to cards. What is said of many devices, or of an approval, is read when it is said, so that it is true then.

use super::card::Card;
use super::cards;
use super::delivery::Delivery;
use crate::store::{ClaimedNotice, Error, Notice, RequestId};

impl Delivery {
    /// The card of a notice.
    pub(super) async fn render(&self, claimed: &ClaimedNotice) -> Result<Card, Error> {
        let asker = claimed.request.actor.user;
        let id = claimed.request.id;
        Ok(match &claimed.body {
            Notice::Progress { device, phase, requested_at } => cards::progress(device, *phase, *requested_at),
            Notice::MovesToChannel { device } => cards::moves_to_channel(device),
            Notice::Outcome { device_sync, device, outcome } => cards::outcome(*device_sync, device, outcome),
            Notice::TeamLine { actor, device, outcome, reason } => {
                cards::team_line(*actor, device, outcome, reason.as_deref())
            }
            Notice::ShowedUp { device, checked_in_at, requested_at } => {
                cards::showed_up(asker, device, *checked_in_at, *requested_at)
            }
            Notice::NeverShowedUp { device, gone } => cards::never_showed_up(asker, device, *gone, self.clock.now()),
            Notice::Expired { device } => cards::expired(device),
            Notice::BulkExpired { target, count } => cards::bulk_expired(target, *count),
            Notice::BulkProgress => self.bulk_progress(id).await?,
            Notice::BulkSummary => {
                let (standing, rows) = (self.store.bulk_standing(id).await?, self.store.bulk_rows(id).await?);
                cards::bulk_summary(&standing, &rows)
            }
            Notice::BulkTeamLine => cards::bulk_team_line(&self.store.bulk_standing(id).await?),
            Notice::Frozen { reason, ends_at } => cards::frozen_line(asker, reason, *ends_at),
            Notice::Thawed => cards::thawed_line(asker),
            Notice::Approval => self.approval(id).await?,
            Notice::ApprovalReminder => match self.store.approval(id).await? {
                Some(pending) => cards::approval_reminder(&pending),
                None => return Err(Error::row("approval", "there is none")),
            },
            Notice::ApprovalStep { what } => cards::approval_step(what),
        })
    }

    async fn bulk_progress(&self, id: RequestId) -> Result<Card, Error> {
        let now = self.clock.now();
        let (standing, freeze) = (self.store.bulk_standing(id).await?, self.store.freeze(now).await?);
        let pace = cards::Pace { now, rate: self.rate, throttled_until: None, freeze: freeze.as_ref() };
        Ok(cards::bulk_progress(&standing, pace))
    }

    async fn approval(&self, id: RequestId) -> Result<Card, Error> {
        let pending = self.store.approval(id).await?.ok_or_else(|| Error::row("approval", "there is none"))?;
        let (devices, rejection) = (self.store.devices_of(id).await?, self.store.rejection(id).await?);
        Ok(cards::approval(&pending, &devices, rejection.as_ref(), self.clock.now()))
    }
}
