//! A generated tenant: people, groups in groups, devices, roles and assignments, as plain data and as a scenario.

use std::fmt::Write as _;

use proptest::prelude::*;

/// How many of each there are in a generated tenant.
pub(crate) const PEOPLE: usize = 3;
pub(crate) const DEVICES: usize = 3;
const GROUPS: usize = 5;

/// The roles that assignments choose from: name, and what the tenant's definition says.
pub(crate) const ROLES: [Role; 7] = [
    Role { name: "Help Desk Operator", built_in: true, sync: Action::Allowed, seed: true },
    Role { name: "Endpoint Security Manager", built_in: true, sync: Action::Absent, seed: true },
    Role { name: "Read Only Operator", built_in: true, sync: Action::Absent, seed: false },
    Role { name: "Custom sync", built_in: false, sync: Action::Allowed, seed: false },
    Role { name: "Custom without sync", built_in: false, sync: Action::Absent, seed: false },
    Role { name: "Custom that takes it away", built_in: false, sync: Action::TakenAway, seed: false },
    // As if somebody had named their own role like Microsoft's.
    Role { name: "School administrator", built_in: false, sync: Action::Absent, seed: false },
];

const SYNC: &str = "Microsoft.Intune_RemoteTasks_SyncDevice";
const READ: &str = "Microsoft.Intune_ManagedDevices_Read";

/// What a role's definition says of the sync action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Absent,
    Allowed,
    /// Among the allowed ones, and among those taken away again.
    TakenAway,
}

/// A role definition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Role {
    pub(crate) name: &'static str,
    pub(crate) built_in: bool,
    pub(crate) sync: Action,
    /// One of the three that Microsoft's Sync page names.
    pub(crate) seed: bool,
}

/// A group: people, devices and other groups by their number. Only later groups are nested, so there is no circle.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) people: Vec<usize>,
    pub(crate) devices: Vec<usize>,
    pub(crate) groups: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) user: Option<usize>,
    pub(crate) in_entra: bool,
    pub(crate) tags: Vec<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) role: usize,
    pub(crate) members: Vec<usize>,
    pub(crate) scope: &'static str,
    pub(crate) scope_groups: Vec<usize>,
    /// Where the wire shows the scope groups.
    pub(crate) fill: &'static str,
    pub(crate) tags: Vec<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) enabled: Vec<bool>,
    pub(crate) groups: Vec<Group>,
    pub(crate) devices: Vec<Device>,
    pub(crate) assignments: Vec<Assignment>,
    /// Who holds Intune Administrator, and Global Administrator (by a group).
    pub(crate) intune_admins: Vec<usize>,
    pub(crate) global_admin_groups: Vec<usize>,
    /// Settings of the gate.
    pub(crate) seed_roles_grant_sync: bool,
    pub(crate) entra_admins: Vec<&'static str>,
}

fn some(count: usize, most: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::btree_set(0..count, 0..=most).prop_map(|set| set.into_iter().collect())
}

fn tags() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![
        3 => Just(vec![]),
        1 => Just(vec!["0"]),
        2 => Just(vec!["7"]),
        1 => Just(vec!["7", "8"]),
        1 => Just(vec!["8"]),
    ]
}

fn group(number: usize) -> impl Strategy<Value = Group> {
    let later: Vec<usize> = (number + 1..GROUPS).collect();
    let nested = prop::sample::subsequence(later.clone(), 0..=later.len().min(2));
    (some(PEOPLE, 2), some(DEVICES, 2), nested).prop_map(|(people, devices, groups)| Group { people, devices, groups })
}

fn device() -> impl Strategy<Value = Device> {
    (prop::option::of(0..PEOPLE), prop::bool::weighted(0.8), tags()).prop_map(|(user, in_entra, tags)| Device {
        user,
        in_entra,
        tags,
    })
}

fn assignment() -> impl Strategy<Value = Assignment> {
    let scope = prop::sample::select(vec![
        "allDevices",
        "allLicensedUsers",
        "allDevicesAndLicensedUsers",
        "resourceScope",
        "resourceScope",
        "resourceScope",
        "unknownFutureValue",
    ]);
    let fill = prop::sample::select(vec!["both", "resource_scopes", "scope_members"]);
    (0..ROLES.len(), some(GROUPS, 2), scope, some(GROUPS, 2), fill, tags()).prop_map(
        |(role, members, scope, scope_groups, fill, tags)| Assignment {
            role,
            members,
            scope,
            scope_groups,
            fill,
            tags,
        },
    )
}

/// Any tenant.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let groups: Vec<_> = (0..GROUPS).map(group).collect();
    (
        prop::collection::vec(prop::bool::weighted(0.9), PEOPLE),
        groups,
        prop::collection::vec(device(), DEVICES),
        prop::collection::vec(assignment(), 0..6),
        prop_oneof![4 => Just(vec![]), 1 => some(PEOPLE, 1)],
        prop_oneof![4 => Just(vec![]), 1 => some(GROUPS, 1)],
        any::<bool>(),
        prop::sample::subsequence(vec!["Intune Administrator", "Global Administrator"], 0..=2),
    )
        .prop_map(
            |(
                enabled,
                groups,
                devices,
                assignments,
                intune_admins,
                global_admin_groups,
                seed_roles_grant_sync,
                entra_admins,
            )| World {
                enabled,
                groups,
                devices,
                assignments,
                intune_admins,
                global_admin_groups,
                seed_roles_grant_sync,
                entra_admins,
            },
        )
}

fn names(prefix: &str, numbers: &[usize]) -> String {
    let names: Vec<_> = numbers.iter().map(|number| format!("\"{prefix}{number}\"")).collect();
    format!("[{}]", names.join(", "))
}

impl World {
    /// The tenant's half of a scenario, in TOML.
    pub(crate) fn tenant(&self) -> String {
        let mut toml = String::from(
            r#"
            seed = 7
            tenant_id = "11111111-2222-4333-8444-555555555555"
            domain = "contoso.example"
            [application]
            client_id = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
            secret = "sim-client-secret"
            name = "Intune Sync Bot"
            permissions = ["DeviceManagementManagedDevices.Read.All", "DeviceManagementRBAC.Read.All", "User.Read.All",
                "GroupMember.Read.All", "Device.Read.All", "RoleManagement.Read.Directory"]
            [throttling]
            multiplier = 0.0
            "#,
        );
        self.write(&mut toml).expect("a string takes everything");
        toml
    }

    fn write(&self, toml: &mut String) -> std::fmt::Result {
        for (number, enabled) in self.enabled.iter().enumerate() {
            writeln!(toml, "[[person]]\nkey = \"p{number}\"\nname = \"Person {number}\"\nenabled = {enabled}")?;
        }
        for (number, group) in self.groups.iter().enumerate() {
            // Entra's groups hold Entra's objects; what it does not know cannot be in one.
            let known: Vec<_> = group.devices.iter().copied().filter(|&device| self.devices[device].in_entra).collect();
            let (people, devices) = (names("p", &group.people), names("D", &known));
            let groups = names("g", &group.groups);
            writeln!(
                toml,
                "[[group]]\nname = \"g{number}\"\npeople = {people}\ndevices = {devices}\ngroups = {groups}"
            )?;
        }
        for role in ROLES.iter().filter(|role| !role.built_in) {
            let both = format!("[\"{READ}\", \"{SYNC}\"]");
            let (allowed, not) = match role.sync {
                Action::Absent => (format!("[\"{READ}\"]"), "[]".to_owned()),
                Action::Allowed => (both, "[]".to_owned()),
                Action::TakenAway => (both, format!("[\"{SYNC}\"]")),
            };
            writeln!(toml, "[[role]]\nname = \"{}\"\nactions = {allowed}\nnot_actions = {not}", role.name)?;
        }
        for (number, assignment) in self.assignments.iter().enumerate() {
            let Assignment { role, members, scope, scope_groups, fill, tags } = assignment;
            let (role, members) = (ROLES[*role].name, names("g", members));
            let groups = names("g", scope_groups);
            writeln!(toml, "[[assignment]]\nname = \"a{number}\"\nrole = \"{role}\"\nmembers = {members}")?;
            writeln!(toml, "scope = \"{scope}\"\ngroups = {groups}\nfill = \"{fill}\"\ntags = {tags:?}")?;
        }
        writeln!(
            toml,
            "[[directory_role]]\nname = \"Intune Administrator\"\ntemplate = \"3a2c62db-5318-420d-8d74-23affee5d9d5\"\npeople = {}",
            names("p", &self.intune_admins)
        )?;
        writeln!(
            toml,
            "[[directory_role]]\nname = \"Global Administrator\"\ntemplate = \"62e90394-69f5-4237-9190-012177145e10\"\ngroups = {}",
            names("g", &self.global_admin_groups)
        )?;
        for (number, device) in self.devices.iter().enumerate() {
            writeln!(toml, "[[device]]\nname = \"D{number}\"\nos = \"Windows\"\nentra = {}", device.in_entra)?;
            writeln!(toml, "tags = {:?}", device.tags)?;
            if let Some(user) = device.user {
                writeln!(toml, "user = \"p{user}\"")?;
            }
        }
        Ok(())
    }
}
