//! What there is in the tenant: plain data, changed only by `settle`, by a served call, or by the handle.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};

use super::sign_in::SignIns;
use crate::scenario::tenant::{Behaviour, EntraApplication, SignInApplication};

/// The id that stands for "no Entra device" and "no user".
pub(crate) const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// A person in Entra.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) upn: String,
    pub(crate) enabled: bool,
    pub(crate) guest: bool,
    /// Made up beside the scenario's named people.
    pub(crate) made_up: bool,
}

/// An access token that was handed out.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) ends: Timestamp,
    /// Object id of the person who signed in for it; `None` for the application's own.
    pub(crate) person: Option<String>,
}

/// A security group; `members` are object ids of people, Entra devices and other groups.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) members: BTreeSet<String>,
}

/// An active Entra directory role.
#[derive(Clone, Debug)]
pub(crate) struct DirectoryRole {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) template: String,
    pub(crate) members: BTreeSet<String>,
    /// Members who lose it by themselves, and when.
    pub(crate) ends: Vec<(String, Timestamp)>,
}

/// An Intune role definition.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) built_in: bool,
    pub(crate) actions: Vec<String>,
    pub(crate) not_actions: Vec<String>,
}

/// Where the scope groups of an assignment show on the wire; documents name both, and which one is filled was not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeFill {
    /// In `resourceScopes` and in `scopeMembers`.
    #[default]
    Both,
    /// In `resourceScopes` only.
    ResourceScopes,
    /// In `scopeMembers` only.
    ScopeMembers,
}

/// The list from which an assignment is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// `roleAssignments`.
    FromAll,
    /// `roleDefinitions/{id}/roleAssignments`.
    FromItsRole,
}

/// An assignment of an Intune role.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) members: Vec<String>,
    pub(crate) scope_type: String,
    pub(crate) scope_groups: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) fill: ScopeFill,
    pub(crate) hidden: Vec<Hidden>,
}

/// An app in Intune.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
}

/// What a device does after a sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckIn {
    /// It is switched off: no check-in at all, not even the regular ones.
    Never,
    /// It checks in this long after the sync.
    After(SignedDuration),
    /// Several check-ins, each this long after the sync.
    Several(Vec<SignedDuration>),
    /// A check-in that crossed with the request shows at once, dated `before` the request; the real one follows `after` it.
    Crossed {
        /// How long before the request the crossed check-in is dated.
        before: SignedDuration,
        /// How long after the request the real one comes.
        after: SignedDuration,
    },
}

/// Why a check-in happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The regular interval passed.
    Regular,
    /// A sync was asked for, or the test said so: planned app changes happen.
    Asked,
    /// It started before the request and is dated so: nothing planned happens yet.
    Crossed,
}

/// A check-in to come: it shows at `at`, and says `dated`.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) at: Timestamp,
    pub(crate) dated: Timestamp,
    pub(crate) cause: Cause,
}

/// What the next asked-for check-in does to an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppChange {
    /// It gets installed.
    Fixed,
    /// It fails, or fails again, with this signed code.
    Fails(i32),
}

/// One thing that happened to an app on a device.
#[derive(Clone, Debug)]
pub(crate) struct AppEvent {
    pub(crate) at: Timestamp,
    /// `None`: installed.
    pub(crate) code: Option<i32>,
}

/// An app on a device, as Intune reports it now.
#[derive(Clone, Debug)]
pub(crate) struct DeviceApp {
    pub(crate) app: String,
    pub(crate) state: String,
    pub(crate) code: Option<i32>,
    pub(crate) at: Option<Timestamp>,
    pub(crate) then: Option<AppChange>,
    pub(crate) history: Vec<AppEvent>,
}

/// A change of an app that happened but does not show yet.
#[derive(Clone, Debug)]
pub(crate) struct HiddenChange {
    pub(crate) shows_at: Timestamp,
    pub(crate) app: String,
    pub(crate) event: AppEvent,
}

/// An entry of `deviceActionResults`.
#[derive(Clone, Debug)]
pub(crate) struct ActionResult {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) at: Timestamp,
}

/// A managed device.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) os: String,
    pub(crate) os_version: String,
    pub(crate) serial: String,
    pub(crate) manufacturer: String,
    pub(crate) model: String,
    pub(crate) owner: String,
    pub(crate) agent: String,
    pub(crate) state: String,
    pub(crate) compliance: String,
    /// Object id of the primary user.
    pub(crate) user: Option<String>,
    /// Object id of the person who enrolled it.
    pub(crate) enrolled_by: Option<String>,
    pub(crate) enrolled: Timestamp,
    /// Entra's `deviceId` and object id.
    pub(crate) entra: Option<(String, String)>,
    pub(crate) tags: Vec<String>,
    pub(crate) needs_approval: bool,
    pub(crate) actions: Vec<ActionResult>,
    pub(crate) apps: Vec<DeviceApp>,

    pub(crate) last_check_in: Option<Timestamp>,
    pub(crate) before_last: Option<Timestamp>,
    /// When the last check-in showed (not: how it is dated).
    pub(crate) shown_at: Option<Timestamp>,
    pub(crate) plan: CheckIn,
    pub(crate) planned: Vec<Planned>,
    pub(crate) next_regular: Option<Timestamp>,
    /// A sync was accepted and no check-in followed yet.
    pub(crate) waiting: bool,
    pub(crate) stale_for: SignedDuration,
    pub(crate) stale_reads: u32,
    pub(crate) hidden: Vec<HiddenChange>,
}

/// The whole tenant.
#[derive(Debug)]
pub(crate) struct World {
    /// The simulator's own base address, for `@odata.nextLink`.
    pub(crate) base: String,
    pub(crate) now: Timestamp,
    pub(crate) seed: u64,
    pub(crate) tenant_id: String,
    pub(crate) domain: String,
    pub(crate) application: EntraApplication,
    pub(crate) sign_in: SignInApplication,
    pub(crate) sign_ins: SignIns,
    pub(crate) behaviour: Behaviour,
    /// By object id.
    pub(crate) people: IndexMap<String, Person>,
    pub(crate) groups: Vec<Group>,
    pub(crate) directory_roles: Vec<DirectoryRole>,
    pub(crate) roles: Vec<Role>,
    pub(crate) assignments: Vec<Assignment>,
    /// Rows of `roleAssignments` come without scope type, members and scope tags.
    pub(crate) truncated_assignments: bool,
    pub(crate) scope_tags: Vec<(String, String)>,
    pub(crate) apps: Vec<App>,
    /// By id.
    pub(crate) devices: IndexMap<String, Device>,
    /// Tokens handed out.
    pub(crate) tokens: Vec<Token>,
    pub(crate) faults: super::fault::Faults,
    pub(crate) limits: super::throttle::Limits,
    pub(crate) log: super::log::Log,
}

impl World {
    /// Adds a person.
    pub(crate) fn add_person(&mut self, person: Person) {
        self.people.insert(person.id.clone(), person);
    }

    /// Adds a device.
    pub(crate) fn add_device(&mut self, device: Device) {
        self.devices.insert(device.id.clone(), device);
    }

    /// The device that `name_or_id` names; names are compared without case.
    pub(crate) fn device(&self, name_or_id: &str) -> Option<&Device> {
        self.devices.get(name_or_id).or_else(|| self.devices.values().find(|d| is_named(d, name_or_id)))
    }

    /// As [`World::device`], to change it.
    pub(crate) fn device_mut(&mut self, name_or_id: &str) -> Option<&mut Device> {
        if self.devices.contains_key(name_or_id) {
            return self.devices.get_mut(name_or_id);
        }
        self.devices.values_mut().find(|d| is_named(d, name_or_id))
    }

    /// A person by key, object id or user principal name.
    pub(crate) fn person(&self, who: &str) -> Option<&Person> {
        let named = |p: &&Person| p.key == who || p.upn.eq_ignore_ascii_case(who);
        self.people.get(who).or_else(|| self.people.values().find(named))
    }

    /// An app by name or id.
    pub(crate) fn app(&self, name_or_id: &str) -> Option<&App> {
        self.apps.iter().find(|a| a.id == name_or_id || a.name == name_or_id)
    }

    /// Every group that holds the object, directly or through nesting.
    pub(crate) fn groups_of(&self, object: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut look = vec![object.to_owned()];
        while let Some(member) = look.pop() {
            for group in self.groups.iter().filter(|g| g.members.contains(&member)) {
                if found.insert(group.id.clone()) {
                    look.push(group.id.clone());
                }
            }
        }
        found
    }

    /// Everything in a group, directly or through nesting; with `nested` off, only its own members.
    pub(crate) fn members_of(&self, group: &str, nested: bool) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut look = vec![group.to_owned()];
        while let Some(id) = look.pop() {
            for member in self.groups.iter().filter(|g| g.id == id).flat_map(|g| &g.members) {
                if found.insert(member.clone()) && nested {
                    look.push(member.clone());
                }
            }
        }
        found
    }
}

fn is_named(device: &Device, name: &str) -> bool {
    device.name.to_lowercase() == name.to_lowercase()
}
