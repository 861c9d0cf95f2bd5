//! The handle's part for Intune's roles and their assignments: what people may, and in which lists that shows.

use super::Tenant;
use super::handle::{NotThere, not_there};
use super::model::{Assignment, Hidden, Role, ScopeFill, World};
use super::seed::id_for;

/// A role assignment to make.
#[derive(Clone, Copy, Debug)]
pub struct AssignmentSpec<'a> {
    /// Display name.
    pub name: &'a str,
    /// The role, by display name or id.
    pub role: &'a str,
    /// The groups whose people hold it, by name or id.
    pub members: &'a [&'a str],
    /// `scopeType` as Graph prints it.
    pub scope: &'a str,
    /// The scope groups, by name or id.
    pub groups: &'a [&'a str],
    /// Scope tag ids.
    pub tags: &'a [&'a str],
    /// Where the scope groups show on the wire.
    pub fill: ScopeFill,
}

impl Default for AssignmentSpec<'_> {
    /// Nobody's Help Desk Operator, everywhere.
    fn default() -> Self {
        Self {
            name: "An assignment",
            role: "Help Desk Operator",
            members: &[],
            scope: "allDevicesAndLicensedUsers",
            groups: &[],
            tags: &[],
            fill: ScopeFill::Both,
        }
    }
}

/// What happens to roles.
impl Tenant {
    /// Sets the allowed resource actions of a role (display name or id).
    pub fn set_role_actions(&self, role: &str, actions: &[&str]) -> Result<(), NotThere> {
        self.with(|world| {
            let found = world.roles.iter_mut().find(|r| r.name == role || r.id == role);
            found.ok_or_else(|| not_there("role", role))?.actions = actions.iter().map(|&a| a.to_owned()).collect();
            Ok(())
        })
    }

    /// Sets the resource actions that a role (display name or id) takes away.
    pub fn set_role_not_actions(&self, role: &str, not_actions: &[&str]) -> Result<(), NotThere> {
        self.with(|world| {
            let found = world.roles.iter_mut().find(|r| r.name == role || r.id == role);
            found.ok_or_else(|| not_there("role", role))?.not_actions = owned(not_actions);
            Ok(())
        })
    }

    /// Makes a custom role, and returns its id. A name may be there twice, as in Intune.
    pub fn add_role(&self, name: &str, actions: &[&str], not_actions: &[&str]) -> String {
        self.with(|world| {
            let id = id_for(world.seed, "role", &format!("{name}/{}", world.roles.len()));
            let (actions, not_actions) = (owned(actions), owned(not_actions));
            world.roles.push(Role { id: id.clone(), name: name.to_owned(), built_in: false, actions, not_actions });
            id
        })
    }
}

/// What happens to assignments, each named by its display name or its id.
impl Tenant {
    /// Makes a role assignment, and returns its id.
    pub fn add_assignment(&self, spec: AssignmentSpec<'_>) -> Result<String, NotThere> {
        self.with(|world| {
            let role = world.roles.iter().find(|r| r.name == spec.role || r.id == spec.role);
            let role = role.ok_or_else(|| not_there("role", spec.role))?.id.clone();
            // The name and a number that no assignment of this name has: one that was taken away leaves a gap.
            let free = |id: &String| world.assignments.iter().all(|a| a.id != *id);
            let mut ids = (0_u32..).map(|n| id_for(world.seed, "assignment", &format!("{}/{n}", spec.name)));
            let id = ids.find(free).unwrap_or_default();
            let (members, scope_groups) = (groups(world, spec.members)?, groups(world, spec.groups)?);
            world.assignments.push(Assignment {
                id: id.clone(),
                name: spec.name.to_owned(),
                role,
                members,
                scope_type: spec.scope.to_owned(),
                scope_groups,
                tags: owned(spec.tags),
                fill: spec.fill,
                hidden: Vec::new(),
            });
            Ok(id)
        })
    }

    /// Takes a role assignment away.
    pub fn remove_assignment(&self, assignment: &str) -> Result<(), NotThere> {
        self.with(|world| {
            let before = world.assignments.len();
            world.assignments.retain(|a| a.name != assignment && a.id != assignment);
            if world.assignments.len() == before { Err(not_there("assignment", assignment)) } else { Ok(()) }
        })
    }

    /// Sets `scopeType`, to any word at all.
    pub fn set_assignment_scope(&self, assignment: &str, scope: &str) -> Result<(), NotThere> {
        self.on_assignment(assignment, |found| scope.clone_into(&mut found.scope_type))
    }

    /// Sets the scope tags.
    pub fn set_assignment_tags(&self, assignment: &str, tags: &[&str]) -> Result<(), NotThere> {
        self.on_assignment(assignment, |found| found.tags = owned(tags))
    }

    /// The assignment is missing from one of the lists from now on; both can be said one after the other.
    pub fn hide_assignment(&self, assignment: &str, from: Hidden) -> Result<(), NotThere> {
        self.on_assignment(assignment, |found| found.hidden.push(from))
    }

    /// The assignment is in every list again.
    pub fn show_assignment(&self, assignment: &str) -> Result<(), NotThere> {
        self.on_assignment(assignment, |found| found.hidden.clear())
    }

    /// Whether the rows of `roleAssignments` come without scope type, members and scope tags.
    pub fn truncate_assignment_rows(&self, truncated: bool) {
        self.with(|world| world.truncated_assignments = truncated);
    }

    fn on_assignment(&self, assignment: &str, act: impl FnOnce(&mut Assignment)) -> Result<(), NotThere> {
        self.with(|world| {
            let found = world.assignments.iter_mut().find(|a| a.name == assignment || a.id == assignment);
            act(found.ok_or_else(|| not_there("assignment", assignment))?);
            Ok(())
        })
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// Ids of groups. An id that no group has is kept: assignments outlive their groups.
fn groups(world: &World, names: &[&str]) -> Result<Vec<String>, NotThere> {
    let id = |name: &&str| {
        let gone = || uuid::Uuid::parse_str(name).is_ok().then(|| (*name).to_owned());
        world.object_named(name).or_else(gone).ok_or_else(|| not_there("group", name))
    };
    names.iter().map(id).collect()
}
