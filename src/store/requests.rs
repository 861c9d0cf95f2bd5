//! Requests: made, confirmed, cancelled, expired. Each is one conditional update with its audit row and notices.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::audit::append;
use super::engine::{On, Tx};
use super::model::{Address, Notice, Reply, RequestState};
use super::notices::{NewNotice, insert};
use super::query::query;
use super::row::{Row, json as to_json, millis};
use super::{AuditRow, DeviceSyncId, Error, Event, RequestId, Store};
use crate::chat::Actor;
use crate::intune::Device;

/// How long before the reply freezes its last edit is made.
const LAST_EDIT_BEFORE: SignedDuration = SignedDuration::from_secs(30);

/// A request to be stored as awaiting confirmation, or as joined to a running device sync.
#[derive(Debug)]
pub struct NewRequest<'a> {
    /// Who asks.
    pub actor: &'a Actor,
    /// The ticket.
    pub reason: Option<&'a str>,
    /// The device, as just read.
    pub device: &'a Device,
    /// When Yes stops counting.
    pub expires_at: Timestamp,
    /// The asker's reply.
    pub reply: &'a Reply,
    /// For the audit: the gate's decision.
    pub detail: serde_json::Value,
}

/// A stored request, with its one device.
#[derive(Clone, Debug)]
pub struct StoredRequest {
    /// Its id.
    pub id: RequestId,
    /// Where it stands.
    pub state: RequestState,
    /// Who asked.
    pub actor: Actor,
    /// The ticket.
    pub reason: Option<String>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// The asker's reply.
    pub reply: Reply,
}

/// What a press of Yes or No did.
#[derive(Clone, Debug)]
pub enum Confirmed {
    /// It counted. `joined`: another request is already syncing this device, and this one follows it.
    Done {
        /// The device.
        device: Box<Device>,
        /// Whether it follows another one's sync.
        joined: bool,
    },
    /// No such request.
    NotFound,
    /// Somebody else's.
    NotYours,
    /// It was answered before, or has ended otherwise.
    AlreadyHandled(RequestState),
    /// Too late.
    Expired,
}

impl StoredRequest {
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.parsed("id")?,
            state: RequestState::read(&row.text("state")?)?,
            actor: row.json("actor")?,
            reason: row.optional_text("reason")?,
            created_at: row.at("created_at")?,
            reply: Reply { token: SecretString::from(row.text("reply_token")?), until: row.at("reply_until")? },
        })
    }
}

impl Store {
    /// Stores a request. When another one is syncing the device already, this one joins it and runs at once.
    pub async fn create_request(&self, now: Timestamp, new: &NewRequest<'_>) -> Result<(RequestId, bool), Error> {
        let (id, device_sync) = (RequestId::new(now), DeviceSyncId::new(now));
        let mut tx = self.begin().await?;
        let leader = self.active_leader(&mut tx, new.device).await?;
        let state = if leader.is_some() { RequestState::Running } else { RequestState::AwaitingConfirmation };
        query(
            "INSERT INTO requests (id, tenant_id, state, actor_user, actor, reason, created_at, expires_at, reply_token, reply_until)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .bind(state.as_str())
        .bind(new.actor.user.to_string())
        .bind(to_json(new.actor))
        .bind(new.reason)
        .bind(millis(now))
        .bind(millis(new.expires_at))
        .bind(new.reply.token.expose_secret())
        .bind(millis(new.reply.until))
        .execute(&mut tx)
        .await?;
        query(
            "INSERT INTO device_syncs (id, tenant_id, request_id, device_id, device, state, leader_id)
             VALUES ($1, $2, $3, $4, $5, 'queued', $6)",
        )
        .bind(device_sync.to_string())
        .bind(&self.tenant)
        .bind(id.to_string())
        .bind(new.device.id.to_string())
        .bind(to_json(new.device))
        .bind(leader.map(|leader| leader.to_string()))
        .execute(&mut tx)
        .await?;
        let event = if leader.is_some() { Event::Joined } else { Event::Asked };
        let row = AuditRow::new(event).by(new.actor).request(id).device_sync(device_sync).device(new.device.id);
        let detail = json!({ "reason": new.reason, "decision": new.detail });
        append(&mut tx, &self.tenant, now, &row.detail(detail)).await?;
        if leader.is_some() {
            self.schedule_last_edit(&mut tx, id, new.device, new.reply.until).await?;
        }
        tx.commit().await?;
        Ok((id, leader.is_some()))
    }

    async fn active_leader(&self, tx: &mut Tx, device: &Device) -> Result<Option<DeviceSyncId>, Error> {
        let row = query(
            "SELECT id FROM device_syncs WHERE tenant_id = $1 AND device_id = $2 AND due_at IS NOT NULL AND leader_id IS NULL",
        )
        .bind(&self.tenant)
        .bind(device.id.to_string())
        .fetch_optional(&mut *tx)
        .await?;
        row.map(|row| row.parsed("id")).transpose()
    }

    /// When the reply stops being editable, it says where the outcome will appear.
    async fn schedule_last_edit(
        &self,
        tx: &mut Tx,
        id: RequestId,
        device: &Device,
        until: Timestamp,
    ) -> Result<(), Error> {
        let notice = NewNotice {
            request: id,
            address: Address::Asker,
            body: Notice::MovesToChannel { device: Box::new(device.clone()) },
            due_at: until.saturating_sub(LAST_EDIT_BEFORE).unwrap_or(until),
        };
        insert(tx, &self.tenant, &notice).await
    }

    /// The device of a request that this person could confirm now; `None`: a press of Yes would not count.
    pub async fn confirmable(
        &self,
        now: Timestamp,
        id: RequestId,
        actor: &Actor,
    ) -> Result<Option<Box<Device>>, Error> {
        Ok(self.answerable(&self.engine, now, id, actor).await?.ok())
    }

    /// Yes: one conditional update. Only the asker's press counts, once, and in time.
    /// `decision` is what the gate said at the click, for the audit.
    pub async fn confirm(
        &self,
        now: Timestamp,
        id: RequestId,
        actor: &Actor,
        reply: &Reply,
        decision: serde_json::Value,
    ) -> Result<Confirmed, Error> {
        let mut tx = self.begin().await?;
        let device = match self.answerable(&mut tx, now, id, actor).await? {
            Ok(device) => device,
            Err(no) => return Ok(no),
        };
        query(
            "UPDATE requests SET state = 'running', actor = $3, reply_token = $4, reply_until = $5
              WHERE id = $1 AND tenant_id = $2 AND state = 'awaiting_confirmation'",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .bind(to_json(actor))
        .bind(reply.token.expose_secret())
        .bind(millis(reply.until))
        .execute(&mut tx)
        .await?;
        let leader = self.active_leader(&mut tx, &device).await?;
        query(
            "UPDATE device_syncs SET leader_id = $2, due_at = CASE WHEN $2 IS NULL THEN $3 END, started_at = $3
              WHERE request_id = $1 AND state = 'queued'",
        )
        .bind(id.to_string())
        .bind(leader.map(|leader| leader.to_string()))
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        let row = AuditRow::new(Event::Confirmed).by(actor).request(id).device(device.id);
        append(&mut tx, &self.tenant, now, &row.detail(json!({ "joined": leader.is_some(), "decision": decision })))
            .await?;
        self.schedule_last_edit(&mut tx, id, &device, reply.until).await?;
        tx.commit().await?;
        Ok(Confirmed::Done { device, joined: leader.is_some() })
    }

    /// No.
    pub async fn cancel(&self, now: Timestamp, id: RequestId, actor: &Actor) -> Result<Confirmed, Error> {
        let mut tx = self.begin().await?;
        let device = match self.answerable(&mut tx, now, id, actor).await? {
            Ok(device) => device,
            Err(no) => return Ok(no),
        };
        let row = AuditRow::new(Event::Cancelled).by(actor).request(id).device(device.id);
        self.end_unconfirmed(&mut tx, now, id, RequestState::Cancelled, &row).await?;
        tx.commit().await?;
        Ok(Confirmed::Done { device, joined: false })
    }

    /// Yes from its asker, who has lost the right to it: a request that still waits ends.
    pub async fn refuse(
        &self,
        now: Timestamp,
        id: RequestId,
        actor: &Actor,
        detail: serde_json::Value,
    ) -> Result<Confirmed, Error> {
        let mut tx = self.begin().await?;
        let device = match self.answerable(&mut tx, now, id, actor).await? {
            Ok(device) => device,
            Err(no) => return Ok(no),
        };
        let row = AuditRow::new(Event::Refused).by(actor).request(id).device(device.id).detail(detail);
        self.end_unconfirmed(&mut tx, now, id, RequestState::Refused, &row).await?;
        tx.commit().await?;
        Ok(Confirmed::Done { device, joined: false })
    }

    /// The device of a request that `actor` may answer now, or why not.
    async fn answerable(
        &self,
        on: impl Into<On<'_>> + Send,
        now: Timestamp,
        id: RequestId,
        actor: &Actor,
    ) -> Result<Result<Box<Device>, Confirmed>, Error> {
        let row = query(
            "SELECT r.state, r.actor_user, r.expires_at, d.device FROM requests r JOIN device_syncs d ON d.request_id = r.id
              WHERE r.id = $1 AND r.tenant_id = $2",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .fetch_optional(on)
        .await?;
        let Some(row) = row else { return Ok(Err(Confirmed::NotFound)) };
        if row.text("actor_user")? != actor.user.to_string() {
            return Ok(Err(Confirmed::NotYours));
        }
        let state = RequestState::read(&row.text("state")?)?;
        if state == RequestState::Expired {
            return Ok(Err(Confirmed::Expired));
        }
        if state != RequestState::AwaitingConfirmation {
            return Ok(Err(Confirmed::AlreadyHandled(state)));
        }
        if row.at("expires_at")? <= now {
            return Ok(Err(Confirmed::Expired));
        }
        Ok(Ok(Box::new(row.json("device")?)))
    }

    async fn end_unconfirmed(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: RequestId,
        state: RequestState,
        audit: &AuditRow,
    ) -> Result<(), Error> {
        let ended = query(
            "UPDATE requests SET state = $3, finished_at = $4 WHERE id = $1 AND tenant_id = $2 AND state = 'awaiting_confirmation'",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .bind(state.as_str())
        .bind(millis(now))
        .execute(&mut *tx)
        .await?
        ;
        if ended == 1 {
            let outcome = to_json(&super::model::Outcome::Cancelled);
            query("UPDATE device_syncs SET state = 'ended', outcome = $2, ended_at = $3 WHERE request_id = $1")
                .bind(id.to_string())
                .bind(outcome)
                .bind(millis(now))
                .execute(&mut *tx)
                .await?;
            append(tx, &self.tenant, now, audit).await?;
        }
        Ok(())
    }

    /// Ends every request whose time to press Yes is over; returns when the next one's will be.
    pub async fn expire_requests(&self, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let mut tx = self.begin().await?;
        let rows = query(
            "SELECT r.id, r.actor, d.device FROM requests r JOIN device_syncs d ON d.request_id = r.id
              WHERE r.tenant_id = $1 AND r.state = 'awaiting_confirmation' AND r.expires_at <= $2",
        )
        .bind(&self.tenant)
        .bind(millis(now))
        .fetch_all(&mut tx)
        .await?;
        for row in rows {
            let id: RequestId = row.parsed("id")?;
            let (actor, device): (Actor, Device) = (row.json("actor")?, row.json("device")?);
            let audit = AuditRow::new(Event::Expired).by(&actor).request(id).device(device.id);
            self.end_unconfirmed(&mut tx, now, id, RequestState::Expired, &audit).await?;
            let body = Notice::Expired { device: Box::new(device) };
            insert(&mut tx, &self.tenant, &NewNotice { request: id, address: Address::Asker, body, due_at: now })
                .await?;
        }
        let next = query(
            "SELECT MIN(expires_at) AS next FROM requests WHERE tenant_id = $1 AND state = 'awaiting_confirmation'",
        )
        .bind(&self.tenant)
        .fetch_one(&mut tx)
        .await?
        .optional_at("next")?;
        tx.commit().await?;
        Ok(next)
    }

    /// Claims an interaction. `false`: it was delivered before.
    pub async fn claim_interaction(&self, now: Timestamp, id: crate::chat::InteractionId) -> Result<bool, Error> {
        let inserted =
            query("INSERT INTO interactions (id, tenant_id, at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING")
                .bind(id.to_string())
                .bind(&self.tenant)
                .bind(millis(now))
                .execute(&self.engine)
                .await?;
        Ok(inserted == 1)
    }

    /// Forgets interactions older than `before`; Discord delivers none twice after so long.
    pub async fn forget_interactions(&self, before: Timestamp) -> Result<(), Error> {
        query("DELETE FROM interactions WHERE at < $1").bind(millis(before)).execute(&self.engine).await?;
        Ok(())
    }

    /// How many requests and device syncs are under way.
    pub async fn under_way(&self) -> Result<i64, Error> {
        let row = query("SELECT COUNT(*) AS n FROM device_syncs WHERE tenant_id = $1 AND due_at IS NOT NULL")
            .bind(&self.tenant)
            .fetch_one(&self.engine)
            .await?;
        row.integer("n")
    }
}
