//! What someone is and may do, spelled out: the answer to `/access`.

use jiff::Timestamp;

use super::gate::{CheckFailed, Gate};
use super::holds::{Holds, Who, find};
use crate::chat::{Actor, ChatRoleId};
use crate::graph::Patience;
use crate::intune::{Denial, EntraAdmin, Grant, Scope, Source, Tags, Task};
use crate::store::EntraPerson;

/// Everything that counts for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing does, and why.
    Nobody(Denial),
    /// The chat roles of theirs that stand for an Intune role.
    ChatRoles(Vec<Holding>),
    /// The Intune roles of the Entra person they are.
    Linked {
        /// Who they are.
        person: EntraPerson,
        /// What they hold; an ended account holds nothing.
        holds: Result<Vec<Held>, Denial>,
        /// The active Entra role above Intune's own, if any.
        admin: Option<EntraAdmin>,
    },
}

/// One chat role and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The chat role.
    pub chat_role: ChatRoleId,
    /// The Intune role named in the config.
    pub intune_role: String,
    /// What that role is in the tenant; `None`: the tenant has none of that name.
    pub role: Option<HoldingRole>,
    /// How many scope groups limit it; `None`: the whole tenant.
    pub scope_groups: Option<usize>,
}

/// What a role allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldingRole {
    /// Whether it grants Sync devices.
    pub may_sync: bool,
    /// Whether it grants reading devices.
    pub may_read: bool,
}

/// One assignment of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The role's name.
    pub role: String,
    /// The assignment's name.
    pub assignment: String,
    /// What the role allows.
    pub allows: HoldingRole,
    /// For which devices. Scope groups are counted, never named.
    pub scope: HeldScope,
    /// Whether scope tags bound it further.
    pub tagged: bool,
}

/// The devices of an assignment, as far as its holder is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldScope {
    /// Every device.
    Everything,
    /// Every device with a primary user.
    AnyUser,
    /// Those in so many scope groups.
    Groups(usize),
    /// None: Intune's answer is one that this bot does not know.
    Unknown,
}

impl Gate {
    /// What the actor is and holds; what was read about them before `since` does not count.
    pub async fn standing(&self, actor: &Actor, since: Timestamp) -> Result<Standing, CheckFailed> {
        match self.who(actor.user).await? {
            Who::Nobody(denial) => Ok(Standing::Nobody(denial)),
            Who::ChatRoles => self.chat_standing(&actor.roles).await,
            Who::Linked(link) => {
                let holds = self.linked(actor.user, link.person.id, since, Patience::Interactive).await?;
                let (holds, admin) = match holds {
                    Holds::Nothing(denial) => (Err(denial), None),
                    Holds::Everything(role) => (Ok(Vec::new()), Some(role)),
                    Holds::Grants { grants, .. } => {
                        (Ok(grants.iter().filter_map(|grant| self.held(grant)).collect()), None)
                    }
                };
                Ok(Standing::Linked { person: link.person, holds, admin })
            }
        }
    }

    async fn chat_standing(&self, roles: &[ChatRoleId]) -> Result<Standing, CheckFailed> {
        let definitions = self.memory.definitions(&self.graph, Patience::Interactive).await?;
        let holdings = self.rows(roles).map(|row| Holding {
            chat_role: row.discord_role,
            intune_role: row.intune_role.clone(),
            role: find(&definitions, &row.intune_role).map(|role| HoldingRole {
                may_sync: self.grants(role, Task::SyncDevice),
                may_read: self.grants(role, Task::ReadDevice),
            }),
            scope_groups: row.scope_groups.as_ref().map(Vec::len),
        });
        Ok(Standing::ChatRoles(holdings.collect()))
    }

    fn held(&self, grant: &Grant) -> Option<Held> {
        let Source::Assignment { name, .. } = &grant.source else { return None };
        Some(Held {
            role: grant.role.name.clone(),
            assignment: name.clone(),
            allows: HoldingRole {
                may_sync: self.grants(&grant.role, Task::SyncDevice),
                may_read: self.grants(&grant.role, Task::ReadDevice),
            },
            scope: match &grant.scope {
                Scope::WholeTenant => HeldScope::Everything,
                Scope::AnyUser => HeldScope::AnyUser,
                Scope::Groups(groups) => HeldScope::Groups(groups.len()),
                Scope::Unknown => HeldScope::Unknown,
            },
            tagged: grant.tags != Tags::Any,
        })
    }
}
