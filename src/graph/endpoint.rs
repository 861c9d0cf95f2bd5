//! Every request that can be formed. There is one write in it, and there will be no other.

use serde_json::{Value, json};
use url::Url;

use super::odata::quote;
use crate::intune::{AppId, DeviceId, EntraDeviceId, EntraUserId, GroupId};

/// Properties of a device that lists deliver.
const DEVICE_LIST: &str = "id,deviceName,operatingSystem,osVersion,lastSyncDateTime,complianceState,managementState,managementAgent,userId,userPrincipalName,userDisplayName,serialNumber,azureADDeviceId,model,managedDeviceOwnerType";

/// `deviceActionResults` comes filled only on a single read that names it.
const DEVICE_SINGLE: &str = "id,deviceName,operatingSystem,osVersion,lastSyncDateTime,complianceState,managementState,managementAgent,userId,userPrincipalName,userDisplayName,serialNumber,azureADDeviceId,model,managedDeviceOwnerType,deviceActionResults";

/// Devices on a page; Graph's largest.
const PAGE: &str = "1000";

/// Properties of a device that can be searched for, one at a time: Graph honours only the first of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SearchBy {
    Name,
    Serial,
    UserPrincipalName,
}

/// A request that changes nothing.
#[derive(Clone, Debug)]
pub(super) enum Read {
    Devices,
    DevicesBy(SearchBy, String),
    Device(DeviceId),
    PrimaryUsers(DeviceId),
    RoleDefinitions,
    User(EntraUserId),
    DirectoryDevice(EntraDeviceId),
    /// Which of these groups (at most 20) the person is in.
    UserInGroups(EntraUserId, Vec<GroupId>),
    /// The same for a device's directory object.
    DeviceInGroups(uuid::Uuid, Vec<GroupId>),
    GroupUsers(GroupId),
    GroupDevices(GroupId),
    AppStates(EntraUserId, DeviceId),
    AppHistory(EntraUserId, DeviceId, AppId),
    AppReport(AppId, u32),
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
        let mut url = match self {
            Self::Devices | Self::DevicesBy(..) => managed(&[]),
            Self::Device(id) => managed(&[&id.to_string()]),
            Self::PrimaryUsers(id) => managed(&[&id.to_string(), "users"]),
            Self::RoleDefinitions => join(base, &["v1.0", "deviceManagement", "roleDefinitions"]),
            Self::User(id) => join(base, &["v1.0", "users", &id.to_string()]),
            Self::DirectoryDevice(_) => join(base, &["v1.0", "devices"]),
            Self::UserInGroups(id, _) => join(base, &["v1.0", "users", &id.to_string(), "checkMemberGroups"]),
            Self::DeviceInGroups(id, _) => {
                join(base, &["v1.0", "devices", &id.hyphenated().to_string(), "checkMemberGroups"])
            }
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
                };
                let filter = format!("{property} eq {}", quote(text));
                vec![("$filter", filter), ("$select", DEVICE_LIST.to_owned())]
            }
            Self::Device(_) => vec![("$select", DEVICE_SINGLE.to_owned())],
            Self::PrimaryUsers(_) => vec![("$select", "id".to_owned())],
            Self::User(_) => {
                vec![("$select", "id,displayName,userPrincipalName,accountEnabled,userType".to_owned())]
            }
            Self::DirectoryDevice(id) => {
                vec![("$filter", format!("deviceId eq {}", quote(&id.to_string()))), ("$select", "id".to_owned())]
            }
            Self::GroupUsers(_) => vec![("$select", "id".to_owned()), ("$top", "999".to_owned())],
            Self::GroupDevices(_) => vec![("$select", "id,deviceId".to_owned()), ("$top", "999".to_owned())],
            Self::RoleDefinitions
            | Self::UserInGroups(..)
            | Self::DeviceInGroups(..)
            | Self::AppStates(..)
            | Self::AppHistory(..)
            | Self::AppReport(..) => Vec::new(),
        }
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
