//! Leases: one worker takes one due device sync, and what it writes counts only while the lease is its own.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row as _;
use uuid::Uuid;

use super::model::{Answer, DeviceSyncState};
use super::requests::StoredRequest;
use super::sqlite::{Columns as _, millis};
use super::{DeviceSyncId, Error, Store};
use crate::intune::Device;

/// How long a worker may take for one step. Longer than any step with all its timeouts.
pub(super) const LEASE: SignedDuration = SignedDuration::from_mins(10);

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

impl ClaimedSync {
    /// Attempts that Graph took, or may have taken: a check-in after one of them counts.
    pub fn effective_attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| !matches!(attempt.answer, Some(Answer::NotTaken | Answer::Refused)))
    }
}

impl Store {
    /// Takes the device sync that has been due longest.
    pub async fn claim_device_sync(&self, now: Timestamp) -> Result<Option<ClaimedSync>, Error> {
        let lease = Uuid::new_v4().simple().to_string();
        let until = now.saturating_add(LEASE).unwrap_or(Timestamp::MAX);
        let row = sqlx::query(
            "UPDATE device_syncs SET lease_until = $2, lease_token = $3
              WHERE id = (SELECT id FROM device_syncs
                           WHERE tenant_id = $4 AND due_at <= $1 AND (lease_until IS NULL OR lease_until < $1)
                           ORDER BY due_at, id LIMIT 1)
             RETURNING id, request_id, device, state, tries, started_at",
        )
        .bind(millis(now))
        .bind(millis(until))
        .bind(&lease)
        .bind(&self.tenant)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let id: DeviceSyncId = row.parsed("id")?;
        let request = sqlx::query("SELECT * FROM requests WHERE id = $1")
            .bind(row.text("request_id")?)
            .fetch_one(&self.pool)
            .await?;
        Ok(Some(ClaimedSync {
            id,
            request: StoredRequest::read(&request)?,
            device: row.json("device")?,
            state: DeviceSyncState::read(&row.text("state")?)?,
            tries: row.try_get("tries")?,
            started_at: row.at("started_at")?,
            attempts: self.attempts(id).await?,
            lease,
        }))
    }

    pub(super) async fn attempts(&self, id: DeviceSyncId) -> Result<Vec<Attempt>, Error> {
        let rows = sqlx::query(
            "SELECT number, baseline, requested_at, answer FROM attempts WHERE device_sync_id = $1 ORDER BY number",
        )
        .bind(id.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Attempt {
                    number: row.try_get("number")?,
                    baseline: row.optional_at("baseline")?,
                    requested_at: row.at("requested_at")?,
                    answer: row.optional_text("answer")?.map(|word| Answer::read(&word)).transpose()?,
                })
            })
            .collect()
    }

    /// When the next device sync is due; past if one waits already.
    pub async fn next_due_sync(&self) -> Result<Option<Timestamp>, Error> {
        sqlx::query("SELECT MIN(MAX(due_at, COALESCE(lease_until, 0))) AS next FROM device_syncs WHERE tenant_id = $1 AND due_at IS NOT NULL")
            .bind(&self.tenant)
            .fetch_one(&self.pool)
            .await?
            .optional_at("next")
    }

    /// Gives every lease back. For the start of the only process that uses this database.
    pub async fn release_leases(&self) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        for statement in [
            "UPDATE device_syncs SET lease_token = NULL, lease_until = NULL WHERE lease_token IS NOT NULL",
            "UPDATE notices SET lease_token = NULL, lease_until = NULL WHERE lease_token IS NOT NULL",
            "UPDATE late_watches SET lease_token = NULL, lease_until = NULL WHERE lease_token IS NOT NULL",
        ] {
            sqlx::query(statement).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}
