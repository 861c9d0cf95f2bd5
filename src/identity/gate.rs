//! The gate with its facts: which Intune roles a person's chat roles stand for, and whether a device is in scope.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::chat::{ChatRoleId, ChatUserId, GuildId};
use crate::clock::Clock;
use crate::graph::{Error, Graph, Members, Patience};
use crate::intune::{Decision, Denial, Device, Grant, GroupId, Reach, RoleDefinition, RolePolicy, Scope, Task, decide};
use crate::settings::{Access, ChatRole};

/// Role definitions are read again after this; Microsoft's roles change rarely, and five minutes is the most.
const ROLES_FRESH: SignedDuration = SignedDuration::from_mins(5);

/// Chat did not say which roles someone holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chat did not say which roles the person holds")]
pub struct ChatUnreachable;

/// The chat roles that someone holds right now.
#[async_trait]
pub trait ChatRoles: Send + Sync {
    /// Their roles; `None` when they have left the server.
    async fn roles_of(&self, guild: GuildId, user: ChatUserId) -> Result<Option<Vec<ChatRoleId>>, ChatUnreachable>;
}

type Definitions = Arc<Vec<RoleDefinition>>;

/// The gate.
#[derive(Debug)]
pub struct Gate {
    pub(super) graph: Arc<Graph>,
    pub(super) access: Access,
    policy: RolePolicy,
    clock: Clock,
    definitions: Mutex<Option<(Timestamp, Definitions)>>,
    /// Members of the configured scope groups, for display only: it never grants anything.
    pub(super) members: RwLock<HashMap<GroupId, Members>>,
}

/// What someone's chat roles stand for.
pub(super) struct Held {
    pub(super) grants: Vec<Grant>,
    /// Configured role names that the tenant does not have.
    pub(super) missing: Vec<String>,
}

impl Gate {
    /// A gate over the `[access]` settings.
    pub fn new(graph: Arc<Graph>, access: Access, clock: &Clock) -> Self {
        let policy = RolePolicy { seed_roles_grant_sync: access.seed_roles_grant_sync };
        let (definitions, members) = (Mutex::default(), RwLock::default());
        Self { graph, access, policy, clock: clock.clone(), definitions, members }
    }

    /// May someone with these chat roles do this task on this device?
    ///
    /// An error means that something could not be read: the caller refuses, or asks again later.
    pub async fn rule(
        &self,
        task: Task,
        roles: &[ChatRoleId],
        device: &Device,
        patience: Patience,
    ) -> Result<Decision, Error> {
        if !self.is_mapped(roles) {
            return Ok(Decision::Denied(Denial::NoRole));
        }
        let definitions = self.definitions(patience).await?;
        let held = self.held(roles, &definitions);
        if held.grants.is_empty() && !held.missing.is_empty() {
            return Ok(Decision::Denied(Denial::RoleNotInTenant { roles: held.missing }));
        }
        let decision = decide(task, &held.grants, &Reach::default(), self.policy);
        if !matches!(decision, Decision::Denied(Denial::OutOfScope { .. })) {
            return Ok(decision);
        }
        // Only now it matters which groups the device and its primary user are in.
        let reach = self.reach(device, &scope_groups(&held.grants), patience).await?;
        Ok(decide(task, &held.grants, &reach, self.policy))
    }

    /// What can be said before any device is known: the reason why no device at all would pass, if so.
    pub async fn rule_out(
        &self,
        task: Task,
        roles: &[ChatRoleId],
        patience: Patience,
    ) -> Result<Option<Denial>, Error> {
        if !self.is_mapped(roles) {
            return Ok(Some(Denial::NoRole));
        }
        let definitions = self.definitions(patience).await?;
        Ok(self.ruled_out(task, roles, &definitions))
    }

    /// The same from memory, for a click that must be answered at once. `None`: nothing speaks against it, or
    /// the definitions are not in memory; the worker decides in full before the call.
    pub fn rule_out_now(&self, task: Task, roles: &[ChatRoleId]) -> Option<Denial> {
        if !self.is_mapped(roles) {
            return Some(Denial::NoRole);
        }
        self.ruled_out(task, roles, &self.fresh_definitions()?)
    }

    fn ruled_out(&self, task: Task, roles: &[ChatRoleId], definitions: &Definitions) -> Option<Denial> {
        let held = self.held(roles, definitions);
        if held.grants.is_empty() && !held.missing.is_empty() {
            return Some(Denial::RoleNotInTenant { roles: held.missing });
        }
        match decide(task, &held.grants, &Reach::default(), self.policy) {
            Decision::Denied(denial) if !matches!(denial, Denial::OutOfScope { .. }) => Some(denial),
            _ => None,
        }
    }

    /// Whether a role grants a task, under the settings.
    pub(super) fn grants(&self, role: &RoleDefinition, task: Task) -> bool {
        role.grants(task, self.policy)
    }

    fn is_mapped(&self, roles: &[ChatRoleId]) -> bool {
        self.access.chat_roles.iter().any(|row| roles.contains(&row.discord_role))
    }

    /// The rows of the config that apply to someone with these chat roles.
    pub(super) fn rows<'a>(&'a self, roles: &'a [ChatRoleId]) -> impl Iterator<Item = &'a ChatRole> {
        self.access.chat_roles.iter().filter(|row| roles.contains(&row.discord_role))
    }

    pub(super) fn held(&self, roles: &[ChatRoleId], definitions: &[RoleDefinition]) -> Held {
        let mut held = Held { grants: Vec::new(), missing: Vec::new() };
        for row in self.rows(roles) {
            match find(definitions, &row.intune_role) {
                Some(role) => held.grants.push(Grant { role: role.clone(), scope: scope(row) }),
                None => held.missing.push(row.intune_role.clone()),
            }
        }
        held
    }

    pub(super) fn fresh_definitions(&self) -> Option<Definitions> {
        let cached = self.definitions.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, definitions) = cached.as_ref()?;
        (self.clock.now().duration_since(*read_at) < ROLES_FRESH).then(|| Arc::clone(definitions))
    }

    pub(super) async fn definitions(&self, patience: Patience) -> Result<Definitions, Error> {
        if let Some(fresh) = self.fresh_definitions() {
            return Ok(fresh);
        }
        self.read_definitions(patience).await
    }

    /// Reads the definitions anew, fresh or not.
    pub(super) async fn read_definitions(&self, patience: Patience) -> Result<Definitions, Error> {
        let read_at = self.clock.now();
        let definitions = Arc::new(self.graph.role_definitions(patience).await?);
        *self.definitions.lock().unwrap_or_else(PoisonError::into_inner) = Some((read_at, Arc::clone(&definitions)));
        Ok(definitions)
    }

    /// Which of `groups` the device's directory object, or its primary user, is in.
    async fn reach(&self, device: &Device, groups: &BTreeSet<GroupId>, patience: Patience) -> Result<Reach, Error> {
        let mut reach = Reach::default();
        if groups.is_empty() {
            return Ok(reach);
        }
        if let Some(entra_device_id) = device.entra_device_id {
            reach.0.extend(self.graph.groups_of_device(entra_device_id, groups, patience).await?);
        }
        for user in self.graph.primary_users(device.id, patience).await? {
            reach.0.extend(self.graph.groups_of_user(user, groups, patience).await?);
        }
        Ok(reach)
    }
}

fn scope(row: &ChatRole) -> Scope {
    match &row.scope_groups {
        None => Scope::WholeTenant,
        Some(groups) => Scope::Groups(groups.iter().copied().collect()),
    }
}

fn scope_groups(grants: &[Grant]) -> BTreeSet<GroupId> {
    let groups = grants.iter().filter_map(|grant| match &grant.scope {
        Scope::WholeTenant => None,
        Scope::Groups(groups) => Some(groups.iter().copied()),
    });
    groups.flatten().collect()
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
