//! Approvals: who may agree to a request, and what their word does.

use std::collections::BTreeSet;

use serde_json::json;

use super::agreement::Drift;
use super::desk::{Desk, Trouble};
use super::refusal::Refusal;
use crate::chat::Actor;
use crate::graph::Patience;
use crate::identity::CheckFailed;
use crate::intune::{Decision, Denial, GroupId, Task};
use crate::store::{PendingApproval, RequestId, RequestState, RuleAsked, Voted};

/// What Approve or Reject did.
#[derive(Clone, Debug)]
pub enum Answered {
    /// It counts.
    Voted(Voted),
    /// None of the rules names them.
    NotApprover,
    /// The gate says no about them, or about so many of the devices.
    NotAllowed {
        /// Why, for the first of them.
        denial: Denial,
        /// How many devices.
        devices: usize,
    },
    /// The devices are other ones by now; everybody has to agree anew.
    Changed {
        /// How many there are now.
        count: usize,
    },
    /// What the devices are by now cannot be told.
    NotKnown(Refusal),
    /// None of its devices is there any more.
    NothingLeft,
    /// They are so many by now that nobody can agree to them at once.
    TooMany {
        /// How many.
        count: usize,
        /// How many are taken.
        max: usize,
    },
}

/// Whether a rule names this person by a chat role.
fn by_role(actor: &Actor, rule: &RuleAsked) -> bool {
    rule.roles.iter().any(|role| actor.roles.contains(role))
}

/// The round of a card that does not name one: an older version of the bot showed it, and every later round is shown anew.
const FIRST_ROUND: u32 = 1;

impl Desk {
    /// Somebody presses Approve on the card of this round.
    pub async fn approve(&self, actor: &Actor, id: RequestId, round: Option<u32>) -> Result<Answered, Trouble> {
        let since = self.gate.begin(actor);
        let pending = match self.pending(actor, id).await? {
            Ok(pending) => pending,
            Err(answered) => return Ok(answered),
        };
        if pending.round != round.unwrap_or(FIRST_ROUND) {
            // A card that was not shown anew yet: its reader has not seen these devices.
            self.click_ignored(actor, Some(id), "another_round").await?;
            return Ok(Answered::Voted(Voted::TooLate(RequestState::AwaitingApproval)));
        }
        let rules = match self.counts_for(actor, &pending.rules).await? {
            rules if rules.is_empty() => return self.not_an_approver(actor, id).await,
            rules => rules,
        };
        let devices = self.store.open_devices_of(id).await?;
        let all: Vec<_> = devices.iter().collect();
        let rulings = self.gate.rule_many(Task::SyncDevice, actor, &all, since, Patience::Interactive).await;
        let mut denied = Vec::new();
        for ruling in self.checked(actor, rulings).await? {
            let ruling = self.checked(actor, ruling.map_err(CheckFailed::from)).await?;
            if let Decision::Denied(denial) = ruling.decision {
                denied.push(denial);
            }
        }
        if let Some(denial) = denied.first() {
            self.click_ignored(actor, Some(id), "approver_not_allowed").await?;
            return Ok(Answered::NotAllowed { denial: denial.clone(), devices: denied.len() });
        }
        let max = self.settings.sync.max_devices;
        match self.drift(actor, &pending, &devices).await? {
            Drift::None => {}
            Drift::NotKnown(refusal) => {
                self.click_ignored(actor, Some(id), "devices_not_known").await?;
                return Ok(Answered::NotKnown(refusal));
            }
            Drift::NothingLeft => {
                self.click_ignored(actor, Some(id), "no_device_left").await?;
                return Ok(Answered::NothingLeft);
            }
            Drift::Other(others) if others.devices.len() > max => {
                self.click_ignored(actor, Some(id), "too_many_devices").await?;
                return Ok(Answered::TooMany { count: others.devices.len(), max });
            }
            Drift::Other(others) => {
                self.ask_about(&pending, &others).await?;
                return Ok(Answered::Changed { count: others.devices.len() });
            }
        }
        let detail = json!({ "devices": devices.len() });
        let voted = self.store.approve(self.clock.now(), &pending, actor, &rules, detail).await?;
        self.note_lost_vote(actor, id, &voted).await?;
        self.wake();
        Ok(Answered::Voted(voted))
    }

    /// Whether the dialog of Reject may be shown to this person. It must open within seconds, so Graph is not asked: who is in a group of
    /// a rule is looked up when the dialog is sent.
    pub async fn may_reject(&self, actor: &Actor, id: RequestId) -> Result<Result<(), Answered>, Trouble> {
        let pending = match self.pending(actor, id).await? {
            Ok(pending) => pending,
            Err(answered) => return Ok(Err(answered)),
        };
        if pending.rules.iter().any(|rule| !rule.groups.is_empty() || by_role(actor, rule)) {
            return Ok(Ok(()));
        }
        self.not_an_approver(actor, id).await.map(Err)
    }

    /// Somebody refuses, perhaps with a reason.
    pub async fn reject(&self, actor: &Actor, id: RequestId, reason: Option<&str>) -> Result<Answered, Trouble> {
        self.gate.begin(actor);
        let pending = match self.pending(actor, id).await? {
            Ok(pending) => pending,
            Err(answered) => return Ok(answered),
        };
        if self.counts_for(actor, &pending.rules).await?.is_empty() {
            return self.not_an_approver(actor, id).await;
        }
        let voted = self.store.reject(self.clock.now(), id, actor, reason).await?;
        self.note_lost_vote(actor, id, &voted).await?;
        self.wake();
        Ok(Answered::Voted(voted))
    }

    async fn not_an_approver(&self, actor: &Actor, id: RequestId) -> Result<Answered, Trouble> {
        self.click_ignored(actor, Some(id), "not_an_approver").await?;
        Ok(Answered::NotApprover)
    }

    /// The request, if this person's word on it could count at all.
    async fn pending(&self, actor: &Actor, id: RequestId) -> Result<Result<PendingApproval, Answered>, Trouble> {
        let no = match self.store.approval(id).await? {
            None => Voted::NotFound,
            Some(pending) if pending.request.actor.user == actor.user => Voted::Own,
            Some(pending) if pending.request.state != RequestState::AwaitingApproval => {
                Voted::TooLate(pending.request.state)
            }
            Some(pending) => return Ok(Ok(pending)),
        };
        self.note_lost_vote(actor, id, &no).await?;
        Ok(Err(Answered::Voted(no)))
    }

    async fn note_lost_vote(&self, actor: &Actor, id: RequestId, voted: &Voted) -> Result<(), Trouble> {
        let why = match voted {
            Voted::Counted(_) | Voted::Approved | Voted::Rejected | Voted::SignInFirst => return Ok(()),
            Voted::Already => "voted_before",
            Voted::Own => "own_request",
            Voted::TooLate(state) => state.as_str(),
            Voted::NotFound => "unknown",
        };
        self.click_ignored(actor, Some(id), why).await
    }

    /// The rules that name this person, by a chat role or by a group of the Entra person they are.
    async fn counts_for(&self, actor: &Actor, rules: &[RuleAsked]) -> Result<Vec<String>, Trouble> {
        let groups: BTreeSet<GroupId> = rules.iter().flat_map(|rule| rule.groups.iter().copied()).collect();
        let member_of = if groups.is_empty() {
            BTreeSet::new()
        } else {
            let found = self.gate.groups_of(actor.user, &groups, Patience::Interactive).await;
            self.checked(actor, found).await?
        };
        let named = rules
            .iter()
            .filter(|rule| by_role(actor, rule) || rule.groups.iter().any(|group| member_of.contains(group)));
        Ok(named.map(|rule| rule.name.clone()).collect())
    }
}
