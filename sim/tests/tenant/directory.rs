//! Intune roles, and who is in what.

use serde_json::json;

use super::bed::Bed;

#[tokio::test]
async fn roles_must_be_joined_because_each_list_lacks_something() {
    let bed = Bed::new().await;
    let (_, roles) = bed.get("/v1.0/deviceManagement/roleDefinitions").await;
    let roles = roles["value"].as_array().unwrap();
    assert_eq!(roles.len(), 9);
    let sync = |name: &str| {
        let role = roles.iter().find(|r| r["displayName"] == name).unwrap();
        role["rolePermissions"].to_string().contains("Microsoft.Intune_RemoteTasks_SyncDevice")
    };
    assert!(sync("Help Desk Operator") && sync("School Administrator") && sync("Device Care"));
    assert!(!sync("Endpoint Security Manager") && !sync("Read Only Operator"));

    let (_, whole) = bed.get("/v1.0/deviceManagement/roleAssignments").await;
    let school =
        whole["value"].as_array().unwrap().iter().find(|a| a["displayName"] == "School IT, school only").unwrap();
    assert_eq!(school["scopeType"], "resourceScope");
    assert_eq!(school["resourceScopes"], json!(["00000000-0000-4000-8000-00000000a001"]));
    assert!(school.get("roleDefinition").is_none());
    let (_, expanded) = bed.get("/v1.0/deviceManagement/roleAssignments?$expand=roleDefinition").await;
    let row = &expanded["value"][0];
    assert!(row["roleDefinition"].is_null() && row.get("scopeType").is_none() && row.get("roleScopeTagIds").is_none());
    let path = format!(
        "/v1.0/deviceManagement/roleDefinitions/{}/roleAssignments",
        bed.sim.tenant.role_id("School Administrator").unwrap()
    );
    let (_, cut) = bed.get(&path).await;
    assert_eq!((&cut["value"][0]["id"], &cut["value"][0]["members"]), (&school["id"], &json!([])));
    let (_, tags) = bed.get("/beta/deviceManagement/roleScopeTags").await;
    assert_eq!(tags["value"].as_array().unwrap().len(), 2);
    assert_eq!(bed.get("/v1.0/deviceManagement/roleScopeTags").await.0, 400);
}

#[tokio::test]
async fn membership_goes_through_nested_groups() {
    let bed = Bed::new().await;
    let nils = bed.sim.tenant.object_id("nils").unwrap();
    let check = format!("/v1.0/users/{nils}/checkMemberGroups");
    let helpdesk = bed.sim.tenant.object_id("Helpdesk").unwrap();
    let (_, body) =
        bed.post(&check, Some(json!({"groupIds": [helpdesk, "00000000-0000-4000-8000-00000000b002"]}))).await;
    assert_eq!(body["value"], json!([helpdesk]));
    let many: Vec<String> = (0..21).map(|n| format!("group-{n}")).collect();
    assert_eq!(bed.post(&check, Some(json!({"groupIds": many}))).await.0, 400);
    let (_, all) =
        bed.post(&format!("/v1.0/users/{nils}/getMemberGroups"), Some(json!({"securityEnabledOnly": true}))).await;
    assert_eq!(all["value"].as_array().unwrap().len(), 2);

    let entra = bed.sim.tenant.device("SCHOOL-IPAD-1").unwrap().entra_device_id.unwrap();
    let (_, device) = bed.get(&format!("/v1.0/devices(deviceId='{entra}')?$select=id")).await;
    let (_, found) = bed.get(&format!("/v1.0/devices?$filter=deviceId eq '{entra}'&$select=id,deviceId")).await;
    assert_eq!(found["value"][0]["id"], device["id"]);
    let path = format!("/v1.0/devices/{}/checkMemberGroups", device["id"].as_str().unwrap());
    let school = "00000000-0000-4000-8000-00000000a001";
    assert_eq!(bed.post(&path, Some(json!({"groupIds": [school]}))).await.1["value"], json!([school]));
    let (_, groups) = bed
        .get(&format!("/v1.0/devices/{}/transitiveMemberOf/microsoft.graph.group", device["id"].as_str().unwrap()))
        .await;
    assert_eq!(groups["value"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn rights_can_end_while_a_request_waits() {
    let bed = Bed::new().await;
    let helpdesk = bed.sim.tenant.object_id("Helpdesk").unwrap();
    let check = "/v1.0/users/hanna@contoso.example/checkMemberGroups";
    bed.sim.tenant.end_roles("hanna").unwrap();
    bed.sim.tenant.disable_user("omar", true).unwrap();
    assert_eq!(bed.post(check, Some(json!({"groupIds": [helpdesk]}))).await.1["value"], json!([]));
    let (_, omar) = bed.get("/v1.0/users/omar@contoso.example?$select=id,accountEnabled").await;
    assert_eq!(omar["accountEnabled"], false);
    assert!(bed.get("/v1.0/users/omar@contoso.example").await.1.get("accountEnabled").is_none());
}

#[tokio::test]
async fn directory_roles_are_read_through_the_cast() {
    let bed = Bed::new().await;
    let path = "/v1.0/users/ines@contoso.example/transitiveMemberOf/microsoft.graph.directoryRole?$select=id,displayName,roleTemplateId";
    assert_eq!(bed.get(path).await.1["value"][0]["roleTemplateId"], "3a2c62db-5318-420d-8d74-23affee5d9d5");
    bed.sim.tenant.set_permissions(&["User.Read.All"]);
    assert!(bed.get(path).await.1["value"][0]["roleTemplateId"].is_null());
}

#[tokio::test]
async fn group_members_come_nested_cast_and_paged() {
    let bed = Bed::new().await;
    let sales = "/v1.0/groups/00000000-0000-4000-8000-00000000a002/transitiveMembers";
    let (_, users) = bed.get(&format!("{sales}/microsoft.graph.user?$select=id,userPrincipalName&$top=2")).await;
    assert_eq!(users["value"].as_array().unwrap().len(), 2);
    assert!(users["@odata.nextLink"].is_string());
    let (_, devices) = bed.get(&format!("{sales}/microsoft.graph.device?$select=id,deviceId")).await;
    assert_eq!(devices["value"].as_array().unwrap().len(), 1);
    assert_eq!(bed.get(sales).await.1["value"].as_array().unwrap().len(), 5);
    let (_, found) = bed.get("/v1.0/groups?$filter=startswith(displayName,'School')").await;
    assert_eq!(found["value"].as_array().unwrap().len(), 5);
    let (_, people) = bed.get("/v1.0/users?$filter=startswith(userPrincipalName,'mia') or startswith(displayName,'mia')&$select=id,displayName").await;
    assert_eq!(people["value"][0]["displayName"], "Mia Schulz");
    assert_eq!(bed.get("/v1.0/users?$top=1000").await.0, 400);
    assert_eq!(bed.get("/v1.0/users/nobody@contoso.example").await.0, 404);
}
