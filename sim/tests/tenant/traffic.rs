//! One walk through every path a well-behaved client uses, for checkers of recorded traffic.
//!
//! `SIM_TRAFFIC_LOG=FILE cargo test -p sim --test tenant traffic::` leaves the walk in FILE, one exchange on a line.

use serde_json::{Value, json};
use sim::tenant::{Fault, FaultKind};

use super::bed::{Bed, DEVICES};

#[tokio::test]
async fn every_path_answers_a_well_behaved_client() {
    let bed = Bed::new().await;
    let device = bed.sim.tenant.device("IPAD-017").unwrap();
    let (id, user) = (device.id.as_str(), device.user_id.as_deref().unwrap());
    let app = bed.app_id("IPAD-017", "Contoso Expenses");
    let role = bed.sim.tenant.role_id("Help Desk Operator").unwrap();
    let group = bed.sim.tenant.object_id("Sales team").unwrap();
    let entra = bed.sim.tenant.object_id("IPAD-017").unwrap();
    let entra_id = device.entra_device_id.as_deref().unwrap();
    let (_, assignments) = bed.get("/v1.0/deviceManagement/roleAssignments").await;
    let assignment = assignments["value"][0]["id"].as_str().unwrap();
    let list = "id,deviceName,operatingSystem,osVersion,lastSyncDateTime,complianceState,managementState,managementAgent,userId,userPrincipalName,userDisplayName,serialNumber,azureADDeviceId,model,managedDeviceOwnerType";
    for path in [
        format!("{DEVICES}?$select={list}&$top=50"),
        format!("{DEVICES}?$top=5"),
        format!("{DEVICES}/{id}"),
        format!("{DEVICES}/{id}?$select={list},deviceActionResults,notes,udid,iccid,physicalMemoryInBytes"),
        format!("{DEVICES}/{id}/users?$select=id,userPrincipalName"),
        format!("/beta/deviceManagement/managedDevices/{id}?$select=id,roleScopeTagIds"),
        format!("/beta/deviceManagement/managedDevices/{id}"),
        "/beta/deviceManagement/managedDevices?$top=400".to_owned(),
        format!("/v1.0/users/{user}/managedDevices?$select={list}"),
        "/v1.0/deviceManagement/roleDefinitions".to_owned(),
        format!("/v1.0/deviceManagement/roleDefinitions/{role}"),
        format!("/v1.0/deviceManagement/roleDefinitions/{role}/roleAssignments"),
        "/beta/deviceManagement/roleAssignments".to_owned(),
        format!("/v1.0/deviceManagement/roleAssignments/{assignment}"),
        "/v1.0/deviceManagement/resourceOperations".to_owned(),
        "/beta/deviceManagement/roleScopeTags".to_owned(),
        "/v1.0/deviceAppManagement/mobileApps".to_owned(),
        format!("/v1.0/deviceAppManagement/mobileApps/{app}?$select=id,displayName"),
        "/v1.0/users?$filter=startswith(displayName,'M')&$select=id,displayName,userPrincipalName&$top=10".to_owned(),
        format!("/v1.0/users/{user}?$select=id,accountEnabled,userPrincipalName"),
        format!("/v1.0/users/{user}"),
        format!("/v1.0/users/{user}/transitiveMemberOf"),
        format!("/v1.0/users/{user}/transitiveMemberOf/microsoft.graph.group?$select=id,displayName"),
        "/v1.0/users/00000000-0000-4000-8000-000000000401/transitiveMemberOf/microsoft.graph.directoryRole?$select=id,displayName,roleTemplateId".to_owned(),
        format!("/v1.0/devices?$filter=deviceId eq '{entra_id}'&$select=id"),
        format!("/v1.0/devices(deviceId='{entra_id}')?$select=id"),
        format!("/v1.0/devices/{entra}"),
        format!("/v1.0/devices/{entra}/transitiveMemberOf"),
        format!("/v1.0/devices/{entra}/transitiveMemberOf/microsoft.graph.group?$select=id"),
        "/v1.0/groups?$select=id,displayName".to_owned(),
        format!("/v1.0/groups/{group}"),
        format!("/v1.0/groups/{group}/transitiveMembers"),
        format!("/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user?$select=id,displayName&$top=2"),
        format!("/v1.0/groups/{group}/transitiveMembers/microsoft.graph.device?$select=id,deviceId"),
        format!("/beta/users/{user}/mobileAppIntentAndStates/{id}"),
        format!("/beta/users/{user}/mobileAppIntentAndStates"),
        format!("/beta/users/{user}/mobileAppTroubleshootingEvents/{id}_{app}"),
    ] {
        let (status, body) = bed.get(&path).await;
        assert_eq!(status, 200, "{path}: {body}");
    }
    for (kind, object) in [("users", user), ("devices", entra.as_str()), ("groups", group.as_str())] {
        let (status, _) =
            bed.post(&format!("/v1.0/{kind}/{object}/checkMemberGroups"), Some(json!({"groupIds": [group]}))).await;
        assert_eq!(status, 200);
        let body = Some(json!({"securityEnabledOnly": true}));
        assert_eq!(bed.post(&format!("/v1.0/{kind}/{object}/getMemberGroups"), body).await.0, 200);
    }
    let entra = ["v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"];
    for path in entra {
        assert_eq!(bed.get(&format!("/{}/{path}", Bed::TENANT)).await.0, 200, "{path}");
    }
    let (status, tokens) = bed.redeem(&[], &bed.code("hanna")).await;
    assert_eq!(status, 200);
    let own = bed.http.get(bed.at("/v1.0/me?$select=id,displayName,userPrincipalName"));
    let me = own.bearer_auth(tokens["access_token"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(me.status(), 200);
    for version in ["v1.0", "beta"] {
        let path = format!("/{version}/deviceManagement/reports/retrieveDeviceAppInstallationStatusReport");
        let body = json!({"select": ["DeviceId", "ErrorCode"], "filter": format!("(ApplicationId eq '{app}')"), "skip": 0, "top": 50, "orderBy": []});
        assert_eq!(bed.report(&path, body).await.0, 200);
        let items: Vec<Value> = bed.sim.tenant.devices().iter().take(20).enumerate().map(|(n, d)| {
            json!({"id": n.to_string(), "method": "GET", "url": format!("/deviceManagement/managedDevices/{}?$select=id,lastSyncDateTime,managementState", d.id)})
        }).collect();
        assert_eq!(bed.post(&format!("/{version}/$batch"), Some(json!({"requests": items}))).await.0, 200);
        let sync = bed.post(&format!("/{version}/deviceManagement/managedDevices/{id}/syncDevice"), None).await;
        assert_eq!(sync.0, 204);
    }
    assert_eq!(
        bed.get("/v1.0/deviceManagement/auditEvents?$filter=activityDateTime ge 2026-11-23T00:00:00Z").await.0,
        200
    );
    bed.sim.tenant.push_fault(Fault::on_sync(FaultKind::LostAnswer).times(1));
    assert!(bed.try_post(&format!("{DEVICES}/{id}/syncDevice")).await.is_err());
    assert!(bed.sim.tenant.unexpected_writes().is_empty());
    assert_eq!(bed.sim.tenant.throttled(), 0);
}
