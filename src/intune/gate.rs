//! The gate's decision, pure: may someone with these grants do this task on a device with this reach?

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{GroupId, RoleDefinition, RoleId, RolePolicy, Task};

/// A role that someone holds, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The role.
    pub role: RoleDefinition,
    /// The devices it covers.
    pub scope: Scope,
}

/// The devices that a grant covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every device of the tenant.
    WholeTenant,
    /// Devices whose Entra object, or whose primary user, is in one of these groups.
    Groups(BTreeSet<GroupId>),
}

/// The scope groups that a device, or its primary user, is a transitive member of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach(pub BTreeSet<GroupId>);

/// May they, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// Yes, by this role.
    Allowed {
        /// The role that grants it.
        role: RoleId,
        /// Its display name.
        role_name: String,
    },
    /// No.
    Denied(Denial),
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Denial {
    /// None of the person's chat roles stands for an Intune role.
    NoRole,
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
    /// The config names an Intune role that the tenant does not have.
    RoleNotInTenant {
        /// The names given in the config.
        roles: Vec<String>,
    },
    /// Something could not be read. Doubt is a refusal.
    CouldNotCheck,
}

/// Decides. All conditions must hold inside one grant.
pub fn decide(task: Task, grants: &[Grant], reach: &Reach, policy: RolePolicy) -> Decision {
    if grants.is_empty() {
        return Decision::Denied(Denial::NoRole);
    }
    let granting: Vec<_> = grants.iter().filter(|grant| grant.role.grants(task, policy)).collect();
    if granting.is_empty() {
        return Decision::Denied(Denial::RoleWithoutTask { roles: names(grants.iter()) });
    }
    let covers = |grant: &Grant| match &grant.scope {
        Scope::WholeTenant => true,
        Scope::Groups(groups) => !groups.is_disjoint(&reach.0),
    };
    match granting.iter().find(|grant| covers(grant)) {
        Some(grant) => Decision::Allowed { role: grant.role.id, role_name: grant.role.name.clone() },
        None => Decision::Denied(Denial::OutOfScope { roles: names(granting.into_iter()) }),
    }
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
        Grant { role: role(Uuid::from_u128(1), false, allowed, &[]), scope }
    }

    fn scoped(groups: &[u128]) -> Scope {
        Scope::Groups(groups.iter().copied().map(group).collect())
    }

    fn reach(groups: &[u128]) -> Reach {
        Reach(groups.iter().copied().map(group).collect())
    }

    #[test]
    fn nobody_may_by_default() {
        let decision = decide(Task::SyncDevice, &[], &reach(&[]), POLICY);
        assert_eq!(decision, Decision::Denied(Denial::NoRole));
    }

    #[test]
    fn a_role_for_the_whole_tenant_covers_every_device() {
        let grants = [grant(&[SYNC], Scope::WholeTenant)];
        assert!(matches!(decide(Task::SyncDevice, &grants, &reach(&[]), POLICY), Decision::Allowed { .. }));
    }

    #[test]
    fn a_scope_group_covers_its_members_only() {
        let grants = [grant(&[SYNC], scoped(&[1, 2]))];
        assert!(matches!(decide(Task::SyncDevice, &grants, &reach(&[2]), POLICY), Decision::Allowed { .. }));
        let decision = decide(Task::SyncDevice, &grants, &reach(&[3]), POLICY);
        assert_eq!(decision, Decision::Denied(Denial::OutOfScope { roles: vec!["Some role".to_owned()] }));
    }

    #[test]
    fn an_empty_list_of_scope_groups_covers_nothing() {
        let grants = [grant(&[SYNC], scoped(&[]))];
        assert!(matches!(decide(Task::SyncDevice, &grants, &reach(&[1]), POLICY), Decision::Denied(_)));
    }

    #[test]
    fn two_grants_do_not_add_up_to_one() {
        let grants = [grant(&[SYNC], scoped(&[1])), grant(&[], Scope::WholeTenant)];
        let decision = decide(Task::SyncDevice, &grants, &reach(&[2]), POLICY);
        assert!(matches!(decision, Decision::Denied(Denial::OutOfScope { .. })));
    }

    #[test]
    fn a_role_without_the_task_is_named() {
        let grants = [grant(&["Microsoft.Intune_ManagedDevices_Read"], Scope::WholeTenant)];
        let decision = decide(Task::SyncDevice, &grants, &reach(&[]), POLICY);
        assert_eq!(decision, Decision::Denied(Denial::RoleWithoutTask { roles: vec!["Some role".to_owned()] }));
        assert!(matches!(decide(Task::ReadDevice, &grants, &reach(&[]), POLICY), Decision::Allowed { .. }));
    }
}
