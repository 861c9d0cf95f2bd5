//! The outbox: what the bot still has to say. A notice stays here until Discord took it.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row as _;
use uuid::Uuid;

use super::audit::append;
use super::model::{Address, Notice};
use super::requests::StoredRequest;
use super::sqlite::{Columns as _, Tx, json as to_json, millis};
use super::{AuditRow, Error, Event, NoticeId, RequestId, Store};

/// How long one delivery may take.
const LEASE: SignedDuration = SignedDuration::from_mins(2);

/// A notice to be said.
#[derive(Clone, Debug)]
pub struct NewNotice {
    /// About which request.
    pub request: RequestId,
    /// To whom.
    pub address: Address,
    /// What.
    pub body: Notice,
    /// Not before.
    pub due_at: Timestamp,
}

/// A notice in delivery's hands.
#[derive(Clone, Debug)]
pub struct ClaimedNotice {
    /// Its id; also the nonce of its message.
    pub id: NoticeId,
    /// The request it is about.
    pub request: StoredRequest,
    /// To whom.
    pub address: Address,
    /// What.
    pub body: Notice,
    /// Deliveries that came to nothing.
    pub tries: u32,
    lease: String,
}

/// Adds a notice; what it makes pointless is not said any more.
pub(super) async fn insert(tx: &mut Tx<'_>, tenant: &str, new: &NewNotice) -> Result<(), Error> {
    if new.address == Address::Asker && !matches!(new.body, Notice::MovesToChannel { .. }) {
        let last_edit_too = !new.body.is_passing();
        sqlx::query(
            "UPDATE notices SET state = 'superseded', ended_at = $2
              WHERE request_id = $1 AND state = 'waiting' AND lease_token IS NULL
                AND (body LIKE '{\"Progress\"%' OR ($3 AND body LIKE '{\"MovesToChannel\"%'))",
        )
        .bind(new.request.to_string())
        .bind(millis(new.due_at))
        .bind(last_edit_too)
        .execute(&mut **tx)
        .await?;
    }
    sqlx::query(
        "INSERT INTO notices (id, tenant_id, request_id, address, body, state, due_at) VALUES ($1, $2, $3, $4, $5, 'waiting', $6)",
    )
    .bind(NoticeId::new(new.due_at).to_string())
    .bind(tenant)
    .bind(new.request.to_string())
    .bind(to_json(&new.address))
    .bind(to_json(&new.body))
    .bind(millis(new.due_at))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

impl Store {
    /// Takes the oldest due notice whose forerunners to the same address are all out.
    pub async fn claim_notice(&self, now: Timestamp) -> Result<Option<ClaimedNotice>, Error> {
        let lease = Uuid::new_v4().simple().to_string();
        let until = now.saturating_add(LEASE).unwrap_or(Timestamp::MAX);
        let row = sqlx::query(
            "UPDATE notices SET lease_until = $2, lease_token = $3
              WHERE seq = (SELECT n.seq FROM notices n
                            WHERE n.tenant_id = $4 AND n.state = 'waiting' AND n.due_at <= $1
                              AND (n.lease_until IS NULL OR n.lease_until < $1)
                              AND NOT EXISTS (SELECT 1 FROM notices e
                                               WHERE e.request_id = n.request_id AND e.address = n.address AND e.seq < n.seq
                                                 AND e.state = 'waiting' AND (e.due_at <= $1 OR e.tries > 0))
                            ORDER BY n.due_at, n.seq LIMIT 1)
             RETURNING id, request_id, address, body, tries",
        )
        .bind(millis(now))
        .bind(millis(until))
        .bind(&lease)
        .bind(&self.tenant)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let request = sqlx::query("SELECT * FROM requests WHERE id = $1")
            .bind(row.text("request_id")?)
            .fetch_one(&self.pool)
            .await?;
        Ok(Some(ClaimedNotice {
            id: row.parsed("id")?,
            request: StoredRequest::read(&request)?,
            address: row.json("address")?,
            body: row.json("body")?,
            tries: row.try_get("tries")?,
            lease,
        }))
    }

    /// Discord took it (or it had become pointless); `message` is where it stands.
    pub async fn notice_done(
        &self,
        now: Timestamp,
        claimed: &ClaimedNotice,
        message: Option<String>,
    ) -> Result<(), Error> {
        sqlx::query(
            "UPDATE notices SET state = 'sent', ended_at = $3, message_id = $4, lease_token = NULL, lease_until = NULL
              WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(millis(now))
        .bind(message)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// It is tried again at `due_at`.
    pub async fn notice_again(&self, claimed: &ClaimedNotice, due_at: Timestamp) -> Result<(), Error> {
        sqlx::query(
            "UPDATE notices SET due_at = $3, tries = tries + 1, lease_token = NULL, lease_until = NULL
              WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(millis(due_at))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Nobody can be told: never without an audit row.
    pub async fn notice_dropped(&self, now: Timestamp, claimed: &ClaimedNotice, why: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "UPDATE notices SET state = 'dropped', ended_at = $3, lease_token = NULL, lease_until = NULL
              WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(millis(now))
        .execute(&mut *tx)
        .await?;
        let detail = serde_json::json!({ "notice": claimed.id.to_string(), "why": why });
        let row = AuditRow::new(Event::NoticeDropped).request(claimed.request.id).detail(detail);
        append(&mut tx, &self.tenant, now, &row).await?;
        Ok(tx.commit().await?)
    }

    /// When the next notice is due.
    pub async fn next_due_notice(&self) -> Result<Option<Timestamp>, Error> {
        sqlx::query("SELECT MIN(MAX(due_at, COALESCE(lease_until, 0))) AS next FROM notices WHERE tenant_id = $1 AND state = 'waiting'")
            .bind(&self.tenant)
            .fetch_one(&self.pool)
            .await?
            .optional_at("next")
    }

    /// How many notices wait, and since when the oldest does.
    pub async fn outbox(&self, now: Timestamp) -> Result<(i64, Option<Timestamp>), Error> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS n, MIN(due_at) AS oldest FROM notices WHERE tenant_id = $1 AND state = 'waiting' AND due_at <= $2",
        )
        .bind(&self.tenant)
        .bind(millis(now))
        .fetch_one(&self.pool)
        .await?;
        Ok((row.try_get("n")?, row.optional_at("oldest")?))
    }
}
