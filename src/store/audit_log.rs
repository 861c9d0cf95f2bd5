//! The audit as a whole: verifying its chain, reading it out, and letting old rows go.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::audit::{AuditRow, Event, append};
use super::audit_chain::{ChainKey, Head, Sealed};
use super::engine::On;
use super::handle::{CHAIN_KEY, set_meta};
use super::query::query;
use super::row::{Row, millis};
use super::{Error, Store};

/// Rows read at once.
const PAGE: i64 = 1_000;

const COLUMNS: &str = "SELECT seq, position, seal, at, event, actor_user, actor_name, entra_user, request_id, device_sync_id, device_id, detail
       FROM audit WHERE tenant_id = $1 AND seq > $2 AND at >= $3 AND at < $4 ORDER BY seq LIMIT $5";

/// A row of the audit, as it is read out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditEntry {
    /// Place in the chain; `None`: from before the chain.
    pub position: Option<i64>,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: String,
    /// The chat account that did it; `None`: the bot by itself, or an admin at the command line.
    pub actor_user: Option<String>,
    /// Its name then.
    pub actor_name: Option<String>,
    /// The Entra person it was linked to then.
    pub entra_user: Option<String>,
    /// About which request.
    pub request_id: Option<String>,
    /// About which device sync.
    pub device_sync_id: Option<String>,
    /// About which device.
    pub device_id: Option<String>,
    /// Decision, role, answer, outcome.
    pub detail: Value,
    /// Its seal.
    pub seal: Option<String>,
}

/// What is wrong with the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The row, or the one before it, is not what it was.
    #[error("row {position} was changed, or the key is not the one it was written with")]
    Changed {
        /// Which.
        position: i64,
    },
    /// Rows are gone.
    #[error("rows {after} to {before} are missing", after = after + 1, before = before - 1)]
    Missing {
        /// The last one that is there.
        after: i64,
        /// The next one that is there.
        before: i64,
    },
    /// A row stands where it was not written.
    #[error("row {position} is not in the order in which it was written")]
    OutOfOrder {
        /// Which.
        position: i64,
    },
    /// A row was put in without a seal.
    #[error("a row without a seal follows row {after}")]
    Unsealed {
        /// The last sealed one before it.
        after: i64,
    },
    /// A checkpoint was changed, or was not signed with this key.
    #[error("the checkpoint at row {position} is not signed with this key")]
    Checkpoint {
        /// Where.
        position: i64,
    },
    /// A head from the log is not what stands there now.
    #[error("the published head {position} is not in the chain: the end was cut off, or rewritten")]
    Head {
        /// Which.
        position: i64,
    },
}

/// What verifying found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The end of the chain; `None`: there is none.
    pub head: Option<Head>,
    /// Rows in the chain.
    pub rows: u64,
    /// Rows from before the chain, which nothing vouches for.
    pub unchained: u64,
    /// Rows that retention removed.
    pub removed: i64,
    /// What is wrong, in the order found.
    pub flaws: Vec<Flaw>,
}

impl AuditEntry {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            position: row.optional_integer("position")?,
            at: row.at("at")?,
            event: row.text("event")?,
            actor_user: row.optional_text("actor_user")?,
            actor_name: row.optional_text("actor_name")?,
            entra_user: row.optional_text("entra_user")?,
            request_id: row.optional_text("request_id")?,
            device_sync_id: row.optional_text("device_sync_id")?,
            device_id: row.optional_text("device_id")?,
            detail: row.json("detail")?,
            seal: row.optional_text("seal")?,
        })
    }
}

/// A checkpoint.
struct Checkpoint {
    head: Head,
    at: i64,
    removed: i64,
    signature: String,
}

impl Store {
    /// Rows between two moments, oldest first, after `seq`; with the `seq` to go on from.
    pub async fn audit_page(
        &self,
        after: i64,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Option<(Vec<AuditEntry>, i64)>, Error> {
        let rows = page(&self.engine, &self.tenant, after, millis(from), millis(to)).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let last = last.integer("seq")?;
        Ok(Some((rows.iter().map(AuditEntry::read).collect::<Result<_, _>>()?, last)))
    }

    /// The end of the chain.
    pub async fn audit_head(&self) -> Result<Option<Head>, Error> {
        head(&self.engine, &self.tenant).await
    }

    /// Follows the chain from its beginning, or from the last checkpoint, to its end; `heads` are such as the log has.
    pub async fn verify_audit(&self, key: &ChainKey, heads: &[Head]) -> Result<Verified, Error> {
        let mut found = Verified { head: None, rows: 0, unchained: 0, removed: 0, flaws: Vec::new() };
        let mut before = key.beginning(&self.tenant);
        if let Some(checkpoint) = last_checkpoint(&self.engine, &self.tenant).await? {
            let Checkpoint { head, at, removed, signature } = checkpoint;
            if key.checkpoint(&self.tenant, &head, at, removed) != signature {
                found.flaws.push(Flaw::Checkpoint { position: head.position });
            }
            (before, found.removed) = (head, removed);
        }
        let start = before.position;
        let mut published: Vec<&Head> = heads.iter().filter(|head| head.position > start).collect();
        let mut after = i64::MIN;
        loop {
            let rows = page(&self.engine, &self.tenant, after, i64::MIN, i64::MAX).await?;
            let Some(last) = rows.last() else { break };
            after = last.integer("seq")?;
            for row in &rows {
                follow(key, row, &mut before, &mut found)?;
                published.retain(|head| head.position != before.position || head.seal != before.seal);
            }
        }
        found.head = (before.position > 0).then_some(before);
        found.flaws.extend(published.into_iter().map(|head| Flaw::Head { position: head.position }));
        Ok(found)
    }

    /// Seals every row anew, with the `new` key, after following the chain with the `old` one. `Err`: it has flaws, and
    /// nothing was changed. Nothing else may write meanwhile: the bot must be stopped.
    pub async fn reseal_audit(
        &self,
        now: Timestamp,
        old: &ChainKey,
        new: &ChainKey,
    ) -> Result<Result<Head, Vec<Flaw>>, Error> {
        let verified = self.verify_audit(old, &[]).await?;
        if !verified.flaws.is_empty() {
            return Ok(Err(verified.flaws));
        }
        let mut tx = self.begin().await?;
        tx.1 = new.clone();
        let mut before = new.beginning(&self.tenant);
        if let Some(Checkpoint { head, at, removed, .. }) = last_checkpoint(&mut tx, &self.tenant).await? {
            let signature = new.checkpoint(&self.tenant, &head, at, removed);
            query("UPDATE audit_checkpoints SET signature = $3 WHERE tenant_id = $1 AND position = $2")
                .bind(&self.tenant)
                .bind(head.position)
                .bind(signature)
                .execute(&mut tx)
                .await?;
            before = head;
        }
        let mut after = i64::MIN;
        loop {
            let rows = page(&mut tx, &self.tenant, after, i64::MIN, i64::MAX).await?;
            let Some(last) = rows.last() else { break };
            after = last.integer("seq")?;
            for row in &rows {
                if row.optional_integer("position")?.is_none() {
                    continue;
                }
                before = expected(new, row, &before)?;
                query("UPDATE audit SET seal = $3 WHERE tenant_id = $1 AND position = $2")
                    .bind(&self.tenant)
                    .bind(before.position)
                    .bind(&before.seal)
                    .execute(&mut tx)
                    .await?;
            }
        }
        set_meta(&mut tx, &self.tenant, CHAIN_KEY, &new.fingerprint(&self.tenant)).await?;
        let detail = json!({ "old_head": verified.head.map(|head| format!("{}:{}", head.position, head.seal)) });
        append(&mut tx, &self.tenant, now, &AuditRow::new(Event::Resealed).detail(detail)).await?;
        let end = head(&mut tx, &self.tenant).await?.unwrap_or(before);
        tx.commit().await?;
        Ok(Ok(end))
    }

    /// Removes rows from before `before`, and leaves a signed checkpoint in their place; how many.
    pub async fn prune_audit(&self, now: Timestamp, before: Timestamp) -> Result<i64, Error> {
        let mut tx = self.begin().await?;
        let checkpoint = last_checkpoint(&mut tx, &self.tenant).await?;
        // The newest row that may go; only a whole beginning of the chain does.
        let last = query(
            "SELECT position, seal FROM audit WHERE tenant_id = $1 AND position IS NOT NULL
                AND position < COALESCE((SELECT MIN(position) FROM audit WHERE tenant_id = $1 AND at >= $2), position + 1)
              ORDER BY position DESC LIMIT 1",
        )
        .bind(&self.tenant)
        .bind(millis(before))
        .fetch_optional(&mut tx)
        .await?;
        let Some(last) = last else { return Ok(0) };
        let head = Head { position: last.integer("position")?, seal: last.text("seal")? };
        let removed =
            query("DELETE FROM audit WHERE tenant_id = $1 AND (position <= $2 OR (position IS NULL AND at < $3))")
                .bind(&self.tenant)
                .bind(head.position)
                .bind(millis(before))
                .execute(&mut tx)
                .await?;
        let removed = i64::try_from(removed).unwrap_or(i64::MAX);
        let total = removed + checkpoint.map_or(0, |checkpoint| checkpoint.removed);
        query(
            "INSERT INTO audit_checkpoints (tenant_id, position, seal, at, removed, signature) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&self.tenant)
        .bind(head.position)
        .bind(&head.seal)
        .bind(millis(now))
        .bind(total)
        .bind(tx.1.checkpoint(&self.tenant, &head, millis(now), total))
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(removed)
    }
}

/// The rows after `seq` that lie between two times, oldest first; at most [`PAGE`] of them.
async fn page(on: impl Into<On<'_>>, tenant: &str, after: i64, from: i64, to: i64) -> Result<Vec<Row>, Error> {
    query(COLUMNS).bind(tenant).bind(after).bind(from).bind(to).bind(PAGE).fetch_all(on).await
}

/// The end of the chain, in the database as `on` sees it.
pub(super) async fn head(on: impl Into<On<'_>>, tenant: &str) -> Result<Option<Head>, Error> {
    let row = query(
        "SELECT position, seal FROM (
             SELECT position, seal FROM audit WHERE tenant_id = $1 AND position = (SELECT MAX(position) FROM audit WHERE tenant_id = $1)
             UNION ALL SELECT position, seal FROM audit_checkpoints WHERE tenant_id = $1
         ) AS ends ORDER BY position DESC LIMIT 1",
    )
    .bind(tenant)
    .fetch_optional(on)
    .await?;
    row.map(|row| Ok(Head { position: row.integer("position")?, seal: row.text("seal")? })).transpose()
}

async fn last_checkpoint(on: impl Into<On<'_>>, tenant: &str) -> Result<Option<Checkpoint>, Error> {
    let row = query(
        "SELECT position, seal, at, removed, signature FROM audit_checkpoints
          WHERE tenant_id = $1 ORDER BY position DESC LIMIT 1",
    )
    .bind(tenant)
    .fetch_optional(on)
    .await?;
    let read = |row: Row| {
        Ok(Checkpoint {
            head: Head { position: row.integer("position")?, seal: row.text("seal")? },
            at: row.integer("at")?,
            removed: row.integer("removed")?,
            signature: row.text("signature")?,
        })
    };
    row.map(read).transpose()
}

fn follow(key: &ChainKey, row: &Row, before: &mut Head, found: &mut Verified) -> Result<(), Error> {
    let (Some(position), Some(seal)) = (row.optional_integer("position")?, row.optional_text("seal")?) else {
        if found.rows > 0 {
            found.flaws.push(Flaw::Unsealed { after: before.position });
        }
        found.unchained += 1;
        return Ok(());
    };
    found.rows += 1;
    if position <= before.position {
        found.flaws.push(Flaw::OutOfOrder { position });
        return Ok(());
    }
    if position > before.position + 1 {
        found.flaws.push(Flaw::Missing { after: before.position, before: position });
    } else {
        let expected = expected(key, row, before)?;
        if expected.seal != seal {
            found.flaws.push(Flaw::Changed { position });
        }
    }
    // From here on by the stored seal, so that one flaw is told once.
    *before = Head { position, seal };
    Ok(())
}

fn expected(key: &ChainKey, row: &Row, before: &Head) -> Result<Head, Error> {
    let sealed = Sealed {
        at: row.integer("at")?,
        event: row.text("event")?,
        actor_user: row.optional_text("actor_user")?,
        actor_name: row.optional_text("actor_name")?,
        entra_user: row.optional_text("entra_user")?,
        request_id: row.optional_text("request_id")?,
        device_sync_id: row.optional_text("device_sync_id")?,
        device_id: row.optional_text("device_id")?,
        detail: row.text("detail")?,
    };
    Ok(key.next(before, &sealed))
}
