//! Requests: made and read. Each is one transaction with its audit row and notices.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::audit::append;
use super::engine::{On, Tx};
use super::model::{Reply, RequestState};
use super::notice::{Address, Notice};
use super::notices::{NewNotice, insert};
use super::query::query;
use super::row::{Row, json as to_json, millis};
use super::subject::BulkTarget;
use super::{AuditRow, DeviceSyncId, Error, Event, RequestId, Store};
use crate::chat::Actor;
use crate::intune::{Device, DeviceId};

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
    /// Whether it may follow another one's sync of the device without a Yes of its own.
    pub may_join: bool,
    /// For the audit: the gate's decision.
    pub detail: serde_json::Value,
}

/// A request for many devices, to be stored as awaiting confirmation.
#[derive(Debug)]
pub struct NewBulk<'a> {
    /// Who asks.
    pub actor: &'a Actor,
    /// The ticket.
    pub reason: Option<&'a str>,
    /// What was asked for.
    pub target: &'a BulkTarget,
    /// The devices, each once.
    pub devices: &'a [Device],
    /// When Yes stops counting.
    pub expires_at: Timestamp,
    /// The asker's reply.
    pub reply: &'a Reply,
    /// Every device that was looked at, taken in or left out.
    pub considered: &'a [DeviceId],
    /// For the audit: how many were left out and why.
    pub detail: serde_json::Value,
}

/// A stored request.
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
    /// What was asked for, where it is more than one device.
    pub target: Option<BulkTarget>,
    /// When its devices were last found to be those that a second person agreed to; `None`: nobody else has to agree.
    pub agreed_at: Option<Timestamp>,
}

/// What every new request has.
pub(super) struct Head<'a> {
    pub(super) actor: &'a Actor,
    pub(super) reason: Option<&'a str>,
    pub(super) expires_at: Timestamp,
    pub(super) reply: &'a Reply,
    pub(super) target: Option<&'a BulkTarget>,
}

impl<'a> Head<'a> {
    fn of(new: &NewRequest<'a>) -> Self {
        Self { actor: new.actor, reason: new.reason, expires_at: new.expires_at, reply: new.reply, target: None }
    }
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
            target: row.optional_text("target")?.map(|_| row.json("target")).transpose()?,
            agreed_at: row.optional_at("agreed_at")?,
        })
    }
}

/// Reads a stored request.
pub(super) async fn stored(on: impl Into<On<'_>>, id: &str) -> Result<StoredRequest, Error> {
    StoredRequest::read(&stored_row(on, id).await?)
}

/// Finds a stored request.
pub(super) async fn stored_row(on: impl Into<On<'_>>, id: &str) -> Result<Row, Error> {
    query(
        "SELECT id, state, actor, actor_user, reason, created_at, reply_token, reply_until, target,
                (SELECT COALESCE(a.agreed_at, 0) FROM approvals a WHERE a.request_id = requests.id) AS agreed_at
           FROM requests WHERE id = $1",
    )
    .bind(id)
    .fetch_one(on)
    .await
}

impl Store {
    /// Stores a request. When another one is syncing the device already, this one joins it and runs at once, if it may.
    pub async fn create_request(&self, now: Timestamp, new: &NewRequest<'_>) -> Result<(RequestId, bool), Error> {
        let (id, device_sync) = (RequestId::new(now), DeviceSyncId::new(now));
        let mut tx = self.begin().await?;
        let leader = if new.may_join { self.active_leader(&mut tx, new.device).await? } else { None };
        let state = if leader.is_some() { RequestState::Running } else { RequestState::AwaitingConfirmation };
        self.insert_request(&mut tx, now, id, state, &Head::of(new)).await?;
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
        if let Some(leader) = leader {
            self.hurry(&mut tx, now, leader).await?;
            self.schedule_last_edit(&mut tx, id, new.device, new.reply.until).await?;
        }
        tx.commit().await?;
        Ok((id, leader.is_some()))
    }

    /// Stores a request for many devices.
    pub async fn create_bulk(&self, now: Timestamp, new: &NewBulk<'_>) -> Result<RequestId, Error> {
        let id = RequestId::new(now);
        let head = Head {
            actor: new.actor,
            reason: new.reason,
            expires_at: new.expires_at,
            reply: new.reply,
            target: Some(new.target),
        };
        let mut tx = self.begin().await?;
        self.insert_request(&mut tx, now, id, RequestState::AwaitingConfirmation, &head).await?;
        self.insert_devices(&mut tx, now, id, new.devices).await?;
        query("UPDATE requests SET considered = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(to_json(&new.considered))
            .execute(&mut tx)
            .await?;
        let devices = u32::try_from(new.devices.len()).unwrap_or(u32::MAX);
        let detail = json!({ "reason": new.reason, "target": new.target, "devices": devices, "left_out": new.detail });
        append(&mut tx, &self.tenant, now, &AuditRow::new(Event::Asked).by(new.actor).request(id).detail(detail))
            .await?;
        tx.commit().await?;
        Ok(id)
    }

    pub(super) async fn insert_devices(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: RequestId,
        devices: &[Device],
    ) -> Result<(), Error> {
        for device in devices {
            query(
                "INSERT INTO device_syncs (id, tenant_id, request_id, device_id, device, state, urgency)
                 VALUES ($1, $2, $3, $4, $5, 'queued', 1)",
            )
            .bind(DeviceSyncId::new(now).to_string())
            .bind(&self.tenant)
            .bind(id.to_string())
            .bind(device.id.to_string())
            .bind(to_json(device))
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }

    pub(super) async fn insert_request(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: RequestId,
        state: RequestState,
        head: &Head<'_>,
    ) -> Result<(), Error> {
        query(
            "INSERT INTO requests (id, tenant_id, state, actor_user, actor, reason, created_at, expires_at, reply_token,
                 reply_until, target)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .bind(state.as_str())
        .bind(head.actor.user.to_string())
        .bind(to_json(head.actor))
        .bind(head.reason)
        .bind(millis(now))
        .bind(millis(head.expires_at))
        .bind(head.reply.token.expose_secret())
        .bind(millis(head.reply.until))
        .bind(head.target.map(to_json))
        .execute(&mut *tx)
        .await?;
        Ok(())
    }

    /// Somebody waits for a device that was one of many: it goes before the rest.
    pub(super) async fn hurry(&self, tx: &mut Tx, now: Timestamp, leader: DeviceSyncId) -> Result<(), Error> {
        query(
            "UPDATE device_syncs SET urgency = 0, due_at = CASE WHEN lease_token IS NULL AND due_at > $2 AND tries = 0 THEN $2 ELSE due_at END
              WHERE id = $1 AND state = 'queued' AND urgency > 0",
        )
        .bind(leader.to_string())
        .bind(millis(now))
        .execute(&mut *tx)
        .await?;
        Ok(())
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
    pub(super) async fn schedule_last_edit(
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

    /// A request by its id.
    pub async fn request(&self, id: RequestId) -> Result<Option<StoredRequest>, Error> {
        let row = query("SELECT id FROM requests WHERE id = $1 AND tenant_id = $2")
            .bind(id.to_string())
            .bind(&self.tenant)
            .fetch_optional(&self.engine)
            .await?;
        match row {
            Some(row) => stored(&self.engine, &row.text("id")?).await.map(Some),
            None => Ok(None),
        }
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
