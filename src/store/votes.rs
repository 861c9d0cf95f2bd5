//! Votes on a request that waits for a second person: each counts once, for its round, and never for one's own.

use jiff::Timestamp;
use serde_json::json;

use super::approvals::{PendingApproval, Vote};
use super::audit::append;
use super::engine::Tx;
use super::model::RequestState;
use super::notice::ApprovalStep;
use super::query::query;
use super::row::{json as to_json, millis};
use super::{AuditRow, Error, Event, RequestId, Store};
use crate::chat::{Actor, ChatUserId};

/// What a press of Approve or Reject did.
#[derive(Clone, Debug)]
pub enum Voted {
    /// It counts; so many more have to agree.
    Counted(u32),
    /// It was the last that was missing.
    Approved,
    /// It ends the request.
    Rejected,
    /// They agreed before.
    Already,
    /// A rule wants them to sign in afresh first, and that has not happened, was used already, or was for something else.
    SignInFirst,
    /// Nobody answers for themselves.
    Own,
    /// It was answered, or its time is over.
    TooLate(RequestState),
    /// No such request.
    NotFound,
}

impl Store {
    /// Somebody agrees, for these rules. Only a request of the round they saw counts, in time, and never their own.
    pub async fn approve(
        &self,
        now: Timestamp,
        seen: &PendingApproval,
        actor: &Actor,
        rules: &[String],
        detail: serde_json::Value,
    ) -> Result<Voted, Error> {
        let id = seen.request.id;
        let mut tx = self.begin().await?;
        if let Some(no) = self.not_votable(&mut tx, now, id, actor, Some(seen.round)).await? {
            return Ok(no);
        }
        let counted = query(
            "INSERT INTO approval_votes (request_id, round, approver_user, tenant_id, approver, rules, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (request_id, round, approver_user) DO NOTHING",
        )
        .bind(id.to_string())
        .bind(seen.round)
        .bind(actor.user.to_string())
        .bind(&self.tenant)
        .bind(to_json(actor))
        .bind(to_json(&rules))
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        if counted == 0 || self.voted_as_somebody_else(&mut tx, seen, actor).await? {
            return Ok(Voted::Already);
        }
        let wants_proof = seen.rules.iter().any(|rule| rule.step_up && rules.contains(&rule.name));
        let signed_in_at = if wants_proof { self.use_step_up(&mut tx, now, seen, actor).await? } else { None };
        if wants_proof && signed_in_at.is_none() {
            // Nothing of this is committed.
            return Ok(Voted::SignInFirst);
        }
        let votes = query("SELECT approver, rules FROM approval_votes WHERE request_id = $1 AND round = $2")
            .bind(id.to_string())
            .bind(seen.round)
            .fetch_all(&mut tx)
            .await?;
        let mut after = seen.clone();
        after.votes.clear();
        for vote in &votes {
            after.votes.push(Vote { by: vote.json("approver")?, rules: vote.json("rules")? });
        }
        let missing = after.most_missing();
        let mut detail = json!({ "rules": rules, "missing": missing, "decision": detail });
        if let Some(at) = signed_in_at {
            detail["signed_in_at"] = json!(at);
        }
        append(&mut tx, &self.tenant, now, &AuditRow::new(Event::Approved).by(actor).request(id).detail(detail))
            .await?;
        if missing == 0 {
            query("UPDATE requests SET state = 'running' WHERE id = $1 AND state = 'awaiting_approval'")
                .bind(id.to_string())
                .execute(&mut tx)
                .await?;
            self.note_agreed(&mut tx, now, seen).await?;
            self.set_off(&mut tx, now, id, &seen.subject).await?;
            self.tell_asker(&mut tx, now, id, ApprovalStep::Approved { by: actor.user }).await?;
            if let Some(device) = seen.subject.device().filter(|_| now < seen.request.reply.until) {
                self.schedule_last_edit(&mut tx, id, device, seen.request.reply.until).await?;
            }
            self.show_bulk_progress(&mut tx, now, &seen.request).await?;
            self.finish_if_over(&mut tx, now, id).await?;
        } else {
            self.tell_asker(&mut tx, now, id, ApprovalStep::Agreed { by: actor.user, missing }).await?;
        }
        self.show_approval(&mut tx, now, id).await?;
        tx.commit().await?;
        Ok(if missing == 0 { Voted::Approved } else { Voted::Counted(missing) })
    }

    /// Somebody refuses.
    pub async fn reject(
        &self,
        now: Timestamp,
        id: RequestId,
        actor: &Actor,
        reason: Option<&str>,
    ) -> Result<Voted, Error> {
        let mut tx = self.begin().await?;
        if let Some(no) = self.not_votable(&mut tx, now, id, actor, None).await? {
            return Ok(no);
        }
        let row = AuditRow::new(Event::Rejected).by(actor).request(id).detail(json!({ "reason": reason }));
        self.end_unsent(&mut tx, now, id, (RequestState::AwaitingApproval, RequestState::Rejected), &row).await?;
        query("UPDATE approvals SET ended_by = $2, ended_reason = $3 WHERE request_id = $1")
            .bind(id.to_string())
            .bind(actor.user.to_string())
            .bind(reason)
            .execute(&mut tx)
            .await?;
        let what = ApprovalStep::Rejected { by: actor.user, reason: reason.map(str::to_owned) };
        self.tell_asker(&mut tx, now, id, what).await?;
        self.show_approval(&mut tx, now, id).await?;
        tx.commit().await?;
        Ok(Voted::Rejected)
    }

    /// Why this person's word does not count now, if so.
    async fn not_votable(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: RequestId,
        actor: &Actor,
        round: Option<u32>,
    ) -> Result<Option<Voted>, Error> {
        let row = query(
            "SELECT r.state, r.actor_user, a.expires_at, a.round FROM requests r JOIN approvals a ON a.request_id = r.id
              WHERE r.id = $1 AND r.tenant_id = $2",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(Some(Voted::NotFound)) };
        let asker: ChatUserId = row.parsed("actor_user")?;
        if asker == actor.user || self.is_one_person(&mut *tx, asker, actor.user).await? {
            return Ok(Some(Voted::Own));
        }
        let state = RequestState::read(&row.text("state")?)?;
        let is_over = row.at("expires_at")? <= now;
        if state != RequestState::AwaitingApproval || is_over {
            let state = if state == RequestState::AwaitingApproval { RequestState::Expired } else { state };
            return Ok(Some(Voted::TooLate(state)));
        }
        // The card that they saw is not the one that waits.
        let other_round = round.is_some_and(|round| row.count("round").ok() != Some(round));
        Ok(other_round.then_some(Voted::TooLate(RequestState::AwaitingApproval)))
    }

    /// Whether this person has voted in this round through another chat account.
    async fn voted_as_somebody_else(&self, tx: &mut Tx, seen: &PendingApproval, actor: &Actor) -> Result<bool, Error> {
        let row = query(
            "SELECT 1 FROM approval_votes v
               JOIN links theirs ON theirs.tenant_id = v.tenant_id AND theirs.chat_user = v.approver_user
               JOIN links mine ON mine.tenant_id = v.tenant_id AND mine.chat_user = $3 AND mine.entra_user = theirs.entra_user
              WHERE v.request_id = $1 AND v.round = $2 AND v.approver_user <> $3",
        );
        let row = row.bind(seen.request.id.to_string()).bind(seen.round).bind(actor.user.to_string());
        Ok(row.fetch_optional(tx).await?.is_some())
    }

    /// Whether two chat accounts are, or were, linked to one Entra person, who may move their link from one to the other.
    async fn is_one_person(&self, tx: &mut Tx, one: ChatUserId, other: ChatUserId) -> Result<bool, Error> {
        let row = query(
            "SELECT 1 FROM links a JOIN links b ON b.tenant_id = a.tenant_id AND b.entra_user = a.entra_user
              WHERE a.tenant_id = $1 AND a.chat_user = $2 AND b.chat_user = $3",
        );
        let row = row.bind(&self.tenant).bind(one.to_string()).bind(other.to_string());
        Ok(row.fetch_optional(tx).await?.is_some())
    }

    /// How an approval ended that was refused: by whom, and why.
    pub async fn rejection(&self, id: RequestId) -> Result<Option<(ChatUserId, Option<String>)>, Error> {
        let row = query("SELECT ended_by, ended_reason FROM approvals WHERE request_id = $1 AND ended_by IS NOT NULL")
            .bind(id.to_string())
            .fetch_optional(&self.engine)
            .await?;
        row.map(|row| Ok((row.parsed("ended_by")?, row.optional_text("ended_reason")?))).transpose()
    }
}
