//! "Tell me when it shows up": a thin watch after the deadline, told once.

use jiff::Timestamp;
use serde_json::json;

use super::audit::append;
use super::claims::Attempt;
use super::leases::{Lease, Leased, token, until};
use super::model::{Answer, Outcome};
use super::notice::{Address, Notice};
use super::notices::{NewNotice, insert};
use super::query::query;
use super::row::{json as to_json, millis};
use super::stand_in::{self, or};
use super::{AuditRow, DeviceSyncId, Error, Event, LateWatchId, RequestId, Store};
use crate::chat::Actor;
use crate::intune::{Device, DeviceId};

/// What a press of the button did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateEnd {
    /// It is being watched from now on.
    Watching,
    /// It was being watched already, or the watch is over.
    Already,
    /// There is nothing to watch: no such device sync, or it ended otherwise.
    Nothing,
    /// Somebody else's.
    NotYours,
}

/// A late watch in a worker's hands.
#[derive(Clone, Debug)]
pub struct ClaimedLateWatch {
    /// Its id.
    pub id: LateWatchId,
    /// The request that it belongs to.
    pub request: RequestId,
    /// The device.
    pub device: Device,
    /// What a check-in is judged by.
    pub attempts: Vec<Attempt>,
    /// When it ends.
    pub until: Timestamp,
    /// Looks that failed in the bot itself.
    pub troubles: u32,
    /// Why its row cannot be read, if so.
    pub unreadable: Option<String>,
    lease: String,
}

impl ClaimedLateWatch {
    /// Its lease.
    pub fn lease(&self) -> Lease {
        Lease::new(Leased::LateWatch(self.id), &self.lease)
    }
}

impl Store {
    /// Starts watching for a device that did not check in before the deadline.
    pub async fn watch_late(
        &self,
        now: Timestamp,
        device_sync: DeviceSyncId,
        actor: &Actor,
        due_at: Timestamp,
        until: Timestamp,
    ) -> Result<LateEnd, Error> {
        let mut tx = self.begin().await?;
        let row = query(
            "SELECT d.outcome, d.device_id, d.request_id, r.actor_user FROM device_syncs d JOIN requests r ON r.id = d.request_id
              WHERE d.id = $1 AND d.tenant_id = $2 AND d.state = 'ended'",
        )
        .bind(device_sync.to_string())
        .bind(&self.tenant)
        .fetch_optional(&mut tx)
        .await?;
        let Some(row) = row else { return Ok(LateEnd::Nothing) };
        if row.text("actor_user")? != actor.user.to_string() {
            return Ok(LateEnd::NotYours);
        }
        if !matches!(row.json("outcome")?, Outcome::NoCheckInSeen { .. }) {
            return Ok(LateEnd::Nothing);
        }
        let inserted = query(
            "INSERT INTO late_watches (id, tenant_id, device_sync_id, actor, state, due_at, until)
             VALUES ($1, $2, $3, $4, 'watching', $5, $6) ON CONFLICT (device_sync_id) DO NOTHING",
        )
        .bind(LateWatchId::new(now).to_string())
        .bind(&self.tenant)
        .bind(device_sync.to_string())
        .bind(to_json(actor))
        .bind(millis(due_at))
        .bind(millis(until))
        .execute(&mut tx)
        .await?;
        if inserted == 0 {
            return Ok(LateEnd::Already);
        }
        let audit =
            AuditRow::new(Event::LateWatch).by(actor).request(row.parsed("request_id")?).device_sync(device_sync);
        append(&mut tx, &self.tenant, now, &audit.device(row.parsed("device_id")?).detail(json!({ "until": until })))
            .await?;
        tx.commit().await?;
        Ok(LateEnd::Watching)
    }

    /// Takes the late watch that has been due longest.
    pub async fn claim_late_watch(&self, now: Timestamp) -> Result<Option<ClaimedLateWatch>, Error> {
        let lease = token();
        let row = query(
            "UPDATE late_watches SET lease_until = $2, lease_token = $3, lease_owner = $5
              WHERE id = (SELECT id FROM late_watches
                           WHERE tenant_id = $4 AND due_at <= $1 AND (lease_until IS NULL OR lease_until < $1)
                           ORDER BY due_at, id LIMIT 1 /*postgres FOR UPDATE SKIP LOCKED */)
             RETURNING id, device_sync_id, until, troubles",
        )
        .bind(millis(now))
        .bind(millis(until(now)))
        .bind(&lease)
        .bind(&self.tenant)
        .bind(self.owner.to_string())
        .fetch_optional(&self.engine)
        .await?;
        let Some(row) = row else { return Ok(None) };
        // One that joined has no attempts of its own: its leader's count.
        let sync = query(
            "SELECT request_id, device_id, device, COALESCE(leader_id, id) AS worked FROM device_syncs WHERE id = $1",
        )
        .bind(row.text("device_sync_id")?)
        .fetch_one(&self.engine)
        .await?;
        // What cannot be read makes the watch end like one that saw nothing.
        let mut unreadable = None;
        let attempts = or(self.attempts(sync.parsed("worked")?).await, &mut unreadable, Vec::new);
        let device_id = or(sync.parsed("device_id"), &mut unreadable, || DeviceId(uuid::Uuid::nil()));
        Ok(Some(ClaimedLateWatch {
            id: row.parsed("id")?,
            request: sync.parsed("request_id")?,
            device: or(sync.json("device"), &mut unreadable, || stand_in::device(device_id)),
            attempts: attempts
                .into_iter()
                .filter(|attempt| !matches!(attempt.answer, Some(Answer::NotTaken | Answer::Refused)))
                .collect(),
            until: row.at("until")?,
            troubles: row.count("troubles")?,
            unreadable,
            lease,
        }))
    }

    /// Looks again at `due_at`.
    pub async fn late_watch_again(&self, claimed: &ClaimedLateWatch, due_at: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE late_watches SET due_at = $3, lease_token = NULL, lease_until = NULL WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(millis(due_at))
        .execute(&self.engine)
        .await?;
        Ok(())
    }

    /// A look failed in the bot itself; it is made again at `due_at`.
    pub async fn late_watch_failed(&self, claimed: &ClaimedLateWatch, due_at: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE late_watches SET troubles = troubles + 1, due_at = $3, lease_token = NULL, lease_until = NULL
              WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(millis(due_at))
        .execute(&self.engine)
        .await?;
        Ok(())
    }

    /// Ends the watch and says so, once.
    pub async fn end_late_watch(&self, now: Timestamp, claimed: &ClaimedLateWatch, body: Notice) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let held = query(
            "UPDATE late_watches SET state = 'ended', due_at = NULL, lease_token = NULL, lease_until = NULL
              WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .execute(&mut tx)
        .await?;
        if held != 1 {
            return Err(Error::LeaseLost);
        }
        let audit = AuditRow::new(Event::LateWatch).request(claimed.request).device(claimed.device.id);
        let ended = match body {
            Notice::ShowedUp { .. } => "showed_up",
            Notice::Unreadable => "given_up",
            _ => "never_showed_up",
        };
        append(&mut tx, &self.tenant, now, &audit.detail(json!({ "ended": ended }))).await?;
        insert(
            &mut tx,
            &self.tenant,
            &NewNotice { request: claimed.request, address: Address::Asker, body, due_at: now },
        )
        .await?;
        tx.commit().await
    }

    /// When the next late watch is due.
    pub async fn next_due_late_watch(&self) -> Result<Option<Timestamp>, Error> {
        let row = query("SELECT MIN(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) AS next FROM late_watches WHERE tenant_id = $1 AND due_at IS NOT NULL")
            .bind(&self.tenant)
            .fetch_one(&self.engine)
            .await?;
        row.optional_at("next")
    }

    /// How many late watches there are.
    pub async fn late_watches(&self) -> Result<i64, Error> {
        let row = query("SELECT COUNT(*) AS n FROM late_watches WHERE tenant_id = $1 AND state = 'watching'")
            .bind(&self.tenant)
            .fetch_one(&self.engine)
            .await?;
        row.integer("n")
    }
}
