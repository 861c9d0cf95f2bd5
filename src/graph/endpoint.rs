//! Every request that can be formed. There is one write in it, and there will be no other.

use serde_json::{Value, json};
use url::Url;

use super::odata::quote;
use super::throttle::Load;
use crate::intune::{AppId, DeviceId, DirectoryDeviceId, EntraDeviceId, EntraUserId, GroupId, RoleId};

/// Properties of a device that lists deliver.
const DEVICE_LIST: &str = "id,deviceName,operatingSystem,osVersion,lastSyncDateTime,complianceState,managementState,managementAgent,userId,userPrincipalName,userDisplayName,serialNumber,azureADDeviceId,model,managedDeviceOwnerType";

/// `deviceActionResults` comes filled only on a single read that names it.
const DEVICE_SINGLE: &str = "id,deviceName,operatingSystem,osVersion,lastSyncDateTime,complianceState,managementState,managementAgent,userId,userPrincipalName,userDisplayName,serialNumber,azureADDeviceId,model,managedDeviceOwnerType,deviceActionResults";

/// Properties of a person: whether the account still counts, and what to call them.
const USER: &str = "id,displayName,userPrincipalName,accountEnabled,userType";

/// Properties of a device that say whether it checked in, and whether it still will.
const CHECK_IN: &str = "id,lastSyncDateTime,managementState,complianceState";

/// Properties of a group: what it is called.
const GROUP: &str = "id,displayName";

/// Devices on a page; Graph's largest.
const PAGE: &str = "1000";

/// Properties of a device that can be searched for, one at a time: Graph honours only the first of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SearchBy {
    Name,
    Serial,
    UserPrincipalName,
    EntraDevice,
}

/// A request that changes nothing.
#[derive(Clone, Debug)]
pub(super) enum Read {
    Devices,
    DevicesBy(SearchBy, String),
    Device(DeviceId),
    PrimaryUsers(DeviceId),
    /// Its scope tags, which come filled on the single beta read only.
    DeviceTags(DeviceId),
    RoleDefinitions,
    /// Whole rows, which do not say their role.
    RoleAssignments,
    /// The assignments of one role; of these rows only the ids are to be trusted.
    AssignmentsOfRole(RoleId),
    User(EntraUserId),
    /// A person by the user principal name, as somebody typed it.
    UserBySignIn(String),
    /// A person's devices; a filter by `userId` would be ignored.
    UserDevices(EntraUserId),
    /// Where every device stands, in as few pages as can be.
    CheckIns,
    Group(GroupId),
    /// Groups with exactly this display name, which need not be one.
    GroupsNamed(String),
    /// The Entra roles that are active for a person now, by groups and by PIM too.
    DirectoryRoles(EntraUserId),
    DirectoryDevice(EntraDeviceId),
    /// Which of these groups (at most 20) the person is in.
    UserInGroups(EntraUserId, Vec<GroupId>),
    /// The same for a device's directory object.
    DeviceInGroups(DirectoryDeviceId, Vec<GroupId>),
    GroupUsers(GroupId),
    GroupDevices(GroupId),
    AppStates(EntraUserId, DeviceId),
    AppHistory(EntraUserId, DeviceId, AppId),
    AppReport(AppId, u32),
}

/// The two versions of Graph; each has a batch address of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    Beta,
}

impl Version {
    fn segment(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }

    /// Where a batch is posted.
    pub(super) fn batch_url(self, base: &Url) -> Url {
        join(base, &[self.segment(), "$batch"])
    }
}

/// The one write: asks a device to check in.
#[derive(Clone, Copy, Debug)]
pub(super) struct SyncDevice(pub(super) DeviceId);

impl SyncDevice {
    pub(super) fn url(self, base: &Url) -> Url {
        join(base, &["v1.0", "deviceManagement", "managedDevices", &self.0.to_string(), "syncDevice"])
    }
}

fn join(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

impl Read {
    /// The address, with its query.
    pub(super) fn url(&self, base: &Url) -> Url {
        let managed = |rest: &[&str]| join(base, &[&["v1.0", "deviceManagement", "managedDevices"], rest].concat());
        let roles = |rest: &[&str]| join(base, &[&["v1.0", "deviceManagement"], rest].concat());
        let mut url = match self {
            Self::Devices | Self::DevicesBy(..) | Self::CheckIns => managed(&[]),
            Self::Device(id) => managed(&[&id.to_string()]),
            Self::PrimaryUsers(id) => managed(&[&id.to_string(), "users"]),
            Self::DeviceTags(id) => join(base, &["beta", "deviceManagement", "managedDevices", &id.to_string()]),
            Self::RoleDefinitions => roles(&["roleDefinitions"]),
            Self::RoleAssignments => roles(&["roleAssignments"]),
            Self::AssignmentsOfRole(id) => roles(&["roleDefinitions", &id.to_string(), "roleAssignments"]),
            Self::User(id) => join(base, &["v1.0", "users", &id.to_string()]),
            Self::UserBySignIn(name) => join(base, &["v1.0", "users", name]),
            Self::UserDevices(id) => join(base, &["v1.0", "users", &id.to_string(), "managedDevices"]),
            Self::Group(id) => join(base, &["v1.0", "groups", &id.to_string()]),
            Self::GroupsNamed(_) => join(base, &["v1.0", "groups"]),
            Self::DirectoryRoles(id) => {
                join(base, &["v1.0", "users", &id.to_string(), "transitiveMemberOf", "microsoft.graph.directoryRole"])
            }
            Self::DirectoryDevice(_) => join(base, &["v1.0", "devices"]),
            Self::UserInGroups(id, _) => join(base, &["v1.0", "users", &id.to_string(), "checkMemberGroups"]),
            Self::DeviceInGroups(id, _) => join(base, &["v1.0", "devices", &id.to_string(), "checkMemberGroups"]),
            Self::GroupUsers(id) => {
                join(base, &["v1.0", "groups", &id.to_string(), "transitiveMembers", "microsoft.graph.user"])
            }
            Self::GroupDevices(id) => {
                join(base, &["v1.0", "groups", &id.to_string(), "transitiveMembers", "microsoft.graph.device"])
            }
            Self::AppStates(user, device) => {
                join(base, &["beta", "users", &user.to_string(), "mobileAppIntentAndStates", &device.to_string()])
            }
            Self::AppHistory(user, device, app) => {
                let event = format!("{device}_{app}");
                join(base, &["beta", "users", &user.to_string(), "mobileAppTroubleshootingEvents", &event])
            }
            Self::AppReport(..) => {
                join(base, &["v1.0", "deviceManagement", "reports", "retrieveDeviceAppInstallationStatusReport"])
            }
        };
        for (name, value) in self.query() {
            url.query_pairs_mut().append_pair(name, &value);
        }
        url
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Devices => vec![("$select", DEVICE_LIST.to_owned()), ("$top", PAGE.to_owned())],
            Self::DevicesBy(by, text) => {
                let property = match by {
                    SearchBy::Name => "deviceName",
                    SearchBy::Serial => "serialNumber",
                    SearchBy::UserPrincipalName => "userPrincipalName",
                    SearchBy::EntraDevice => "azureADDeviceId",
                };
                let filter = format!("{property} eq {}", quote(text));
                vec![("$filter", filter), ("$select", DEVICE_LIST.to_owned())]
            }
            Self::Device(_) => vec![("$select", DEVICE_SINGLE.to_owned())],
            Self::DeviceTags(_) => vec![("$select", "id,roleScopeTagIds".to_owned())],
            Self::User(_) | Self::UserBySignIn(_) => vec![("$select", USER.to_owned())],
            Self::UserDevices(_) => vec![("$select", DEVICE_LIST.to_owned())],
            Self::CheckIns => vec![("$select", CHECK_IN.to_owned()), ("$top", PAGE.to_owned())],
            Self::Group(_) => vec![("$select", GROUP.to_owned())],
            Self::GroupsNamed(name) => {
                vec![("$filter", format!("displayName eq {}", quote(name))), ("$select", GROUP.to_owned())]
            }
            Self::DirectoryRoles(_) => vec![("$select", "id,displayName,roleTemplateId".to_owned())],
            Self::PrimaryUsers(_) => vec![("$select", "id".to_owned())],
            Self::DirectoryDevice(id) => {
                vec![("$filter", format!("deviceId eq {}", quote(&id.to_string()))), ("$select", "id".to_owned())]
            }
            Self::GroupUsers(_) => vec![("$select", "id".to_owned()), ("$top", "999".to_owned())],
            Self::GroupDevices(_) => vec![("$select", "id,deviceId".to_owned()), ("$top", "999".to_owned())],
            Self::RoleDefinitions
            | Self::RoleAssignments
            | Self::AssignmentsOfRole(_)
            | Self::UserInGroups(..)
            | Self::DeviceInGroups(..)
            | Self::AppStates(..)
            | Self::AppHistory(..)
            | Self::AppReport(..) => Vec::new(),
        }
    }

    /// What it is charged. Entra's resource units: `checkMemberGroups` 4, the others 2 at most (Graph throttling page); Intune's own
    /// reads cost none.
    pub(super) fn load(&self) -> Load {
        let identity_units = match self {
            Self::UserInGroups(..) | Self::DeviceInGroups(..) => 4,
            Self::User(_)
            | Self::UserBySignIn(_)
            | Self::Group(_)
            | Self::GroupsNamed(_)
            | Self::DirectoryRoles(_)
            | Self::DirectoryDevice(_)
            | Self::GroupUsers(_)
            | Self::GroupDevices(_) => 2,
            _ => 0,
        };
        let reports = u32::from(matches!(self, Self::AppReport(..)));
        Load { requests: 1, writes: 0, reports, identity_units }
    }

    /// The version it is asked of.
    pub(super) fn version(&self) -> Version {
        match self {
            Self::DeviceTags(_) | Self::AppStates(..) | Self::AppHistory(..) => Version::Beta,
            _ => Version::V1,
        }
    }

    /// The address as an item of a batch writes it: from behind the version, with its query.
    pub(super) fn relative(&self) -> String {
        let base: Url = "https://graph.invalid".parse().expect("a constant address");
        let url = self.url(&base);
        let whole = &url[url::Position::BeforePath..];
        whole[1 + self.version().segment().len()..].to_owned()
    }

    /// The body, for the reads that Graph wants as POST.
    pub(super) fn body(&self) -> Option<Value> {
        match self {
            Self::UserInGroups(_, groups) | Self::DeviceInGroups(_, groups) => Some(json!({ "groupIds": groups })),
            Self::AppReport(app, skip) => Some(json!({
                "select": ["DeviceId", "AppInstallState", "ErrorCode", "HexErrorCode", "LastModifiedDateTime", "ApplicationId"],
                "filter": format!("(ApplicationId eq {})", quote(&app.to_string())),
                "skip": skip,
                "top": 50,
                "orderBy": [],
            })),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        "https://graph.microsoft.com".parse().unwrap()
    }

    #[test]
    fn the_one_write_is_sync_device() {
        let id: DeviceId = "00000000-0000-4000-8000-00000000d042".parse().unwrap();
        assert_eq!(
            SyncDevice(id).url(&base()).as_str(),
            "https://graph.microsoft.com/v1.0/deviceManagement/managedDevices/00000000-0000-4000-8000-00000000d042/syncDevice"
        );
    }

    #[test]
    fn a_search_text_stays_inside_its_literal_and_its_parameter() {
        let url = Read::DevicesBy(SearchBy::Name, "x' or 1 eq 1&$top=1".to_owned()).url(&base());
        let filter = url.query_pairs().find(|(name, _)| name == "$filter").unwrap().1.into_owned();
        assert_eq!(filter, "deviceName eq 'x'' or 1 eq 1&$top=1'");
        assert_eq!(url.query_pairs().count(), 2);
    }

    #[test]
    fn a_proxy_path_in_the_base_is_kept() {
        let base = "http://127.0.0.1:4300/graph/".parse().unwrap();
        assert_eq!(Read::RoleDefinitions.url(&base).path(), "/graph/v1.0/deviceManagement/roleDefinitions");
    }
}
