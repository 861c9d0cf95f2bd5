//! The end of a device sync: its outcome, the outcome of everyone who joined, and the notices that say so.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::audit::append;
use super::claims::ClaimedSync;
use super::engine::Tx;
use super::model::{Answer, Outcome, RefusedWhy};
use super::notice::{Address, Notice};
use super::notices::{NewNotice, insert};
use super::query::query;
use super::row::{Row, json as to_json, millis};
use super::steps::write_answer;
use super::{AuditRow, DeviceSyncId, Error, Event, RequestId, Store, StoredRequest};

/// How a device sync ends.
#[derive(Debug)]
pub struct Ending<'a> {
    /// How.
    pub outcome: &'a Outcome,
    /// The answer to the last attempt, where it is the answer that ends it.
    pub answer: Option<(Answer, Option<&'a str>)>,
    /// Who else is told.
    pub tell: Tell,
}

/// Who is told of an end, beside those who asked.
#[derive(Clone, Debug, Default)]
pub struct Tell {
    /// Of the device sync.
    pub of_device: Vec<Sink>,
    /// Of a request for many devices, when this was its last.
    pub of_request: OfRequest,
}

/// Says who is told when a request for many devices ends.
///
/// It is asked of each request that ends: a device sync may be the last one of somebody else's, whose devices joined it.
#[derive(Clone)]
pub struct OfRequest(Arc<Rule>);

type Rule = dyn Fn(&StoredRequest, u32) -> Vec<Sink> + Send + Sync;

impl OfRequest {
    /// By this rule, which is given the request and for how many devices it is.
    pub fn by(rule: impl Fn(&StoredRequest, u32) -> Vec<Sink> + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// Who is told of this one.
    pub(super) fn sinks(&self, request: &StoredRequest, devices: u32) -> Vec<Sink> {
        (self.0)(request, devices)
    }
}

impl Default for OfRequest {
    /// Nobody.
    fn default() -> Self {
        Self::by(|_request, _devices| Vec::new())
    }
}

impl fmt::Debug for OfRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfRequest")
    }
}

/// Where something is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// Where.
    pub address: Address,
    /// Not before this, together with what else comes until then.
    pub digest: Option<Timestamp>,
}

/// One of those that end together.
struct Ended {
    id: DeviceSyncId,
    request: RequestId,
    /// Whether its request is for many devices, which is told as a whole.
    bulk: bool,
}

impl Store {
    /// Ends `claimed`, and with it those that joined it.
    ///
    /// A refusal for the asker's own rights is theirs alone, and so is their Cancel: then the first of the others takes over.
    /// Returns whether one did.
    pub async fn finish(&self, now: Timestamp, claimed: &ClaimedSync, ending: &Ending<'_>) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let handed_over = self.finish_in(&mut tx, now, claimed, ending).await?;
        tx.commit().await?;
        Ok(handed_over)
    }

    /// The same in a transaction that does more.
    pub(super) async fn finish_in(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        claimed: &ClaimedSync,
        ending: &Ending<'_>,
    ) -> Result<bool, Error> {
        let held = query(
            "UPDATE device_syncs SET state = 'ended', outcome = $3, ended_at = $4, due_at = NULL, device = $5, ended_as = $6,
                    lease_token = NULL, lease_until = NULL
              WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(to_json(ending.outcome))
        .bind(millis(now))
        .bind(to_json(&claimed.device))
        .bind(ending.outcome.word().as_str())
        .execute(&mut *tx)
        .await?;
        if held != 1 {
            return Err(Error::LeaseLost);
        }
        if let Some((answer, graph_request_id)) = ending.answer {
            write_answer(tx, now, claimed, answer, graph_request_id).await?;
        }
        let followers = self.followers(tx, claimed.id).await?;
        // Their rights, and their Cancel, are of their own request alone.
        let own_alone = matches!(ending.outcome, Outcome::Refused(RefusedWhy::Rights(_)) | Outcome::Cancelled);
        let bulk = claimed.request.target.is_some();
        let mut ended = vec![Ended { id: claimed.id, request: claimed.request.id, bulk }];
        let mut handed_over = false;
        if own_alone {
            handed_over = self.hand_over(tx, now, claimed.id, &followers).await?;
        } else {
            ended.extend(followers);
        }
        for one in &ended {
            self.end_one(tx, now, claimed, one, ending).await?;
        }
        for sink in &ending.tell.of_device {
            let body = Notice::TeamLine {
                actor: claimed.request.actor.user,
                device: Box::new(claimed.device.clone()),
                outcome: ending.outcome.clone(),
                reason: claimed.request.reason.clone(),
                digest: sink.digest.is_some(),
            };
            let (request, address) = (claimed.request.id, sink.address.clone());
            insert(tx, &self.tenant, &NewNotice { request, address, body, due_at: sink.digest.unwrap_or(now) }).await?;
        }
        Ok(handed_over)
    }

    async fn followers(&self, tx: &mut Tx, leader: DeviceSyncId) -> Result<Vec<Ended>, Error> {
        let rows = query(
            "SELECT d.id, d.request_id, r.target FROM device_syncs d JOIN requests r ON r.id = d.request_id
                    WHERE d.leader_id = $1 AND d.state = 'queued' ORDER BY d.id",
        )
        .bind(leader.to_string())
        .fetch_all(&mut *tx)
        .await?;
        let ended = |row: &Row| {
            let bulk = row.optional_text("target")?.is_some();
            Ok(Ended { id: row.parsed("id")?, request: row.parsed("request_id")?, bulk })
        };
        rows.iter().map(ended).collect()
    }

    /// The followers of one that ends for a reason of its own go on without it. `false`: there are none.
    pub(super) async fn leave(&self, tx: &mut Tx, now: Timestamp, leader: DeviceSyncId) -> Result<bool, Error> {
        let followers = self.followers(tx, leader).await?;
        self.hand_over(tx, now, leader, &followers).await
    }

    async fn hand_over(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        from: DeviceSyncId,
        followers: &[Ended],
    ) -> Result<bool, Error> {
        let Some(next) = followers.first() else { return Ok(false) };
        query("UPDATE device_syncs SET leader_id = $2 WHERE leader_id = $1 AND id <> $2")
            .bind(from.to_string())
            .bind(next.id.to_string())
            .execute(&mut *tx)
            .await?;
        query("UPDATE device_syncs SET leader_id = NULL, due_at = $2, started_at = $2 WHERE id = $1")
            .bind(next.id.to_string())
            .bind(millis(now))
            .execute(&mut *tx)
            .await?;
        Ok(true)
    }

    async fn end_one(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        claimed: &ClaimedSync,
        one: &Ended,
        ending: &Ending<'_>,
    ) -> Result<(), Error> {
        let outcome = ending.outcome;
        query(
            "UPDATE device_syncs SET state = 'ended', outcome = $2, ended_as = $4, ended_at = $3 WHERE id = $1 AND state <> 'ended'",
        )
        .bind(one.id.to_string())
        .bind(to_json(outcome))
        .bind(millis(now))
        .bind(outcome.word().as_str())
        .execute(&mut *tx)
        .await?;
        let audit = AuditRow::new(Event::Outcome).request(one.request).device_sync(one.id).device(claimed.device.id);
        append(tx, &self.tenant, now, &audit.detail(json!(outcome))).await?;
        if self.finish_request(tx, now, one.request).await? && one.bulk {
            return self.say_bulk_ended(tx, now, one.request, &ending.tell.of_request).await;
        }
        if one.bulk {
            return Ok(());
        }
        let body =
            Notice::Outcome { device_sync: one.id, device: Box::new(claimed.device.clone()), outcome: outcome.clone() };
        let notice = NewNotice { request: one.request, address: Address::Asker, body, due_at: now };
        insert(tx, &self.tenant, &notice).await
    }

    /// Ends a request whose every device sync has ended. `false`: some have not.
    pub(super) async fn finish_request(&self, tx: &mut Tx, now: Timestamp, id: RequestId) -> Result<bool, Error> {
        let finished = query(
            "UPDATE requests SET state = 'finished', finished_at = $2 WHERE id = $1 AND state = 'running'
                AND NOT EXISTS (SELECT 1 FROM device_syncs WHERE request_id = $1 AND state <> 'ended')",
        )
        .bind(id.to_string())
        .bind(millis(now))
        .execute(&mut *tx)
        .await?;
        Ok(finished == 1)
    }
}
