//! The gate with its facts: may this actor do this task on that device, from what Entra and Intune say right now?

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;

use super::holds::Holds;
use super::memory::Memory;
use super::visibility::Display;
use crate::chat::{Actor, ChatRoleId, ChatUserId, GuildId};
use crate::clock::{Bell, Clock};
use crate::graph::{self, Graph, Patience, Wanted};
use crate::intune::{
    Authority, Decision, Denial, Device, Grant, GroupId, Reach, RoleDefinition, RolePolicy, Scope, Tags, Task, decide,
};
use crate::settings::Access;
use crate::store::{self, Store};

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

/// Something that the decision needs could not be read: the caller refuses, or asks again later.
#[derive(Debug, thiserror::Error)]
pub enum CheckFailed {
    /// Graph did not say.
    #[error(transparent)]
    Graph(#[from] graph::Error),
    /// The store did not say who the person is.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A decision, and what may be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// May they?
    pub decision: Decision,
    /// Whether they may see the device. If not, a refusal must not even say that it exists.
    pub visible: bool,
}

/// The gate.
#[derive(Debug)]
pub struct Gate {
    pub(super) graph: Arc<Graph>,
    pub(super) store: Store,
    pub(super) access: Access,
    policy: RolePolicy,
    pub(super) clock: Clock,
    pub(super) memory: Memory,
    /// What suggestions show, for display only: it never grants anything.
    pub(super) display: Mutex<Display>,
    pub(super) display_bell: Bell,
}

impl Gate {
    /// A gate over the `[access]` settings.
    pub fn new(graph: Arc<Graph>, store: Store, access: Access, clock: &Clock) -> Self {
        let policy = RolePolicy { seed_roles_grant_sync: access.seed_roles_grant_sync };
        let (memory, display_bell) = (Memory::new(clock), clock.bell());
        Self { graph, store, access, policy, clock: clock.clone(), memory, display: Mutex::default(), display_bell }
    }

    /// A command or a click begins: nothing that was read about this person before this moment counts any more.
    pub fn begin(&self, actor: &Actor) -> Timestamp {
        self.memory.forget_person(actor.user);
        self.clock.now()
    }

    /// May the actor do this task on this device? What was read about them before `since` does not count.
    pub async fn rule(
        &self,
        task: Task,
        actor: &Actor,
        device: &Device,
        since: Timestamp,
        patience: Patience,
    ) -> Result<Ruling, CheckFailed> {
        let rulings = self.rule_many(task, actor, &[device], since, patience).await?;
        let ruling = rulings.into_iter().next().unwrap_or(Ok(doubt()));
        Ok(ruling?)
    }

    /// The same for many devices, in the order given. Reads are shared: the person is read once, the devices by twenties.
    /// A device whose own reads fail gets an error, and the others their ruling.
    pub async fn rule_many(
        &self,
        task: Task,
        actor: &Actor,
        devices: &[&Device],
        since: Timestamp,
        patience: Patience,
    ) -> Result<Vec<Result<Ruling, graph::Error>>, CheckFailed> {
        let holds = self.holds(actor, since, patience).await?;
        let all = |ruling: Ruling| devices.iter().map(|_| Ok(ruling.clone())).collect();
        let (grants, ruled) = match self.before_any_device(task, &holds) {
            Ok(decision) => return Ok(all(Ruling { decision, visible: true })),
            Err(Undecided { denial, grants }) => (grants, denial),
        };
        if !ruled.is_about_the_device() {
            return Ok(all(Ruling { decision: Decision::Denied(ruled), visible: false }));
        }
        // Only now it matters where the devices stand.
        let needs = Needs::of(grants.iter().filter(|grant| self.grants(&grant.role, Task::ReadDevice)));
        let reaches = self.graph.reaches(devices, needs.wanted(), patience).await;
        Ok(reaches.into_iter().map(|reach| Ok(self.with_reach(task, grants, &reach?))).collect())
    }

    fn with_reach(&self, task: Task, grants: &[Grant], reach: &Reach) -> Ruling {
        let decision = decide(task, grants, reach, self.policy);
        let visible = matches!(decide(Task::ReadDevice, grants, reach, self.policy), Decision::Allowed { .. });
        Ruling { decision, visible }
    }

    /// What can be said before any device is known: the reason why no device at all would pass, if so.
    pub async fn rule_out(
        &self,
        task: Task,
        actor: &Actor,
        since: Timestamp,
        patience: Patience,
    ) -> Result<Option<Denial>, CheckFailed> {
        let holds = self.holds(actor, since, patience).await?;
        let undecided = self.before_any_device(task, &holds).err();
        Ok(undecided.map(|undecided| undecided.denial).filter(|denial| !denial.is_about_the_device()))
    }

    /// A yes that holds for every device, or the reason why it takes more.
    fn before_any_device<'a>(&self, task: Task, holds: &'a Holds) -> Result<Decision, Undecided<'a>> {
        let (grants, missing, linked) = match holds {
            Holds::Nothing(denial) => return Err(Undecided { denial: denial.clone(), grants: &[] }),
            Holds::Everything(role) => return Ok(Decision::Allowed { by: Authority::EntraAdmin { role: *role } }),
            Holds::Grants { grants, missing, linked } => (grants, missing, *linked),
        };
        if grants.is_empty() && !missing.is_empty() {
            return Err(Undecided { denial: Denial::RoleNotInTenant { roles: missing.clone() }, grants });
        }
        match decide(task, grants, &Reach::default(), self.policy) {
            Decision::Denied(Denial::NoRole) if linked => Err(Undecided { denial: Denial::NoAssignment, grants }),
            Decision::Denied(denial) => Err(Undecided { denial, grants }),
            allowed @ Decision::Allowed { .. } => Ok(allowed),
        }
    }

    /// Whether a role grants a task, under the settings.
    pub(super) fn grants(&self, role: &RoleDefinition, task: Task) -> bool {
        role.grants(task, self.policy)
    }
}

struct Undecided<'a> {
    denial: Denial,
    grants: &'a [Grant],
}

fn doubt() -> Ruling {
    Ruling { decision: Decision::Denied(Denial::CouldNotCheck), visible: false }
}

/// What some grants make it necessary to know of a device.
struct Needs {
    groups: BTreeSet<GroupId>,
    user: bool,
    tags: bool,
}

impl Needs {
    fn of<'a>(grants: impl Iterator<Item = &'a Grant>) -> Self {
        let mut needs = Self { groups: BTreeSet::new(), user: false, tags: false };
        for grant in grants {
            match &grant.scope {
                Scope::Groups(groups) => needs.groups.extend(groups),
                Scope::AnyUser => needs.user = true,
                Scope::WholeTenant | Scope::Unknown => {}
            }
            needs.tags |= matches!(grant.tags, Tags::These(_));
        }
        needs
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted { groups: &self.groups, user: self.user, tags: self.tags }
    }
}
