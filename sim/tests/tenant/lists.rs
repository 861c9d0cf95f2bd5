//! Lists of managed devices, filters that work and filters that lie, and single reads.

use serde_json::{Value, json};

use super::bed::{Bed, DEVICES};

#[tokio::test]
async fn filters_that_work_narrow_the_list() {
    let bed = Bed::new().await;
    for (filter, expected) in [
        ("deviceName eq 'lt-042'", 1),
        ("deviceName eq 'LAB-PC'", 3),
        ("contains(deviceName,'SHARED')", 2),
        ("startswith(deviceName,'SCHOOL-')", 3),
        ("startswith(userDisplayName,'Mia')", 1),
        ("userPrincipalName eq 'mia.schulz@contoso.example'", 1),
        ("serialNumber eq 'DMQX1SHARE01'", 1),
        ("managementState eq 'wipePending' or managementState eq 'retirePending'", 2),
        ("managementAgent eq 'jamf'", 1),
    ] {
        assert_eq!(bed.list(filter).await.unwrap().len(), expected, "{filter}");
    }
    assert!(bed.list("operatingSystem eq 'Windows'").await.unwrap().len() > 50);
    assert!(!bed.list("lastSyncDateTime lt 2026-11-01T00:00:00Z").await.unwrap().is_empty());
}

#[tokio::test]
async fn filters_that_are_ignored_bring_every_device() {
    let bed = Bed::new().await;
    let all = bed.sim.tenant.devices().len();
    let device = bed.sim.tenant.device("LT-042").unwrap();
    for filter in [
        format!("userId eq '{}'", device.user_id.unwrap()),
        format!("id eq '{}'", device.id),
        "deviceEnrollmentType eq 'userEnrollment'".to_owned(),
        "skuFamily eq 'Pro'".to_owned(),
        "userPrincipalName eq ''".to_owned(),
    ] {
        assert_eq!(bed.list(&filter).await.unwrap().len(), all, "{filter}");
    }
}

#[tokio::test]
async fn of_two_conditions_only_the_first_is_honoured() {
    let bed = Bed::new().await;
    let id = |name: &str| bed.sim.tenant.device(name).unwrap().entra_device_id.unwrap();
    let two = format!("azureADDeviceId eq '{}' or azureADDeviceId eq '{}'", id("LT-042"), id("IPAD-017"));
    let rows = bed.list(&two).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["deviceName"], "LT-042");
    let mixed = "startswith(deviceName,'SCHOOL-') or startswith(userDisplayName,'Mia')";
    assert_eq!(bed.list(mixed).await.unwrap().len(), 3);
}

#[tokio::test]
async fn what_cannot_be_filtered_is_refused() {
    let bed = Bed::new().await;
    for filter in
        ["deviceEnrollmentType eq 5", "roleScopeTagIds/any(t:t eq '7')", "nonsense eq 'x'", "deviceName is 'x'"]
    {
        assert_eq!(bed.list(filter).await.unwrap_err().0, 400, "{filter}");
    }
    let (status, body) = bed.get("/v1.0/deviceManagement/managedDevices/$count").await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("No OData route exists"));
}

#[tokio::test]
async fn pages_are_followed_by_their_own_link() {
    let bed = Bed::new().await;
    let mut seen = std::collections::BTreeSet::new();
    let mut next = Some(format!("{DEVICES}?$select=id,deviceName&$top=70"));
    while let Some(path) = next {
        let (status, body) = bed.get(&path).await;
        assert_eq!(status, 200);
        for row in body["value"].as_array().unwrap() {
            assert_eq!(row.as_object().unwrap().len(), 2);
            assert!(seen.insert(row["id"].as_str().unwrap().to_owned()));
        }
        next = body["@odata.nextLink"].as_str().map(|link| link.strip_prefix(&bed.sim.url()).unwrap().to_owned());
    }
    assert_eq!(seen.len(), bed.sim.tenant.devices().len());
    assert_eq!(bed.get(&format!("{DEVICES}?$skiptoken=forged")).await.0, 400);
    assert_eq!(bed.get(&format!("{DEVICES}?$select=roleScopeTagIds")).await.0, 400);
}

#[tokio::test]
async fn some_properties_come_only_on_a_single_read_that_names_them() {
    let bed = Bed::new().await;
    let id = bed.id("LT-WIPING");
    let row = bed.list("deviceName eq 'LT-WIPING'").await.unwrap().remove(0);
    assert_eq!((&row["deviceActionResults"], &row["notes"]), (&json!([]), &Value::Null));
    assert_eq!(bed.get(&format!("{DEVICES}/{id}")).await.1["deviceActionResults"], json!([]));
    let (_, single) = bed.get(&format!("{DEVICES}/{id}?$select=id,managementState,deviceActionResults")).await;
    assert_eq!(single["managementState"], "managed");
    assert_eq!(single["deviceActionResults"][0]["actionName"], "wipe");
    assert_eq!(single["deviceActionResults"][0]["actionState"], "pending");
}

#[tokio::test]
async fn scope_tags_are_right_only_in_betas_single_read() {
    let bed = Bed::new().await;
    let beta = "/beta/deviceManagement/managedDevices";
    let (_, list) = bed.get(&format!("{beta}?$filter=deviceName eq 'FIELD-LT-1'")).await;
    assert_eq!(list["value"][0]["roleScopeTagIds"], json!([]));
    let (_, single) = bed.get(&format!("{beta}/{}?$select=id,roleScopeTagIds", bed.id("FIELD-LT-1"))).await;
    assert_eq!(single["roleScopeTagIds"], json!(["7"]));
    let (_, untagged) = bed.get(&format!("{beta}/{}", bed.id("LT-042"))).await;
    assert_eq!(untagged["roleScopeTagIds"], json!(["0"]));
}

#[tokio::test]
async fn a_device_that_never_checked_in_says_the_year_one() {
    let bed = Bed::new().await;
    assert_eq!(bed.last_sync("LT-NEVER").await, "0001-01-01T00:00:00Z");
    assert_eq!(bed.get(&format!("{DEVICES}/{}", bed.sim.tenant.unknown_device_id())).await.0, 404);
}

#[tokio::test]
async fn the_primary_user_may_be_another_than_the_one_who_enrolled() {
    let bed = Bed::new().await;
    let id = bed.id("TEACHER-MAC-5");
    let (_, device) = bed.get(&format!("{DEVICES}/{id}")).await;
    assert_eq!(device["userPrincipalName"], "uwe.hahn@contoso.example");
    let (_, users) = bed.get(&format!("{DEVICES}/{id}/users?$select=id,userPrincipalName")).await;
    assert_eq!(users["value"][0]["userPrincipalName"], "teresa.vogel@contoso.example");
    let (_, own) = bed.get("/v1.0/users/teresa.vogel@contoso.example/managedDevices").await;
    assert_eq!(own["value"].as_array().unwrap().len(), 2);
}
