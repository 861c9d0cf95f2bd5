//! Work that fails in the bot itself: counted, and in the end given up with an outcome that is said. An admin may take it up again.

use jiff::Timestamp;
use serde_json::json;

use super::audit::append;
use super::claims::ClaimedSync;
use super::engine::Tx;
use super::finish::{Ending, Tell};
use super::leases::Lease;
use super::model::{Answer, Called, DeviceSyncState, Outcome};
use super::query::query;
use super::row::{json as to_json, millis};
use super::{AuditRow, DeviceSyncId, Error, Event, Store};
use crate::intune::Device;

/// A device sync that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadSync {
    /// Its id.
    pub id: DeviceSyncId,
    /// The device's name; its id where the name cannot be read.
    pub device: String,
    /// The chat account that asked.
    pub asker: String,
    /// When it was given up.
    pub dead_at: Timestamp,
    /// Why.
    pub trouble: String,
}

/// What became of a wish to take a dead one up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revived {
    /// It will be asked for again, after the same checks as at first.
    Queued,
    /// A call was made: the device is watched.
    Watched,
    /// There is none of that id that was given up.
    NotDead,
    /// The device is being synced for somebody else.
    Busy,
}

impl Store {
    /// A step came to nothing, for a reason that lies in the bot or in the row. It is tried again at `again_at`.
    pub async fn step_failed(&self, claimed: &ClaimedSync, why: &str, again_at: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE device_syncs SET troubles = troubles + 1, trouble = $3, due_at = $4, lease_token = NULL, lease_until = NULL
              WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(why)
        .bind(millis(again_at))
        .execute(&self.engine)
        .await?;
        Ok(())
    }

    /// The same for all that are under one lease and were not given back.
    pub async fn steps_failed(&self, lease: &Lease, why: &str, again_at: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE device_syncs SET troubles = troubles + 1, trouble = $2, due_at = $3, lease_token = NULL, lease_until = NULL
              WHERE lease_token = $1",
        )
        .bind(lease.token())
        .bind(why)
        .bind(millis(again_at))
        .execute(&self.engine)
        .await?;
        Ok(())
    }

    /// Whether a call was made for it, as far as that is written down.
    pub async fn called(&self, id: DeviceSyncId) -> Result<Called, Error> {
        let rows = query("SELECT answer FROM attempts WHERE device_sync_id = $1")
            .bind(id.to_string())
            .fetch_all(&self.engine)
            .await?;
        let answers = rows.iter().map(|row| row.optional_text("answer"));
        Ok(called(&answers.collect::<Result<Vec<_>, _>>()?))
    }

    /// Gives a device sync up: its outcome is said like any other, and with it that of those who joined.
    pub async fn give_up(
        &self,
        now: Timestamp,
        claimed: &ClaimedSync,
        (called, why): (Called, &str),
        tell: Tell,
    ) -> Result<(), Error> {
        let outcome = Outcome::Failed { gave_up: true, broken: Some(called) };
        let mut tx = self.begin().await?;
        self.finish_in(&mut tx, now, claimed, &Ending { outcome: &outcome, answer: None, tell }).await?;
        query("UPDATE device_syncs SET dead_at = $2, trouble = $3 WHERE id = $1")
            .bind(claimed.id.to_string())
            .bind(millis(now))
            .bind(why)
            .execute(&mut tx)
            .await?;
        if claimed.unreadable.is_some() {
            self.replace_request(&mut tx, claimed).await?;
        }
        let row = AuditRow::new(Event::GivenUp).request(claimed.request.id).device_sync(claimed.id);
        let detail = json!({ "why": why, "troubles": claimed.troubles, "called": called });
        append(&mut tx, &self.tenant, now, &row.device(claimed.device.id).detail(detail)).await?;
        tx.commit().await
    }

    /// Puts what stood in for an unreadable request in its place, so that lists and histories can be read again.
    async fn replace_request(&self, tx: &mut Tx, claimed: &ClaimedSync) -> Result<(), Error> {
        query("UPDATE requests SET actor = $2, target = $3 WHERE id = $1")
            .bind(claimed.request.id.to_string())
            .bind(to_json(&claimed.request.actor))
            .bind(claimed.request.target.as_ref().map(to_json))
            .execute(&mut *tx)
            .await?;
        Ok(())
    }

    /// The device syncs that were given up, the newest first.
    pub async fn dead(&self, limit: u32) -> Result<Vec<DeadSync>, Error> {
        let rows = query(
            "SELECT d.id, d.device_id, d.device, d.dead_at, d.trouble, r.actor_user
               FROM device_syncs d JOIN requests r ON r.id = d.request_id
              WHERE d.tenant_id = $1 AND d.dead_at IS NOT NULL ORDER BY d.dead_at DESC, d.id DESC LIMIT $2",
        )
        .bind(&self.tenant)
        .bind(limit)
        .fetch_all(&self.engine)
        .await?;
        rows.iter()
            .map(|row| {
                let name = row.json::<Device>("device").map(|device| device.name);
                Ok(DeadSync {
                    id: row.parsed("id")?,
                    device: name.or_else(|_unreadable| row.text("device_id"))?,
                    asker: row.text("actor_user")?,
                    dead_at: row.at("dead_at")?,
                    trouble: row.optional_text("trouble")?.unwrap_or_default(),
                })
            })
            .collect()
    }

    /// How many there are.
    pub async fn count_dead(&self) -> Result<i64, Error> {
        query("SELECT COUNT(*) AS n FROM device_syncs WHERE tenant_id = $1 AND dead_at IS NOT NULL")
            .bind(&self.tenant)
            .fetch_one(&self.engine)
            .await?
            .integer("n")
    }

    /// Takes a dead one up where it was: one that was called is watched, another one goes through every check again. Its asker is
    /// told once more how it ends.
    pub async fn revive(&self, now: Timestamp, id: DeviceSyncId) -> Result<Revived, Error> {
        let mut tx = self.begin().await?;
        let row = query(
            "SELECT d.device_id, d.request_id FROM device_syncs d JOIN requests r ON r.id = d.request_id
              WHERE d.id = $1 AND d.tenant_id = $2 AND d.state = 'ended' AND d.dead_at IS NOT NULL
                AND r.state IN ('running', 'finished')",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .fetch_optional(&mut tx)
        .await?;
        let Some(row) = row else { return Ok(Revived::NotDead) };
        let busy = query(
            "SELECT id FROM device_syncs WHERE tenant_id = $1 AND device_id = $2 AND due_at IS NOT NULL AND leader_id IS NULL",
        )
        .bind(&self.tenant)
        .bind(row.text("device_id")?)
        .fetch_optional(&mut tx)
        .await?;
        if busy.is_some() {
            return Ok(Revived::Busy);
        }
        let answers = query("SELECT answer FROM attempts WHERE device_sync_id = $1")
            .bind(id.to_string())
            .fetch_all(&mut tx)
            .await?;
        let answers = answers.iter().map(|row| row.optional_text("answer")).collect::<Result<Vec<_>, _>>()?;
        let (state, revived) = match called(&answers) {
            Called::No => (DeviceSyncState::Queued, Revived::Queued),
            Called::Accepted => (DeviceSyncState::Accepted, Revived::Watched),
            Called::Unknown => (DeviceSyncState::Unknown, Revived::Watched),
        };
        query(
            "UPDATE device_syncs SET state = $2, outcome = NULL, ended_as = NULL, ended_at = NULL, dead_at = NULL, trouble = NULL,
                    troubles = 0, tries = 0, leader_id = NULL, due_at = $3, started_at = $3
              WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(state.as_str())
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        query("UPDATE requests SET state = 'running', finished_at = NULL WHERE id = $1 AND state = 'finished'")
            .bind(row.text("request_id")?)
            .execute(&mut tx)
            .await?;
        let audit = AuditRow::new(Event::Revived).request(row.parsed("request_id")?).device_sync(id);
        append(&mut tx, &self.tenant, now, &audit.detail(json!({ "state": state.as_str() }))).await?;
        tx.commit().await?;
        Ok(revived)
    }
}

/// What attempts with these answers say together; one without an answer may have been taken.
fn called(answers: &[Option<String>]) -> Called {
    let is = |wanted: Answer| move |answer: &Option<String>| answer.as_deref() == Some(wanted.as_str());
    if answers.iter().any(is(Answer::Accepted)) {
        Called::Accepted
    } else if answers.iter().all(|answer| is(Answer::NotTaken)(answer) || is(Answer::Refused)(answer)) {
        Called::No
    } else {
        Called::Unknown
    }
}
