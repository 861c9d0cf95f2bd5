//! The rules once more, slow and obvious, written from the documents: what the gate must agree with.

use super::world::{Action, Assignment, ROLES, Role, World};

/// What the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Intune Administrator or Global Administrator, by the setting.
    AllowedAsAdmin,
    /// By the assignment of this number, or by another that allows as well.
    AllowedByAssignment,
    AccountEnded,
    NoAssignment,
    RoleWithoutSync,
    OutOfScope,
    ScopeTag,
}

/// Whether a person (or device) is in a group, directly or through any chain of groups.
fn is_in(world: &World, group: usize, holds: &dyn Fn(usize) -> bool) -> bool {
    holds(group) || world.groups[group].groups.iter().any(|&nested| is_in(world, nested, holds))
}

fn person_in(world: &World, person: usize, group: usize) -> bool {
    is_in(world, group, &|group| world.groups[group].people.contains(&person))
}

fn device_in(world: &World, device: usize, group: usize) -> bool {
    is_in(world, group, &|group| world.groups[group].devices.contains(&device))
}

fn grants_sync(role: Role, seed_roles_grant_sync: bool) -> bool {
    role.sync == Action::Allowed || (role.built_in && role.seed && seed_roles_grant_sync)
}

fn in_scope(world: &World, assignment: &Assignment, device: usize) -> bool {
    let user = world.devices[device].user;
    match assignment.scope {
        "allDevices" | "allDevicesAndLicensedUsers" => true,
        "allLicensedUsers" => user.is_some(),
        "resourceScope" => assignment.scope_groups.iter().any(|&group| {
            // Entra groups hold Entra's objects: a device that Entra does not know is in none.
            (world.devices[device].in_entra && device_in(world, device, group))
                || user.is_some_and(|user| person_in(world, user, group))
        }),
        _ => false,
    }
}

fn in_tags(world: &World, assignment: &Assignment, device: usize) -> bool {
    let own = &world.devices[device].tags;
    let tags = if own.is_empty() { vec!["0"] } else { own.clone() };
    assignment.tags.is_empty() || assignment.tags.iter().any(|tag| tags.contains(tag))
}

/// May this person sync this device?
pub(crate) fn may_sync(world: &World, person: usize, device: usize) -> Verdict {
    if !world.enabled[person] {
        return Verdict::AccountEnded;
    }
    let is_intune_admin = world.intune_admins.contains(&person);
    let is_global_admin = world.global_admin_groups.iter().any(|&group| person_in(world, person, group));
    if (is_intune_admin && world.entra_admins.contains(&"Intune Administrator"))
        || (is_global_admin && world.entra_admins.contains(&"Global Administrator"))
    {
        return Verdict::AllowedAsAdmin;
    }
    let theirs: Vec<_> = world
        .assignments
        .iter()
        .filter(|assignment| assignment.members.iter().any(|&group| person_in(world, person, group)))
        .collect();
    if theirs.is_empty() {
        return Verdict::NoAssignment;
    }
    let granting: Vec<_> = theirs
        .into_iter()
        .filter(|assignment| grants_sync(ROLES[assignment.role], world.seed_roles_grant_sync))
        .collect();
    if granting.is_empty() {
        return Verdict::RoleWithoutSync;
    }
    let scoped: Vec<_> = granting.into_iter().filter(|assignment| in_scope(world, assignment, device)).collect();
    if scoped.is_empty() {
        return Verdict::OutOfScope;
    }
    if scoped.iter().any(|assignment| in_tags(world, assignment, device)) {
        Verdict::AllowedByAssignment
    } else {
        Verdict::ScopeTag
    }
}
