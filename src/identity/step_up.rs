//! Step-up: an approver signs in to Entra afresh, and that counts for one approval.
//!
//! A stolen chat account is not enough then: whoever presses Approve must also be, right now and by more than a password, the Entra person
//! that the account is linked to.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::link_refusal::LinkRefusal;
use super::linking::{Landing, LinkPage, Linking, Purpose, TIME, Way};
use crate::chat::Actor;
use crate::graph::SignedIn;
use crate::store::{Approves, Error, LinkAttempt, RequestId, Subject};

/// How far Entra's clock and ours may disagree about when somebody signed in.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// What somebody is told who has to sign in before their Approve counts.
#[derive(Debug)]
pub enum SignInFirst {
    /// By this way; its address is for them alone.
    By(Way),
    /// Their chat account is not linked, so nobody knows who should sign in.
    NotLinked,
    /// There is no sign-in here any more, or no such request.
    NotHere,
}

impl Linking {
    /// A way for this person to prove that it is they who approve this request as they see it.
    pub async fn step_up(&self, actor: &Actor, request: RequestId) -> Result<SignInFirst, Error> {
        let (Some(page), Some(pending)) = (&self.page, self.store.approval(request).await?) else {
            return Ok(SignInFirst::NotHere);
        };
        if self.store.link_of(actor.user).await?.is_none_or(|link| link.ended_at.is_some()) {
            return Ok(SignInFirst::NotLinked);
        }
        let approves = Approves { request, round: pending.round };
        let way = self.open_way(page, actor, Some(approves)).await?;
        tracing::info!(chat_user = %actor.user, %request, attempt = %way.attempt.reference(), "someone has to sign in afresh to approve");
        Ok(SignInFirst::By(way))
    }

    /// Whom and what the page is about.
    pub(super) async fn landing_of(&self, attempt: &LinkAttempt) -> Result<Landing, Error> {
        let purpose = match attempt.approves {
            None => Purpose::Link,
            Some(approves) => {
                let pending = self.store.approval(approves.request).await?;
                let asker = pending.as_ref().map(|pending| pending.request.actor.name.clone()).unwrap_or_default();
                match pending.map(|pending| pending.subject) {
                    Some(Subject::Device(device)) => {
                        Purpose::Approve { asker, device: Some(device.name.clone()), devices: 1 }
                    }
                    Some(Subject::Devices { count, .. }) => {
                        Purpose::Approve { asker, device: None, devices: u64::from(count) }
                    }
                    None => Purpose::Approve { asker, device: None, devices: 0 },
                }
            }
        };
        Ok(Landing { chat_user: attempt.chat_user, chat_name: attempt.chat_name.clone(), purpose })
    }

    /// Checks that it was the right person, just now, and by more than a password; then writes the proof down.
    pub(super) async fn prove(
        &self,
        page: &LinkPage,
        attempt: &LinkAttempt,
        approves: Approves,
        signed_in: &SignedIn,
    ) -> Result<Result<(), (LinkRefusal, Value)>, Error> {
        let detail = json!({ "entra_user": signed_in.id, "request": approves.request.to_string() });
        let linked = self.store.link_of(attempt.chat_user).await?.filter(|link| link.ended_at.is_none());
        if linked.is_none_or(|link| link.person.id != signed_in.id) {
            return Ok(Err((LinkRefusal::OtherPerson, detail)));
        }
        let opened_at = attempt.expires_at.saturating_sub(TIME.saturating_add(SKEW)).unwrap_or(attempt.expires_at);
        let Some(at) = signed_in.at.filter(|&at| at >= opened_at) else {
            return Ok(Err((LinkRefusal::NotFresh, detail)));
        };
        if !page.sign_in.satisfies_context(signed_in) {
            return Ok(Err((LinkRefusal::NotStrong, detail)));
        }
        if !self.store.prove_step_up(self.clock.now(), attempt, approves, at).await? {
            return Ok(Err((LinkRefusal::Expired, detail)));
        }
        tracing::info!(chat_user = %attempt.chat_user, request = %approves.request, "someone signed in afresh to approve");
        Ok(Ok(()))
    }
}
