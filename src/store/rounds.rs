//! Rounds of an approval: the devices turn out to be other ones than were asked about, so every vote is void, and whoever may approve
//! is asked anew.

use std::collections::HashSet;

use jiff::Timestamp;

use super::allowances::forget_allowances;
use super::approvals::{ApprovalWindow, PendingApproval, RuleDue};
use super::audit::append;
use super::engine::{On, Tx};
use super::finish::OfRequest;
use super::living::{forget_standing, standing};
use super::model::RequestState;
use super::notice::{ApprovalStep, Board};
use super::query::query;
use super::requests::stored;
use super::row::{json as to_json, millis};
use super::{AuditRow, DeviceSyncId, Error, Event, RequestId, Store};
use crate::intune::{Device, DeviceId};

/// What is asked about from now on.
#[derive(Debug)]
pub struct NewRound<'a> {
    /// The devices.
    pub devices: &'a [Device],
    /// Every device that was looked at; `None`: the devices are the old ones, since nobody could agree to those that there are now.
    pub considered: Option<&'a [DeviceId]>,
    /// The rules that apply to them, which are asked beside those that were.
    pub rules: &'a [RuleDue],
    /// For the audit: what has changed.
    pub detail: serde_json::Value,
}

impl Store {
    /// The devices of a request that waits are other ones by now. `false`: it does not wait any more, or not in this round.
    pub async fn next_round(
        &self,
        now: Timestamp,
        seen: &PendingApproval,
        round: &NewRound<'_>,
    ) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        if !is_in_round(&mut tx, seen, RequestState::AwaitingApproval).await? {
            return Ok(false);
        }
        self.begin_round(&mut tx, now, seen, round).await?;
        self.show_approval(&mut tx, now, seen.request.id).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The same of a request that everybody has agreed to and of which nothing was sent yet: it waits for them again. `false`: that is not
    /// so any more.
    pub async fn reopen(
        &self,
        now: Timestamp,
        seen: &PendingApproval,
        round: &NewRound<'_>,
        window: ApprovalWindow,
    ) -> Result<bool, Error> {
        let id = seen.request.id;
        let mut tx = self.begin().await?;
        let is_open = is_in_round(&mut tx, seen, RequestState::Running).await?
            && self.may_be_sent(&mut tx, id).await?
            && !has_begun(&mut tx, id).await?;
        if !is_open || !has_open(&mut tx, id).await? {
            return Ok(false);
        }
        query("UPDATE requests SET state = 'awaiting_approval' WHERE id = $1")
            .bind(id.to_string())
            .execute(&mut tx)
            .await?;
        query("UPDATE approvals SET agreed_at = NULL, remind_at = $2, expires_at = $3 WHERE request_id = $1")
            .bind(id.to_string())
            .bind(millis(window.remind_at))
            .bind(millis(window.expires_at))
            .execute(&mut tx)
            .await?;
        self.let_go(&mut tx, now, id).await?;
        self.begin_round(&mut tx, now, seen, round).await?;
        self.show_bulk_progress(&mut tx, now, &seen.request).await?;
        // Nobody looks at the card that says "approved" any more: it stays as it is, and a new one is posted.
        forget_standing(&mut tx, &self.tenant, id, Board::Approval).await?;
        self.show_approval(&mut tx, now, id).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// No device sync of this request is due any more, and whoever follows one goes on without it.
    async fn let_go(&self, tx: &mut Tx, now: Timestamp, id: RequestId) -> Result<(), Error> {
        // First, since of all that want one device only one can be due.
        query("UPDATE device_syncs SET due_at = NULL WHERE request_id = $1 AND state = 'queued'")
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
        let leaders = query(
            "SELECT DISTINCT l.id FROM device_syncs l JOIN device_syncs d ON d.leader_id = l.id
              WHERE l.request_id = $1 AND l.state = 'queued'",
        )
        .bind(id.to_string())
        .fetch_all(&mut *tx)
        .await?;
        for row in leaders {
            let leader: DeviceSyncId = row.parsed("id")?;
            self.leave(tx, now, leader).await?;
            // Those that have ended followed it to no call.
            query("UPDATE device_syncs SET leader_id = NULL WHERE leader_id = $1")
                .bind(leader.to_string())
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }

    /// The devices take the place of the old ones, and every vote is void.
    async fn begin_round(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        seen: &PendingApproval,
        round: &NewRound<'_>,
    ) -> Result<(), Error> {
        let id = seen.request.id;
        query("DELETE FROM device_syncs WHERE request_id = $1 AND state = 'queued'")
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
        // What followed another request's sync and ended with it stays done.
        let done = query("SELECT device_id FROM device_syncs WHERE request_id = $1")
            .bind(id.to_string())
            .fetch_all(&mut *tx)
            .await?;
        let done: HashSet<DeviceId> = done.iter().map(|row| row.parsed("device_id")).collect::<Result<_, _>>()?;
        let devices: Vec<Device> = round.devices.iter().filter(|device| !done.contains(&device.id)).cloned().collect();
        self.insert_devices(tx, now, id, &devices).await?;
        if let Some(considered) = round.considered {
            query("UPDATE requests SET considered = $2 WHERE id = $1")
                .bind(id.to_string())
                .bind(to_json(&considered))
                .execute(&mut *tx)
                .await?;
        }
        let count = u32::try_from(devices.len()).unwrap_or(u32::MAX);
        // What they let through before was for other devices.
        forget_allowances(tx, id).await?;
        let (due, allowed) = self.sort_rules(tx, now, id, round.rules, count).await?;
        let mut asked = seen.rules.clone();
        asked.extend(due.into_iter().filter(|rule| seen.rules.iter().all(|known| known.name != rule.name)));
        query("UPDATE approvals SET round = round + 1, rules = $2 WHERE request_id = $1")
            .bind(id.to_string())
            .bind(to_json(&asked))
            .execute(&mut *tx)
            .await?;
        let mut detail = round.detail.clone();
        detail["devices"] = count.into();
        detail["approval"] = asked.iter().map(|rule| rule.name.as_str()).collect();
        detail["allowed_by"] = allowed.into();
        append(tx, &self.tenant, now, &AuditRow::new(Event::VotesVoid).request(id).detail(detail)).await?;
        let step = round.considered.map_or(ApprovalStep::AskedAnew, |_others| ApprovalStep::Changed { count });
        self.tell_asker(tx, now, id, step).await
    }

    /// Everybody has agreed, or what they agreed to was looked at again and is the same.
    pub(super) async fn note_agreed(
        &self,
        on: impl Into<On<'_>> + Send,
        now: Timestamp,
        seen: &PendingApproval,
    ) -> Result<(), Error> {
        query("UPDATE approvals SET agreed_at = $3 WHERE request_id = $1 AND round = $2")
            .bind(seen.request.id.to_string())
            .bind(seen.round)
            .bind(millis(now))
            .execute(on)
            .await?;
        Ok(())
    }

    /// The devices of a request are still those that were agreed to.
    pub async fn still_agreed(&self, now: Timestamp, seen: &PendingApproval) -> Result<(), Error> {
        self.note_agreed(&self.engine, now, seen).await
    }

    /// Whether Intune was asked about one of its devices.
    pub async fn has_begun(&self, id: RequestId) -> Result<bool, Error> {
        has_begun(&self.engine, id).await
    }

    /// Nobody can say at the moment what the devices of a request are, of which nothing was sent yet: none of them is due before `due_at`.
    pub async fn put_off(&self, id: RequestId, due_at: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE device_syncs SET due_at = $2, lease_token = NULL, lease_until = NULL
              WHERE request_id = $1 AND state = 'queued' AND due_at IS NOT NULL",
        )
        .bind(id.to_string())
        .bind(millis(due_at))
        .execute(&self.engine)
        .await?;
        Ok(())
    }

    /// A request that waited for approval again comes to nothing: the message that shows how far it is says so. Most have none.
    pub(super) async fn end_progress(&self, tx: &mut Tx, now: Timestamp, id: RequestId) -> Result<(), Error> {
        if standing(&mut *tx, &self.tenant, id, Board::Progress).await?.is_none() {
            return Ok(());
        }
        match stored(&mut *tx, &id.to_string()).await {
            Ok(request) => self.show_bulk_progress(tx, now, &request).await,
            // It ends all the same, or it would stand in the way of all others.
            Err(error) if error.is_of_the_row() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Everybody has agreed to a request of which nothing is left to be sent: what followed others has ended with them meanwhile.
    pub(super) async fn finish_if_over(&self, tx: &mut Tx, now: Timestamp, id: RequestId) -> Result<(), Error> {
        if self.finish_request(tx, now, id).await? {
            self.say_bulk_ended(tx, now, id, &OfRequest::default()).await?;
        }
        Ok(())
    }
}

async fn has_open(tx: &mut Tx, id: RequestId) -> Result<bool, Error> {
    let row = query("SELECT 1 FROM device_syncs WHERE request_id = $1 AND state <> 'ended' LIMIT 1");
    Ok(row.bind(id.to_string()).fetch_optional(tx).await?.is_some())
}

async fn is_in_round(tx: &mut Tx, seen: &PendingApproval, state: RequestState) -> Result<bool, Error> {
    let row = query(
        "SELECT 1 FROM approvals a JOIN requests r ON r.id = a.request_id
          WHERE a.request_id = $1 AND a.round = $2 AND r.state = $3",
    );
    let row = row.bind(seen.request.id.to_string()).bind(seen.round).bind(state.as_str());
    Ok(row.fetch_optional(tx).await?.is_some())
}

async fn has_begun(on: impl Into<On<'_>> + Send, id: RequestId) -> Result<bool, Error> {
    let row = query(
        "SELECT 1 FROM device_syncs d WHERE d.request_id = $1
            AND (d.state NOT IN ('queued', 'ended') OR EXISTS (SELECT 1 FROM attempts a WHERE a.device_sync_id = d.id))
          LIMIT 1",
    );
    Ok(row.bind(id.to_string()).fetch_optional(on).await?.is_some())
}
