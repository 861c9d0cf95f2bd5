//! The gate's decision, pure: may someone with these grants do this task on a device with this reach?

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::assignment::ScopeTag;
use super::{AssignmentId, EntraAdmin, GroupId, RoleDefinition, RoleId, RolePolicy, Task};

/// A role that someone holds, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The role.
    pub role: RoleDefinition,
    /// What gives it to them.
    pub source: Source,
    /// The devices it covers.
    pub scope: Scope,
    /// The scope tags that bound it further.
    pub tags: Tags,
}

/// What gives a role to someone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A chat role, by the bot's config.
    ChatRole,
    /// An assignment in Intune.
    Assignment {
        /// Its id.
        id: AssignmentId,
        /// Its display name, from outside.
        name: String,
    },
}

/// The devices that a grant covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every device of the tenant.
    WholeTenant,
    /// Every device that has a primary user (`allLicensedUsers`).
    AnyUser,
    /// Devices whose Entra object, or whose primary user, is in one of these groups.
    Groups(BTreeSet<GroupId>),
    /// A scope type that nobody knows covers nothing.
    Unknown,
}

/// The scope tags of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// None, so it shows everything.
    Any,
    /// The device must carry one of these.
    These(BTreeSet<ScopeTag>),
    /// Graph did not say, so it shows nothing.
    Unknown,
}

/// What is known of a device's place in the tenant. The default is: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The scope groups that the device, or a primary user of it, is a transitive member of.
    pub groups: BTreeSet<GroupId>,
    /// Whether it has a primary user.
    pub has_user: bool,
    /// Its scope tags, with Default for none; `None`: not known, which matches nothing.
    pub tags: Option<BTreeSet<ScopeTag>>,
}

/// On whose authority: what made the answer a yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// A chat role that stands for an Intune role.
    ChatRole {
        /// The role that grants it.
        role: RoleId,
        /// Its display name.
        role_name: String,
    },
    /// An assignment of an Intune role to the linked person.
    Assignment {
        /// The assignment.
        assignment: AssignmentId,
        /// Its display name.
        assignment_name: String,
        /// The role that grants it.
        role: RoleId,
        /// Its display name.
        role_name: String,
    },
    /// An active Entra role above Intune's own.
    EntraAdmin {
        /// Which.
        role: EntraAdmin,
    },
}

impl Authority {
    /// The role's name, as people know it.
    pub fn role_name(&self) -> &str {
        match self {
            Self::ChatRole { role_name, .. } | Self::Assignment { role_name, .. } => role_name,
            Self::EntraAdmin { role } => role.name(),
        }
    }

    fn of(grant: &Grant) -> Self {
        let (role, role_name) = (grant.role.id, grant.role.name.clone());
        match &grant.source {
            Source::ChatRole => Self::ChatRole { role, role_name },
            Source::Assignment { id, name } => {
                Self::Assignment { assignment: *id, assignment_name: name.clone(), role, role_name }
            }
        }
    }
}

/// May they, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// Yes.
    Allowed {
        /// By what.
        by: Authority,
    },
    /// No.
    Denied(Denial),
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Denial {
    /// The bot does not know which Entra person they are, and must.
    NotLinked,
    /// They unlinked; chat roles do not count again until an admin says so.
    LinkEnded,
    /// Their Entra account is disabled or deleted.
    AccountEnded,
    /// None of their chat roles stands for an Intune role.
    NoRole,
    /// No Intune role is assigned to them.
    NoAssignment,
    /// They hold roles, and none grants the task.
    RoleWithoutTask {
        /// The roles held, by name.
        roles: Vec<String>,
    },
    /// A role grants the task, for other devices.
    OutOfScope {
        /// The roles that would grant it elsewhere.
        roles: Vec<String>,
    },
    /// A role grants the task and its scope groups cover the device, but its scope tags do not.
    ScopeTag {
        /// The roles that would grant it elsewhere.
        roles: Vec<String>,
    },
    /// The config names an Intune role that the tenant does not have.
    RoleNotInTenant {
        /// The names given in the config.
        roles: Vec<String>,
    },
    /// Something could not be read. Doubt is a refusal.
    CouldNotCheck,
}

impl Denial {
    /// Whether another device might pass: the person holds a role that grants the task.
    pub fn is_about_the_device(&self) -> bool {
        matches!(self, Self::OutOfScope { .. } | Self::ScopeTag { .. })
    }
}

impl Grant {
    /// Whether it covers a device with this reach. Scope and tags must hold in the same grant.
    fn covers(&self, reach: &Reach) -> bool {
        self.in_scope(reach) && self.in_tags(reach)
    }

    fn in_scope(&self, reach: &Reach) -> bool {
        match &self.scope {
            Scope::WholeTenant => true,
            Scope::AnyUser => reach.has_user,
            Scope::Groups(groups) => !groups.is_disjoint(&reach.groups),
            Scope::Unknown => false,
        }
    }

    fn in_tags(&self, reach: &Reach) -> bool {
        match &self.tags {
            Tags::Any => true,
            Tags::These(tags) => reach.tags.as_ref().is_some_and(|of_device| !tags.is_disjoint(of_device)),
            Tags::Unknown => false,
        }
    }
}

/// Decides. All conditions must hold inside one grant: two that only together would allow do not.
pub fn decide(task: Task, grants: &[Grant], reach: &Reach, policy: RolePolicy) -> Decision {
    if grants.is_empty() {
        return Decision::Denied(Denial::NoRole);
    }
    let granting: Vec<_> = grants.iter().filter(|grant| grant.role.grants(task, policy)).collect();
    if granting.is_empty() {
        return Decision::Denied(Denial::RoleWithoutTask { roles: names(grants.iter()) });
    }
    if let Some(grant) = granting.iter().find(|grant| grant.covers(reach)) {
        return Decision::Allowed { by: Authority::of(grant) };
    }
    let in_scope: Vec<_> = granting.iter().copied().filter(|grant| grant.in_scope(reach)).collect();
    Decision::Denied(if in_scope.is_empty() {
        Denial::OutOfScope { roles: names(granting.into_iter()) }
    } else {
        Denial::ScopeTag { roles: names(in_scope.into_iter()) }
    })
}

fn names<'a>(grants: impl Iterator<Item = &'a Grant>) -> Vec<String> {
    let unique: BTreeSet<_> = grants.map(|grant| grant.role.name.clone()).collect();
    unique.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::role::tests::role;
    use super::*;

    const POLICY: RolePolicy = RolePolicy { seed_roles_grant_sync: false };
    const SYNC: &str = "Microsoft.Intune_RemoteTasks_SyncDevice";

    fn group(n: u128) -> GroupId {
        GroupId(Uuid::from_u128(n))
    }

    fn grant(allowed: &[&str], scope: Scope) -> Grant {
        let role = role(Uuid::from_u128(1), false, allowed, &[]);
        Grant { role, source: Source::ChatRole, scope, tags: Tags::Any }
    }

    fn scoped(groups: &[u128]) -> Scope {
        Scope::Groups(groups.iter().copied().map(group).collect())
    }

    fn tags(ids: &[&str]) -> BTreeSet<ScopeTag> {
        ids.iter().map(|&id| ScopeTag(id.to_owned())).collect()
    }

    fn reach(groups: &[u128]) -> Reach {
        Reach { groups: groups.iter().copied().map(group).collect(), ..Reach::default() }
    }

    fn allows(grants: &[Grant], reach: &Reach) -> bool {
        matches!(decide(Task::SyncDevice, grants, reach, POLICY), Decision::Allowed { .. })
    }

    #[test]
    fn nobody_may_by_default() {
        let decision = decide(Task::SyncDevice, &[], &reach(&[]), POLICY);
        assert_eq!(decision, Decision::Denied(Denial::NoRole));
    }

    #[test]
    fn a_role_for_the_whole_tenant_covers_every_device() {
        assert!(allows(&[grant(&[SYNC], Scope::WholeTenant)], &reach(&[])));
    }

    #[test]
    fn a_scope_group_covers_its_members_only() {
        let grants = [grant(&[SYNC], scoped(&[1, 2]))];
        assert!(allows(&grants, &reach(&[2])));
        let decision = decide(Task::SyncDevice, &grants, &reach(&[3]), POLICY);
        assert_eq!(decision, Decision::Denied(Denial::OutOfScope { roles: vec!["Some role".to_owned()] }));
    }

    #[test]
    fn an_empty_list_of_scope_groups_covers_nothing() {
        assert!(!allows(&[grant(&[SYNC], scoped(&[]))], &reach(&[1])));
    }

    #[test]
    fn all_licensed_users_means_a_device_with_a_user() {
        let grants = [grant(&[SYNC], Scope::AnyUser)];
        assert!(!allows(&grants, &reach(&[1])));
        assert!(allows(&grants, &Reach { has_user: true, ..reach(&[]) }));
    }

    #[test]
    fn a_scope_nobody_knows_covers_nothing() {
        assert!(!allows(&[grant(&[SYNC], Scope::Unknown)], &Reach { has_user: true, ..reach(&[1]) }));
    }

    #[test]
    fn tags_must_meet_and_unknown_tags_never_do() {
        let tagged = |grant_tags| Grant { tags: grant_tags, ..grant(&[SYNC], Scope::WholeTenant) };
        let seven = [tagged(Tags::These(tags(&["7"])))];
        let default = [tagged(Tags::These(tags(&["0", "3"])))];
        let device = |ids: &[&str]| Reach { tags: Some(tags(ids)), ..reach(&[]) };
        assert!(allows(&seven, &device(&["7", "9"])));
        assert!(!allows(&seven, &device(&["0"])));
        assert!(allows(&default, &device(&["0"])));
        assert!(!allows(&default, &reach(&[])), "not known is not Default");
        assert!(!allows(&[tagged(Tags::Unknown)], &device(&["0"])));
        let decision = decide(Task::SyncDevice, &seven, &device(&["0"]), POLICY);
        assert_eq!(decision, Decision::Denied(Denial::ScopeTag { roles: vec!["Some role".to_owned()] }));
    }

    #[test]
    fn two_grants_do_not_add_up_to_one() {
        let grants = [grant(&[SYNC], scoped(&[1])), grant(&[], Scope::WholeTenant)];
        let decision = decide(Task::SyncDevice, &grants, &reach(&[2]), POLICY);
        assert!(matches!(decision, Decision::Denied(Denial::OutOfScope { .. })));
        // Scope by the one and tag by the other.
        let by_scope = Grant { tags: Tags::These(tags(&["7"])), ..grant(&[SYNC], Scope::WholeTenant) };
        let by_tag = grant(&[SYNC], scoped(&[1]));
        let device = Reach { tags: Some(tags(&["0"])), ..reach(&[2]) };
        assert!(!allows(&[by_scope, by_tag], &device));
    }

    #[test]
    fn a_role_without_the_task_is_named() {
        let grants = [grant(&["Microsoft.Intune_ManagedDevices_Read"], Scope::WholeTenant)];
        let decision = decide(Task::SyncDevice, &grants, &reach(&[]), POLICY);
        assert_eq!(decision, Decision::Denied(Denial::RoleWithoutTask { roles: vec!["Some role".to_owned()] }));
        assert!(matches!(decide(Task::ReadDevice, &grants, &reach(&[]), POLICY), Decision::Allowed { .. }));
    }
}
