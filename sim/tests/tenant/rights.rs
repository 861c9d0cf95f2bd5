//! People and roles as they really come: guests, accounts that are gone, roles that take away, lists with holes.

#![expect(clippy::unwrap_used, reason = "a list that is missing ends its test")]

use serde_json::{Value, json};
use sim::Scenario;
use sim::tenant::{AssignmentSpec, Hidden, NotThere, ScopeFill};

use super::bed::{Bed, seconds};

const ROLES: &str = "/v1.0/deviceManagement/roleDefinitions";
const ASSIGNMENTS: &str = "/v1.0/deviceManagement/roleAssignments";
const GINA: &str = "00000000-0000-4000-8000-000000000406";

impl Bed {
    /// The row of a list that has this name.
    async fn row(&self, list: &str, name: &str) -> Option<Value> {
        let (status, body) = self.get(list).await;
        assert_eq!(status, 200, "{body}");
        body["value"].as_array().unwrap().iter().find(|row| row["displayName"] == name).cloned()
    }

    /// The templates of the directory roles that a person holds now.
    async fn directory_roles(&self, person: &str, how: &str) -> Vec<String> {
        let path = format!(
            "/v1.0/users/{person}@contoso.example/{how}/microsoft.graph.directoryRole?$select=id,roleTemplateId"
        );
        let (status, body) = self.get(&path).await;
        assert_eq!(status, 200, "{body}");
        let rows = body["value"].as_array().unwrap().iter();
        rows.map(|row| row["roleTemplateId"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_guest_says_so_and_is_in_groups_like_anybody() {
    let bed = Bed::new().await;
    let (_, gina) = bed.get("/v1.0/users/gina@contoso.example?$select=id,userType,accountEnabled").await;
    assert_eq!(gina, json!({"id": GINA, "userType": "Guest", "accountEnabled": true}));
    assert_eq!(bed.get("/v1.0/users/hanna@contoso.example?$select=userType").await.1["userType"], "Member");
    let helpdesk = bed.sim.tenant.object_id("Helpdesk").unwrap();
    let body = Some(json!({"groupIds": [helpdesk]}));
    assert_eq!(bed.post(&format!("/v1.0/users/{GINA}/checkMemberGroups"), body).await.1["value"], json!([helpdesk]));
    let left = bed.get("/v1.0/users/left.company@contoso.example?$select=id,accountEnabled").await.1;
    assert_eq!(left, json!({"id": "00000000-0000-4000-8000-000000000405", "accountEnabled": false}));
}

#[tokio::test]
async fn a_deleted_account_is_gone_from_everywhere() {
    let bed = Bed::new().await;
    let id = bed.sim.tenant.object_id("jonas.weber").unwrap();
    let device = bed.id("LT-042");
    bed.sim.tenant.set_directory_role("Intune Administrator", "jonas.weber", true).unwrap();
    bed.sim.tenant.delete_user("jonas.weber").unwrap();
    for path in [
        format!("/v1.0/users/{id}"),
        "/v1.0/users/jonas.weber@contoso.example".to_owned(),
        format!("/v1.0/users/{id}/transitiveMemberOf/microsoft.graph.group"),
        format!("/v1.0/users/{id}/managedDevices"),
    ] {
        assert_eq!(bed.get(&path).await.0, 404, "{path}");
    }
    let body = Some(json!({"groupIds": ["00000000-0000-4000-8000-00000000a002"]}));
    assert_eq!(bed.post(&format!("/v1.0/users/{id}/checkMemberGroups"), body).await.0, 404);
    let members = "/v1.0/groups/00000000-0000-4000-8000-00000000a002/transitiveMembers?$select=id";
    assert!(!bed.get(members).await.1.to_string().contains(&id));
    let (_, row) = bed.get(&format!("{}/{device}?$select=userId,userPrincipalName", super::bed::DEVICES)).await;
    assert_eq!((&row["userId"], &row["userPrincipalName"]), (&json!(""), &json!("")));
    assert!(bed.sim.tenant.delete_user("jonas.weber").is_err());
}

#[tokio::test]
async fn a_role_can_take_an_action_away_that_it_gives() {
    let bed = Bed::new().await;
    let sync = "Microsoft.Intune_RemoteTasks_SyncDevice";
    let id = bed.sim.tenant.add_role("Careful", &[sync], &[sync]);
    let row = bed.row(ROLES, "Careful").await.unwrap();
    let actions = &row["rolePermissions"][0]["resourceActions"][0];
    assert_eq!((&row["id"], &row["isBuiltIn"]), (&json!(id), &json!(false)));
    assert_eq!(actions["allowedResourceActions"], json!([sync]));
    assert_eq!(actions["notAllowedResourceActions"], json!([sync]));
    bed.sim.tenant.set_role_not_actions("Careful", &[]).unwrap();
    bed.sim.tenant.set_role_not_actions("Help Desk Operator", &[sync]).unwrap();
    for (name, taken) in [("Careful", json!([])), ("Help Desk Operator", json!([sync]))] {
        let row = bed.row(ROLES, name).await.unwrap();
        assert_eq!(row["rolePermissions"][0]["resourceActions"][0]["notAllowedResourceActions"], taken, "{name}");
    }
    assert!(bed.sim.tenant.set_role_not_actions("Nothing", &[]).is_err());
}

#[tokio::test]
async fn an_assignment_names_its_scope_groups_in_either_place() {
    let bed = Bed::new().await;
    let night = bed.sim.tenant.add_group("Night", &["nora"]).unwrap();
    let school = "00000000-0000-4000-8000-00000000a001";
    let gone = "00000000-0000-4000-8000-00000000dead";
    for (name, fill, scopes, members) in [
        ("both", ScopeFill::Both, json!([school]), json!([school])),
        ("scopes", ScopeFill::ResourceScopes, json!([school]), json!([])),
        ("members", ScopeFill::ScopeMembers, json!([]), json!([school])),
    ] {
        let spec = AssignmentSpec {
            name,
            members: &["Night", gone],
            scope: "resourceScope",
            groups: &["School devices"],
            tags: &["7"],
            fill,
            ..AssignmentSpec::default()
        };
        let id = bed.sim.tenant.add_assignment(spec).unwrap();
        let (_, row) = bed.get(&format!("{ASSIGNMENTS}/{id}")).await;
        assert_eq!(Some(&row).map(|row| &row["displayName"]), Some(&json!(name)));
        assert_eq!((&row["resourceScopes"], &row["scopeMembers"]), (&scopes, &members));
        assert_eq!((&row["members"], &row["roleScopeTagIds"]), (&json!([night, gone]), &json!(["7"])));
    }
    let nobody = AssignmentSpec { members: &["no such group"], ..AssignmentSpec::default() };
    assert_eq!(bed.sim.tenant.add_assignment(nobody), Err(NotThere("group \"no such group\"".to_owned())));
    bed.sim.tenant.set_assignment_scope("both", "unknownFutureValue").unwrap();
    bed.sim.tenant.set_assignment_tags("both", &[]).unwrap();
    let row = bed.row(ASSIGNMENTS, "both").await.unwrap();
    assert_eq!((&row["scopeType"], &row["roleScopeTagIds"]), (&json!("unknownFutureValue"), &json!([])));
}

#[tokio::test]
async fn an_assignment_can_be_missing_from_one_of_the_lists() {
    let bed = Bed::new().await;
    let (tenant, name) = (&bed.sim.tenant, "Helpdesk, everywhere");
    let of_role = format!("{ROLES}/{}/roleAssignments", tenant.role_id("Help Desk Operator").unwrap());
    let there = async || (bed.row(ASSIGNMENTS, name).await.is_some(), bed.row(&of_role, name).await.is_some());
    assert_eq!(there().await, (true, true));
    tenant.hide_assignment(name, Hidden::FromAll).unwrap();
    assert_eq!(there().await, (false, true));
    tenant.hide_assignment(name, Hidden::FromItsRole).unwrap();
    assert_eq!(there().await, (false, false));
    tenant.show_assignment(name).unwrap();
    assert_eq!(there().await, (true, true));
    tenant.hide_assignment(name, Hidden::FromItsRole).unwrap();
    assert_eq!(there().await, (true, false));

    tenant.truncate_assignment_rows(true);
    let row = bed.row(ASSIGNMENTS, name).await.unwrap();
    for gone in ["scopeType", "members", "roleScopeTagIds"] {
        assert!(row.get(gone).is_none(), "{gone}");
    }
    tenant.truncate_assignment_rows(false);
    assert_eq!(bed.row(ASSIGNMENTS, name).await.unwrap()["scopeType"], "allDevicesAndLicensedUsers");
}

#[tokio::test]
async fn a_directory_role_comes_goes_and_ends_by_itself() {
    let bed = Bed::new().await;
    let (tenant, intune) = (&bed.sim.tenant, "3a2c62db-5318-420d-8d74-23affee5d9d5");
    assert!(bed.directory_roles("nora", "transitiveMemberOf").await.is_empty());
    tenant.set_directory_role("Intune Administrator", "nora", true).unwrap();
    assert_eq!(bed.directory_roles("nora", "transitiveMemberOf").await, [intune]);
    let end = bed.sim.clock.now().checked_add(seconds(60)).unwrap();
    tenant.end_directory_role_at("Intune Administrator", "nora", end).unwrap();
    bed.sim.clock.advance(seconds(59));
    assert_eq!(bed.directory_roles("nora", "memberOf").await, [intune]);
    bed.sim.clock.advance(seconds(1));
    assert!(bed.directory_roles("nora", "transitiveMemberOf").await.is_empty());
    assert!(tenant.end_directory_role_at("Intune Administrator", "nora", end).is_err());

    // Through a group, and a group in it: only what is transitive shows it.
    tenant.set_directory_role(intune, "Helpdesk", true).unwrap();
    assert_eq!(bed.directory_roles("nils", "transitiveMemberOf").await, [intune]);
    assert!(bed.directory_roles("nils", "memberOf").await.is_empty());
    tenant.set_directory_role(intune, "Helpdesk", false).unwrap();
    assert!(bed.directory_roles("nils", "transitiveMemberOf").await.is_empty());
    tenant.add_directory_role("Security Administrator", "194ae4cb-b126-40b2-bd5b-6091b380977d");
    tenant.set_directory_role("Security Administrator", "nora", true).unwrap();
    assert_eq!(bed.directory_roles("nora", "memberOf").await, ["194ae4cb-b126-40b2-bd5b-6091b380977d"]);
    assert!(tenant.set_directory_role("No role", "nora", true).is_err());
}

#[tokio::test]
async fn a_scenario_can_say_all_of_it() {
    let text = r#"
        seed = 1
        tenant_id = "11111111-2222-4333-8444-555555555555"
        domain = "contoso.example"
        sign_in = { client_id = "d", secret = "e", name = "f", redirect_uris = ["https://sync.example/done"] }
        person = [{ key = "gina", name = "Gina", guest = true }]
        group = [{ name = "G", people = ["gina"] }]
        role = [{ name = "R", actions = ["x"], not_actions = ["y"] }]
        assignment = [
            { name = "A", role = "R", members = ["G"], scope = "resourceScope", groups = ["G"], fill = "scope_members" },
        ]
        directory_role = [{ name = "Intune Administrator", template = "t", groups = ["G"] }]
        [application]
        client_id = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
        secret = "sim-client-secret"
        name = "c"
        permissions = ["User.Read.All", "DeviceManagementRBAC.Read.All", "RoleManagement.Read.Directory"]
    "#;
    let bed = Bed::of(Scenario { tenant: toml::from_str(text).unwrap(), ..Scenario::default() }).await;
    let (_, gina) = bed.get("/v1.0/users/gina@contoso.example?$select=userType").await;
    assert_eq!(gina["userType"], "Guest");
    let row = bed.row(ROLES, "R").await.unwrap();
    assert_eq!(row["rolePermissions"][0]["resourceActions"][0]["notAllowedResourceActions"], json!(["y"]));
    let row = bed.row(ASSIGNMENTS, "A").await.unwrap();
    assert_eq!((&row["resourceScopes"], &row["scopeMembers"]), (&json!([]), &row["members"]));
    assert_eq!(bed.directory_roles("gina", "transitiveMemberOf").await, ["t"]);
    assert_eq!(bed.sim.tenant.sign_in_credentials(), ("d".to_owned(), "e".to_owned()));
}
