//! A `/link` on its way, as far as chat goes: the code, and the two buttons after it.

use jiff::Timestamp;

use super::audit::append;
use super::engine::Tx;
use super::link_attempts::{AttemptPhase, end, read, refused};
use super::links::link_in;
use super::query::query;
use super::row::{Row, millis};
use super::{EntraPerson, Error, LinkAttemptId, LinkSource, Linked, Store};
use crate::chat::Actor;

/// Wrong codes that end an attempt.
const TRIES: u32 = 5;

/// What typing a code did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeTried {
    /// It is right: this person signed in.
    Right(EntraPerson),
    /// It is wrong; so many tries are left.
    Wrong {
        /// Tries left.
        left: u32,
    },
    /// Nobody has signed in yet.
    NotSignedIn,
    /// Another person's attempt.
    NotYours,
    /// Too late.
    Expired,
    /// It has ended, or there never was one.
    Ended,
}

/// What pressing Link did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The link stands.
    Linked(EntraPerson),
    /// Another chat account is linked to this person; nothing was changed.
    PersonTaken(EntraPerson),
    /// Another person's attempt.
    NotYours,
    /// Too late.
    Expired,
    /// It has ended, was accepted before, or there never was one.
    Ended,
}

impl Store {
    /// A click on a button of linking that counts for nothing: audited.
    pub async fn refuse_link_click(&self, now: Timestamp, actor: &Actor, why: &str) -> Result<(), Error> {
        self.audit(now, &refused(actor.user, why, Some(actor))).await
    }

    /// Compares a typed code; wrong ones are counted, and the last one ends the attempt.
    pub async fn try_link_code(
        &self,
        now: Timestamp,
        id: LinkAttemptId,
        actor: &Actor,
        code_hash: &str,
    ) -> Result<CodeTried, Error> {
        let mut tx = self.begin().await?;
        let row = select(&mut tx, &self.tenant, id).await?;
        let (tried, why) = match row.as_ref().map(read).transpose()? {
            None => (CodeTried::Ended, "unknown"),
            Some(attempt) if attempt.chat_user != actor.user => (CodeTried::NotYours, "not_yours"),
            Some(attempt) => match (attempt.phase, &row) {
                (AttemptPhase::Ended | AttemptPhase::Linked | AttemptPhase::Proven, _) | (_, None) => {
                    (CodeTried::Ended, "used")
                }
                _ if attempt.expires_at <= now => (CodeTried::Expired, "expired"),
                (AttemptPhase::Found | AttemptPhase::Confirmed, Some(row)) => {
                    if crate::secret::same(&row.text("code_hash")?, code_hash) {
                        set_phase(&mut tx, &self.tenant, id, AttemptPhase::Confirmed).await?;
                        let person = row.json("found")?;
                        tx.commit().await?;
                        return Ok(CodeTried::Right(person));
                    }
                    let left = count_wrong(&mut tx, &self.tenant, id).await?;
                    (CodeTried::Wrong { left }, "wrong_code")
                }
                _ => (CodeTried::NotSignedIn, "not_signed_in"),
            },
        };
        append(&mut tx, &self.tenant, now, &refused(actor.user, why, Some(actor))).await?;
        tx.commit().await?;
        Ok(tried)
    }

    /// Link: makes the link that the code confirmed, in one transaction with its audit row.
    pub async fn accept_link(&self, now: Timestamp, id: LinkAttemptId, actor: &Actor) -> Result<Accepted, Error> {
        let mut tx = self.begin().await?;
        let taken = query(
            "UPDATE link_attempts SET phase = 'linked', code_hash = NULL
             WHERE tenant_id = $1 AND id = $2 AND chat_user = $3 AND phase = 'confirmed' AND expires_at > $4
             RETURNING found",
        )
        .bind(&self.tenant)
        .bind(id.to_string())
        .bind(actor.user.to_string())
        .bind(millis(now))
        .fetch_optional(&mut tx)
        .await?;
        let (accepted, why) = match taken {
            Some(row) => {
                let person: EntraPerson = row.json("found")?;
                let source = LinkSource::SignIn;
                match link_in(&mut tx, &self.tenant, now, actor.user, &person, source, Some(actor)).await? {
                    Linked::Done => {
                        tx.commit().await?;
                        return Ok(Accepted::Linked(person));
                    }
                    Linked::PersonTaken => {
                        end(&mut tx, &self.tenant, id).await?;
                        (Accepted::PersonTaken(person), "person_taken")
                    }
                }
            }
            None => not_accepted(&mut tx, &self.tenant, id, actor).await?,
        };
        append(&mut tx, &self.tenant, now, &refused(actor.user, why, Some(actor))).await?;
        tx.commit().await?;
        Ok(accepted)
    }

    /// Not me: ends the attempt. The answer is of the same kind as [`Store::accept_link`]'s; `None`: done.
    pub async fn decline_link(
        &self,
        now: Timestamp,
        id: LinkAttemptId,
        actor: &Actor,
    ) -> Result<Option<Accepted>, Error> {
        let mut tx = self.begin().await?;
        let done = query(
            "UPDATE link_attempts SET phase = 'ended', code_hash = NULL, found = NULL
             WHERE tenant_id = $1 AND id = $2 AND chat_user = $3 AND phase = 'confirmed' AND expires_at > $4",
        )
        .bind(&self.tenant)
        .bind(id.to_string())
        .bind(actor.user.to_string())
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        let (not, why) = if done == 1 {
            (None, "not_me")
        } else {
            let (not, why) = not_accepted(&mut tx, &self.tenant, id, actor).await?;
            (Some(not), why)
        };
        append(&mut tx, &self.tenant, now, &refused(actor.user, why, Some(actor))).await?;
        tx.commit().await?;
        Ok(not)
    }
}

async fn select(tx: &mut Tx, tenant: &str, id: LinkAttemptId) -> Result<Option<Row>, Error> {
    let row = query("SELECT id, chat_user, chat_name, phase, browser_hash, expires_at, approves, round, code_hash, found FROM link_attempts WHERE tenant_id = $1 AND id = $2")
        .bind(tenant)
        .bind(id.to_string())
        .fetch_optional(&mut *tx)
        .await?;
    Ok(row)
}

async fn set_phase(tx: &mut Tx, tenant: &str, id: LinkAttemptId, phase: AttemptPhase) -> Result<(), Error> {
    query("UPDATE link_attempts SET phase = $3 WHERE tenant_id = $1 AND id = $2")
        .bind(tenant)
        .bind(id.to_string())
        .bind(phase.as_str())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// One wrong code more; how many tries are left.
async fn count_wrong(tx: &mut Tx, tenant: &str, id: LinkAttemptId) -> Result<u32, Error> {
    let row = query("UPDATE link_attempts SET tries = tries + 1 WHERE tenant_id = $1 AND id = $2 RETURNING tries")
        .bind(tenant)
        .bind(id.to_string())
        .fetch_one(&mut *tx)
        .await?;
    let left = TRIES.saturating_sub(row.count("tries")?);
    if left == 0 {
        end(tx, tenant, id).await?;
    }
    Ok(left)
}

/// Why a click on Link or Not me did not count.
async fn not_accepted(
    tx: &mut Tx,
    tenant: &str,
    id: LinkAttemptId,
    actor: &Actor,
) -> Result<(Accepted, &'static str), Error> {
    let row = select(tx, tenant, id).await?;
    Ok(match row.as_ref().map(read).transpose()? {
        None => (Accepted::Ended, "unknown"),
        Some(attempt) if attempt.chat_user != actor.user => (Accepted::NotYours, "not_yours"),
        Some(attempt) if attempt.phase == AttemptPhase::Confirmed => (Accepted::Expired, "expired"),
        Some(attempt) if matches!(attempt.phase, AttemptPhase::Linked | AttemptPhase::Ended) => {
            (Accepted::Ended, "used")
        }
        // A forged click on an attempt whose code nobody has typed.
        Some(_) => (Accepted::Ended, "not_confirmed"),
    })
}
