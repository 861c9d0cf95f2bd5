//! The handle's part for people and groups: who is in the tenant, and who is in what.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Tenant;
use super::handle::{NotThere, not_there};
use super::model::{DirectoryRole, Group, World};
use super::seed::id_for;

/// What happens to people and groups.
impl Tenant {
    /// Sets a group's own members: people (key, UPN, id), devices and groups (name, id).
    pub fn set_group_members(&self, group: &str, members: &[&str]) -> Result<(), NotThere> {
        self.with(|world| {
            let ids = members.iter().map(|m| world.object_named(m).ok_or_else(|| not_there("member", m)));
            let ids = ids.collect::<Result<BTreeSet<_>, _>>()?;
            group_mut(world, group)?.members = ids;
            Ok(())
        })
    }

    /// Puts one more person, device or group into a group.
    pub fn add_to_group(&self, group: &str, member: &str) -> Result<(), NotThere> {
        self.with(|world| {
            let id = world.object_named(member).ok_or_else(|| not_there("member", member))?;
            group_mut(world, group)?.members.insert(id);
            Ok(())
        })
    }

    /// Takes a person, device or group out of a group.
    pub fn remove_from_group(&self, group: &str, member: &str) -> Result<(), NotThere> {
        self.with(|world| {
            let id = world.object_named(member).ok_or_else(|| not_there("member", member))?;
            group_mut(world, group)?.members.remove(&id);
            Ok(())
        })
    }

    /// Takes a person out of every group and every directory role: all their rights end now.
    pub fn end_roles(&self, person: &str) -> Result<(), NotThere> {
        self.with(|world| {
            let id = world.person(person).map(|p| p.id.clone()).ok_or_else(|| not_there("person", person))?;
            for members in world.groups.iter_mut().map(|g| &mut g.members) {
                members.remove(&id);
            }
            for members in world.directory_roles.iter_mut().map(|r| &mut r.members) {
                members.remove(&id);
            }
            Ok(())
        })
    }

    /// Switches a person's account off, or on again.
    pub fn disable_user(&self, person: &str, disabled: bool) -> Result<(), NotThere> {
        self.with(|world| {
            let id = world.person(person).map(|p| p.id.clone()).ok_or_else(|| not_there("person", person))?;
            world.people.entry(id).and_modify(|p| p.enabled = !disabled);
            Ok(())
        })
    }

    /// The account is gone for good: every later call to it is answered 404, and it is in no group and no directory
    /// role. Its devices are left without a user.
    pub fn delete_user(&self, person: &str) -> Result<(), NotThere> {
        self.end_roles(person)?;
        self.with(|world| {
            let id = world.person(person).map(|p| p.id.clone());
            world.people.retain(|known, _| Some(known) != id.as_ref());
            for device in world.devices.values_mut() {
                device.user.take_if(|user| Some(&*user) == id.as_ref());
                device.enrolled_by.take_if(|user| Some(&*user) == id.as_ref());
            }
        });
        Ok(())
    }

    /// Makes a security group of people (key, UPN, id), devices and groups (name, id), and returns its object id.
    pub fn add_group(&self, name: &str, members: &[&str]) -> Result<String, NotThere> {
        self.with(|world| {
            let ids = members.iter().map(|m| world.object_named(m).ok_or_else(|| not_there("member", m)));
            let members = ids.collect::<Result<BTreeSet<_>, _>>()?;
            let id = id_for(world.seed, "group", &format!("{name}/{}", world.groups.len()));
            world.groups.push(Group { id: id.clone(), name: name.to_owned(), members });
            Ok(id)
        })
    }
}

/// What happens to Entra's directory roles.
impl Tenant {
    /// Activates another directory role in the tenant, which nobody holds yet.
    pub fn add_directory_role(&self, name: &str, template: &str) {
        self.with(|world| {
            let id = id_for(world.seed, "directory role", name);
            let (name, template) = (name.to_owned(), template.to_owned());
            world.directory_roles.push(DirectoryRole {
                id,
                name,
                template,
                members: BTreeSet::new(),
                ends: Vec::new(),
            });
        });
    }

    /// Gives an active directory role (name or template) to a person or a group, without an end, or takes it away.
    pub fn set_directory_role(&self, role: &str, person_or_group: &str, on: bool) -> Result<(), NotThere> {
        self.on_directory_role(role, person_or_group, |role, holder| {
            role.ends.retain(|(known, _)| known != holder);
            if on {
                role.members.insert(holder.to_owned());
            } else {
                role.members.remove(holder);
            }
            Ok(())
        })
    }

    /// A directory role that was activated for a while: the person or group who holds it loses it at `end`.
    pub fn end_directory_role_at(&self, role: &str, person_or_group: &str, end: Timestamp) -> Result<(), NotThere> {
        self.on_directory_role(role, person_or_group, |role, holder| {
            if !role.members.contains(holder) {
                return Err(not_there("holder of this role", person_or_group));
            }
            role.ends.retain(|(known, _)| known != holder);
            role.ends.push((holder.to_owned(), end));
            Ok(())
        })
    }

    fn on_directory_role(
        &self,
        role: &str,
        person_or_group: &str,
        act: impl FnOnce(&mut DirectoryRole, &str) -> Result<(), NotThere>,
    ) -> Result<(), NotThere> {
        self.with(|world| {
            let holder = world.object_named(person_or_group);
            let holder = holder.ok_or_else(|| not_there("person or group", person_or_group))?;
            let found = world.directory_roles.iter_mut().find(|r| r.name == role || r.template == role);
            act(found.ok_or_else(|| not_there("directory role", role))?, &holder)
        })
    }
}

fn group_mut<'w>(world: &'w mut World, name: &str) -> Result<&'w mut Group, NotThere> {
    world.groups.iter_mut().find(|g| g.name == name || g.id == name).ok_or_else(|| not_there("group", name))
}
