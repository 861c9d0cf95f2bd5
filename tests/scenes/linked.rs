//! Linked people: Intune's own assignments decide, in every case that has a name, with the words that are read.

use std::collections::BTreeSet;

use sim::tenant::{AssignmentSpec, Fault, FaultKind, Hidden, ScopeFill};

use crate::bed::{Bed, Spans as _};

/// Only linked people may.
const LINK_ONLY: &str = "[access]\nrequire_link = true";

/// A world in which only linked people may, and everyone is linked.
pub(crate) async fn linked(name: &str) -> Bed {
    let bed = Bed::with(name, LINK_ONLY).await;
    bed.link_everyone().await;
    bed
}

/// What someone reads after `/sync`, without buttons: its headline and its text.
async fn answer(bed: &Bed, who: &'static str, device: &str) -> String {
    let said = bed.user(who).runs(&format!("/sync device:{device}")).await.text();
    if said.starts_with("Sync `") { said.lines().next().unwrap_or_default().to_owned() } else { said }
}

/// A new assignment of a role to somebody's group, for the devices of another.
fn assignment<'a>(name: &'a str, role: &'a str, members: &'a [&'a str]) -> AssignmentSpec<'a> {
    AssignmentSpec { name, role, members, scope: "allDevices", ..AssignmentSpec::default() }
}

#[tokio::test]
async fn every_named_case_of_the_gate_in_the_words_that_are_read() {
    let bed = linked("named cases of the gate").await;
    let tenant = &bed.tenant;
    let mut said = Vec::new();
    macro_rules! case {
        ($case:literal, $who:literal, $device:literal) => {
            said.push(format!("{}: {} on {}\n{}", $case, $who, $device, answer(&bed, $who, $device).await));
        };
    }
    case!("no role", "nora", "LT-042");
    case!("a built-in role with sync, everywhere", "hanna", "LT-042");
    case!("a role without sync", "rolf", "LT-042");
    case!("a custom role with it", "carla", "LT-042");
    case!("one of the three roles that the Sync page names", "priya", "LT-042");
    case!("a nested group", "nils", "LT-042");
    case!("a guest with a role", "gina", "LT-042");
    case!("an Entra Intune Administrator", "ines", "LT-042");
    case!("a disabled account", "left", "LT-042");
    case!("scope by device", "sam", "SCHOOL-IPAD-3");
    case!("scope by device, nested", "sam", "SCHOOL-IPAD-1");
    case!("scope by primary user", "sam", "TEACHER-MAC-5");
    case!("out of scope", "sam", "LT-042");
    case!("a tag that fits", "tomas", "FIELD-LT-1");
    case!("a tag mismatch, on an untagged device", "tomas", "LT-042");

    tenant.set_role_not_actions("Device Care", &["Microsoft.Intune_RemoteTasks_SyncDevice"]).unwrap();
    bed.advance(6.minutes()).await;
    case!("the role takes the action away again", "carla", "PIX-009");

    // One covers all devices and may only read; the other may sync, elsewhere.
    tenant.add_assignment(assignment("Read everything", "Read Only Operator", &["School IT"])).unwrap();
    bed.advance(6.minutes()).await;
    case!("two that only together would allow", "sam", "PIX-009");
    // Scope by one, tag by the other.
    tenant
        .add_assignment(AssignmentSpec {
            scope: "resourceScope",
            groups: &["School devices"],
            ..assignment("Field IT for the school", "Help Desk Operator", &["Field IT"])
        })
        .unwrap();
    tenant.set_device_tags("SCHOOL-IPAD-3", &["0"]).unwrap();
    bed.advance(6.minutes()).await;
    case!("an untagged assignment by scope", "tomas", "SCHOOL-IPAD-3");
    tenant.set_assignment_tags("Field IT for the school", &["7"]).unwrap();
    bed.advance(6.minutes()).await;
    case!("in scope of a tagged assignment, without its tag", "tomas", "SCHOOL-IPAD-3");

    let nora = tenant.add_group("Noras", &["nora"]).unwrap();
    let members = [nora.as_str()];
    tenant
        .add_assignment(AssignmentSpec {
            scope: "allLicensedUsers",
            ..assignment("Users", "Help Desk Operator", &members)
        })
        .unwrap();
    bed.advance(6.minutes()).await;
    case!("allLicensedUsers", "nora", "PIX-009");
    case!("allLicensedUsers, a device without a user", "nora", "KIOSK-11");
    tenant.set_assignment_scope("Users", "unknownFutureValue").unwrap();
    bed.advance(6.minutes()).await;
    case!("an unknown scope type", "nora", "PIX-009");
    tenant.set_assignment_scope("Users", "allDevices").unwrap();
    bed.advance(6.minutes()).await;
    case!("allDevices", "nora", "PIX-009");
    tenant.hide_assignment("Users", Hidden::FromItsRole).unwrap();
    bed.advance(6.minutes()).await;
    case!("a row that its role's list does not name", "nora", "PIX-009");
    tenant.show_assignment("Users").unwrap();
    tenant.hide_assignment("Users", Hidden::FromAll).unwrap();
    bed.advance(6.minutes()).await;
    case!("an id without its row", "nora", "PIX-009");
    tenant.show_assignment("Users").unwrap();
    tenant.truncate_assignment_rows(true);
    bed.advance(6.minutes()).await;
    case!("truncated rows", "nora", "PIX-009");
    case!("truncated rows", "hanna", "PIX-009");
    insta::assert_snapshot!("named_cases_of_the_gate", said.join("\n\n"));
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn scope_groups_count_in_either_list_of_the_row() {
    let bed = linked("either list of scope groups").await;
    for (name, fill) in [("Resource scopes", ScopeFill::ResourceScopes), ("Scope members", ScopeFill::ScopeMembers)] {
        bed.tenant
            .add_assignment(AssignmentSpec {
                scope: "resourceScope",
                groups: &["School devices"],
                fill,
                ..assignment(name, "Help Desk Operator", &["Reporting"])
            })
            .unwrap();
        bed.advance(6.minutes()).await;
        bed.user("rolf").runs("/sync device:SCHOOL-IPAD-3").await.says("Sync `SCHOOL-IPAD-3`?");
        bed.tenant.remove_assignment(name).unwrap();
        bed.advance(11.minutes()).await;
        bed.user("rolf").runs("/sync device:SCHOOL-IPAD-3").await.says("does not include the permission");
    }
    bed.finish().await;
}

#[tokio::test]
async fn a_graph_error_at_each_read_of_the_gate_is_a_no_in_calm_words() {
    let bed = linked("graph errors in the gate").await;
    let mut read = BTreeSet::new();
    for (who, device, path) in [
        ("hanna", "LT-042", "/roleDefinitions"),
        ("hanna", "LT-042", "/roleAssignments"),
        ("hanna", "LT-042", "/roleDefinitions/*/roleAssignments"),
        ("hanna", "LT-042", "/users/"),
        ("hanna", "LT-042", "/transitiveMemberOf"),
        ("hanna", "LT-042", "/checkMemberGroups"),
        ("hanna", "LT-042", "/$batch"),
        ("sam", "SCHOOL-IPAD-3", "/managedDevices/*/users"),
        ("sam", "SCHOOL-IPAD-3", "/devices?"),
        ("sam", "SCHOOL-IPAD-3", "/devices/*/checkMemberGroups"),
        ("tomas", "FIELD-LT-1", "roleScopeTagIds"),
    ] {
        for kind in [FaultKind::Forbidden, FaultKind::MalformedJson] {
            // So that roles are read again.
            bed.advance(6.minutes()).await;
            let fault = bed.graph_fails(Fault::new(kind.clone()).path(path));
            let said = bed.user(who).runs(&format!("/sync device:{device}")).await.card();
            let (words, reference) = said.split_once("Reference").unwrap_or_else(|| panic!("{path}, {kind:?}: {said}"));
            assert!(reference.trim_start().len() >= 8, "a reference that is also in the log: {said}");
            read.insert(words.trim().to_owned());
            bed.tenant.clear_fault(fault);
        }
    }
    insta::assert_snapshot!("graph_errors_in_the_gate", Vec::from_iter(read).join("\n\n"));
    bed.expects_error("a question could not be answered");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn someone_without_a_link_is_told_how_to_link_whatever_chat_role_they_hold() {
    let bed = Bed::with("no link", LINK_ONLY).await;
    let said = bed.user("hanna").runs("/sync device:LT-042").await;
    insta::assert_snapshot!("not_linked", said.card());
    assert!(bed.user("hanna").types("/sync device:LT").await.is_empty(), "and nothing is suggested");
    assert_eq!(bed.audit().await[0].1["denial"], "NotLinked");
    bed.finish().await;
}

#[tokio::test]
async fn where_links_are_not_required_a_link_decides_and_others_keep_their_chat_role() {
    let bed = Bed::with("both ways", "[access]\nrequire_link = false").await;
    bed.user("hanna").runs("/sync device:LT-042").await.says("Sync `LT-042`?");
    // Nora is linked and holds no role in Intune: her chat role says nothing any more.
    bed.link("nora").await;
    bed.discord.set_roles("nora", &["Helpdesk"]);
    bed.user("nora").runs("/sync device:LT-042").await.says("No Intune role is assigned to your Entra account");
    // Ines has no chat role, and is an Intune Administrator.
    bed.user("ines").runs("/sync device:LT-042").await.says("None of your chat roles");
    bed.link("ines").await;
    bed.user("ines").runs("/sync device:PIX-009").await.says("Sync `PIX-009`?");
    bed.finish().await;
}

#[tokio::test]
async fn a_change_of_mode_needs_no_migration() {
    let bed = Bed::with("a change of mode", "[access]\nrequire_link = false").await;
    bed.link("omar").await;
    bed.user("hanna").runs("/device device:LT-042").await.says("LT-042");
    bed.restart_with("[access]\nrequire_link = true").await;
    bed.user("hanna").runs("/device device:LT-042").await.says("I do not know which Entra account is yours");
    bed.user("omar").runs("/device device:LT-042").await.says("LT-042");
    bed.restart_with("[access]\nrequire_link = false").await;
    bed.user("hanna").runs("/device device:LT-042").await.says("LT-042");
    bed.user("omar").runs("/device device:LT-042").await.says("LT-042");
    bed.finish().await;
}

#[tokio::test]
async fn entra_administrators_count_only_where_the_setting_names_them() {
    let bed =
        Bed::with("entra admins", "[access]\nrequire_link = true\nentra_admins = [\"Global Administrator\"]").await;
    bed.link_everyone().await;
    bed.user("ines").runs("/sync device:LT-042").await.says("No Intune role is assigned");
    bed.tenant.set_directory_role("Global Administrator", "ines", true).unwrap();
    bed.user("ines").syncs("LT-042").await;
    bed.advance(3.minutes()).await;
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    let attempt = bed.audit().await.into_iter().find(|(event, _)| event == "attempt").expect("an attempt").1;
    assert_eq!(attempt["decision"]["Allowed"]["by"]["entra_admin"]["role"], "GlobalAdministrator");
    bed.finish().await;
}

#[tokio::test]
async fn a_role_by_pim_that_ends_between_card_and_click_ends_the_request() {
    let bed = linked("PIM before the click").await;
    let end = bed.now() + 2.minutes();
    bed.tenant.end_directory_role_at("Intune Administrator", "ines", end).unwrap();
    let asked = bed.user("ines").runs("/sync device:LT-042").await;
    asked.says("Sync `LT-042`?");
    bed.advance(3.minutes()).await;
    asked.clicks("Yes").await;
    insta::assert_snapshot!("pim_ended_before_the_click", asked.card());
    assert!(bed.calls().is_empty());
    assert_eq!(bed.events().await.last().map(String::as_str), Some("refused"));
    bed.finish().await;
}

#[tokio::test]
async fn a_membership_that_ends_between_click_and_call_stops_the_call() {
    let bed = linked("membership ends before the call").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let soon = bed.now() + 1.minutes();
    // The device cannot be read right before the call, so it waits.
    bed.graph_fails(Fault::new(FaultKind::Unavailable).method("GET").path("/managedDevices").until(soon));
    asked.clicks("Yes").await;
    asked.says("Waiting to sync `LT-042`");
    bed.tenant.end_roles("hanna").unwrap();
    bed.advance(3.minutes()).await;
    asked.says("Your rights were checked right before the call.").says("No Intune role is assigned");
    assert!(bed.calls().is_empty());
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_membership_never_outlives_a_click() {
    let bed = linked("membership across clicks").await;
    // All within the same second, so that only the click can have made the bot ask again.
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.tenant.end_roles("hanna").unwrap();
    asked.clicks("Yes").await;
    asked.says("Your rights have changed since the card was shown");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn a_disabled_or_deleted_account_loses_its_access_at_the_next_check() {
    let bed = linked("accounts end").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.tenant.disable_user("hanna", true).unwrap();
    asked.clicks("Yes").await;
    asked.says("disabled or deleted");
    bed.tenant.disable_user("hanna", false).unwrap();
    bed.user("hanna").runs("/sync device:LT-042").await.says("Sync `LT-042`?");
    bed.tenant.delete_user("hanna").unwrap();
    bed.user("hanna").runs("/sync device:LT-042").await.says("disabled or deleted");
    bed.user("hanna").runs("/access").await.says("disabled or deleted");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn the_audit_says_on_whose_authority() {
    let bed = linked("authority in the audit").await;
    bed.user("sam").syncs("SCHOOL-IPAD-3").await;
    bed.advance(6.minutes()).await;
    assert_eq!(bed.team().len(), 1);
    let rows = bed.audit().await;
    let sam = bed.tenant.object_id("sam").unwrap();
    for (event, detail) in rows.iter().filter(|(event, _)| ["asked", "confirmed", "attempt"].contains(&event.as_str()))
    {
        let by = &detail["decision"]["Allowed"]["by"]["assignment"];
        assert_eq!(by["assignment_name"], "School IT, school only", "{event}");
        assert_eq!(by["role_name"], "School Administrator", "{event}");
    }
    let people = bed.store().await.audit_people().await.unwrap();
    assert!(people.iter().any(|(event, person)| event == "asked" && person.as_deref() == Some(sam.as_str())));
    bed.finish().await;
}

#[tokio::test]
async fn access_explains_and_names_nothing_that_may_not_be_seen() {
    let bed = linked("access of linked people").await;
    let mut said = Vec::new();
    for (who, command) in [
        ("hanna", "/access"),
        ("sam", "/access device:SCHOOL-IPAD-3"),
        ("sam", "/access device:LT-042"),
        ("tomas", "/access device:FIELD-LT-1"),
        ("rolf", "/access device:LT-042"),
        ("ines", "/access device:LT-042"),
        ("nora", "/access"),
        ("gina", "/access"),
        ("left", "/access"),
    ] {
        said.push(format!("{who}: {command}\n{}", bed.user(who).runs(command).await.card()));
    }
    let said = said.join("\n\n");
    assert!(!said.contains("School devices") && !said.contains("School IT\n"), "no group is named: {said}");
    insta::assert_snapshot!("access_of_linked_people", said);
    bed.finish().await;
}

#[tokio::test]
async fn a_device_id_of_another_tenant_typed_as_if_suggested_is_no_device() {
    let bed = linked("a foreign device id").await;
    let foreign = bed.tenant.unknown_device_id();
    bed.user("hanna").syncs_id(&foreign).await.says("No such device");
    assert_eq!(bed.audit().await.pop().expect("a row").1["why"], "unknown_device");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn claimed_chat_roles_open_nothing() {
    let bed = Bed::with("claimed chat roles", LINK_ONLY).await;
    bed.link("nora").await;
    // Linked: chat roles say nothing. Not linked: neither, here.
    for (who, words) in [("nora", "No Intune role is assigned"), ("rolf", "I do not know which Entra account")] {
        let claimed = bed.user(who).runs_claiming("/sync device:LT-042", &["Helpdesk"]).await;
        claimed.says(words);
    }
    assert!(bed.calls().is_empty());
    assert_eq!(bed.events().await, ["linked", "refused", "refused"]);
    bed.finish().await;
}

#[tokio::test]
async fn where_chat_roles_count_a_claimed_one_ends_right_before_the_call() {
    let bed = Bed::with("claimed chat roles before the call", "[access]\nrequire_link = false").await;
    let asked = bed.user("nora").runs_claiming("/sync device:LT-042", &["Helpdesk"]).await;
    asked.says("Sync `LT-042`?");
    bed.user("nora").clicks_claiming(&asked, "Yes", &["Helpdesk"]).await;
    bed.advance(1.minutes()).await;
    // Discord itself is asked for the roles before anything is sent.
    asked.says("Your rights were checked right before the call.").says("None of your chat roles");
    assert!(bed.calls().is_empty());
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn another_server_and_direct_messages_are_turned_away() {
    let bed = linked("other servers").await;
    bed.user("hanna")
        .runs_in_guild("900000000000009999", "/sync device:LT-042")
        .await
        .says("I do not work in this place");
    bed.user("hanna").runs_in_direct_message("/sync device:LT-042").await.says("I do not work in this place");
    assert!(bed.calls().is_empty() && !bed.events().await.iter().any(|event| event != "linked"));
    bed.finish().await;
}
