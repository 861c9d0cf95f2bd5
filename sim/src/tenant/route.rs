//! Which path means what, which permission it wants, and which limits it counts against.

use super::odata::{Call, Version};
use super::throttle::Class;

/// Users, groups or Entra devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Group,
    Device,
}

/// A cast at the end of a path, `/microsoft.graph.group` and so on.
pub(crate) type Cast = Option<String>;

/// What a call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Devices,
    DevicesCount,
    Device(String),
    DeviceUsers(String),
    Sync(String),
    UserDevices(String),
    RoleDefinitions,
    RoleDefinition(String),
    RoleDefinitionAssignments(String),
    RoleAssignments,
    RoleAssignment(String),
    ResourceOperations,
    ScopeTags,
    AuditEvents,
    MobileApps,
    MobileApp(String),
    Report,
    AppStates(String),
    AppStatesOf(String, String),
    AppEvents(String, String),
    Objects(Kind),
    Object(Kind, String),
    /// `transitiveMemberOf`, or `memberOf` where the flag is off.
    MemberOf(Kind, String, bool, Cast),
    CheckMemberGroups(Kind, String),
    GetMemberGroups(Kind, String),
    /// `transitiveMembers`, or `members` where the flag is off.
    Members(String, bool, Cast),
    Batch,
    /// A write that this tenant never carries out.
    OtherWrite,
    /// `/me`, which makes no sense for an application.
    Me,
    Unknown(String),
}

/// Reads the path of a call.
pub(crate) fn route(call: &Call) -> Route {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let own = |text: &&str| (*text).to_owned();
    let beta = call.version == Version::Beta;
    let route = match (call.method.as_str(), parts.as_slice()) {
        ("POST", ["$batch"]) => Route::Batch,
        (
            "POST",
            ["deviceManagement", "managedDevices", id, "syncDevice" | "microsoft.graph.syncDevice"]
            | ["users", _, "managedDevices", id, "syncDevice"],
        ) => Route::Sync(own(id)),
        ("POST", ["deviceManagement", "reports", "retrieveDeviceAppInstallationStatusReport"]) => Route::Report,
        ("POST", [kind, id, "checkMemberGroups"]) if kind_of(kind).is_some() => {
            Route::CheckMemberGroups(kind_of(kind).unwrap_or(Kind::User), own(id))
        }
        ("POST", [kind, id, "getMemberGroups"]) if kind_of(kind).is_some() => {
            Route::GetMemberGroups(kind_of(kind).unwrap_or(Kind::User), own(id))
        }
        ("GET", ["me", ..]) => Route::Me,
        ("GET", ["deviceManagement", rest @ ..]) => management(rest, beta),
        ("GET", ["deviceAppManagement", "mobileApps"]) => Route::MobileApps,
        ("GET", ["deviceAppManagement", "mobileApps", id]) => Route::MobileApp(own(id)),
        ("GET", ["users", id, "managedDevices"]) => Route::UserDevices(own(id)),
        ("GET", ["users", _, "managedDevices", id]) => Route::Device(own(id)),
        ("GET", ["users", user, "mobileAppIntentAndStates"]) if beta => Route::AppStates(own(user)),
        ("GET", ["users", user, "mobileAppIntentAndStates", id]) if beta => Route::AppStatesOf(own(user), own(id)),
        ("GET", ["users", user, "mobileAppTroubleshootingEvents", id]) if beta => Route::AppEvents(own(user), own(id)),
        ("GET", [kind, rest @ ..]) if kind_of(kind).is_some() => directory(kind_of(kind).unwrap_or(Kind::User), rest),
        ("GET", _) => Route::Unknown(String::new()),
        _ => Route::OtherWrite,
    };
    match route {
        // Name the last word of the path that is not an id.
        Route::Unknown(_) => {
            let word = parts.iter().rev().find(|p| !p.contains('-') && !p.contains('@')).or(parts.last());
            Route::Unknown(word.map(own).unwrap_or_default())
        }
        route => route,
    }
}

fn kind_of(segment: &str) -> Option<Kind> {
    match segment {
        "users" => Some(Kind::User),
        "groups" => Some(Kind::Group),
        "devices" => Some(Kind::Device),
        _ => None,
    }
}

fn management(rest: &[&str], beta: bool) -> Route {
    let own = |text: &&str| (*text).to_owned();
    match rest {
        ["managedDevices"] => Route::Devices,
        ["managedDevices", "$count"] => Route::DevicesCount,
        ["managedDevices", id] => Route::Device(own(id)),
        ["managedDevices", id, "users"] => Route::DeviceUsers(own(id)),
        ["roleDefinitions"] => Route::RoleDefinitions,
        ["roleDefinitions", id] => Route::RoleDefinition(own(id)),
        ["roleDefinitions", id, "roleAssignments"] => Route::RoleDefinitionAssignments(own(id)),
        ["roleAssignments"] => Route::RoleAssignments,
        ["roleAssignments", id] => Route::RoleAssignment(own(id)),
        ["resourceOperations"] => Route::ResourceOperations,
        ["roleScopeTags"] if beta => Route::ScopeTags,
        ["auditEvents"] => Route::AuditEvents,
        _ => Route::Unknown(String::new()),
    }
}

fn directory(kind: Kind, rest: &[&str]) -> Route {
    let own = |text: &&str| (*text).to_owned();
    let cast = |rest: &[&str]| rest.first().map(own);
    match rest {
        [] => Route::Objects(kind),
        [id] => Route::Object(kind, own(id)),
        [id, "transitiveMemberOf", rest @ ..] if rest.len() < 2 => Route::MemberOf(kind, own(id), true, cast(rest)),
        [id, "memberOf", rest @ ..] if rest.len() < 2 => Route::MemberOf(kind, own(id), false, cast(rest)),
        [id, "transitiveMembers", rest @ ..] if kind == Kind::Group && rest.len() < 2 => {
            Route::Members(own(id), true, cast(rest))
        }
        [id, "members", rest @ ..] if kind == Kind::Group && rest.len() < 2 => {
            Route::Members(own(id), false, cast(rest))
        }
        _ => Route::Unknown(String::new()),
    }
}

const DEVICES_READ: &[&str] =
    &["DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All"];
const SYNC: &[&str] = &["DeviceManagementManagedDevices.PrivilegedOperations.All"];
const ROLES_READ: &[&str] = &["DeviceManagementRBAC.Read.All", "DeviceManagementRBAC.ReadWrite.All"];
const TAGS_READ: &[&str] = &[
    "DeviceManagementRBAC.Read.All",
    "DeviceManagementRBAC.ReadWrite.All",
    "DeviceManagementConfiguration.Read.All",
    "DeviceManagementConfiguration.ReadWrite.All",
];
const APPS_READ: &[&str] = &["DeviceManagementApps.Read.All", "DeviceManagementApps.ReadWrite.All"];
const USERS_READ: &[&str] = &["User.Read.All", "Directory.Read.All"];
const GROUPS_READ: &[&str] = &["GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"];
const ENTRA_DEVICES_READ: &[&str] = &["Device.Read.All", "Directory.Read.All"];

impl Route {
    /// The permissions it wants: of each list, any one will do.
    pub(crate) fn wants(&self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Devices
            | Self::DevicesCount
            | Self::Device(_)
            | Self::DeviceUsers(_)
            | Self::UserDevices(_)
            | Self::AppStates(_)
            | Self::AppStatesOf(..)
            | Self::AppEvents(..) => &[DEVICES_READ],
            Self::Sync(_) => &[SYNC],
            Self::RoleDefinitions
            | Self::RoleDefinition(_)
            | Self::RoleDefinitionAssignments(_)
            | Self::RoleAssignments
            | Self::RoleAssignment(_)
            | Self::ResourceOperations => &[ROLES_READ],
            Self::ScopeTags => &[TAGS_READ],
            Self::AuditEvents | Self::MobileApps | Self::MobileApp(_) | Self::Report => &[APPS_READ],
            Self::CheckMemberGroups(Kind::User, _) | Self::GetMemberGroups(Kind::User, _) => &[USERS_READ, GROUPS_READ],
            Self::Objects(kind)
            | Self::Object(kind, _)
            | Self::MemberOf(kind, ..)
            | Self::CheckMemberGroups(kind, _)
            | Self::GetMemberGroups(kind, _) => kind.reads(),
            Self::Members(..) => &[GROUPS_READ],
            Self::Batch | Self::OtherWrite | Self::Me | Self::Unknown(_) => &[],
        }
    }

    /// The limits it counts against, and whether it is a write there.
    pub(crate) fn class(&self) -> (Class, bool) {
        match self {
            Self::Sync(_) | Self::OtherWrite => (Class::Devices, true),
            Self::Devices
            | Self::DevicesCount
            | Self::Device(_)
            | Self::DeviceUsers(_)
            | Self::UserDevices(_)
            | Self::AuditEvents => (Class::Devices, false),
            Self::AppStates(_)
            | Self::AppStatesOf(..)
            | Self::AppEvents(..)
            | Self::MobileApps
            | Self::MobileApp(_) => (Class::Apps, false),
            Self::RoleDefinitions
            | Self::RoleDefinition(_)
            | Self::RoleDefinitionAssignments(_)
            | Self::RoleAssignments
            | Self::RoleAssignment(_)
            | Self::ResourceOperations
            | Self::ScopeTags => (Class::Roles, false),
            Self::Report => (Class::Reports, false),
            Self::Batch | Self::Me | Self::Unknown(_) => (Class::Free, false),
            _ => (Class::Identity, false),
        }
    }
}

impl Kind {
    fn reads(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::User => &[USERS_READ],
            Self::Group => &[GROUPS_READ],
            Self::Device => &[ENTRA_DEVICES_READ],
        }
    }
}
