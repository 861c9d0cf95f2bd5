//! What someone holds at this moment: by their link to an Entra person, or by their chat roles.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::gate::{CheckFailed, Gate};
use super::memory::Roles;
use crate::chat::{Actor, ChatRoleId, ChatUserId};
use crate::graph::{Error, Patience, PersonFacts};
use crate::intune::{Denial, EntraAdmin, EntraUserId, Grant, GroupId, RoleDefinition, Scope, Source, Tags};
use crate::settings::ChatRole;
use crate::store::Link;

/// What someone holds.
#[derive(Clone, Debug)]
pub(super) enum Holds {
    /// Nothing, whatever is asked.
    Nothing(Denial),
    /// Every device: an Entra role above Intune's own.
    Everything(EntraAdmin),
    /// Roles, each for some devices.
    Grants {
        grants: Vec<Grant>,
        /// Configured role names that the tenant does not have.
        missing: Vec<String>,
        /// Whether they come from assignments in Intune.
        linked: bool,
    },
}

/// Who someone is.
#[derive(Clone, Debug)]
pub(super) enum Who {
    /// An Entra person: only that decides.
    Linked(Link),
    /// Whatever their chat roles stand for.
    ChatRoles,
    /// Nobody.
    Nobody(Denial),
}

impl Gate {
    /// Who the actor is. Once linked, only the link decides; an ended link stays in the way of chat roles.
    pub(super) async fn who(&self, user: ChatUserId) -> Result<Who, CheckFailed> {
        Ok(match self.store.link_of(user).await? {
            Some(link) if link.ended_at.is_none() => Who::Linked(link),
            Some(_ended) => Who::Nobody(Denial::LinkEnded),
            None if self.access.require_link => Who::Nobody(Denial::NotLinked),
            None => Who::ChatRoles,
        })
    }

    /// What the actor holds; what is remembered of a person from before `since` does not count.
    pub(super) async fn holds(
        &self,
        actor: &Actor,
        since: Timestamp,
        patience: Patience,
    ) -> Result<Holds, CheckFailed> {
        match self.who(actor.user).await? {
            Who::Nobody(denial) => Ok(Holds::Nothing(denial)),
            Who::Linked(link) => Ok(self.linked(actor.user, link.person.id, since, patience).await?),
            Who::ChatRoles => Ok(self.by_chat_roles(&actor.roles, patience).await?),
        }
    }

    async fn by_chat_roles(&self, roles: &[ChatRoleId], patience: Patience) -> Result<Holds, Error> {
        if self.rows(roles).next().is_none() {
            return Ok(Holds::Nothing(Denial::NoRole));
        }
        let definitions = self.memory.definitions(&self.graph, patience).await?;
        let (mut grants, mut missing) = (Vec::new(), Vec::new());
        for row in self.rows(roles) {
            match find(&definitions, &row.intune_role) {
                Some(role) => grants.push(chat_grant(role, row)),
                None => missing.push(row.intune_role.clone()),
            }
        }
        Ok(Holds::Grants { grants, missing, linked: false })
    }

    /// What Intune and Entra say about a linked person.
    pub(super) async fn linked(
        &self,
        user: ChatUserId,
        entra_user: EntraUserId,
        since: Timestamp,
        patience: Patience,
    ) -> Result<Holds, Error> {
        let roles = self.memory.roles(&self.graph, patience).await?;
        let facts = self.person(user, entra_user, &roles, since, patience).await?;
        if !facts.active {
            return Ok(Holds::Nothing(Denial::AccountEnded));
        }
        if let Some(&role) = self.access.entra_admins.iter().find(|role| facts.admin.contains(role)) {
            return Ok(Holds::Everything(role));
        }
        Ok(Holds::Grants { grants: assigned(&roles, &facts), missing: Vec::new(), linked: true })
    }

    /// Which of these groups the Entra person behind a chat account is in; nobody's account is in none.
    pub async fn groups_of(
        &self,
        user: ChatUserId,
        groups: &BTreeSet<GroupId>,
        patience: Patience,
    ) -> Result<BTreeSet<GroupId>, CheckFailed> {
        let Who::Linked(link) = self.who(user).await? else { return Ok(BTreeSet::new()) };
        Ok(self.graph.person(link.person.id, groups, false, patience).await?.groups)
    }

    async fn person(
        &self,
        user: ChatUserId,
        entra_user: EntraUserId,
        roles: &Arc<Roles>,
        since: Timestamp,
        patience: Patience,
    ) -> Result<Arc<PersonFacts>, Error> {
        if let Some(facts) = self.memory.person(user, entra_user, roles, since) {
            return Ok(facts);
        }
        let read_at = self.clock.moment();
        let with_admin = !self.access.entra_admins.is_empty();
        let facts = Arc::new(self.graph.person(entra_user, &roles.member_groups, with_admin, patience).await?);
        self.memory.keep_person(user, entra_user, roles, read_at, &facts);
        Ok(facts)
    }

    /// The rows of the config that apply to someone with these chat roles.
    pub(super) fn rows<'a>(&'a self, roles: &'a [ChatRoleId]) -> impl Iterator<Item = &'a ChatRole> {
        self.access.chat_roles.iter().filter(|row| roles.contains(&row.discord_role))
    }
}

fn assigned(roles: &Roles, facts: &PersonFacts) -> Vec<Grant> {
    let theirs = roles.assignments.iter().filter(|assignment| !assignment.row.members.is_disjoint(&facts.groups));
    let grant = theirs.filter_map(|assignment| {
        let role = roles.definitions.iter().find(|role| role.id == assignment.role)?.clone();
        let row = &assignment.row;
        let source = Source::Assignment { id: row.id, name: row.name.clone() };
        Some(Grant { role, source, scope: row.scope.clone(), tags: row.tags.clone() })
    });
    grant.collect()
}

pub(super) fn chat_grant(role: &RoleDefinition, row: &ChatRole) -> Grant {
    let scope = match &row.scope_groups {
        None => Scope::WholeTenant,
        Some(groups) => Scope::Groups(groups.iter().copied().collect()),
    };
    Grant { role: role.clone(), source: Source::ChatRole, scope, tags: Tags::Any }
}

/// A role by its id, or by its display name. A name that two roles share stands for neither.
pub(super) fn find<'a>(definitions: &'a [RoleDefinition], name_or_id: &str) -> Option<&'a RoleDefinition> {
    if let Ok(id) = name_or_id.parse() {
        return definitions.iter().find(|role| role.id == id);
    }
    let mut named = definitions.iter().filter(|role| role.name.to_lowercase() == name_or_id.to_lowercase());
    match (named.next(), named.next()) {
        (Some(role), None) => Some(role),
        _ => None,
    }
}
