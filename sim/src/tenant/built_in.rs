//! Intune's built-in roles, with the resource actions that matter here.

use super::model::Role;

/// Lets a person press Sync.
pub(crate) const SYNC: &str = "Microsoft.Intune_RemoteTasks_SyncDevice";
const READ: &str = "Microsoft.Intune_ManagedDevices_Read";
const UPDATE: &str = "Microsoft.Intune_ManagedDevices_Update";
const DELETE: &str = "Microsoft.Intune_ManagedDevices_Delete";
const ORGANIZATION: &str = "Microsoft.Intune_Organization_Read";
const APPS: &str = "Microsoft.Intune_MobileApps_Read";
const ROLES: &str = "Microsoft.Intune_Roles_Read";
const REBOOT: &str = "Microsoft.Intune_RemoteTasks_RebootNow";
const LOCK: &str = "Microsoft.Intune_RemoteTasks_RemoteLock";
const WIPE: &str = "Microsoft.Intune_RemoteTasks_Wipe";

/// Every resource action the tenant knows: its id, the resource, and the action's name.
pub(crate) const OPERATIONS: &[(&str, &str, &str)] = &[
    (SYNC, "Remote tasks", "Sync devices"),
    (REBOOT, "Remote tasks", "Reboot now"),
    (LOCK, "Remote tasks", "Remote lock"),
    (WIPE, "Remote tasks", "Wipe"),
    (READ, "Managed devices", "Read"),
    (UPDATE, "Managed devices", "Update"),
    (DELETE, "Managed devices", "Delete"),
    (ORGANIZATION, "Organization", "Read"),
    (APPS, "Mobile apps", "Read"),
    (ROLES, "Roles", "Read"),
];

const BUILT_IN: &[(&str, &str, &[&str])] = &[
    (
        "9e0cc482-82df-4ab2-a24c-0c23a3f52e1e",
        "Help Desk Operator",
        &[READ, UPDATE, ORGANIZATION, APPS, SYNC, REBOOT, LOCK, WIPE],
    ),
    (
        "2f9f4f7e-2d13-427b-adf2-361a1eef7ae8",
        "School Administrator",
        &[READ, UPDATE, DELETE, ORGANIZATION, APPS, SYNC, REBOOT, LOCK, WIPE],
    ),
    ("c56d53a2-73d0-4502-b6bd-4a9d3dba28d5", "Endpoint Security Manager", &[READ, UPDATE, DELETE, ORGANIZATION]),
    ("0bd113fe-6be5-400c-a28f-ae5553f9c0be", "Policy and Profile Manager", &[READ, ORGANIZATION]),
    ("c1d9fcbb-cba5-40b0-bf6b-527006585f4b", "Application Manager", &[READ, ORGANIZATION, APPS]),
    ("fa1d7878-e8cb-41a1-8254-0142355c9f84", "Read Only Operator", &[READ, ORGANIZATION, APPS, ROLES]),
    ("fb2603eb-3c87-4be3-8b5b-d58a5b4a0bc0", "Intune Role Administrator", &[ROLES, ORGANIZATION]),
    ("9553af24-bd83-4ac3-a339-0e58f9e5478e", "Endpoint Privilege Reader", &[READ, ORGANIZATION]),
];

/// The built-in roles; `security_manager_lists_sync` is what documents say and a live tenant did not show.
pub(crate) fn roles(security_manager_lists_sync: bool) -> Vec<Role> {
    let role = |(id, name, actions): &(&str, &str, &[&str])| {
        let mut actions: Vec<String> = actions.iter().map(|&a| a.to_owned()).collect();
        if security_manager_lists_sync && *name == "Endpoint Security Manager" {
            actions.push(SYNC.to_owned());
        }
        Role { id: (*id).to_owned(), name: (*name).to_owned(), built_in: true, actions, not_actions: Vec::new() }
    };
    BUILT_IN.iter().map(role).collect()
}
