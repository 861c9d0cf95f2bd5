//! The steps of a running device sync: an attempt written down, its answer, and coming back later.

use jiff::Timestamp;
use serde_json::json;

use super::audit::append;
use super::claims::ClaimedSync;
use super::engine::Tx;
use super::model::{Answer, DeviceSyncState};
use super::notice::{Address, Notice, Phase};
use super::notices::{NewNotice, insert};
use super::query::query;
use super::row::{json as to_json, millis};
use super::{AuditRow, Error, Event, RequestId, Store};
use crate::intune::Device;

/// Whether a call may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The attempt is written down.
    Written,
    /// Nothing more is sent for this request.
    Stopped,
    /// Nothing is sent at all at the moment.
    Frozen,
}

impl Store {
    /// Writes an attempt down, before the call: number, baseline and time, which never change again.
    pub async fn begin_attempt(
        &self,
        now: Timestamp,
        claimed: &mut ClaimedSync,
        device: &Device,
        requested_at: Timestamp,
        decision: serde_json::Value,
    ) -> Result<Begun, Error> {
        let number = claimed.attempts.last().map_or(1, |attempt| attempt.number + 1);
        let mut tx = self.begin().await?;
        if self.freeze_in(&mut tx, now).await?.is_some() {
            return Ok(Begun::Frozen);
        }
        if !self.may_be_sent(&mut tx, claimed.request.id).await? {
            return Ok(Begun::Stopped);
        }
        let held = query("UPDATE device_syncs SET state = 'sending', device = $3 WHERE id = $1 AND lease_token = $2")
            .bind(claimed.id.to_string())
            .bind(&claimed.lease)
            .bind(to_json(device))
            .execute(&mut tx)
            .await?;
        if held != 1 {
            return Err(Error::LeaseLost);
        }
        query(
            "INSERT INTO attempts (device_sync_id, number, tenant_id, baseline, requested_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(claimed.id.to_string())
        .bind(number)
        .bind(&self.tenant)
        .bind(device.last_check_in.map(millis))
        .bind(millis(requested_at))
        .execute(&mut tx)
        .await?;
        let row = self.about(claimed, Event::Attempt).detail(json!({
            "number": number,
            "baseline": device.last_check_in.map(|at| at.to_string()),
            "decision": decision,
        }));
        append(&mut tx, &self.tenant, now, &row).await?;
        tx.commit().await?;
        claimed.state = DeviceSyncState::Sending;
        claimed.device = device.clone();
        claimed.attempts.push(super::Attempt { number, baseline: device.last_check_in, requested_at, answer: None });
        Ok(Begun::Written)
    }

    /// Writes the answer down, once, with the state it leads to and the time of the next step.
    pub async fn record_answer(
        &self,
        now: Timestamp,
        claimed: &ClaimedSync,
        answer: Answer,
        graph_request_id: Option<&str>,
        next: (DeviceSyncState, Timestamp),
    ) -> Result<(), Error> {
        let (state, due_at) = next;
        let Some(attempt) = claimed.attempts.last() else { return Err(Error::row("attempt", "none was begun")) };
        let mut tx = self.begin().await?;
        let tries = if answer == Answer::NotTaken { claimed.tries + 1 } else { 0 };
        self.give_back(&mut tx, claimed, state, due_at, tries).await?;
        write_answer(&mut tx, now, claimed, answer, graph_request_id).await?;
        let row = self.about(claimed, Event::Answer).detail(json!({
            "number": attempt.number,
            "answer": answer.as_str(),
            "graph_request_id": graph_request_id,
        }));
        append(&mut tx, &self.tenant, now, &row).await?;
        let phase = match answer {
            Answer::Accepted => Phase::Accepted,
            Answer::Unknown => Phase::Unknown,
            Answer::NotTaken | Answer::Refused => Phase::Waiting,
        };
        self.progress(&mut tx, now, claimed, phase).await?;
        tx.commit().await
    }

    /// Comes back at `due_at`; `tries` counts how often the present step came to nothing.
    pub async fn come_back(
        &self,
        now: Timestamp,
        claimed: &ClaimedSync,
        state: DeviceSyncState,
        due_at: Timestamp,
        tries: u32,
        phase: Option<Phase>,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        self.give_back(&mut tx, claimed, state, due_at, tries).await?;
        if let Some(phase) = phase {
            self.progress(&mut tx, now, claimed, phase).await?;
        }
        tx.commit().await
    }

    async fn give_back(
        &self,
        tx: &mut Tx,
        claimed: &ClaimedSync,
        state: DeviceSyncState,
        due_at: Timestamp,
        tries: u32,
    ) -> Result<(), Error> {
        let held = query(
            "UPDATE device_syncs SET state = $3, due_at = $4, tries = $5, device = $6, troubles = 0, lease_token = NULL, lease_until = NULL
              WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.id.to_string())
        .bind(&claimed.lease)
        .bind(state.as_str())
        .bind(millis(due_at))
        .bind(tries)
        .bind(to_json(&claimed.device))
        .execute(&mut *tx)
        .await?;
        if held == 1 { Ok(()) } else { Err(Error::LeaseLost) }
    }

    /// Tells the asker, and everyone who joined, how far it is.
    async fn progress(&self, tx: &mut Tx, now: Timestamp, claimed: &ClaimedSync, phase: Phase) -> Result<(), Error> {
        let requested_at = claimed.effective_attempts().map(|attempt| attempt.requested_at).next();
        // A bulk request is told as a whole.
        let mut requests: Vec<_> = claimed.request.target.is_none().then_some(claimed.request.id).into_iter().collect();
        let followers = query(
            "SELECT d.request_id FROM device_syncs d JOIN requests r ON r.id = d.request_id
                                WHERE d.leader_id = $1 AND d.state = 'queued' AND r.target IS NULL",
        )
        .bind(claimed.id.to_string())
        .fetch_all(&mut *tx)
        .await?;
        for row in followers {
            requests.push(row.parsed::<RequestId>("request_id")?);
        }
        for request in requests {
            let body = Notice::Progress { device: Box::new(claimed.device.clone()), phase, requested_at };
            insert(tx, &self.tenant, &NewNotice { request, address: Address::Asker, body, due_at: now }).await?;
        }
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "reads as a sentence at its callers")]
    pub(super) fn about(&self, claimed: &ClaimedSync, event: Event) -> AuditRow {
        AuditRow::new(event)
            .by(&claimed.request.actor)
            .request(claimed.request.id)
            .device_sync(claimed.id)
            .device(claimed.device.id)
    }
}

/// Writes the answer to the last attempt, where none stands yet.
pub(super) async fn write_answer(
    tx: &mut Tx,
    now: Timestamp,
    claimed: &ClaimedSync,
    answer: Answer,
    graph_request_id: Option<&str>,
) -> Result<(), Error> {
    let Some(attempt) = claimed.attempts.last() else { return Ok(()) };
    query(
        "UPDATE attempts SET answered_at = $3, answer = $4, graph_request_id = $5
          WHERE device_sync_id = $1 AND number = $2 AND answer IS NULL",
    )
    .bind(claimed.id.to_string())
    .bind(attempt.number)
    .bind(millis(now))
    .bind(answer.as_str())
    .bind(graph_request_id)
    .execute(&mut *tx)
    .await?;
    Ok(())
}
