//! `/access`: what am I, what may I do, and why not.

use super::clean::code;
use super::words::{NAME, denial, name};
use crate::discord::card::{Card, Embed, Tone};
use crate::identity::{Held, HeldScope, Holding, HoldingRole, Standing};
use crate::intune::{Authority, Decision, Denial, Device};
use crate::sync::{AccessAnswer, Refusal};

/// The answer.
pub fn access(answer: &AccessAnswer) -> Card {
    let (mut parts, footer) = standing(&answer.standing);
    if let Some(about) = &answer.device {
        parts.push(about_device(about));
    }
    if answer.is_admin {
        parts.push("You are an admin of this bot: `/history` shows you everyone's requests.".to_owned());
    }
    let tone = if may_sync(&answer.standing) { Tone::Good } else { Tone::Attention };
    Card::of(Embed::new(tone, "What you may do here", parts.join("\n\n")).footer(footer))
}

const BY_CHAT: &str = "A chat role stands for an Intune role; that role's live permissions decide. They are read again before every sync.";

const BY_LINK: &str = "Intune's own role assignments of your Entra account decide. They are read again at every command and before every sync.";

fn standing(standing: &Standing) -> (Vec<String>, &'static str) {
    match standing {
        Standing::Nobody(why) => (vec![denial(why, "look at or sync")], BY_LINK),
        Standing::ChatRoles(holdings) if holdings.is_empty() => {
            let text = "None of your chat roles stands for an Intune role, so you may not look at or sync devices. Ask your helpdesk lead for the right chat role.";
            (vec![text.to_owned()], BY_CHAT)
        }
        Standing::ChatRoles(holdings) => (vec![holdings.iter().map(holding).collect::<Vec<_>>().join("\n")], BY_CHAT),
        Standing::Linked { person, holds, admin } => {
            let who = format!("You are {}.", super::link::person(person));
            let what = match (holds, admin) {
                (Err(why), _) => denial(why, "look at or sync"),
                (Ok(_), Some(role)) => {
                    format!("Your Entra role **{}** is active: you may look at and sync every device.", role.name())
                }
                (Ok(held), None) if held.is_empty() => denial(&Denial::NoAssignment, "look at or sync"),
                (Ok(held), None) => held.iter().map(assignment).collect::<Vec<_>>().join("\n"),
            };
            (vec![who, what], BY_LINK)
        }
    }
}

fn may_sync(standing: &Standing) -> bool {
    match standing {
        Standing::Nobody(_) => false,
        Standing::ChatRoles(holdings) => holdings.iter().any(|holding| holding.role.is_some_and(|role| role.may_sync)),
        Standing::Linked { holds, admin, .. } => {
            admin.is_some() || holds.as_ref().is_ok_and(|held| held.iter().any(|held| held.allows.may_sync))
        }
    }
}

fn assignment(held: &Held) -> String {
    let devices = match held.scope {
        HeldScope::Everything => "every device".to_owned(),
        HeldScope::AnyUser => "every device with a primary user".to_owned(),
        HeldScope::Groups(1) => "the devices of 1 scope group".to_owned(),
        HeldScope::Groups(count) => format!("the devices of {count} scope groups"),
        HeldScope::Unknown => "no device, because Intune gives it a scope that this bot does not know".to_owned(),
    };
    let devices = if held.tagged { format!("{devices}, where its scope tags fit") } else { devices };
    let may = match held.allows {
        HoldingRole { may_sync: true, .. } => format!("you may look at and sync {devices}"),
        HoldingRole { may_read: true, .. } => {
            format!("you may look at {devices}; it does not include *Remote tasks/Sync devices*")
        }
        HoldingRole { .. } => "it includes neither reading nor syncing devices".to_owned(),
    };
    format!("**{}** by the assignment {}: {may}.", code(&held.role, NAME), code(&held.assignment, NAME))
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
        Ok((device, Decision::Allowed { by })) => {
            format!("**{}**: you may sync it, by {}.", name(device), authority(by))
        }
        // They may look at it, or it would not be here.
        Ok((device, Decision::Denied(why))) => format!("**{}**: {}", name(device), denial(why, "sync")),
        Err(refusal) => {
            let card = super::refusal(refusal, "sync");
            card.embed.map(|embed| format!("**{}**: {}", embed.title, embed.description)).unwrap_or_default()
        }
    }
}

fn authority(by: &Authority) -> String {
    match by {
        Authority::ChatRole { role_name, .. } => code(role_name, NAME),
        Authority::Assignment { assignment_name, role_name, .. } => {
            format!("{} of the assignment {}", code(role_name, NAME), code(assignment_name, NAME))
        }
        Authority::EntraAdmin { role } => format!("your Entra role {}", role.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::chat::ChatRoleId;
    use crate::intune::{AssignmentId, EntraAdmin, EntraUserId, RoleId};
    use crate::store::EntraPerson;

    const SYNC: HoldingRole = HoldingRole { may_sync: true, may_read: true };
    const READ: HoldingRole = HoldingRole { may_sync: false, may_read: true };
    const NEITHER: HoldingRole = HoldingRole { may_sync: false, may_read: false };

    fn holding(role: Option<HoldingRole>, scope_groups: Option<usize>) -> Holding {
        Holding { chat_role: ChatRoleId(201), intune_role: "Help Desk Operator".to_owned(), role, scope_groups }
    }

    fn answer(standing: Standing) -> AccessAnswer {
        AccessAnswer { standing, device: None, is_admin: false }
    }

    fn chat(holdings: Vec<Holding>) -> AccessAnswer {
        answer(Standing::ChatRoles(holdings))
    }

    fn held(allows: HoldingRole, scope: HeldScope, tagged: bool) -> Held {
        let (role, assignment) = ("Help Desk Operator".to_owned(), "Helpdesk, everywhere".to_owned());
        Held { role, assignment, allows, scope, tagged }
    }

    fn linked(guest: bool, holds: Result<Vec<Held>, Denial>, admin: Option<EntraAdmin>) -> AccessAnswer {
        let (name, sign_in) = ("Hanna `Meyer`".to_owned(), "hanna@contoso.example".to_owned());
        let person = EntraPerson { id: EntraUserId(uuid::Uuid::from_u128(7)), name, sign_in, guest };
        answer(Standing::Linked { person, holds, admin })
    }

    fn shown(all: &[AccessAnswer]) -> String {
        all.iter().map(|answer| access(answer).to_string()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn from_no_role_to_an_admin() {
        let role_name = "Help Desk Operator".to_owned();
        let allowed = Decision::Allowed { by: Authority::ChatRole { role: RoleId(uuid::Uuid::nil()), role_name } };
        let denied = Decision::Denied(Denial::OutOfScope { roles: vec!["School Administrator".to_owned()] });
        let device = || Box::new(samples::device());
        let unknown = Refusal::UnknownDevice { text: "LT-9".to_owned(), hidden: None };
        let all = [
            chat(Vec::new()),
            chat(vec![
                holding(Some(SYNC), None),
                holding(Some(READ), Some(1)),
                holding(Some(NEITHER), Some(2)),
                holding(None, None),
            ]),
            AccessAnswer {
                device: Some(Ok((device(), allowed))),
                is_admin: true,
                ..chat(vec![holding(Some(SYNC), None)])
            },
            AccessAnswer { device: Some(Ok((device(), denied))), ..chat(vec![holding(Some(SYNC), Some(1))]) },
            AccessAnswer { device: Some(Err(unknown)), ..chat(vec![holding(Some(SYNC), None)]) },
        ];
        insta::assert_snapshot!(shown(&all));
    }

    #[test]
    fn by_the_roles_of_an_entra_account() {
        let by = Authority::Assignment {
            assignment: AssignmentId(uuid::Uuid::nil()),
            assignment_name: "Helpdesk, everywhere".to_owned(),
            role: RoleId(uuid::Uuid::nil()),
            role_name: "Help Desk Operator".to_owned(),
        };
        let admin = Authority::EntraAdmin { role: EntraAdmin::IntuneAdministrator };
        let device = |decision| Some(Ok((Box::new(samples::device()), decision)));
        let tag = Denial::ScopeTag { roles: vec!["Help Desk Operator".to_owned()] };
        let everything = || linked(false, Ok(vec![held(SYNC, HeldScope::Everything, false)]), None);
        let all = [
            answer(Standing::Nobody(Denial::NotLinked)),
            answer(Standing::Nobody(Denial::LinkEnded)),
            linked(false, Err(Denial::AccountEnded), None),
            linked(false, Ok(Vec::new()), None),
            linked(
                true,
                Ok(vec![
                    held(SYNC, HeldScope::Everything, true),
                    held(SYNC, HeldScope::AnyUser, false),
                    held(SYNC, HeldScope::Groups(1), false),
                    held(READ, HeldScope::Groups(3), true),
                    held(NEITHER, HeldScope::Everything, false),
                    held(SYNC, HeldScope::Unknown, false),
                ]),
                None,
            ),
            AccessAnswer { device: device(Decision::Allowed { by }), ..everything() },
            AccessAnswer { device: device(Decision::Denied(tag)), ..everything() },
            AccessAnswer {
                device: device(Decision::Allowed { by: admin }),
                ..linked(false, Ok(Vec::new()), Some(EntraAdmin::IntuneAdministrator))
            },
        ];
        insta::assert_snapshot!(shown(&all));
    }
}
