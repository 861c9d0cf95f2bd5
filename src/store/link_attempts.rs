//! A `/link` on its way, as far as a browser goes: every step is one conditional update, so that none of them counts twice.
//!
//! Tickets, cookies, states and codes arrive here as hashes already; the secrets themselves are never stored.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::audit::{AuditRow, Event, append};
use super::engine::Tx;
use super::model::stored_words;
use super::query::query;
use super::row::{Row, json, millis};
use super::{EntraPerson, Error, LinkAttemptId, RequestId, Store};
use crate::chat::{Actor, ChatUserId};

/// Attempts are forgotten so long after their time, so that until then a person is told what became of theirs.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptPhase {
    /// The ticket is given out.
    Open,
    /// A browser is bound to it and was sent to Entra.
    Started,
    /// The browser came back; Entra is asked who it was.
    SigningIn,
    /// Somebody signed in and holds the code.
    Found,
    /// The code was typed in chat.
    Confirmed,
    /// Whoever signed in proved what an approval wants.
    Proven,
    /// The link stands.
    Linked,
    /// It came to nothing.
    Ended,
}

stored_words!(AttemptPhase, "link attempt's phase", {
    Open = "open",
    Started = "started",
    SigningIn = "signing_in",
    Found = "found",
    Confirmed = "confirmed",
    Proven = "proven",
    Linked = "linked",
    Ended = "ended",
});

/// An attempt as a page or a card needs it.
#[derive(Clone, Debug)]
pub struct LinkAttempt {
    /// Its id.
    pub id: LinkAttemptId,
    /// The chat account that it would link.
    pub chat_user: ChatUserId,
    /// That account's name when `/link` was typed, from outside.
    pub chat_name: String,
    /// How far it has come.
    pub phase: AttemptPhase,
    /// Whether a browser is bound to it already.
    pub is_bound: bool,
    /// When its time is over.
    pub expires_at: Timestamp,
    /// What it is proof for, where it is no link.
    pub approves: Option<Approves>,
}

/// The one approval that a fresh sign-in counts for: of this request, in this round of its votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approves {
    /// The request.
    pub request: RequestId,
    /// The round.
    pub round: u32,
}

/// What one sign-in hangs together by; every value but the last two is a hash.
#[derive(Clone)]
pub struct Handshake {
    /// Hash of the browser's cookie.
    pub browser_hash: String,
    /// Hash of the state.
    pub state_hash: String,
    /// The nonce, which must come back in the ID token.
    pub nonce: String,
    /// PKCE's verifier.
    pub verifier: String,
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handshake").finish_non_exhaustive()
    }
}

/// Why a state was not taken.
#[derive(Clone, Debug)]
pub enum NotTaken {
    /// Nobody gave it out.
    Unknown,
    /// The browser is not the one that started.
    WrongBrowser(LinkAttempt),
    /// It was taken before, or its attempt has ended.
    Replayed(LinkAttempt),
    /// Too late.
    Expired(LinkAttempt),
}

/// A refusal on the way to a link. `by` is the one who acted in chat; a browser is nobody yet.
pub(super) fn refused(user: ChatUserId, why: &str, by: Option<&Actor>) -> AuditRow {
    let mut row = AuditRow::new(Event::LinkRefused).detail(json!({ "why": why, "chat_user": user }));
    row.actor = by.cloned();
    row
}

impl Store {
    /// Starts an attempt in the place of every earlier one of the same chat account.
    pub async fn create_link_attempt(
        &self,
        now: Timestamp,
        actor: &Actor,
        ticket_hash: &str,
        expires_at: Timestamp,
        approves: Option<Approves>,
    ) -> Result<LinkAttemptId, Error> {
        let id = LinkAttemptId::new(now);
        let mut tx = self.begin().await?;
        query("DELETE FROM link_attempts WHERE expires_at < $1")
            .bind(millis(now.saturating_sub(KEPT).unwrap_or(now)))
            .execute(&mut tx)
            .await?;
        query(
            "UPDATE link_attempts SET phase = 'ended', nonce = NULL, verifier = NULL, code_hash = NULL, found = NULL
             WHERE tenant_id = $1 AND chat_user = $2 AND phase <> 'linked'",
        )
        .bind(&self.tenant)
        .bind(actor.user.to_string())
        .execute(&mut tx)
        .await?;
        query(
            "INSERT INTO link_attempts (id, tenant_id, chat_user, chat_name, phase, ticket_hash, expires_at, approves, round)
             VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $8)",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .bind(actor.user.to_string())
        .bind(&actor.name)
        .bind(ticket_hash)
        .bind(millis(expires_at))
        .bind(approves.map(|approves| approves.request.to_string()))
        .bind(approves.map(|approves| i64::from(approves.round)))
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// The attempt of a ticket. Looking changes nothing.
    pub async fn link_attempt_by_ticket(&self, ticket_hash: &str) -> Result<Option<LinkAttempt>, Error> {
        let row = query("SELECT id, chat_user, chat_name, phase, browser_hash, expires_at, approves, round FROM link_attempts WHERE tenant_id = $1 AND ticket_hash = $2")
            .bind(&self.tenant)
            .bind(ticket_hash)
            .fetch_optional(&self.engine)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// An attempt. Looking changes nothing.
    pub async fn link_attempt(&self, id: LinkAttemptId) -> Result<Option<LinkAttempt>, Error> {
        let row = query("SELECT id, chat_user, chat_name, phase, browser_hash, expires_at, approves, round FROM link_attempts WHERE tenant_id = $1 AND id = $2")
            .bind(&self.tenant)
            .bind(id.to_string())
            .fetch_optional(&self.engine)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Binds the attempt to a browser, or starts it again in the same one. `false`: it is another browser's, or over.
    pub async fn start_link_attempt(
        &self,
        now: Timestamp,
        id: LinkAttemptId,
        handshake: &Handshake,
    ) -> Result<bool, Error> {
        let done = query(
            "UPDATE link_attempts SET phase = 'started', browser_hash = $3, state_hash = $4, nonce = $5, verifier = $6
             WHERE tenant_id = $1 AND id = $2 AND phase IN ('open', 'started') AND expires_at > $7
                 AND (browser_hash IS NULL OR browser_hash = $3)",
        )
        .bind(&self.tenant)
        .bind(id.to_string())
        .bind(&handshake.browser_hash)
        .bind(&handshake.state_hash)
        .bind(&handshake.nonce)
        .bind(&handshake.verifier)
        .bind(millis(now))
        .execute(&self.engine)
        .await?;
        Ok(done == 1)
    }

    /// Whether this browser is the one that the attempt is bound to.
    pub async fn is_browser_of(&self, id: LinkAttemptId, browser_hash: &str) -> Result<bool, Error> {
        let row = query("SELECT 1 FROM link_attempts WHERE tenant_id = $1 AND id = $2 AND browser_hash = $3")
            .bind(&self.tenant)
            .bind(id.to_string())
            .bind(browser_hash)
            .fetch_optional(&self.engine)
            .await?;
        Ok(row.is_some())
    }

    /// Takes a state, once, from the browser that it was given to: the attempt, its nonce and its verifier.
    pub async fn take_link_state(
        &self,
        now: Timestamp,
        state_hash: &str,
        browser_hash: Option<&str>,
    ) -> Result<Result<(LinkAttempt, Handshake), NotTaken>, Error> {
        let taken = query(
            "UPDATE link_attempts SET phase = 'signing_in'
             WHERE tenant_id = $1 AND state_hash = $2 AND browser_hash = $3 AND phase = 'started' AND expires_at > $4
             RETURNING id, chat_user, chat_name, phase, browser_hash, expires_at, approves, round, nonce, verifier",
        )
        .bind(&self.tenant)
        .bind(state_hash)
        .bind(browser_hash)
        .bind(millis(now))
        .fetch_optional(&self.engine)
        .await?;
        if let Some(row) = taken {
            let handshake = Handshake {
                browser_hash: row.text("browser_hash")?,
                state_hash: state_hash.to_owned(),
                nonce: row.text("nonce")?,
                verifier: row.text("verifier")?,
            };
            return Ok(Ok((read(&row)?, handshake)));
        }
        let row = query("SELECT id, chat_user, chat_name, phase, browser_hash, expires_at, approves, round FROM link_attempts WHERE tenant_id = $1 AND state_hash = $2")
            .bind(&self.tenant)
            .bind(state_hash)
            .fetch_optional(&self.engine)
            .await?;
        let Some(row) = row else { return Ok(Err(NotTaken::Unknown)) };
        let attempt = read(&row)?;
        Ok(Err(if row.optional_text("browser_hash")?.as_deref() != browser_hash {
            NotTaken::WrongBrowser(attempt)
        } else if attempt.expires_at <= now {
            NotTaken::Expired(attempt)
        } else {
            NotTaken::Replayed(attempt)
        }))
    }

    /// Writes down who signed in and the hash of the code that their browser shows. `false`: its time is over.
    pub async fn found_person(
        &self,
        now: Timestamp,
        id: LinkAttemptId,
        person: &EntraPerson,
        code_hash: &str,
    ) -> Result<bool, Error> {
        let done = query(
            "UPDATE link_attempts SET phase = 'found', found = $3, code_hash = $4, nonce = NULL, verifier = NULL
             WHERE tenant_id = $1 AND id = $2 AND phase = 'signing_in' AND expires_at > $5",
        )
        .bind(&self.tenant)
        .bind(id.to_string())
        .bind(json(person))
        .bind(code_hash)
        .bind(millis(now))
        .execute(&self.engine)
        .await?;
        Ok(done == 1)
    }

    /// A refusal on the page: audited, and with `ends` the attempt's end.
    pub async fn refuse_link_attempt(
        &self,
        now: Timestamp,
        attempt: &LinkAttempt,
        why: &str,
        detail: Value,
        ends: bool,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        if ends {
            end(&mut tx, &self.tenant, attempt.id).await?;
        }
        let mut row = refused(attempt.chat_user, why, None);
        if let (Some(all), Value::Object(more)) = (row.detail.as_object_mut(), detail) {
            all.extend(more);
        }
        append(&mut tx, &self.tenant, now, &row).await?;
        tx.commit().await
    }
}

pub(super) async fn end(tx: &mut Tx, tenant: &str, id: LinkAttemptId) -> Result<(), Error> {
    query(
        "UPDATE link_attempts SET phase = 'ended', nonce = NULL, verifier = NULL, code_hash = NULL, found = NULL
         WHERE tenant_id = $1 AND id = $2",
    )
    .bind(tenant)
    .bind(id.to_string())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) fn read(row: &Row) -> Result<LinkAttempt, Error> {
    Ok(LinkAttempt {
        id: row.parsed("id")?,
        chat_user: row.parsed("chat_user")?,
        chat_name: row.text("chat_name")?,
        phase: AttemptPhase::read(&row.text("phase")?)?,
        is_bound: row.optional_text("browser_hash")?.is_some(),
        expires_at: row.at("expires_at")?,
        approves: match row.optional_text("approves")? {
            None => None,
            Some(_) => Some(Approves { request: row.parsed("approves")?, round: row.count("round")? }),
        },
    })
}
