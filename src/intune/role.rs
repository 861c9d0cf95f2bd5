//! Intune roles: what a role's resource actions grant.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use super::RoleId;

/// What the gate is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Task {
    /// Remote tasks / Sync devices.
    SyncDevice,
    /// Managed devices / Read.
    ReadDevice,
}

/// Resource action of Sync devices.
const SYNC_DEVICE: &str = "Microsoft.Intune_RemoteTasks_SyncDevice";
/// Resource action of reading managed devices.
const READ_DEVICE: &str = "Microsoft.Intune_ManagedDevices_Read";

/// The three built-in roles that Microsoft's Sync page names: Help Desk Operator, School Administrator and
/// Endpoint Security Manager. A live tenant was seen whose Endpoint Security Manager does not list the action.
const SEED_ROLES: [Uuid; 3] = [
    uuid!("9e0cc482-82df-4ab2-a24c-0c23a3f52e1e"),
    uuid!("2f9f4f7e-2d13-427b-adf2-361a1eef7ae8"),
    uuid!("c56d53a2-73d0-4502-b6bd-4a9d3dba28d5"),
];

/// An Entra directory role that stands above Intune's own roles (Microsoft: "full read/write" in Intune).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EntraAdmin {
    /// Intune Administrator.
    IntuneAdministrator,
    /// Global Administrator.
    GlobalAdministrator,
}

impl EntraAdmin {
    /// Both.
    pub const ALL: [Self; 2] = [Self::IntuneAdministrator, Self::GlobalAdministrator];

    /// Its name in Entra.
    pub fn name(self) -> &'static str {
        match self {
            Self::IntuneAdministrator => "Intune Administrator",
            Self::GlobalAdministrator => "Global Administrator",
        }
    }

    /// Its `roleTemplateId`, the same in every tenant.
    pub fn template(self) -> Uuid {
        match self {
            Self::IntuneAdministrator => uuid!("3a2c62db-5318-420d-8d74-23affee5d9d5"),
            Self::GlobalAdministrator => uuid!("62e90394-69f5-4237-9190-012177145e10"),
        }
    }
}

impl std::str::FromStr for EntraAdmin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|role| role.name().eq_ignore_ascii_case(text.trim()));
        named.ok_or("is not a role this can use: write \"Intune Administrator\" or \"Global Administrator\"")
    }
}

/// A role definition as Graph reported it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleDefinition {
    /// Its id.
    pub id: RoleId,
    /// Its display name.
    pub name: String,
    /// Whether Microsoft ships it.
    pub built_in: bool,
    /// Resource actions it allows.
    pub allowed: BTreeSet<String>,
    /// Resource actions it takes away again.
    pub not_allowed: BTreeSet<String>,
}

/// Settings of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RolePolicy {
    /// `[access] seed_roles_grant_sync`: the Sync page's three built-in roles count as holding the action.
    pub seed_roles_grant_sync: bool,
}

impl RoleDefinition {
    /// Whether this role grants `task`. A role that may sync may read.
    pub fn grants(&self, task: Task, policy: RolePolicy) -> bool {
        match task {
            Task::SyncDevice => {
                let seed = policy.seed_roles_grant_sync && self.built_in && SEED_ROLES.contains(&self.id.0);
                self.holds(SYNC_DEVICE) || seed
            }
            Task::ReadDevice => self.holds(READ_DEVICE) || self.grants(Task::SyncDevice, policy),
        }
    }

    fn holds(&self, action: &str) -> bool {
        self.allowed.contains(action) && !self.not_allowed.contains(action)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const STRICT: RolePolicy = RolePolicy { seed_roles_grant_sync: false };
    const AS_THE_PAGE_SAYS: RolePolicy = RolePolicy { seed_roles_grant_sync: true };

    pub(crate) fn role(id: Uuid, built_in: bool, allowed: &[&str], not_allowed: &[&str]) -> RoleDefinition {
        let set = |actions: &[&str]| actions.iter().map(|&action| action.to_owned()).collect();
        let name = "Some role".to_owned();
        RoleDefinition { id: RoleId(id), name, built_in, allowed: set(allowed), not_allowed: set(not_allowed) }
    }

    #[test]
    fn a_custom_role_with_the_action_grants_sync_and_reading() {
        let role = role(Uuid::from_u128(7), false, &[SYNC_DEVICE], &[]);
        assert!(role.grants(Task::SyncDevice, STRICT));
        assert!(role.grants(Task::ReadDevice, STRICT));
    }

    #[test]
    fn an_action_that_is_taken_away_again_is_not_granted() {
        let role = role(Uuid::from_u128(7), false, &[SYNC_DEVICE], &[SYNC_DEVICE]);
        assert!(!role.grants(Task::SyncDevice, AS_THE_PAGE_SAYS));
    }

    #[test]
    fn the_pages_three_roles_grant_sync_by_setting() {
        for id in SEED_ROLES {
            let role = role(id, true, &[], &[]);
            assert!(role.grants(Task::SyncDevice, AS_THE_PAGE_SAYS));
            assert!(!role.grants(Task::SyncDevice, STRICT));
        }
    }

    #[test]
    fn a_copy_with_the_same_id_that_is_not_built_in_does_not_count() {
        let role = role(SEED_ROLES[0], false, &[], &[]);
        assert!(!role.grants(Task::SyncDevice, AS_THE_PAGE_SAYS));
    }

    #[test]
    fn a_reader_may_read_and_not_sync() {
        let role = role(Uuid::from_u128(7), true, &[READ_DEVICE], &[]);
        assert!(role.grants(Task::ReadDevice, AS_THE_PAGE_SAYS));
        assert!(!role.grants(Task::SyncDevice, AS_THE_PAGE_SAYS));
    }
}
