//! Bulk requests as a whole: where they stand, what became of each device, and stopping what is not sent yet.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::audit::append;
use super::engine::{On, Tx};
use super::finish::OfRequest;
use super::model::{DeviceSyncState, Outcome, OutcomeWord, RequestState};
use super::notice::{Address, Board, Notice};
use super::notices::{NewNotice, insert};
use super::query::query;
use super::requests::{StoredRequest, stored};
use super::row::{json as to_json, millis};
use super::{AuditRow, DeviceSyncId, Error, Event, RequestId, Store};
use crate::chat::{Actor, ChatUserId};
use crate::intune::Device;

/// Where a bulk request stands.
#[derive(Clone, Debug)]
pub struct BulkStanding {
    /// The request.
    pub request: StoredRequest,
    /// Not sent yet.
    pub waiting: u32,
    /// Sent, by this request or by one that it follows, with a known answer or without one; the device has not checked in yet.
    pub watched: u32,
    /// All that Intune was asked to sync, and took or may have taken, whatever became of them.
    pub sent: u32,
    /// By how they ended.
    pub ended: BTreeMap<OutcomeWord, u32>,
    /// When Yes counted.
    pub started_at: Option<Timestamp>,
    /// When the last one ended.
    pub finished_at: Option<Timestamp>,
    /// Whether somebody stopped it.
    pub stopped: bool,
}

impl BulkStanding {
    /// How many devices.
    pub fn total(&self) -> u32 {
        self.waiting + self.watched + self.ended.values().sum::<u32>()
    }

    /// How many ended this way.
    pub fn ended_as(&self, word: OutcomeWord) -> u32 {
        self.ended.get(&word).copied().unwrap_or_default()
    }
}

/// What became of one device of a bulk request.
#[derive(Clone, Debug)]
pub struct BulkRow {
    /// The device as last seen.
    pub device: Device,
    /// Where its sync stands.
    pub state: DeviceSyncState,
    /// How it ended, if it did.
    pub outcome: Option<Outcome>,
    /// When the first call was made that was taken, or may have been.
    pub requested_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// What a press of Cancel did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// So many will not be sent.
    Done(u32),
    /// No such request.
    NotFound,
    /// Somebody else's.
    NotYours,
    /// It has ended, or was stopped before.
    TooLate,
}

impl Store {
    /// Where a bulk request stands.
    pub async fn bulk_standing(&self, id: RequestId) -> Result<BulkStanding, Error> {
        let request = stored(&self.engine, &id.to_string()).await?;
        let rows = query(
            "SELECT d.state, d.ended_as, COUNT(*) AS n, MIN(d.started_at) AS started_at, MAX(d.ended_at) AS ended_at,
                    SUM(CASE WHEN EXISTS (SELECT 1 FROM attempts a WHERE a.device_sync_id = COALESCE(d.leader_id, d.id)
                                             AND (a.answer IS NULL OR a.answer IN ('accepted', 'unknown'))) THEN 1 ELSE 0 END) AS sent
               FROM device_syncs d WHERE d.request_id = $1 GROUP BY d.state, d.ended_as",
        )
        .bind(id.to_string())
        .fetch_all(&self.engine)
        .await?;
        let stopped = query("SELECT stopped_at FROM requests WHERE id = $1")
            .bind(id.to_string())
            .fetch_one(&self.engine)
            .await?
            .optional_at("stopped_at")?
            .is_some();
        let mut standing = BulkStanding {
            request,
            waiting: 0,
            watched: 0,
            sent: 0,
            ended: BTreeMap::new(),
            started_at: None,
            finished_at: None,
            stopped,
        };
        for row in rows {
            let (count, sent) = (row.count("n")?, row.count("sent")?);
            match DeviceSyncState::read(&row.text("state")?)? {
                // What follows a sync of another request waits for nothing once that is sent.
                DeviceSyncState::Queued => {
                    standing.waiting += count.saturating_sub(sent);
                    standing.watched += sent;
                    standing.sent += sent;
                }
                DeviceSyncState::Ended => {
                    let word = OutcomeWord::read(&row.optional_text("ended_as")?.unwrap_or_default())?;
                    *standing.ended.entry(word).or_default() += count;
                    // Who stopped following does not count the other's call.
                    standing.sent += if word == OutcomeWord::Cancelled { 0 } else { sent };
                }
                _ => {
                    standing.watched += count;
                    standing.sent += sent;
                }
            }
            standing.started_at = [standing.started_at, row.optional_at("started_at")?].into_iter().flatten().min();
            standing.finished_at = [standing.finished_at, row.optional_at("ended_at")?].into_iter().flatten().max();
        }
        Ok(standing)
    }

    /// What became of each device, by name.
    pub async fn bulk_rows(&self, id: RequestId) -> Result<Vec<BulkRow>, Error> {
        let rows = query(
            "SELECT d.device, d.state, d.outcome, d.ended_at,
                    (SELECT MIN(a.requested_at) FROM attempts a
                      WHERE a.device_sync_id = COALESCE(d.leader_id, d.id) AND (a.answer IS NULL OR a.answer IN ('accepted', 'unknown'))) AS requested_at
               FROM device_syncs d WHERE d.request_id = $1 ORDER BY d.id",
        )
        .bind(id.to_string())
        .fetch_all(&self.engine)
        .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            found.push(BulkRow {
                device: row.json("device")?,
                state: DeviceSyncState::read(&row.text("state")?)?,
                outcome: row.optional_text("outcome")?.map(|_| row.json("outcome")).transpose()?,
                requested_at: row.optional_at("requested_at")?,
                ended_at: row.optional_at("ended_at")?,
            });
        }
        found.sort_by(|a: &BulkRow, b: &BulkRow| a.device.name.cmp(&b.device.name));
        Ok(found)
    }

    /// How many device syncs of bulk requests wait to be sent.
    pub async fn bulk_waiting(&self) -> Result<u32, Error> {
        query("SELECT COUNT(*) AS n FROM device_syncs WHERE tenant_id = $1 AND urgency > 0 AND due_at IS NOT NULL AND state = 'queued'")
            .bind(&self.tenant)
            .fetch_one(&self.engine)
            .await?
            .count("n")
    }

    /// How many devices are sent before the last of a request's is, of which so many wait: several requests take turns.
    pub async fn bulk_before(&self, id: RequestId, waiting: u32) -> Result<u32, Error> {
        let rows = query(
            "SELECT COUNT(*) AS n FROM device_syncs
              WHERE tenant_id = $1 AND urgency > 0 AND due_at IS NOT NULL AND state = 'queued' AND request_id <> $2 GROUP BY request_id",
        )
        .bind(&self.tenant)
        .bind(id.to_string())
        .fetch_all(&self.engine)
        .await?;
        rows.iter().try_fold(waiting, |all, row| Ok(all.saturating_add(row.count("n")?.min(waiting))))
    }

    /// Whether anything may be sent for a request: it runs, and nobody has stopped it.
    pub(super) async fn may_be_sent(&self, tx: &mut Tx, id: RequestId) -> Result<bool, Error> {
        let row = query("SELECT 1 FROM requests WHERE id = $1 AND state = 'running' AND stopped_at IS NULL");
        Ok(row.bind(id.to_string()).fetch_optional(tx).await?.is_some())
    }

    /// Nothing more is sent for a bulk request. What was sent is watched to its end. `anyones`: an admin may stop everybody's.
    pub async fn stop_bulk(
        &self,
        now: Timestamp,
        id: RequestId,
        actor: &Actor,
        anyones: bool,
        tell: &OfRequest,
    ) -> Result<Stopped, Error> {
        let mut tx = self.begin().await?;
        let row = query("SELECT state, actor_user, stopped_at FROM requests WHERE id = $1 AND tenant_id = $2 AND target IS NOT NULL")
            .bind(id.to_string())
            .bind(&self.tenant)
            .fetch_optional(&mut tx)
            .await?;
        let Some(row) = row else { return Ok(Stopped::NotFound) };
        if row.parsed::<ChatUserId>("actor_user")? != actor.user && !anyones {
            return Ok(Stopped::NotYours);
        }
        if RequestState::read(&row.text("state")?)? != RequestState::Running
            || row.optional_integer("stopped_at")?.is_some()
        {
            return Ok(Stopped::TooLate);
        }
        query("UPDATE requests SET stopped_at = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(millis(now))
            .execute(&mut tx)
            .await?;
        // Whoever holds one of them finds out right before its call; those that may have been called are watched.
        let outcome = Outcome::Cancelled;
        let ended = query(
            "UPDATE device_syncs SET state = 'ended', outcome = $2, ended_as = $3, ended_at = $4, due_at = NULL,
                    lease_token = NULL, lease_until = NULL
              WHERE request_id = $1 AND state = 'queued'
                AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.device_sync_id = device_syncs.id AND (a.answer IS NULL OR a.answer <> 'not_taken'))
             RETURNING id",
        )
        .bind(id.to_string())
        .bind(to_json(&outcome))
        .bind(outcome.word().as_str())
        .bind(millis(now))
        .fetch_all(&mut tx)
        .await?;
        for row in &ended {
            let one: DeviceSyncId = row.parsed("id")?;
            self.leave(&mut tx, now, one).await?;
        }
        let count = u32::try_from(ended.len()).unwrap_or(u32::MAX);
        let row = AuditRow::new(Event::Stopped).by(actor).request(id).detail(json!({ "not_sent": count }));
        append(&mut tx, &self.tenant, now, &row).await?;
        if self.finish_request(&mut tx, now, id).await? {
            self.say_bulk_ended(&mut tx, now, id, tell).await?;
        } else {
            let request = stored(&mut tx, &id.to_string()).await?;
            self.show_bulk_progress(&mut tx, now, &request).await?;
        }
        tx.commit().await?;
        Ok(Stopped::Done(count))
    }

    /// For how many devices a request is.
    pub async fn size(&self, id: RequestId) -> Result<u32, Error> {
        size(&self.engine, id).await
    }

    /// The words at the end of a bulk request.
    pub(super) async fn say_bulk_ended(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: RequestId,
        tell: &OfRequest,
    ) -> Result<(), Error> {
        let request = stored(&mut *tx, &id.to_string()).await?;
        self.show_bulk_progress(tx, now, &request).await?;
        let devices = size(&mut *tx, id).await?;
        let mut say = vec![(Address::Asker, Notice::BulkSummary, now)];
        for sink in tell.sinks(&request, devices) {
            say.push((sink.address, Notice::BulkTeamLine, sink.digest.unwrap_or(now)));
        }
        for (address, body, due_at) in say {
            insert(tx, &self.tenant, &NewNotice { request: id, address, body, due_at }).await?;
        }
        Ok(())
    }

    /// The living message of a bulk request, in the channel where it was asked; nothing for another request.
    pub(super) async fn show_bulk_progress(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        request: &StoredRequest,
    ) -> Result<(), Error> {
        if request.target.is_none() {
            return Ok(());
        }
        let address = Address::Living { channel: request.actor.channel, board: Board::Progress, round: 0 };
        let body = Notice::BulkProgress;
        insert(tx, &self.tenant, &NewNotice { request: request.id, address, body, due_at: now }).await
    }
}

async fn size(on: impl Into<On<'_>> + Send, id: RequestId) -> Result<u32, Error> {
    let count = query("SELECT COUNT(*) AS n FROM device_syncs WHERE request_id = $1").bind(id.to_string());
    count.fetch_one(on).await?.count("n")
}
