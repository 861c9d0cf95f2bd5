//! What the rules of a config amount to: who must agree, who is told, and which rules never count. A line for each.

use std::fmt::Display;

use jiff::SignedDuration;

use crate::intune::OwnerType;
use crate::settings::{ApprovalRule, NotifyRule, Settings, Webhook};
use crate::store::Condition;
use crate::sync::conditions;

/// Who must agree to what.
pub(super) fn approvals(settings: &Settings) -> Vec<String> {
    if settings.approval_rules.is_empty() {
        return vec!["  Approval  no [[approval.rule]]: nobody else has to agree to a sync".to_owned()];
    }
    settings.approval_rules.iter().map(|rule| approval(rule, settings)).collect()
}

fn approval(rule: &ApprovalRule, settings: &Settings) -> String {
    let place =
        settings.discord.approvals_channel_id.map(|channel| format!(" in channel {channel}")).unwrap_or_default();
    let within = written(settings.sync.approval_timeout);
    let auto =
        rule.auto.map(|auto| format!("; {} device(s) in {} pass without anybody", auto.count, written(auto.per)));
    let step_up = if rule.step_up { "; whoever agrees signs in to Entra afresh" } else { "" };
    format!(
        "  Approval  {:?}, for {}: {} of {} must agree{place} within {within}{}{step_up}",
        rule.name,
        when(rule),
        rule.needed,
        who(rule),
        auto.unwrap_or_default(),
    )
}

/// The conditions, which must all hold.
fn when(rule: &ApprovalRule) -> String {
    all_of(conditions(rule).iter().map(|condition| Some(in_words(condition))), "every sync")
}

fn in_words(condition: &Condition) -> String {
    match condition {
        Condition::Devices(least) => format!("{least} device(s) or more"),
        Condition::Platforms(platforms) => format!("a device on {}", or(platforms)),
        Condition::Owner(OwnerType::Company) => "a company device".to_owned(),
        Condition::Owner(OwnerType::Personal) => "a personal device".to_owned(),
        Condition::Groups(groups) => format!("a device of group {}", or(groups)),
        Condition::Outside(hours) => format!("outside {hours}"),
        Condition::AskerRoles(roles) => format!("asked for by chat role {}", or(roles)),
    }
}

/// Those who may agree.
fn who(rule: &ApprovalRule) -> String {
    let roles = some(&rule.approver_roles).map(|roles| format!("the holders of chat role {roles}"));
    let groups = some(&rule.approver_groups).map(|groups| format!("the linked members of group {groups}"));
    roles.into_iter().chain(groups).collect::<Vec<_>>().join(" and ")
}

/// Who is told of which outcomes.
pub(super) fn notices(settings: &Settings) -> Vec<String> {
    let fallback = match (settings.discord.team_channel_id, settings.notify.rules.is_empty()) {
        (Some(team), true) => format!("are told in channel {team}"),
        (Some(team), false) => format!("that fit no [[notify.rule]] are told in channel {team}"),
        (None, true) => "are told to whoever asked, and to nobody else (no team_channel_id)".to_owned(),
        (None, false) => {
            "that fit no [[notify.rule]] are told to whoever asked, and to nobody else (no team_channel_id)".to_owned()
        }
    };
    let mut lines = vec![format!("  Outcomes  {fallback}")];
    lines.extend(settings.notify.rules.iter().map(notice));
    lines.extend(settings.notify.webhooks.iter().map(|webhook| {
        format!("  Webhook   {:?}: {}, signed", webhook.name, webhook.url.host_str().unwrap_or_default())
    }));
    lines
}

fn notice(rule: &NotifyRule) -> String {
    let large = (rule.min_devices > 1).then(|| format!("of a request for {} devices or more", rule.min_devices));
    let conditions = [
        some(&rule.outcomes),
        some(&rule.platforms).map(|platforms| format!("of a device on {platforms}")),
        some(&rule.groups).map(|groups| format!("of a device of group {groups}")),
        asked_by(&rule.asker_roles),
        large,
    ];
    let each = if rule.every_device { ", each device of a /bulk-sync" } else { "" };
    format!("  Notify    {:?}, for {}{each}: {}", rule.name, all_of(conditions, "every outcome"), told(rule))
}

/// Who is told.
fn told(rule: &NotifyRule) -> String {
    if rule.mute {
        return "nobody, and no later rule is looked at".to_owned();
    }
    let channel = rule.channel.map(|channel| format!("channel {channel}"));
    let webhook = rule.webhook.as_ref().map(|name| format!("webhook {name:?}"));
    let places = channel.into_iter().chain(webhook).collect::<Vec<_>>().join(" and ");
    let digest = if rule.digest.is_positive() {
        format!(", what comes within {} together", written(rule.digest))
    } else {
        String::new()
    };
    format!("{places}{digest}")
}

/// What is written and counts for nothing, or needs something else.
pub(super) fn notes(settings: &Settings) -> Vec<String> {
    let rules = &settings.notify.rules;
    let behind = rules.iter().enumerate().filter_map(|(at, rule)| {
        // A mute of single devices and one of whole requests leave each other's rules alone.
        let mute = rules[..at].iter().find(|mute| mutes_all(mute) && mute.every_device == rule.every_device)?;
        Some(format!("[[notify.rule]] {:?} never counts: {:?} before it mutes every outcome", rule.name, mute.name))
    });
    let is_unused = |webhook: &&Webhook| rules.iter().all(|rule| rule.webhook.as_ref() != Some(&webhook.name));
    let unused = settings.notify.webhooks.iter().filter(is_unused);
    let unused =
        unused.map(|webhook| format!("[[notify.webhook]] {:?} is told nothing: no rule names it", webhook.name));
    let by_import =
        settings.approval_rules.iter().filter(|rule| settings.link.is_none() && rule.approver_roles.is_empty());
    let by_import = by_import.map(|rule| {
        let name = &rule.name;
        format!("[[approval.rule]] {name:?} can be approved by linked people only: there is no [link], so import their links")
    });
    behind.chain(unused).chain(by_import).map(|note| format!("  Note      {note}")).collect()
}

fn mutes_all(rule: &NotifyRule) -> bool {
    rule.mute
        && rule.outcomes.is_empty()
        && rule.platforms.is_empty()
        && rule.groups.is_empty()
        && rule.asker_roles.is_empty()
        && rule.min_devices <= 1
}

fn asked_by(roles: &[impl Display]) -> Option<String> {
    some(roles).map(|roles| format!("asked for by chat role {roles}"))
}

/// "a or b"; nothing where the list is empty.
pub(super) fn some(items: &[impl Display]) -> Option<String> {
    (!items.is_empty()).then(|| or(items))
}

fn or(items: &[impl Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

fn all_of(conditions: impl IntoIterator<Item = Option<String>>, none: &str) -> String {
    let conditions: Vec<_> = conditions.into_iter().flatten().collect();
    if conditions.is_empty() { none.to_owned() } else { conditions.join(", ") }
}

/// A duration as the config writes it.
pub(super) fn written(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let unit = units.into_iter().find(|(unit, _)| seconds != 0 && seconds % unit == 0);
    let (unit, letter) = unit.unwrap_or((1, 's'));
    format!("{}{letter}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_as_the_config_has_it() {
        for text in ["0s", "45s", "15m", "90m", "8h", "1d", "730d"] {
            assert_eq!(written(crate::settings::parse_duration(text).unwrap()), text);
        }
    }
}
