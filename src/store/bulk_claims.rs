//! Leases on many device syncs at once: the next of one bulk request to be sent, and all that are due for a look.

use std::collections::HashMap;

use jiff::Timestamp;

use super::claims::{Attempt, ClaimedSync};
use super::engine::Tx;
use super::leases::{Lease, Leased, token, until};
use super::query::{Query, query};
use super::requests::stored_row;
use super::row::{Row, millis};
use super::{Error, Store};

/// Device syncs of bulk requests in a worker's hands, under one lease.
#[derive(Debug)]
pub struct ClaimedGroup {
    /// Each of them.
    pub syncs: Vec<ClaimedSync>,
    lease: String,
}

impl ClaimedGroup {
    /// Their lease.
    pub fn lease(&self) -> Lease {
        Lease::new(Leased::DeviceSyncs, &self.lease)
    }
}

impl Store {
    /// Takes up to `limit` device syncs of one bulk request that wait to be sent. Whose turn it is: the request that was
    /// served longest ago, so that several share fairly. During a freeze only those that were being sent and whose answer is not known;
    /// they are watched. `None`: none waits.
    pub async fn claim_bulk(&self, now: Timestamp, limit: u32) -> Result<Option<ClaimedGroup>, Error> {
        let mut tx = self.begin().await?;
        let thawed = self.freeze_in(&mut tx, now).await?.is_none();
        let next = query(
            "SELECT r.id FROM requests r
              WHERE r.tenant_id = $1 AND r.state = 'running' AND r.target IS NOT NULL
                AND EXISTS (SELECT 1 FROM device_syncs d
                             WHERE d.request_id = r.id AND d.urgency > 0 AND d.state IN ('queued', 'sending') AND (d.state = 'sending' OR $3)
                               AND d.due_at <= $2 AND (d.lease_until IS NULL OR d.lease_until < $2))
              ORDER BY r.served_at, r.id LIMIT 1",
        )
        .bind(&self.tenant)
        .bind(millis(now))
        .bind(thawed)
        .fetch_optional(&mut tx)
        .await?;
        let Some(next) = next else { return Ok(None) };
        let request = next.text("id")?;
        let first = query(
            "SELECT troubles FROM device_syncs
              WHERE request_id = $1 AND urgency > 0 AND state IN ('queued', 'sending') AND (state = 'sending' OR $3)
                AND due_at <= $2 AND (lease_until IS NULL OR lease_until < $2) ORDER BY due_at, id LIMIT 1",
        );
        let alone = in_trouble(&mut tx, first.bind(&request).bind(millis(now)).bind(thawed)).await?;
        // Always later than before, whatever the clock does: the turns must go round.
        query("UPDATE requests SET served_at = (SELECT MAX(served_at) + 1 FROM requests WHERE tenant_id = $2 AND state = 'running' AND target IS NOT NULL)
                WHERE id = $1")
            .bind(&request)
            .bind(&self.tenant)
            .execute(&mut tx)
            .await?;
        let lease = token();
        let rows = query(
            "UPDATE device_syncs SET lease_until = $2, lease_token = $3, lease_owner = $4
              WHERE id IN (SELECT id FROM device_syncs
                            WHERE request_id = $5 AND urgency > 0 AND state IN ('queued', 'sending') AND (state = 'sending' OR $8) AND (troubles = 0 OR $7)
                              AND due_at <= $1 AND (lease_until IS NULL OR lease_until < $1)
                            ORDER BY due_at, id LIMIT $6)
             RETURNING id, request_id, device_id, device, state, tries, started_at, troubles, trouble",
        )
        .bind(millis(now))
        .bind(millis(until(now)))
        .bind(&lease)
        .bind(self.owner.to_string())
        .bind(&request)
        .bind(if alone { 1 } else { limit })
        .bind(alone)
        .bind(thawed)
        .fetch_all(&mut tx)
        .await?;
        let group = group(&mut tx, &rows, lease).await?;
        tx.commit().await?;
        Ok(Some(group))
    }

    /// Takes up to `limit` device syncs of bulk requests that are due for a look; `None`: none is.
    pub async fn claim_bulk_looks(&self, now: Timestamp, limit: u32) -> Result<Option<ClaimedGroup>, Error> {
        let lease = token();
        let mut tx = self.begin().await?;
        let first = query(
            "SELECT troubles FROM device_syncs
              WHERE tenant_id = $1 AND urgency > 0 AND state IN ('accepted', 'unknown')
                AND due_at <= $2 AND (lease_until IS NULL OR lease_until < $2) ORDER BY due_at, id LIMIT 1",
        );
        let alone = in_trouble(&mut tx, first.bind(&self.tenant).bind(millis(now))).await?;
        let rows = query(
            "UPDATE device_syncs SET lease_until = $2, lease_token = $3, lease_owner = $5
              WHERE id IN (SELECT id FROM device_syncs
                            WHERE tenant_id = $4 AND urgency > 0 AND state IN ('accepted', 'unknown') AND (troubles = 0 OR $7)
                              AND due_at <= $1 AND (lease_until IS NULL OR lease_until < $1)
                            ORDER BY due_at, id LIMIT $6)
             RETURNING id, request_id, device_id, device, state, tries, started_at, troubles, trouble",
        )
        .bind(millis(now))
        .bind(millis(until(now)))
        .bind(&lease)
        .bind(&self.tenant)
        .bind(self.owner.to_string())
        .bind(if alone { 1 } else { limit })
        .bind(alone)
        .fetch_all(&mut tx)
        .await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let group = group(&mut tx, &rows, lease).await?;
        tx.commit().await?;
        Ok(Some(group))
    }

    /// Those of a group that are still held and only watched come back at `due_at`.
    pub async fn look_again_all(&self, lease: &ClaimedGroup, due_at: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE device_syncs SET due_at = $2, tries = 0, troubles = 0, lease_token = NULL, lease_until = NULL
              WHERE lease_token = $1 AND state IN ('accepted', 'unknown')",
        )
        .bind(&lease.lease)
        .bind(millis(due_at))
        .execute(&self.engine)
        .await?;
        Ok(())
    }

    /// When the next device sync of a bulk request is due to be sent, and when one is due for a look; past if some wait already.
    pub async fn next_due_bulk(&self, now: Timestamp) -> Result<(Option<Timestamp>, Option<Timestamp>), Error> {
        let thawed_at = self.freeze(now).await?.map_or(i64::MIN, |freeze| millis(freeze.ends_at));
        let row = query(
            "SELECT MIN(CASE WHEN state IN ('accepted', 'unknown') THEN NULL WHEN lease_until > due_at THEN lease_until
                             WHEN state = 'queued' AND due_at < $2 THEN $2 ELSE due_at END) AS send,
                    MIN(CASE WHEN state IN ('queued', 'sending') THEN NULL WHEN lease_until > due_at THEN lease_until
                             ELSE due_at END) AS look
               FROM device_syncs WHERE tenant_id = $1 AND urgency > 0 AND due_at IS NOT NULL",
        )
        .bind(&self.tenant)
        .bind(thawed_at)
        .fetch_one(&self.engine)
        .await?;
        Ok((row.optional_at("send")?, row.optional_at("look")?))
    }
}

/// The rows of a claim with their requests and attempts.
async fn group(tx: &mut Tx, rows: &[Row], lease: String) -> Result<ClaimedGroup, Error> {
    let attempts = query(
        "SELECT a.device_sync_id, a.number, a.baseline, a.requested_at, a.answer
           FROM attempts a JOIN device_syncs d ON d.id = a.device_sync_id WHERE d.lease_token = $1 ORDER BY a.number",
    )
    .bind(&lease)
    .fetch_all(&mut *tx)
    .await?;
    let mut of: HashMap<String, Result<Vec<Attempt>, Error>> = HashMap::new();
    for row in &attempts {
        let known = of.entry(row.text("device_sync_id")?).or_insert_with(|| Ok(Vec::new()));
        match (Attempt::read(row), known.as_mut()) {
            (Ok(attempt), Ok(known)) => known.push(attempt),
            (Err(error), Ok(_)) => *known = Err(error),
            (_, Err(_)) => {}
        }
    }
    let mut requests: HashMap<String, Row> = HashMap::new();
    let mut syncs = Vec::with_capacity(rows.len());
    for row in rows {
        let (id, request) = (row.text("id")?, row.text("request_id")?);
        if !requests.contains_key(&request) {
            requests.insert(request.clone(), stored_row(&mut *tx, &request).await?);
        }
        let attempts = of.remove(&id).unwrap_or_else(|| Ok(Vec::new()));
        syncs.push(ClaimedSync::read(row, &requests[&request], attempts, true, lease.clone())?);
    }
    Ok(ClaimedGroup { syncs, lease })
}

/// Whether the one that is to be taken first is in trouble; then it is taken alone, so that it cannot spoil the others' step.
async fn in_trouble(tx: &mut Tx, first: Query) -> Result<bool, Error> {
    let first = first.fetch_optional(&mut *tx).await?;
    Ok(first.map(|row| row.integer("troubles")).transpose()?.is_some_and(|troubles| troubles > 0))
}
