//! Approval rules: which apply to a request, and whom they ask.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use super::desk::Desk;
use crate::chat::Actor;
use crate::graph::{Patience, Wanted};
use crate::intune::{Device, GroupId};
use crate::settings::ApprovalRule;
use crate::store::{ApprovalFrame, ApprovalWindow, Condition, RuleAsked, RuleDue};

impl Desk {
    /// The rules that apply to these devices, asked for by this person now. Where Graph does not say whether a device is in a
    /// group, the rule applies.
    pub(super) async fn rules_due(&self, actor: &Actor, devices: &[Device], now: Timestamp) -> Vec<RuleDue> {
        let rules = self.rules_that_may_apply(actor, devices, now);
        let reached = self.reached(&rules, devices).await;
        that_apply(&rules, &reached, now)
    }

    /// The same, where Graph has to say it within so long.
    pub(super) async fn rules_due_within(
        &self,
        actor: &Actor,
        devices: &[Device],
        now: Timestamp,
        within: Duration,
    ) -> Vec<RuleDue> {
        let rules = self.rules_that_may_apply(actor, devices, now);
        let reached = timeout(within, self.reached(&rules, devices)).await.unwrap_or_else(|_elapsed| {
            tracing::warn!(
                "Graph did not say in time whether devices are in a group of an approval rule: the rule applies"
            );
            vec![None]
        });
        that_apply(&rules, &reached, now)
    }

    fn rules_that_may_apply(&self, actor: &Actor, devices: &[Device], now: Timestamp) -> Vec<&ApprovalRule> {
        self.settings.approval_rules.iter().filter(|rule| may_apply(rule, actor, devices, now)).collect()
    }

    /// Every rule, for when it cannot be known which apply.
    pub(super) fn every_rule(&self, now: Timestamp) -> Vec<RuleDue> {
        // In doubt none of them lets anything through by itself.
        self.settings.approval_rules.iter().map(|rule| RuleDue { allowance: None, ..due_of(rule, now) }).collect()
    }

    /// Of each device, which of the rules' groups it is in, or its primary user; `None`: Graph does not say.
    async fn reached(&self, rules: &[&ApprovalRule], devices: &[Device]) -> Vec<Option<BTreeSet<GroupId>>> {
        let groups: BTreeSet<_> = rules.iter().flat_map(|rule| rule.groups.iter().copied()).collect();
        if groups.is_empty() {
            return Vec::new();
        }
        let wanted = Wanted { groups: &groups, user: false, tags: false };
        let devices: Vec<_> = devices.iter().collect();
        let reaches = self.graph.reaches(&devices, wanted, Patience::Once).await;
        let read = reaches.into_iter().map(|reach| match reach {
            Ok(reach) => Some(reach.groups),
            Err(error) => {
                tracing::warn!(%error, "it cannot be read whether a device is in a group of an approval rule: the rule applies");
                None
            }
        });
        read.collect()
    }

    /// How a second person is asked for; `None`: there is no channel for it.
    pub(super) fn approval_frame(&self, now: Timestamp) -> Option<ApprovalFrame> {
        Some(ApprovalFrame { channel: self.settings.discord.approvals_channel_id?, window: self.approval_window(now) })
    }

    /// For how long a second person is waited for that is asked now.
    pub(super) fn approval_window(&self, now: Timestamp) -> ApprovalWindow {
        let timeout = self.settings.sync.approval_timeout;
        let after = |wait| now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        ApprovalWindow { remind_at: after(timeout / 2), expires_at: after(timeout) }
    }
}

/// Of rules that may apply, those that do: one of the devices is in one of the rule's groups, or that cannot be known.
fn that_apply(rules: &[&ApprovalRule], reached: &[Option<BTreeSet<GroupId>>], now: Timestamp) -> Vec<RuleDue> {
    let may_be_in = |groups: &[GroupId]| {
        let is_in = |reach: &BTreeSet<GroupId>| groups.iter().any(|group| reach.contains(group));
        reached.iter().any(|reach| reach.as_ref().is_none_or(is_in))
    };
    let apply = rules.iter().filter(|rule| rule.groups.is_empty() || may_be_in(&rule.groups));
    apply.map(|rule| due_of(rule, now)).collect()
}

/// Whether every condition holds that can be seen without Graph.
fn may_apply(rule: &ApprovalRule, actor: &Actor, devices: &[Device], now: Timestamp) -> bool {
    let any = |holds: &dyn Fn(&Device) -> bool| devices.iter().any(holds);
    rule.min_devices.is_none_or(|least| devices.len() >= usize::try_from(least).unwrap_or(usize::MAX))
        && (rule.platforms.is_empty() || any(&|device| rule.platforms.contains(&device.platform)))
        && rule.owner.is_none_or(|owner| any(&|device| device.owner == Some(owner)))
        && rule.outside_hours.as_ref().is_none_or(|hours| !hours.contain(now))
        && (rule.asker_roles.is_empty() || rule.asker_roles.iter().any(|role| actor.roles.contains(role)))
}

fn due_of(rule: &ApprovalRule, now: Timestamp) -> RuleDue {
    RuleDue {
        asked: RuleAsked {
            name: rule.name.clone(),
            roles: rule.approver_roles.clone(),
            groups: rule.approver_groups.clone(),
            needed: rule.needed,
            step_up: rule.step_up,
            conditions: conditions(rule),
        },
        allowance: rule.auto.map(|auto| (auto.count, now.saturating_sub(auto.per).unwrap_or(Timestamp::MIN))),
    }
}

/// The conditions of a rule, all of which must hold.
pub fn conditions(rule: &ApprovalRule) -> Vec<Condition> {
    let list = |any: bool, condition: Condition| any.then_some(condition);
    let conditions = [
        rule.min_devices.map(Condition::Devices),
        list(!rule.platforms.is_empty(), Condition::Platforms(rule.platforms.clone())),
        rule.owner.map(Condition::Owner),
        list(!rule.groups.is_empty(), Condition::Groups(rule.groups.clone())),
        rule.outside_hours.as_ref().map(|hours| Condition::Outside(hours.to_string())),
        list(!rule.asker_roles.is_empty(), Condition::AskerRoles(rule.asker_roles.clone())),
    ];
    conditions.into_iter().flatten().collect()
}
