//! A second person: the card that asks for them, the reminder, and what the asker and those who answer are told.

use commands::{CustomId, Verb};

use super::bulk::{banner, devices, named, platforms, target};
use super::clean::code;
use super::refusal::refusal;
use super::words::{capital, denial, last_check_in, mention, name, platform, relative, time_of_day, user};
use crate::chat::ChatUserId;
use crate::discord::card::{Card, Embed, Tone};
use crate::identity::SignInFirst;
use crate::intune::{Device, OwnerType};
use crate::store::{
    ApprovalStep, Condition, Freeze, PendingApproval, RequestId, RequestState, RuleAsked, Subject, Voted,
};
use crate::sync::Answered;

/// Title of the dialog that asks why.
pub const REJECT_TITLE: &str = "Reject this sync";

/// Label of its one input.
pub const REJECT_LABEL: &str = "Why (the asker reads it; may be empty)";

/// Longest text of the card, in characters, of which Discord takes 4,096: a config may have many rules.
const LONGEST: usize = 4_000;

/// Groups and roles of a condition that are named.
const SOME: usize = 3;

/// The card in the approvals channel, in whatever state it is.
pub fn approval(
    pending: &PendingApproval,
    all: &[Device],
    rejection: Option<&(ChatUserId, Option<String>)>,
    freeze: Option<&Freeze>,
    now: jiff::Timestamp,
) -> Card {
    let asker = mention(pending.request.actor.user);
    let what = match &pending.subject {
        Subject::Device(device) => name(device),
        Subject::Devices { count, .. } => devices(usize::try_from(*count).unwrap_or(usize::MAX)),
    };
    let mut text = vec![match &pending.subject {
        Subject::Device(device) => format!(
            "{asker} wants {} to check in now: {}, {}, last check-in {}.",
            name(device),
            platform(device),
            user(device),
            last_check_in(device, now)
        ),
        Subject::Devices { target: what, .. } => {
            format!("{asker} wants these devices to check in now. {}: {}.", target(what), platforms(all))
        }
    }];
    if pending.subject.device().is_none() {
        text.push(named(all));
        text.push("The attached table says more of each.".to_owned());
    }
    text.push(pending.rules.iter().map(|rule| rule_line(pending, rule)).collect::<Vec<_>>().join("\n"));
    if pending.round > 1 {
        text.push("The devices changed before anything was sent: earlier votes are void.".to_owned());
    }
    let waits = pending.request.state == RequestState::AwaitingApproval;
    text.extend(freeze.filter(|_| waits).map(banner));
    let reason = pending.request.reason.as_deref().map(|reason| code(reason, 200)).unwrap_or_default();
    let (tone, title) = match pending.request.state {
        RequestState::AwaitingApproval => (Tone::Attention, format!("Approve the sync of {what}?")),
        RequestState::Rejected => (Tone::Bad, format!("Rejected: sync of {what}")),
        RequestState::Expired => (Tone::Neutral, format!("Not approved in time: sync of {what}")),
        RequestState::Cancelled => (Tone::Neutral, format!("Withdrawn: sync of {what}")),
        _ => (Tone::Good, format!("Approved: sync of {what}")),
    };
    if let Some((by, why)) = rejection {
        let why = why.as_deref().map(|why| format!(": {}", code(why, 300))).unwrap_or_default();
        text.push(format!("{} rejected it{why}.", mention(*by)));
    }
    let text: String = text.join("\n\n").chars().take(LONGEST).collect();
    let embed = Embed::new(tone, title, text).field("Reason", reason);
    if !waits {
        return Card::of(embed);
    }
    let id = pending.request.id.0;
    Card::of(embed.field("Answer", format!("expires {}", relative(pending.expires_at))))
        .button("Approve", CustomId::approve(id, pending.round), true)
        .button("Reject", CustomId::new(Verb::Reject, id), false)
}

fn rule_line(pending: &PendingApproval, rule: &RuleAsked) -> String {
    let votes: Vec<_> =
        pending.votes.iter().filter(|vote| vote.rules.contains(&rule.name)).map(|vote| mention(vote.by.user)).collect();
    let have = if votes.is_empty() { String::new() } else { format!(": {}", votes.join(", ")) };
    let roles: Vec<_> = rule.roles.iter().map(|role| format!("<@&{role}>")).collect();
    let mut who = roles.join(", ");
    if !rule.groups.is_empty() {
        who.push_str(if who.is_empty() { "members of an Entra group" } else { " or members of an Entra group" });
    }
    let afresh = if rule.step_up { " Each signs in to Microsoft afresh for it." } else { "" };
    let conditions: Vec<_> = rule.conditions.iter().map(condition).collect();
    let conditions = if conditions.is_empty() { String::new() } else { format!(" ({})", conditions.join(", ")) };
    format!(
        "Rule {}{conditions}: {} of {} agreed{have}. May approve: {who}.{afresh}",
        code(&rule.name, 40),
        votes.len(),
        rule.needed
    )
}

/// Why a rule applies, as one of its conditions.
fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Devices(least) => format!("{least} or more devices"),
        Condition::Platforms(platforms) => {
            format!("a device with {}", one_of(platforms.iter().map(ToString::to_string)))
        }
        Condition::Owner(OwnerType::Company) => "a company device".to_owned(),
        Condition::Owner(OwnerType::Personal) => "a personal device".to_owned(),
        Condition::Groups(groups) => {
            format!("a device or user of the group {}", one_of(groups.iter().map(|group| format!("`{group}`"))))
        }
        Condition::Outside(hours) => format!("outside of {}", code(hours, 60)),
        Condition::AskerRoles(roles) => {
            format!("asked by {}", one_of(roles.iter().map(|role| format!("<@&{role}>"))))
        }
    }
}

/// "a or b"; of many only the first.
fn one_of(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(SOME);
    let named = items.take(SOME).collect::<Vec<_>>().join(" or ");
    if more == 0 { named } else { format!("{named} or {more} more") }
}

/// It waits for long. Nobody is pinged.
pub fn approval_reminder(pending: &PendingApproval) -> Card {
    let what = match &pending.subject {
        Subject::Device(device) => name(device),
        Subject::Devices { count, .. } => devices(usize::try_from(*count).unwrap_or(usize::MAX)),
    };
    Card::text(format!(
        "⏳ {} still waits for somebody to approve or reject the sync of {what}. It ends {}.",
        mention(pending.request.actor.user),
        relative(pending.expires_at)
    ))
}

/// What the asker is told; as long as nothing is sent, they can withdraw.
pub fn approval_step(step: &ApprovalStep, request: RequestId) -> Card {
    let (tone, title, text) = match step {
        ApprovalStep::Agreed { by, missing } => (
            Tone::Neutral,
            "One more has agreed",
            format!("{} agreed. {} more to go; nothing was sent yet.", mention(*by), missing),
        ),
        ApprovalStep::Approved { by } => (
            Tone::Good,
            "Approved",
            format!("{} agreed. Rights are looked at once more, then Intune is asked.", mention(*by)),
        ),
        ApprovalStep::Rejected { by, reason } => {
            let why = reason.as_deref().map(|why| format!(" Why: {}.", code(why, 300))).unwrap_or_default();
            (Tone::Bad, "Rejected", format!("{} did not agree.{why} Nothing was sent.", mention(*by)))
        }
        ApprovalStep::Expired => (
            Tone::Bad,
            "Nobody agreed in time",
            "Nothing was sent. Send the command again if you still want the sync, and tell somebody who may approve."
                .to_owned(),
        ),
        ApprovalStep::Changed { count } => (
            Tone::Attention,
            "The devices have changed",
            format!("There are {count} now. Everybody has to agree anew; nothing was sent yet."),
        ),
        ApprovalStep::AskedAnew => (
            Tone::Attention,
            "It waits for approval again",
            "What you asked for does not stand for the devices any more that were agreed to, and nothing was sent yet. Withdraw it and send a new command if you still want the sync."
                .to_owned(),
        ),
    };
    let card = Card::of(Embed::new(tone, title, text));
    let waits = matches!(step, ApprovalStep::Agreed { .. } | ApprovalStep::Changed { .. } | ApprovalStep::AskedAnew);
    if waits { withdrawable(card, request) } else { card }
}

/// With the button by which the asker of a request that waits for approval takes it back.
pub(super) fn withdrawable(card: Card, request: RequestId) -> Card {
    card.button("Withdraw", CustomId::new(Verb::No, request.0), false)
}

/// What somebody is told whose Approve counts only after a fresh sign-in.
pub fn sign_in_first(first: &SignInFirst) -> Card {
    let way = match first {
        SignInFirst::By(way) => way,
        SignInFirst::NotLinked => {
            return Card::text(
                "A rule on the card wants you to sign in to Microsoft for this, and I do not know which Microsoft account is yours. Type `/link` first, then press Approve again. Your click changed nothing.",
            );
        }
        SignInFirst::NotHere => {
            return Card::text(
                "A rule on the card wants you to sign in to Microsoft for this, and signing in is not set up here any more. Ask the admin of this bot. Your click changed nothing.",
            );
        }
    };
    let text = format!(
        "A rule on the card wants to be sure that it is you. Nothing is approved yet.\n\n1. Press **Sign in with Microsoft** and sign in again, with your second factor.\n2. Come back and press **Approve** on the card once more.\n\nThe sign-in link is yours alone: give it to nobody. It counts once, for this approval, until {}.",
        time_of_day(way.until)
    );
    Card::of(Embed::new(Tone::Attention, "Sign in to approve", text)).link("Sign in with Microsoft", way.url.clone())
}

/// What somebody who pressed Approve or Reject is told.
pub fn answered(answered: &Answered) -> Card {
    let nothing = "Your click changed nothing.";
    Card::text(match answered {
        Answered::Voted(Voted::Counted(missing)) => format!("Your word counts. {missing} more to go."),
        Answered::Voted(Voted::Approved) => "Approved. It goes on by itself; the asker is told.".to_owned(),
        Answered::Voted(Voted::Rejected) => "Rejected. Nothing is sent; the asker is told.".to_owned(),
        Answered::Voted(Voted::SignInFirst) => format!("You have to sign in afresh first. {nothing}"),
        Answered::Voted(Voted::Already) => format!("You agreed before. {nothing}"),
        Answered::Voted(Voted::Own) => format!("Nobody approves what they asked for themselves. {nothing}"),
        Answered::Voted(Voted::TooLate(state)) => {
            let what = match state {
                RequestState::AwaitingApproval => "The card has changed in the meantime; look at it again.",
                RequestState::Running | RequestState::Finished => "It was approved already.",
                RequestState::Rejected => "It was rejected already.",
                RequestState::Expired => "Its time is over.",
                RequestState::Cancelled | RequestState::Refused | RequestState::AwaitingConfirmation => {
                    "It does not wait for anybody."
                }
            };
            format!("{what} {nothing}")
        }
        Answered::Voted(Voted::NotFound) => format!("This request is not known any more. {nothing}"),
        Answered::NotKnown(why) => return refusal(why, "sync"),
        Answered::NotApprover => {
            format!("None of the rules on the card names you as somebody who may approve. {nothing}")
        }
        Answered::NotAllowed { denial: why, devices: count } => format!(
            "You may approve only what you may sync yourself, and that is not so for {}. {} {nothing}",
            devices(*count),
            capital(&denial(why, "sync"))
        ),
        Answered::Changed { count } => format!(
            "The devices behind this request have changed: there are {count} now. The card shows them; earlier votes are void, so please look and press again."
        ),
        Answered::NothingLeft => format!(
            "None of the devices behind this request is there any more. Reject it, or ask the asker to look again. {nothing}"
        ),
        Answered::TooMany { count, max } => format!(
            "By now {count} devices fit, and a request takes {max}. It cannot be approved any more; ask the asker for a narrower one. {nothing}"
        ),
    })
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::super::samples;
    use super::*;
    use crate::chat::ChatRoleId;
    use crate::intune::{GroupId, Platform};
    use crate::store::{BulkTarget, Reply, StoredRequest};

    fn pending(rules: Vec<RuleAsked>) -> PendingApproval {
        let name = "Lab".to_owned();
        let target = BulkTarget::Group { id: GroupId(uuid::Uuid::nil()), name };
        let request = StoredRequest {
            id: samples::request(),
            state: RequestState::AwaitingApproval,
            actor: samples::actor(),
            reason: None,
            created_at: samples::now(),
            reply: Reply { token: SecretString::from(""), until: samples::now() },
            target: Some(target.clone()),
            agreed_at: None,
        };
        let subject = Subject::Devices { target, count: 2 };
        PendingApproval { request, subject, rules, round: 1, votes: Vec::new(), expires_at: samples::now() }
    }

    fn rule(name: &str, conditions: Vec<Condition>) -> RuleAsked {
        let (name, roles) = (name.to_owned(), vec![ChatRoleId(207)]);
        RuleAsked { name, roles, groups: Vec::new(), needed: 1, step_up: false, conditions }
    }

    fn groups(count: u128) -> Vec<GroupId> {
        (0..count).map(|number| GroupId(uuid::Uuid::from_u128(number))).collect()
    }

    #[test]
    fn each_rule_says_why_it_applies() {
        let rules = vec![
            rule("none", Vec::new()),
            rule(
                "all",
                vec![
                    Condition::Devices(20),
                    Condition::Platforms(vec![Platform::Ios, Platform::IpadOs]),
                    Condition::Owner(OwnerType::Personal),
                    Condition::Groups(groups(5)),
                    Condition::Outside("Mon-Fri 08:00-18:00 Europe/Berlin".to_owned()),
                    Condition::AskerRoles(vec![ChatRoleId(201)]),
                ],
            ),
        ];
        let devices = [samples::device(), samples::ipad()];
        insta::assert_snapshot!(approval(&pending(rules), &devices, None, None, samples::now()));
    }

    #[test]
    fn however_many_rules_there_are_discord_takes_the_card() {
        let rules =
            (0..60).map(|number| rule(&format!("rule {number}"), vec![Condition::Groups(groups(40))])).collect();
        let card = approval(&pending(rules), &vec![samples::device(); 5_000], None, None, samples::now());
        let text = card.embed.expect("an embed").description;
        assert!(text.chars().count() <= 4_096, "{}", text.chars().count());
    }
}
