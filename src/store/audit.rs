//! The audit: one row for every decision and every move, appended in the transaction that makes it.

use jiff::Timestamp;
use serde_json::Value;

use super::audit_chain::Sealed;
use super::audit_log::head;
use super::engine::Tx;
use super::query::query;
use super::row::millis;
use super::{DeviceSyncId, Error, Head, RequestId, Store};
use crate::chat::Actor;
use crate::intune::DeviceId;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request was made and its card shown.
    Asked,
    /// The request joined a sync that was already running.
    Joined,
    /// A question or a request was refused.
    Refused,
    /// A device was looked at.
    Read,
    /// Yes.
    Confirmed,
    /// No.
    Cancelled,
    /// Nothing more is sent for a bulk request.
    Stopped,
    /// A second person agreed.
    Approved,
    /// A second person refused.
    Rejected,
    /// Nobody answered in time.
    ApprovalExpired,
    /// The devices changed before everybody had agreed: all votes are void.
    VotesVoid,
    /// Nothing is sent from now on.
    Frozen,
    /// That ended early.
    Unfrozen,
    /// The card's time ran out.
    Expired,
    /// A click that counted for nothing: foreign, old, repeated or forged.
    ClickIgnored,
    /// The gate was asked again right before the call.
    Gate,
    /// An attempt is written down; the call follows.
    Attempt,
    /// Graph's answer to the attempt, or that there was none.
    Answer,
    /// A device sync got its outcome.
    Outcome,
    /// Someone wants to be told later.
    LateWatch,
    /// A device sync was given up: its steps failed in the bot itself.
    GivenUp,
    /// An admin took up again what was given up.
    Revived,
    /// A notice could not be delivered anywhere.
    NoticeDropped,
    /// A chat account is an Entra person from now on.
    Linked,
    /// It is not any more.
    Unlinked,
    /// Somebody signed in afresh for one approval.
    SteppedUp,
    /// Something on the way to a link was refused.
    LinkRefused,
    /// An admin changed the key of the audit's chain.
    Resealed,
}

impl Event {
    fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Joined => "joined",
            Self::Refused => "refused",
            Self::Read => "read",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Stopped => "stopped",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::ApprovalExpired => "approval_expired",
            Self::VotesVoid => "votes_void",
            Self::Frozen => "frozen",
            Self::Unfrozen => "unfrozen",
            Self::Expired => "expired",
            Self::ClickIgnored => "click_ignored",
            Self::Gate => "gate",
            Self::Attempt => "attempt",
            Self::Answer => "answer",
            Self::Outcome => "outcome",
            Self::LateWatch => "late_watch",
            Self::GivenUp => "given_up",
            Self::Revived => "revived",
            Self::NoticeDropped => "notice_dropped",
            Self::Linked => "linked",
            Self::Unlinked => "unlinked",
            Self::SteppedUp => "stepped_up",
            Self::LinkRefused => "link_refused",
            Self::Resealed => "resealed",
        }
    }
}

/// A row to append.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// What happened.
    pub event: Event,
    /// Who did it; `None`: the bot by itself.
    pub actor: Option<Actor>,
    /// About which request.
    pub request: Option<RequestId>,
    /// About which device sync.
    pub device_sync: Option<DeviceSyncId>,
    /// About which device.
    pub device: Option<DeviceId>,
    /// The rest: decision, role, answer, outcome.
    pub detail: Value,
}

impl AuditRow {
    /// A row with nothing but its event.
    pub fn new(event: Event) -> Self {
        Self { event, actor: None, request: None, device_sync: None, device: None, detail: Value::Null }
    }

    /// Who did it.
    #[must_use]
    pub fn by(mut self, actor: &Actor) -> Self {
        self.actor = Some(actor.clone());
        self
    }

    /// About which device.
    #[must_use]
    pub fn device(mut self, device: DeviceId) -> Self {
        self.device = Some(device);
        self
    }

    /// About which request.
    #[must_use]
    pub fn request(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }

    /// About which device sync.
    #[must_use]
    pub fn device_sync(mut self, device_sync: DeviceSyncId) -> Self {
        self.device_sync = Some(device_sync);
        self
    }

    /// The rest.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

/// Appends a row at the end of the chain. The transaction holds the writing lock, so nobody appends beside it.
pub(super) async fn append(tx: &mut Tx, tenant: &str, at: Timestamp, row: &AuditRow) -> Result<(), Error> {
    tx.2.saw_event(row.event.as_str());
    let actor_user = row.actor.as_ref().map(|actor| actor.user.to_string());
    let entra_user = match &actor_user {
        None => None,
        Some(user) => linked_to(tx, tenant, user).await?,
    };
    let sealed = Sealed {
        at: millis(at),
        event: row.event.as_str().to_owned(),
        actor_user,
        actor_name: row.actor.as_ref().map(|actor| actor.name.clone()),
        entra_user,
        request_id: row.request.map(|id| id.to_string()),
        device_sync_id: row.device_sync.map(|id| id.to_string()),
        device_id: row.device.map(|id| id.to_string()),
        detail: row.detail.to_string(),
    };
    let before = head(&mut *tx, tenant).await?.unwrap_or_else(|| tx.1.beginning(tenant));
    let Head { position, seal } = tx.1.next(&before, &sealed);
    query(
        "INSERT INTO audit (tenant_id, at, event, actor_user, actor_name, request_id, device_sync_id, device_id, detail,
             entra_user, position, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(tenant)
    .bind(sealed.at)
    .bind(sealed.event)
    .bind(sealed.actor_user)
    .bind(sealed.actor_name)
    .bind(sealed.request_id)
    .bind(sealed.device_sync_id)
    .bind(sealed.device_id)
    .bind(sealed.detail)
    .bind(sealed.entra_user)
    .bind(position)
    .bind(seal)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn linked_to(tx: &mut Tx, tenant: &str, chat_user: &str) -> Result<Option<String>, Error> {
    let row = query("SELECT entra_user FROM links WHERE tenant_id = $1 AND chat_user = $2 AND ended_at IS NULL")
        .bind(tenant)
        .bind(chat_user)
        .fetch_optional(tx)
        .await?;
    row.map(|row| row.text("entra_user")).transpose()
}

impl Store {
    /// Appends a row that goes with no change of state.
    pub async fn audit(&self, at: Timestamp, row: &AuditRow) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        append(&mut tx, &self.tenant, at, row).await?;
        tx.commit().await
    }

    /// Every event so far with its details, oldest first, as `event detail`. For tests and for support.
    pub async fn audit_trail(&self) -> Result<Vec<(String, Value)>, Error> {
        let rows = query("SELECT event, detail FROM audit WHERE tenant_id = $1 ORDER BY seq")
            .bind(&self.tenant)
            .fetch_all(&self.engine)
            .await?;
        rows.iter().map(|row| Ok((row.text("event")?, row.json("detail")?))).collect()
    }

    /// Every event so far with the Entra person it was done as, if any, oldest first. For tests and for support.
    pub async fn audit_people(&self) -> Result<Vec<(String, Option<String>)>, Error> {
        let rows = query("SELECT event, entra_user FROM audit WHERE tenant_id = $1 ORDER BY seq")
            .bind(&self.tenant)
            .fetch_all(&self.engine)
            .await?;
        rows.iter().map(|row| Ok((row.text("event")?, row.optional_text("entra_user")?))).collect()
    }
}
