//! `/access`: what am I, what may I do, and why not.

use super::clean::code;
use super::words::{NAME, denial, name};
use crate::discord::card::{Card, Embed, Tone};
use crate::identity::Holding;
use crate::intune::{Decision, Device};
use crate::sync::{AccessAnswer, Refusal};

/// The answer.
pub fn access(answer: &AccessAnswer) -> Card {
    let mut parts = Vec::new();
    if answer.standing.holdings.is_empty() {
        parts.push("None of your chat roles stands for an Intune role, so you may not look at or sync devices. Ask your helpdesk lead for the right chat role.".to_owned());
    } else {
        parts.push(answer.standing.holdings.iter().map(holding).collect::<Vec<_>>().join("\n"));
    }
    if let Some(about) = &answer.device {
        parts.push(about_device(about));
    }
    if answer.is_admin {
        parts.push("You are an admin of this bot: `/history` shows you everyone's requests.".to_owned());
    }
    let may_sync = answer.standing.holdings.iter().any(|holding| holding.role.is_some_and(|role| role.may_sync));
    let tone = if may_sync { Tone::Good } else { Tone::Attention };
    Card::of(Embed::new(tone, "What you may do here", parts.join("\n\n")).footer(
        "A chat role stands for an Intune role; that role's live permissions decide. They are read again before every sync.",
    ))
}

fn holding(holding: &Holding) -> String {
    let scope = match holding.scope_groups {
        None => "every device".to_owned(),
        Some(1) => "the devices of 1 scope group".to_owned(),
        Some(count) => format!("the devices of {count} scope groups"),
    };
    let may = match holding.role {
        None => "the tenant has no such role, so it grants nothing; the admin of this bot has to correct the config"
            .to_owned(),
        Some(role) if role.may_sync => format!("you may look at and sync {scope}"),
        Some(role) if role.may_read => {
            format!("you may look at {scope}; it does not include *Remote tasks/Sync devices*")
        }
        Some(_) => "it includes neither reading nor syncing devices".to_owned(),
    };
    format!("<@&{}> stands for **{}**: {may}.", holding.chat_role, code(&holding.intune_role, NAME))
}

fn about_device(about: &Result<(Box<Device>, Decision), Refusal>) -> String {
    match about {
        Ok((device, Decision::Allowed { role_name, .. })) => {
            format!("**{}**: you may sync it, by {}.", name(device), code(role_name, NAME))
        }
        // The name is not said: the person may not see this device.
        Ok((_, Decision::Denied(why))) => format!("**That device**: {}", denial(why, "sync")),
        Err(refusal) => {
            let card = super::refusal(refusal, "sync");
            card.embed.map(|embed| format!("**{}**: {}", embed.title, embed.description)).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::chat::ChatRoleId;
    use crate::identity::{HoldingRole, Standing};
    use crate::intune::{Denial, RoleId};

    fn held(role: Option<HoldingRole>, scope_groups: Option<usize>) -> Holding {
        Holding { chat_role: ChatRoleId(201), intune_role: "Help Desk Operator".to_owned(), role, scope_groups }
    }

    fn answer(holdings: Vec<Holding>) -> AccessAnswer {
        AccessAnswer { standing: Standing { holdings }, device: None, is_admin: false }
    }

    #[test]
    fn from_no_role_to_an_admin() {
        let sync = Some(HoldingRole { may_sync: true, may_read: true });
        let read = Some(HoldingRole { may_sync: false, may_read: true });
        let neither = Some(HoldingRole { may_sync: false, may_read: false });
        let allowed = Decision::Allowed { role: RoleId(uuid::Uuid::nil()), role_name: "Help Desk Operator".to_owned() };
        let denied = Decision::Denied(Denial::OutOfScope { roles: vec!["School Administrator".to_owned()] });
        let device = || Box::new(samples::device());
        let all = [
            answer(Vec::new()),
            answer(vec![held(sync, None), held(read, Some(1)), held(neither, Some(2)), held(None, None)]),
            AccessAnswer { device: Some(Ok((device(), allowed))), is_admin: true, ..answer(vec![held(sync, None)]) },
            AccessAnswer { device: Some(Ok((device(), denied))), ..answer(vec![held(sync, Some(1))]) },
            AccessAnswer {
                device: Some(Err(Refusal::UnknownDevice { text: "LT-9".to_owned() })),
                ..answer(vec![held(sync, None)])
            },
        ];
        insta::assert_snapshot!(all.map(|answer| access(&answer).to_string()).join("\n"));
    }
}
