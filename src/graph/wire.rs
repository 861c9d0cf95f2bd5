//! Graph's JSON, read leniently: unknown fields and values pass, "none" has many spellings.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;

use crate::intune::{
    AssignmentId, AssignmentRow, Compliance, Device, DeviceId, EntraUserId, GroupId, OwnerType, PendingAction,
    Platform, RoleDefinition, RoleId, Scope, ScopeTag, Tags,
};

/// A managedDevice.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireDevice {
    id: DeviceId,
    #[serde(default)]
    device_name: Option<String>,
    #[serde(default)]
    operating_system: Option<String>,
    #[serde(default)]
    os_version: Option<String>,
    #[serde(default)]
    last_sync_date_time: Option<String>,
    #[serde(default)]
    compliance_state: Option<String>,
    #[serde(default)]
    management_state: Option<String>,
    #[serde(default)]
    management_agent: Option<String>,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    user_principal_name: Option<String>,
    #[serde(default)]
    user_display_name: Option<String>,
    #[serde(default)]
    serial_number: Option<String>,
    #[serde(default, rename = "azureADDeviceId")]
    azure_ad_device_id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    device_action_results: Option<Vec<WireActionResult>>,
    #[serde(default)]
    managed_device_owner_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireActionResult {
    #[serde(default)]
    action_name: Option<String>,
    #[serde(default)]
    action_state: Option<String>,
}

/// Graph's "never", and anything else before this century, is no time at all.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    const EARLIEST: i64 = 946_684_800; // 2000-01-01
    text.parse::<Timestamp>().ok().filter(|at| at.as_second() >= EARLIEST)
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn id<T: std::str::FromStr>(text: Option<String>, is_nil: impl Fn(&T) -> bool) -> Option<T> {
    filled(text)?.trim().parse().ok().filter(|id| !is_nil(id))
}

impl From<WireDevice> for Device {
    fn from(wire: WireDevice) -> Self {
        let results = wire.device_action_results.unwrap_or_default();
        let pending_action = results.into_iter().find_map(|result| {
            PendingAction::read(&result.action_name.unwrap_or_default(), &result.action_state.unwrap_or_default())
        });
        Self {
            id: wire.id,
            name: wire.device_name.unwrap_or_default(),
            platform: Platform::read(&wire.operating_system.unwrap_or_default()),
            os_version: wire.os_version.unwrap_or_default(),
            last_check_in: wire.last_sync_date_time.as_deref().and_then(moment),
            compliance: Compliance::read(&wire.compliance_state.unwrap_or_default()),
            management_state: wire.management_state.unwrap_or_default(),
            agent: wire.management_agent.unwrap_or_default(),
            user_id: id(wire.user_id, |id: &EntraUserId| id.is_nil()),
            user_name: filled(wire.user_display_name),
            user_principal_name: filled(wire.user_principal_name),
            serial: filled(wire.serial_number),
            model: filled(wire.model),
            entra_device_id: id(wire.azure_ad_device_id, |id: &crate::intune::EntraDeviceId| id.is_nil()),
            pending_action,
            owner: wire.managed_device_owner_type.as_deref().and_then(OwnerType::read),
        }
    }
}

/// A deviceAndAppManagementRoleDefinition.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireRole {
    id: RoleId,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    is_built_in: bool,
    #[serde(default)]
    role_permissions: Vec<WirePermission>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePermission {
    #[serde(default)]
    resource_actions: Vec<WireActions>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireActions {
    #[serde(default)]
    allowed_resource_actions: Vec<String>,
    #[serde(default)]
    not_allowed_resource_actions: Vec<String>,
}

impl From<WireRole> for RoleDefinition {
    fn from(wire: WireRole) -> Self {
        let actions: Vec<_> = wire.role_permissions.into_iter().flat_map(|row| row.resource_actions).collect();
        let allowed = actions.iter().flat_map(|row| row.allowed_resource_actions.clone()).collect();
        let not_allowed = actions.iter().flat_map(|row| row.not_allowed_resource_actions.clone()).collect();
        let name = wire.display_name.unwrap_or_default();
        Self { id: wire.id, name, built_in: wire.is_built_in, allowed, not_allowed }
    }
}

/// A deviceAndAppManagementRoleAssignment.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireAssignment {
    id: AssignmentId,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    members: Option<Vec<String>>,
    #[serde(default)]
    scope_type: Option<String>,
    #[serde(default)]
    resource_scopes: Option<Vec<String>>,
    #[serde(default)]
    scope_members: Option<Vec<String>>,
    #[serde(default)]
    role_scope_tag_ids: Option<Vec<String>>,
}

/// The groups among some ids; what is no id is no group, and grants nothing.
fn groups(ids: Option<Vec<String>>) -> BTreeSet<GroupId> {
    ids.unwrap_or_default().iter().filter_map(|id| id.trim().parse().ok()).collect()
}

impl From<WireAssignment> for AssignmentRow {
    fn from(wire: WireAssignment) -> Self {
        let scope = match wire.scope_type.as_deref() {
            Some("allDevices" | "allDevicesAndLicensedUsers") => Scope::WholeTenant,
            Some("allLicensedUsers") => Scope::AnyUser,
            // Which of the two lists the service fills was never observed, so both count.
            Some("resourceScope") => Scope::Groups(&groups(wire.resource_scopes) | &groups(wire.scope_members)),
            _ => Scope::Unknown,
        };
        let tags = match wire.role_scope_tag_ids {
            None => Tags::Unknown,
            Some(ids) if ids.is_empty() => Tags::Any,
            Some(ids) => Tags::These(ids.into_iter().map(ScopeTag).collect()),
        };
        let (name, members) = (wire.display_name.unwrap_or_default(), groups(wire.members));
        Self { id: wire.id, name, members, scope, tags }
    }
}

/// An active directory role.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireDirectoryRole {
    /// Null where the bot may not read roles.
    #[serde(default)]
    pub(super) role_template_id: Option<String>,
}

/// A device's scope tags.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireTags {
    pub(super) id: DeviceId,
    #[serde(default)]
    pub(super) role_scope_tag_ids: Option<Vec<String>>,
}

impl WireTags {
    /// An untagged device has the Default tag; a read that leaves the property out says nothing.
    pub(super) fn tags(self) -> Option<BTreeSet<ScopeTag>> {
        let ids = self.role_scope_tag_ids?;
        Some(if ids.is_empty() {
            BTreeSet::from([ScopeTag::default_tag()])
        } else {
            ids.into_iter().map(ScopeTag).collect()
        })
    }
}

/// A row of which only the id is needed.
#[derive(Debug, Deserialize)]
pub(super) struct WireId<T> {
    pub(super) id: T,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(json: &str) -> Device {
        serde_json::from_str::<WireDevice>(json).unwrap().into()
    }

    #[test]
    fn none_has_many_spellings() {
        let read = device(
            r#"{"id":"00000000-0000-4000-8000-000000000001","lastSyncDateTime":"0001-01-01T00:00:00Z","userId":"",
                "azureADDeviceId":"00000000-0000-0000-0000-000000000000","serialNumber":" ","osVersion":null}"#,
        );
        assert_eq!((read.last_check_in, read.user_id, read.entra_device_id, read.serial), (None, None, None, None));
    }

    #[test]
    fn unknown_values_and_fields_pass() {
        let read = device(
            r#"{"id":"00000000-0000-4000-8000-000000000001","operatingSystem":"visionOS","complianceState":"new",
                "managementState":"unknownFutureValue","somethingNew":{"a":1}}"#,
        );
        assert_eq!(read.platform, Platform::Other("visionOS".to_owned()));
        assert_eq!(read.compliance, Compliance::Unknown);
    }

    #[test]
    fn a_running_wipe_is_found_among_the_action_results() {
        let read = device(
            r#"{"id":"00000000-0000-4000-8000-000000000001","deviceActionResults":[
                {"actionName":"rebootNow","actionState":"done"},{"actionName":"wipe","actionState":"pending"}]}"#,
        );
        assert_eq!(read.pending_action, Some(PendingAction::Wipe));
    }
}
