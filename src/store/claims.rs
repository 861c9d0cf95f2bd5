//! Leases: one worker takes one due device sync, and what it writes counts only while the lease is its own.

use jiff::Timestamp;

use super::leases::{Lease, Leased, token, until};
use super::model::{Answer, DeviceSyncState};
use super::query::query;
use super::requests::{StoredRequest, stored_row};
use super::row::{Row, millis};
use super::stand_in::{self, or};
use super::{DeviceSyncId, Error, Store};
use crate::intune::{Device, DeviceId};

/// A device sync in a worker's hands.
#[derive(Clone, Debug)]
pub struct ClaimedSync {
    /// Its id.
    pub id: DeviceSyncId,
    /// Its request.
    pub request: StoredRequest,
    /// The device as last stored.
    pub device: Device,
    /// Where it stands.
    pub state: DeviceSyncState,
    /// Tries of the present step that came to nothing.
    pub tries: u32,
    /// When Yes was pressed (or the sync was handed over).
    pub started_at: Timestamp,
    /// The attempts so far, oldest first.
    pub attempts: Vec<Attempt>,
    /// Whether it is one of many, for which nobody waits in particular.
    pub bulk: bool,
    /// Steps in a row that failed in the bot itself.
    pub troubles: u32,
    /// How the last of them failed.
    pub trouble: Option<String>,
    /// Why its row cannot be read, if so; then something else stands in for what is not known.
    pub unreadable: Option<String>,
    pub(super) lease: String,
}

/// One call to Graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// 1, 2, …
    pub number: u32,
    /// `lastSyncDateTime` just before it.
    pub baseline: Option<Timestamp>,
    /// When it was made.
    pub requested_at: Timestamp,
    /// What Graph answered; `None`: nothing was recorded.
    pub answer: Option<Answer>,
}

impl Attempt {
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            number: row.count("number")?,
            baseline: row.optional_at("baseline")?,
            requested_at: row.at("requested_at")?,
            answer: row.optional_text("answer")?.map(|word| Answer::read(&word)).transpose()?,
        })
    }
}

impl ClaimedSync {
    /// Reads what can be read.
    pub(super) fn read(
        row: &Row,
        request: &Row,
        attempts: Result<Vec<Attempt>, Error>,
        bulk: bool,
        lease: String,
    ) -> Result<Self, Error> {
        let mut unreadable = None;
        let device_id = or(row.parsed("device_id"), &mut unreadable, || DeviceId(uuid::Uuid::nil()));
        let state = row.text("state").and_then(|word| DeviceSyncState::read(&word));
        Ok(Self {
            id: row.parsed("id")?,
            request: stand_in::request(request, &mut unreadable)?,
            device: or(row.json("device"), &mut unreadable, || stand_in::device(device_id)),
            state: or(state, &mut unreadable, || DeviceSyncState::Unknown),
            tries: or(row.count("tries"), &mut unreadable, || 0),
            started_at: or(row.at("started_at"), &mut unreadable, || Timestamp::UNIX_EPOCH),
            attempts: or(attempts, &mut unreadable, Vec::new),
            bulk,
            troubles: row.count("troubles")?,
            trouble: row.optional_text("trouble")?,
            unreadable,
            lease,
        })
    }

    /// Its lease.
    pub fn lease(&self) -> Lease {
        Lease::new(Leased::DeviceSync(self.id), &self.lease)
    }

    /// Attempts that Graph took, or may have taken: a check-in after one of them counts.
    pub fn effective_attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| !matches!(attempt.answer, Some(Answer::NotTaken | Answer::Refused)))
    }
}

impl Store {
    /// Takes the device sync that has been due longest.
    pub async fn claim_device_sync(&self, now: Timestamp) -> Result<Option<ClaimedSync>, Error> {
        self.claim_one(now, false).await
    }

    /// Takes the one that has been due longest of those that Graph accepted, whose next step is only to look.
    pub async fn claim_look(&self, now: Timestamp) -> Result<Option<ClaimedSync>, Error> {
        self.claim_one(now, true).await
    }

    async fn claim_one(&self, now: Timestamp, accepted_only: bool) -> Result<Option<ClaimedSync>, Error> {
        let lease = token();
        let row = query(
            "UPDATE device_syncs SET lease_until = $2, lease_token = $3, lease_owner = $5
              WHERE id = (SELECT id FROM device_syncs
                           WHERE tenant_id = $4 AND urgency = 0 AND due_at <= $1 AND (lease_until IS NULL OR lease_until < $1)
                             AND (state = 'accepted' OR NOT $6)
                             AND (state <> 'queued' OR NOT EXISTS (SELECT 1 FROM freezes f WHERE f.tenant_id = $4 AND f.ends_at > $1))
                           ORDER BY due_at, id LIMIT 1 /*postgres FOR UPDATE SKIP LOCKED */)
             RETURNING id, request_id, device_id, device, state, tries, started_at, troubles, trouble",
        )
            .bind(millis(now))
            .bind(millis(until(now)))
            .bind(&lease)
            .bind(&self.tenant)
            .bind(self.owner.to_string())
            .bind(accepted_only)
            .fetch_optional(&self.engine)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let request = stored_row(&self.engine, &row.text("request_id")?).await?;
        let attempts = self.attempts(row.parsed("id")?).await;
        Ok(Some(ClaimedSync::read(&row, &request, attempts, false, lease)?))
    }

    pub(super) async fn attempts(&self, id: DeviceSyncId) -> Result<Vec<Attempt>, Error> {
        let rows = query(
            "SELECT number, baseline, requested_at, answer FROM attempts WHERE device_sync_id = $1 ORDER BY number",
        )
        .bind(id.to_string())
        .fetch_all(&self.engine)
        .await?;
        rows.iter().map(Attempt::read).collect()
    }

    /// When the next device sync is due; past if one waits already. What a freeze holds back is due at its end.
    pub async fn next_due_sync(&self, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let thawed_at = self.freeze(now).await?.map_or(i64::MIN, |freeze| millis(freeze.ends_at));
        query("SELECT MIN(CASE WHEN lease_until > due_at THEN lease_until WHEN state = 'queued' AND due_at < $2 THEN $2 ELSE due_at END) AS next
                 FROM device_syncs WHERE tenant_id = $1 AND urgency = 0 AND due_at IS NOT NULL")
            .bind(&self.tenant)
            .bind(thawed_at)
            .fetch_one(&self.engine)
            .await?
            .optional_at("next")
    }
}
