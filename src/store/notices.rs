//! The outbox: what the bot still has to say. A notice stays here until Discord took it.
//!
//! It stands in queues, one for each reply, channel and living message. Only the head of a queue can be claimed, so what is in one
//! goes out in its order, and a queue that cannot move holds up nobody else. What is about one request and goes to one address keeps
//! its order across queues too.

use jiff::Timestamp;

use super::audit::append;
use super::digests::{Behind, behind};
use super::engine::Tx;
use super::leases::{Lease, Leased, token, until};
use super::living::{Standing, standing};
use super::notice::{Address, Notice, Stage};
use super::query::query;
use super::requests::{StoredRequest, stored_row};
use super::row::{Row, json as to_json, millis};
use super::stand_in::{self, or};
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
    /// How far down its way it is.
    pub stage: Stage,
    /// Deliveries that came to nothing.
    pub tries: u32,
    /// When it was first in somebody's hands.
    pub first_try_at: Timestamp,
    /// Nobody has had it in their hands before, so Discord cannot have taken its message yet.
    pub is_fresh: bool,
    /// What its message says too.
    pub behind: Vec<Behind>,
    /// The living message that it is a state of, where that stands already.
    pub standing: Option<Standing>,
    /// Why its row cannot be read, if so.
    pub unreadable: Option<String>,
    pub(super) lease: String,
}

impl ClaimedNotice {
    /// Its lease.
    pub fn lease(&self) -> Lease {
        Lease::new(Leased::Notice(self.id), &self.lease)
    }
}

/// What a notice takes over from those that it makes pointless: they may have been waiting for a place that cannot be reached.
#[derive(Default)]
struct Legacy {
    tries: u32,
    due_at: Option<Timestamp>,
    stage: Option<String>,
}

/// Adds a notice; what it makes pointless is not said any more.
pub(super) async fn insert(tx: &mut Tx, tenant: &str, new: &NewNotice) -> Result<(), Error> {
    let queue = new.address.queue(new.request);
    let (mut legacy, mut due_at) = (Legacy::default(), new.due_at);
    match new.address {
        Address::Asker if !matches!(new.body, Notice::MovesToChannel { .. }) => supersede_progress(tx, new).await?,
        Address::Asker | Address::Channel(_) | Address::Webhook(_) => {}
        Address::Living { board, .. } => {
            legacy = supersede_states(tx, new, &queue).await?;
            if let Some(standing) = standing(&mut *tx, tenant, new.request, board).await? {
                due_at = due_at.max(standing.next_edit(new.due_at));
            }
        }
    }
    query(
        "INSERT INTO notices (id, tenant_id, request_id, address, queue, stage, body, state, due_at, tries)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $9)",
    )
    .bind(NoticeId::new(new.due_at).to_string())
    .bind(tenant)
    .bind(new.request.to_string())
    .bind(to_json(&new.address))
    .bind(queue)
    .bind(legacy.stage)
    .bind(to_json(&new.body))
    .bind(millis(legacy.due_at.map_or(due_at, |due| due.max(due_at))))
    .bind(legacy.tries)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// A newer word to the asker makes the live state of the sync pointless, and an outcome the last edit of the reply too.
async fn supersede_progress(tx: &mut Tx, new: &NewNotice) -> Result<(), Error> {
    let last_edit_too = !new.body.is_passing();
    query(
        "UPDATE notices SET state = 'superseded', ended_at = $2
          WHERE request_id = $1 AND address = '\"Asker\"' AND state = 'waiting' AND lease_token IS NULL
            AND (body LIKE '{\"Progress\"%' OR ($3 AND body LIKE '{\"MovesToChannel\"%'))",
    )
    .bind(new.request.to_string())
    .bind(millis(new.due_at))
    .bind(last_edit_too)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Of the states of a living message only the newest counts.
async fn supersede_states(tx: &mut Tx, new: &NewNotice, queue: &str) -> Result<Legacy, Error> {
    let waiting = query(
        "SELECT tries, due_at, stage FROM notices WHERE queue = $1 AND state = 'waiting' AND lease_token IS NULL ORDER BY seq",
    )
    .bind(queue)
    .fetch_all(&mut *tx)
    .await?;
    let mut legacy = Legacy::default();
    for row in waiting {
        legacy.tries = legacy.tries.max(row.count("tries")?);
        legacy.due_at = legacy.due_at.max((legacy.tries > 0).then(|| row.at("due_at")).transpose()?);
        legacy.stage = row.optional_text("stage")?.or(legacy.stage);
    }
    query(
        "UPDATE notices SET state = 'superseded', ended_at = $2 WHERE queue = $1 AND state = 'waiting' AND lease_token IS NULL",
    )
    .bind(queue)
    .bind(millis(new.due_at))
    .execute(&mut *tx)
    .await?;
    Ok(legacy)
}

impl Store {
    /// Adds a notice by itself, where nothing else changes with it.
    pub async fn say(&self, new: &NewNotice) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        insert(&mut tx, &self.tenant, new).await?;
        tx.commit().await
    }

    /// What was last said in the reply to a request that has been answered is said once more: something older may cover it.
    pub async fn say_last_word_again(&self, now: Timestamp, id: RequestId) -> Result<(), Error> {
        // What still waits will cover it anyway.
        query(
            "UPDATE notices SET state = 'waiting', due_at = $2, ended_at = NULL
              WHERE seq = (SELECT MAX(n.seq) FROM notices n JOIN requests r ON r.id = n.request_id
                            WHERE n.request_id = $1 AND n.address = '\"Asker\"' AND n.state = 'sent' AND n.stage IS NULL
                              AND r.state <> 'awaiting_confirmation'
                              AND NOT EXISTS (SELECT 1 FROM notices w
                                               WHERE w.request_id = $1 AND w.address = '\"Asker\"' AND w.state = 'waiting'))",
        )
        .bind(id.to_string())
        .bind(millis(now))
        .execute(&self.engine)
        .await?;
        Ok(())
    }

    /// Takes the oldest due notice that is the head of its queue.
    pub async fn claim_notice(&self, now: Timestamp) -> Result<Option<ClaimedNotice>, Error> {
        let claimed = match self.claim_head(now).await? {
            Some(claimed) => Some(claimed),
            None if self.adopt_notices().await? => self.claim_head(now).await?,
            None => None,
        };
        let Some((row, lease)) = claimed else { return Ok(None) };
        let request = stored_row(&self.engine, &row.text("request_id")?).await?;
        // Of an unreadable request there is enough left to tell somebody; its news may be whole.
        let request = stand_in::request(&request, &mut None)?;
        let mut unreadable = None;
        let address = or(row.json("address"), &mut unreadable, || Address::Asker);
        let standing = match address {
            Address::Living { board, .. } => standing(&self.engine, &self.tenant, request.id, board).await?,
            Address::Asker | Address::Channel(_) | Address::Webhook(_) => None,
        };
        let id = row.parsed("id")?;
        Ok(Some(ClaimedNotice {
            id,
            request,
            address,
            body: or(row.json("body"), &mut unreadable, || Notice::Unreadable),
            stage: row.optional_text("stage")?.map_or(Ok(Stage::First), |word| Stage::read(&word))?,
            tries: row.count("tries")?,
            first_try_at: row.at("first_try_at")?,
            is_fresh: row.at("first_try_at").is_ok_and(|at| millis(at) == millis(now)),
            behind: behind(&self.engine, id).await?,
            standing,
            unreadable,
            lease,
        }))
    }

    async fn claim_head(&self, now: Timestamp) -> Result<Option<(Row, String)>, Error> {
        let lease = token();
        let row = query(
            "UPDATE notices SET lease_until = $2, lease_token = $3, lease_owner = $5, first_try_at = COALESCE(first_try_at, $1)
              WHERE seq = (SELECT n.seq FROM notices n
                            WHERE n.tenant_id = $4 AND n.state = 'waiting' AND n.due_at <= $1 AND n.digest_id IS NULL
                              AND n.queue IS NOT NULL AND (n.lease_until IS NULL OR n.lease_until < $1)
                              AND NOT EXISTS (SELECT 1 FROM notices e
                                               WHERE e.queue = n.queue AND e.seq < n.seq
                                                 AND e.state = 'waiting' AND (e.due_at <= $1 OR e.tries > 0))
                              AND NOT EXISTS (SELECT 1 FROM notices e
                                               WHERE e.request_id = n.request_id AND e.address = n.address AND e.seq < n.seq
                                                 AND e.state = 'waiting' AND (e.due_at <= $1 OR e.tries > 0))
                            ORDER BY n.due_at, n.seq LIMIT 1 /*postgres FOR UPDATE SKIP LOCKED */)
             RETURNING id, request_id, address, body, stage, tries, first_try_at",
        )
        .bind(millis(now))
        .bind(millis(until(now)))
        .bind(&lease)
        .bind(&self.tenant)
        .bind(self.owner.to_string())
        .fetch_optional(&self.engine)
        .await?;
        Ok(row.map(|row| (row, lease)))
    }

    /// Puts into their queues what a version without queues wrote; whether there was any.
    async fn adopt_notices(&self) -> Result<bool, Error> {
        let adopted = query(
            "UPDATE notices SET queue = CASE WHEN address = '\"Asker\"' THEN request_id ELSE address END
              WHERE state = 'waiting' AND queue IS NULL",
        )
        .execute(&self.engine)
        .await?;
        Ok(adopted > 0)
    }

    /// Discord took it (or it had become pointless); `message` is where it stands.
    pub async fn notice_done(
        &self,
        now: Timestamp,
        claimed: &ClaimedNotice,
        message: Option<String>,
    ) -> Result<(), Error> {
        done(claimed, now, message).execute(&self.engine).await?;
        Ok(())
    }

    /// It is tried again at `due_at`; its queue waits with it.
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

    /// It was not its turn yet: it is taken up at `due_at`, and nothing was tried.
    pub async fn notice_later(&self, claimed: &ClaimedNotice, due_at: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE notices SET due_at = $3, lease_token = NULL, lease_until = NULL WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(millis(due_at))
        .execute(&self.engine)
        .await?;
        Ok(())
    }

    /// It goes on to the next place of its way, at once, and what its message says too goes with it. Once it stands in a channel's
    /// queue it waits for its turn there.
    pub async fn notice_moves(
        &self,
        now: Timestamp,
        claimed: &ClaimedNotice,
        stage: Stage,
        channel: crate::chat::ChannelId,
    ) -> Result<(), Error> {
        // A living message's states go on replacing each other, so they stay together.
        let queue = match claimed.address {
            Address::Living { .. } => claimed.address.queue(claimed.request.id),
            Address::Asker | Address::Channel(_) | Address::Webhook(_) => {
                Address::Channel(channel).queue(claimed.request.id)
            }
        };
        query(
            "UPDATE notices SET stage = $3, queue = $4, tries = 0, due_at = $5, lease_token = NULL, lease_until = NULL
              WHERE (id = $1 AND lease_token = $2)
                 OR (digest_id = $1 AND EXISTS (SELECT 1 FROM notices h WHERE h.id = $1 AND h.lease_token = $2))",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(stage.as_str())
        .bind(queue)
        .bind(millis(now))
        .execute(&self.engine)
        .await?;
        Ok(())
    }

    /// Nobody can be told: never without an audit row, and one for each notice that the message would have said.
    pub async fn notice_dropped(&self, now: Timestamp, claimed: &ClaimedNotice, why: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let dropped = query(
            "UPDATE notices SET state = 'dropped', ended_at = $3, lease_token = NULL, lease_until = NULL
              WHERE (id = $1 AND lease_token = $2)
                 OR (digest_id = $1 AND EXISTS (SELECT 1 FROM notices h WHERE h.id = $1 AND h.lease_token = $2))
             RETURNING id, request_id",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(millis(now))
        .fetch_all(&mut tx)
        .await?;
        for row in dropped {
            let detail = serde_json::json!({ "notice": row.text("id")?, "why": why });
            let row = AuditRow::new(Event::NoticeDropped).request(row.parsed("request_id")?).detail(detail);
            append(&mut tx, &self.tenant, now, &row).await?;
        }
        tx.commit().await
    }

    /// When the next notice is due that stands behind no other.
    pub async fn next_due_notice(&self) -> Result<Option<Timestamp>, Error> {
        query(
            "SELECT MIN(CASE WHEN n.lease_until > n.due_at THEN n.lease_until ELSE n.due_at END) AS next FROM notices n
              WHERE n.tenant_id = $1 AND n.state = 'waiting' AND n.digest_id IS NULL
                AND NOT EXISTS (SELECT 1 FROM notices e
                                 WHERE e.queue = n.queue AND e.seq < n.seq
                                   AND e.state = 'waiting' AND (e.due_at <= n.due_at OR e.tries > 0))
                AND NOT EXISTS (SELECT 1 FROM notices e
                                 WHERE e.request_id = n.request_id AND e.address = n.address AND e.seq < n.seq
                                   AND e.state = 'waiting' AND (e.due_at <= n.due_at OR e.tries > 0))",
        )
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

/// Ends a notice that was said, and what its message said too.
pub(super) fn done(claimed: &ClaimedNotice, now: Timestamp, message: Option<String>) -> super::query::Query {
    query(
        "UPDATE notices SET state = 'sent', ended_at = $3, message_id = $4, lease_token = NULL, lease_until = NULL
          WHERE (id = $1 AND lease_token = $2)
             OR (digest_id = $1 AND EXISTS (SELECT 1 FROM notices h WHERE h.id = $1 AND h.lease_token = $2))",
    )
    .bind(claimed.id.to_string())
    .bind(&claimed.lease)
    .bind(millis(now))
    .bind(message)
}
