//! The outbox: what the bot still has to say. A notice stays here until Discord took it.

use jiff::Timestamp;

use super::audit::append;
use super::engine::Tx;
use super::leases::{Lease, Leased, token, until};
use super::model::{Address, Notice};
use super::query::query;
use super::requests::{StoredRequest, stored};
use super::row::{json as to_json, millis};
use super::{AuditRow, Error, Event, NoticeId, RequestId, Store};

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

impl ClaimedNotice {
    /// Its lease.
    pub fn lease(&self) -> Lease {
        Lease::new(Leased::Notice(self.id), &self.lease)
    }
}

/// Adds a notice; what it makes pointless is not said any more.
pub(super) async fn insert(tx: &mut Tx, tenant: &str, new: &NewNotice) -> Result<(), Error> {
    if new.address == Address::Asker && !matches!(new.body, Notice::MovesToChannel { .. }) {
        let last_edit_too = !new.body.is_passing();
        query(
            "UPDATE notices SET state = 'superseded', ended_at = $2
              WHERE request_id = $1 AND state = 'waiting' AND lease_token IS NULL
                AND (body LIKE '{\"Progress\"%' OR ($3 AND body LIKE '{\"MovesToChannel\"%'))",
        )
        .bind(new.request.to_string())
        .bind(millis(new.due_at))
        .bind(last_edit_too)
        .execute(&mut *tx)
        .await?;
    }
    query(
        "INSERT INTO notices (id, tenant_id, request_id, address, body, state, due_at) VALUES ($1, $2, $3, $4, $5, 'waiting', $6)",
    )
    .bind(NoticeId::new(new.due_at).to_string())
    .bind(tenant)
    .bind(new.request.to_string())
    .bind(to_json(&new.address))
    .bind(to_json(&new.body))
    .bind(millis(new.due_at))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

impl Store {
    /// Takes the oldest due notice whose forerunners to the same address are all out.
    pub async fn claim_notice(&self, now: Timestamp) -> Result<Option<ClaimedNotice>, Error> {
        let lease = token();
        let row = query(
            "UPDATE notices SET lease_until = $2, lease_token = $3, lease_owner = $5
              WHERE seq = (SELECT n.seq FROM notices n
                            WHERE n.tenant_id = $4 AND n.state = 'waiting' AND n.due_at <= $1
                              AND (n.lease_until IS NULL OR n.lease_until < $1)
                              AND NOT EXISTS (SELECT 1 FROM notices e
                                               WHERE e.request_id = n.request_id AND e.address = n.address AND e.seq < n.seq
                                                 AND e.state = 'waiting' AND (e.due_at <= $1 OR e.tries > 0))
                            ORDER BY n.due_at, n.seq LIMIT 1 /*postgres FOR UPDATE SKIP LOCKED */)
             RETURNING id, request_id, address, body, tries",
        )
        .bind(millis(now))
        .bind(millis(until(now)))
        .bind(&lease)
        .bind(&self.tenant)
        .bind(self.owner.to_string())
        .fetch_optional(&self.engine)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(ClaimedNotice {
            id: row.parsed("id")?,
            request: stored(&self.engine, &row.text("request_id")?).await?,
            address: row.json("address")?,
            body: row.json("body")?,
            tries: row.count("tries")?,
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
        query(
            "UPDATE notices SET state = 'sent', ended_at = $3, message_id = $4, lease_token = NULL, lease_until = NULL
              WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(millis(now))
        .bind(message)
        .execute(&self.engine)
        .await?;
        Ok(())
    }

    /// It is tried again at `due_at`.
    pub async fn notice_again(&self, claimed: &ClaimedNotice, due_at: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE notices SET due_at = $3, tries = tries + 1, lease_token = NULL, lease_until = NULL
              WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(millis(due_at))
        .execute(&self.engine)
        .await?;
        Ok(())
    }

    /// Nobody can be told: never without an audit row.
    pub async fn notice_dropped(&self, now: Timestamp, claimed: &ClaimedNotice, why: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        query(
            "UPDATE notices SET state = 'dropped', ended_at = $3, lease_token = NULL, lease_until = NULL
              WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        let detail = serde_json::json!({ "notice": claimed.id.to_string(), "why": why });
        let row = AuditRow::new(Event::NoticeDropped).request(claimed.request.id).detail(detail);
        append(&mut tx, &self.tenant, now, &row).await?;
        tx.commit().await
    }

    /// When the next notice is due.
    pub async fn next_due_notice(&self) -> Result<Option<Timestamp>, Error> {
        query("SELECT MIN(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) AS next FROM notices WHERE tenant_id = $1 AND state = 'waiting'")
            .bind(&self.tenant)
            .fetch_one(&self.engine)
            .await?
            .optional_at("next")
    }

    /// How many notices wait, and since when the oldest does.
    pub async fn outbox(&self, now: Timestamp) -> Result<(i64, Option<Timestamp>), Error> {
        let row = query(
            "SELECT COUNT(*) AS n, MIN(due_at) AS oldest FROM notices WHERE tenant_id = $1 AND state = 'waiting' AND due_at <= $2",
        )
        .bind(&self.tenant)
        .bind(millis(now))
        .fetch_one(&self.engine)
        .await?;
        Ok((row.integer("n")?, row.optional_at("oldest")?))
    }
}
