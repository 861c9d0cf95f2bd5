//! Answers to a card: confirmed, cancelled, refused, expired. Each is one conditional update with its audit row and notices.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::allowances::forget_allowances;
use super::approvals::{ApprovalFrame, RuleDue};
use super::audit::append;
use super::engine::{On, Tx};
use super::model::{Outcome, Reply, RequestState};
use super::notice::{Address, Notice};
use super::notices::{NewNotice, insert};
use super::query::query;
use super::requests::stored;
use super::row::{json as to_json, millis};
use super::stand_in;
use super::subject::Subject;
use super::{AuditRow, Error, Event, RequestId, Store};
use crate::chat::Actor;

/// What goes with a Yes.
#[derive(Debug)]
pub struct Yes<'a> {
    /// The reply whose button was pressed.
    pub reply: &'a Reply,
    /// What the gate said at the click, for the audit.
    pub decision: serde_json::Value,
    /// The approval rules that apply.
    pub rules: &'a [RuleDue],
    /// How a second person is asked for, where one is.
    pub approval: Option<ApprovalFrame>,
}

/// What a press of Yes or No did.
#[derive(Clone, Debug)]
pub enum Confirmed {
    /// It counted. `joined`: another request is already syncing this device, and this one follows it.
    Done {
        /// What it is about.
        subject: Subject,
        /// Whether it follows another one's sync.
        joined: bool,
        /// Whether a second person has to agree first.
        approval: bool,
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

impl Store {
    /// What a request is about that this person could confirm now; `None`: a press of Yes would not count.
    pub async fn confirmable(&self, now: Timestamp, id: RequestId, actor: &Actor) -> Result<Option<Subject>, Error> {
        Ok(self.answerable(&self.engine, now, id, actor).await?.ok())
    }

    /// Whether this request still waits for its asker's Yes or No.
    pub async fn awaits_answer(&self, id: RequestId) -> Result<bool, Error> {
        let row = query("SELECT state FROM requests WHERE id = $1 AND state = 'awaiting_confirmation'");
        Ok(row.bind(id.to_string()).fetch_optional(&self.engine).await?.is_some())
    }

    /// Yes: one conditional update. Only the asker's press counts, once, and in time.
    pub async fn confirm(
        &self,
        now: Timestamp,
        id: RequestId,
        actor: &Actor,
        yes: &Yes<'_>,
    ) -> Result<Confirmed, Error> {
        let mut tx = self.begin().await?;
        let subject = match self.answerable(&mut tx, now, id, actor).await? {
            Ok(subject) => subject,
            Err(no) => return Ok(no),
        };
        let (asked, allowed_by) = self.sort_rules(&mut tx, now, id, yes.rules, subject.count()).await?;
        let approval = match &yes.approval {
            _ if asked.is_empty() => None,
            Some(frame) => Some(frame),
            // The settings see to it that whoever has rules has a channel for them.
            None => return Err(Error::row("approval", "there is no channel to ask in")),
        };
        let state = if approval.is_some() { RequestState::AwaitingApproval } else { RequestState::Running };
        query(
            "UPDATE requests SET state = $6, actor = $3, reply_token = $4, reply_until = $5
              WHERE id = $1 AND tenant_id = $2 AND state = 'awaiting_confirmation'",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .bind(to_json(actor))
        .bind(yes.reply.token.expose_secret())
        .bind(millis(yes.reply.until))
        .bind(state.as_str())
        .execute(&mut tx)
        .await?;
        let joined = if let Some(frame) = approval {
            self.ask_for_approval(&mut tx, now, id, frame, &asked).await?;
            0
        } else {
            let joined = self.set_off(&mut tx, now, id, &subject).await?;
            let request = stored(&mut tx, &id.to_string()).await?;
            self.show_bulk_progress(&mut tx, now, &request).await?;
            joined
        };
        let mut row = AuditRow::new(Event::Confirmed).by(actor).request(id);
        row.device = subject.device().map(|device| device.id);
        let rules: Vec<_> = asked.iter().map(|rule| &rule.name).collect();
        let row = row.detail(match &subject {
            Subject::Device(_) if yes.rules.is_empty() => json!({ "joined": joined > 0, "decision": yes.decision }),
            Subject::Device(_) => json!({
                "joined": joined > 0, "decision": yes.decision, "approval": rules, "allowed_by": allowed_by,
            }),
            Subject::Devices { count, .. } => json!({
                "devices": count, "joined": joined, "decision": yes.decision, "approval": rules,
                "allowed_by": allowed_by,
            }),
        });
        append(&mut tx, &self.tenant, now, &row).await?;
        // What waits for approval is told by its own words, and can be withdrawn until then.
        if let (Subject::Device(device), None) = (&subject, approval) {
            self.schedule_last_edit(&mut tx, id, device, yes.reply.until).await?;
        }
        tx.commit().await?;
        let joined = joined > 0 && subject.device().is_some();
        Ok(Confirmed::Done { subject, joined, approval: !asked.is_empty() })
    }

    /// Makes the device syncs of a request due, but for those that another request is syncing already: they follow. How many do.
    pub(super) async fn set_off(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: RequestId,
        subject: &Subject,
    ) -> Result<u64, Error> {
        let joined = query(
            "UPDATE device_syncs SET started_at = $3,
                    leader_id = (SELECT l.id FROM device_syncs l
                                  WHERE l.tenant_id = $2 AND l.device_id = device_syncs.device_id AND l.due_at IS NOT NULL
                                    AND l.leader_id IS NULL)
              WHERE request_id = $1 AND state = 'queued'
             RETURNING leader_id",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .bind(millis(now))
        .fetch_all(&mut *tx)
        .await?;
        query("UPDATE device_syncs SET due_at = $2 WHERE request_id = $1 AND state = 'queued' AND leader_id IS NULL")
            .bind(id.to_string())
            .bind(millis(now))
            .execute(&mut *tx)
            .await?;
        let mut followed = 0;
        for row in joined {
            let Some(leader) = row.optional_text("leader_id")? else { continue };
            followed += 1;
            if subject.device().is_some() {
                let leader = leader.parse().map_err(|error| Error::row("leader_id", error))?;
                self.hurry(tx, now, leader).await?;
            }
        }
        Ok(followed)
    }

    /// No; of a request that waits for approval, its asker takes it back.
    pub async fn cancel(&self, now: Timestamp, id: RequestId, actor: &Actor) -> Result<Confirmed, Error> {
        match self.not_confirmed(now, id, actor, RequestState::Cancelled, AuditRow::new(Event::Cancelled)).await? {
            Confirmed::AlreadyHandled(RequestState::AwaitingApproval) => self.withdraw(now, id, actor).await,
            done => Ok(done),
        }
    }

    async fn withdraw(&self, now: Timestamp, id: RequestId, actor: &Actor) -> Result<Confirmed, Error> {
        let Some(pending) = self.approval(id).await? else { return Ok(Confirmed::NotFound) };
        let mut tx = self.begin().await?;
        let row = AuditRow::new(Event::Cancelled).by(actor).request(id).detail(json!({ "withdrawn": true }));
        let ends = (RequestState::AwaitingApproval, RequestState::Cancelled);
        if !self.end_unsent(&mut tx, now, id, ends, &row).await? {
            // Somebody answered it in this moment.
            let request = stored(&mut tx, &id.to_string()).await?;
            return Ok(Confirmed::AlreadyHandled(request.state));
        }
        self.show_approval(&mut tx, now, id).await?;
        tx.commit().await?;
        Ok(Confirmed::Done { subject: pending.subject, joined: false, approval: false })
    }

    /// Yes from its asker, who has lost the right to it: a request that still waits ends.
    pub async fn refuse(
        &self,
        now: Timestamp,
        id: RequestId,
        actor: &Actor,
        detail: serde_json::Value,
    ) -> Result<Confirmed, Error> {
        let row = AuditRow::new(Event::Refused).detail(detail);
        self.not_confirmed(now, id, actor, RequestState::Refused, row).await
    }

    async fn not_confirmed(
        &self,
        now: Timestamp,
        id: RequestId,
        actor: &Actor,
        state: RequestState,
        row: AuditRow,
    ) -> Result<Confirmed, Error> {
        let mut tx = self.begin().await?;
        let subject = match self.answerable(&mut tx, now, id, actor).await? {
            Ok(subject) => subject,
            Err(no) => return Ok(no),
        };
        let mut row = row.by(actor).request(id);
        row.device = subject.device().map(|device| device.id);
        self.end_unsent(&mut tx, now, id, (RequestState::AwaitingConfirmation, state), &row).await?;
        tx.commit().await?;
        Ok(Confirmed::Done { subject, joined: false, approval: false })
    }

    /// What the request is about that `actor` may answer now, or why not.
    async fn answerable(
        &self,
        on: impl Into<On<'_>> + Send,
        now: Timestamp,
        id: RequestId,
        actor: &Actor,
    ) -> Result<Result<Subject, Confirmed>, Error> {
        let row = query(
            "SELECT r.state, r.actor_user, r.expires_at, r.target,
                    (SELECT COUNT(*) FROM device_syncs d WHERE d.request_id = r.id) AS devices,
                    (SELECT d.device FROM device_syncs d WHERE d.request_id = r.id LIMIT 1) AS device
               FROM requests r WHERE r.id = $1 AND r.tenant_id = $2",
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
        Ok(Ok(Subject::read(&row)?))
    }

    /// Ends a request of which nothing was sent, if it still is where `from` says. `false`: it is not.
    pub(super) async fn end_unsent(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: RequestId,
        (from, to): (RequestState, RequestState),
        audit: &AuditRow,
    ) -> Result<bool, Error> {
        let ended =
            query("UPDATE requests SET state = $3, finished_at = $4 WHERE id = $1 AND tenant_id = $2 AND state = $5")
                .bind(id.to_string())
                .bind(&self.tenant)
                .bind(to.as_str())
                .bind(millis(now))
                .bind(from.as_str())
                .execute(&mut *tx)
                .await?;
        if ended == 0 {
            return Ok(false);
        }
        let outcome = Outcome::Cancelled;
        query(
            "UPDATE device_syncs SET state = 'ended', outcome = $2, ended_as = $4, ended_at = $3 WHERE request_id = $1 AND state <> 'ended'",
        )
        .bind(id.to_string())
        .bind(to_json(&outcome))
        .bind(millis(now))
        .bind(outcome.word().as_str())
        .execute(&mut *tx)
        .await?;
        if from == RequestState::AwaitingApproval {
            forget_allowances(tx, id).await?;
            self.end_progress(tx, now, id).await?;
        }
        append(tx, &self.tenant, now, audit).await?;
        Ok(true)
    }

    /// Ends every request whose time to press Yes is over; returns when the next one's will be.
    pub async fn expire_requests(&self, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let mut tx = self.begin().await?;
        let rows = query(
            "SELECT r.id, r.actor, r.actor_user, r.target,
                    (SELECT COUNT(*) FROM device_syncs d WHERE d.request_id = r.id) AS devices,
                    (SELECT d.device FROM device_syncs d WHERE d.request_id = r.id LIMIT 1) AS device
               FROM requests r
              WHERE r.tenant_id = $1 AND r.state = 'awaiting_confirmation' AND r.expires_at <= $2",
        )
        .bind(&self.tenant)
        .bind(millis(now))
        .fetch_all(&mut tx)
        .await?;
        for row in rows {
            let id: RequestId = row.parsed("id")?;
            // One that cannot be read ends too, or it would stand in the way of all others.
            let actor: Actor = row.json("actor").unwrap_or_else(|_unreadable| stand_in::actor(&row));
            let subject = Subject::read(&row);
            let mut audit = AuditRow::new(Event::Expired).by(&actor).request(id);
            audit.device = subject.as_ref().ok().and_then(Subject::device).map(|device| device.id);
            self.end_unsent(&mut tx, now, id, (RequestState::AwaitingConfirmation, RequestState::Expired), &audit)
                .await?;
            let body = match subject {
                Ok(Subject::Device(device)) => Notice::Expired { device },
                Ok(Subject::Devices { target, count }) => Notice::BulkExpired { target, count },
                Err(_unreadable) => Notice::Unreadable,
            };
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
}
