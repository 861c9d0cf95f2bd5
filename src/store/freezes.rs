//! Freezes: times in which nothing is sent to Intune.

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;

use super::audit::append;
use super::engine::{On, Tx};
use super::model::{Reply, RequestState};
use super::notice::{Address, Notice};
use super::notices::{NewNotice, insert};
use super::query::query;
use super::requests::Head;
use super::row::{json as to_json, millis};
use super::{AuditRow, Error, Event, RequestId, Store};
use crate::chat::{Actor, ChannelId};

/// A time in which nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Why, from outside.
    pub reason: String,
    /// Who began it.
    pub actor: Actor,
    /// Since when.
    pub started_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
}

/// What `/unfreeze` did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfrozen {
    /// It ended this one.
    Done(Freeze),
    /// There was none.
    Nothing,
}

impl Store {
    /// The freeze that holds now, if any.
    pub async fn freeze(&self, now: Timestamp) -> Result<Option<Freeze>, Error> {
        self.freeze_on(&self.engine, now).await
    }

    /// When the last freeze ended; `None`: there was none.
    pub async fn thawed_at(&self, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let row = query("SELECT MAX(ends_at) AS thawed_at FROM freezes WHERE tenant_id = $1 AND ends_at <= $2");
        row.bind(&self.tenant).bind(millis(now)).fetch_one(&self.engine).await?.optional_at("thawed_at")
    }

    pub(super) async fn freeze_in(&self, tx: &mut Tx, now: Timestamp) -> Result<Option<Freeze>, Error> {
        self.freeze_on(tx, now).await
    }

    async fn freeze_on(&self, on: impl Into<On<'_>> + Send, now: Timestamp) -> Result<Option<Freeze>, Error> {
        let row = query(
            "SELECT reason, actor, started_at, ends_at FROM freezes WHERE tenant_id = $1 AND ends_at > $2
              ORDER BY ends_at DESC LIMIT 1",
        )
        .bind(&self.tenant)
        .bind(millis(now))
        .fetch_optional(on)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Freeze {
            reason: row.text("reason")?,
            actor: row.json("actor")?,
            started_at: row.at("started_at")?,
            ends_at: row.at("ends_at")?,
        }))
    }

    /// Begins a freeze, which takes the place of one that holds.
    pub async fn begin_freeze(
        &self,
        now: Timestamp,
        freeze: &Freeze,
        team_channel: Option<ChannelId>,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        self.end_all(&mut tx, now, &freeze.actor).await?;
        query(
            "INSERT INTO freezes (id, tenant_id, reason, actor, started_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(RequestId::new(now).to_string())
        .bind(&self.tenant)
        .bind(&freeze.reason)
        .bind(to_json(&freeze.actor))
        .bind(millis(freeze.started_at))
        .bind(millis(freeze.ends_at))
        .execute(&mut tx)
        .await?;
        let detail = json!({ "reason": freeze.reason, "ends_at": freeze.ends_at });
        append(&mut tx, &self.tenant, now, &AuditRow::new(Event::Frozen).by(&freeze.actor).detail(detail)).await?;
        let body = Notice::Frozen { reason: freeze.reason.clone(), ends_at: freeze.ends_at };
        self.announce(&mut tx, now, &freeze.actor, team_channel, body).await?;
        tx.commit().await
    }

    /// Tells the team. A notice belongs to a request, so what was typed is one: it has no devices and is over.
    async fn announce(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        actor: &Actor,
        team_channel: Option<ChannelId>,
        body: Notice,
    ) -> Result<(), Error> {
        let Some(channel) = team_channel else { return Ok(()) };
        let reply = Reply { token: SecretString::from(""), until: now };
        let head = Head { actor, reason: None, expires_at: now, reply: &reply, target: None };
        let request = RequestId::new(now);
        self.insert_request(tx, now, request, RequestState::Finished, &head).await?;
        let address = Address::Channel(channel);
        insert(tx, &self.tenant, &NewNotice { request, address, body, due_at: now }).await
    }

    /// Ends the freeze that holds.
    pub async fn end_freeze(
        &self,
        now: Timestamp,
        actor: &Actor,
        team_channel: Option<ChannelId>,
    ) -> Result<Unfrozen, Error> {
        let mut tx = self.begin().await?;
        let Some(freeze) = self.freeze_in(&mut tx, now).await? else { return Ok(Unfrozen::Nothing) };
        self.end_all(&mut tx, now, actor).await?;
        let detail = json!({ "reason": freeze.reason, "would_have_ended_at": freeze.ends_at });
        append(&mut tx, &self.tenant, now, &AuditRow::new(Event::Unfrozen).by(actor).detail(detail)).await?;
        self.announce(&mut tx, now, actor, team_channel, Notice::Thawed).await?;
        tx.commit().await?;
        Ok(Unfrozen::Done(freeze))
    }

    async fn end_all(&self, tx: &mut Tx, now: Timestamp, actor: &Actor) -> Result<(), Error> {
        query("UPDATE freezes SET ends_at = $2, ended_by = $3 WHERE tenant_id = $1 AND ends_at > $2")
            .bind(&self.tenant)
            .bind(millis(now))
            .bind(to_json(actor))
            .execute(tx)
            .await?;
        Ok(())
    }
}
