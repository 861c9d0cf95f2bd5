//! A fresh sign-in as proof for one approval: stored once, used once, by the transaction that counts the vote.

use jiff::Timestamp;
use serde_json::json;

use super::approvals::PendingApproval;
use super::audit::append;
use super::engine::Tx;
use super::link_attempts::Approves;
use super::query::query;
use super::row::millis;
use super::{AuditRow, Error, Event, LinkAttempt, Store};
use crate::chat::Actor;

impl Store {
    /// Writes down that the person behind the chat account signed in, seen by Entra at `at`. `false`: its time is over.
    pub async fn prove_step_up(
        &self,
        now: Timestamp,
        attempt: &LinkAttempt,
        approves: Approves,
        at: Timestamp,
    ) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let done = query(
            "UPDATE link_attempts SET phase = 'proven', signed_in_at = $3, nonce = NULL, verifier = NULL
              WHERE tenant_id = $1 AND id = $2 AND phase = 'signing_in' AND expires_at > $4",
        )
        .bind(&self.tenant)
        .bind(attempt.id.to_string())
        .bind(millis(at))
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        if done == 1 {
            let row = AuditRow::new(Event::SteppedUp).request(approves.request);
            let detail = json!({ "chat_user": attempt.chat_user, "round": approves.round, "signed_in_at": at });
            append(&mut tx, &self.tenant, now, &row.detail(detail)).await?;
        }
        tx.commit().await?;
        Ok(done == 1)
    }

    /// Uses up the proof that this person may approve this request in this round: when Entra saw them. `None`: there is none.
    pub(super) async fn use_step_up(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        seen: &PendingApproval,
        actor: &Actor,
    ) -> Result<Option<Timestamp>, Error> {
        let used = query(
            "UPDATE link_attempts SET phase = 'ended'
              WHERE tenant_id = $1 AND chat_user = $2 AND phase = 'proven' AND approves = $3 AND round = $4 AND expires_at > $5
             RETURNING signed_in_at",
        )
        .bind(&self.tenant)
        .bind(actor.user.to_string())
        .bind(seen.request.id.to_string())
        .bind(seen.round)
        .bind(millis(now))
        .fetch_optional(tx)
        .await?;
        used.map(|row| row.at("signed_in_at")).transpose()
    }
}
