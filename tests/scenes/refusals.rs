//! Refusals before anything is sent: what the device is, what the asker may, and what the server wants.

use crate::bed::{Bed, Spans as _};

#[tokio::test]
async fn devices_that_sync_means_nothing_to_are_refused_each_with_its_reason() {
    let bed = Bed::new("devices that cannot be synced").await;
    let mut said = Vec::new();
    for device in
        ["LNX-BUILD-3", "CHROME-12", "JAMF-MAC-1", "EAS-PHONE-2", "LT-WIPED", "LT-RETIRED", "LT-DELETED", "LT-WIPING"]
    {
        said.push(bed.user("hanna").runs(&format!("/sync device:{device}")).await.card());
    }
    insta::assert_snapshot!("devices_that_cannot_be_synced", said.join("\n"));
    assert!(bed.calls().is_empty());
    let events = bed.events().await;
    assert_eq!(events, ["refused"; 8]);
    bed.finish().await;
}

#[tokio::test]
async fn a_wipe_that_shows_in_the_action_results_alone_is_seen() {
    let bed = Bed::new("a wipe in the action results").await;
    bed.user("hanna").runs("/sync device:LT-WIPING").await.says("A wipe is on its way");
    bed.tenant.set_device_action("LT-WIPING", "wipe", "failed").unwrap();
    bed.user("hanna").runs("/sync device:LT-WIPING").await.says("Sync `LT-WIPING`?").clicks("No").await;
    bed.finish().await;
}

#[tokio::test]
async fn without_a_mapped_chat_role_nobody_may_anything() {
    let bed = Bed::new("no role").await;
    let asked = bed.user("nora").runs("/sync device:LT-042").await;
    insta::assert_snapshot!("no_role", asked.card());
    bed.user("nora").runs("/device device:LT-042").await.says("you may not look at devices here");
    bed.user("nora").runs("/apps device:LT-042").await.never_says("Jonas");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn an_empty_role_table_lets_nobody_in() {
    let bed = Bed::with("no table", "[access]\nchat_role = []").await;
    bed.user("hanna").runs("/sync device:LT-042").await.says("None of your chat roles");
    bed.finish().await;
}

#[tokio::test]
async fn a_read_only_role_may_look_and_not_sync() {
    let bed = Bed::new("read only").await;
    let asked = bed.user("rolf").runs("/sync device:LT-042").await;
    insta::assert_snapshot!("a_role_without_the_permission", asked.card());
    bed.user("rolf").runs("/device device:LT-042").await.says("Jonas Weber");
    bed.finish().await;
}

#[tokio::test]
async fn a_scoped_role_covers_its_groups_and_no_other_device() {
    let bed = Bed::new("scope").await;
    let asked = bed.user("sam").runs("/sync device:LT-042").await;
    insta::assert_snapshot!("out_of_scope", asked.card());
    // Directly, through nested groups, and through the primary user (not the one who enrolled it).
    for inside in ["SCHOOL-IPAD-3", "SCHOOL-IPAD-1", "TEACHER-MAC-5", "NO-ENTRA-1"] {
        let asked = bed.user("sam").runs(&format!("/sync device:{inside}")).await;
        asked.says(&format!("Sync `{inside}`?")).clicks("No").await;
    }
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn a_custom_role_with_the_permission_may_sync() {
    let bed = Bed::new("custom role").await;
    let asked = bed.user("carla").syncs("LT-042").await;
    bed.advance(3.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_custom_role_that_lost_the_permission_may_not() {
    let bed = Bed::new("custom role without it").await;
    bed.tenant.set_role_actions("Device Care", &["Microsoft.Intune_ManagedDevices_Read"]).unwrap();
    // Roles are read again after five minutes at the latest.
    bed.advance(6.minutes()).await;
    bed.user("carla").runs("/sync device:LT-042").await.says("You hold `Device Care`, which does not include");
    bed.user("carla").runs("/device device:LT-042").await.says("Jonas Weber");
    bed.finish().await;
}

#[tokio::test]
async fn the_sync_pages_three_roles_may_sync_although_the_tenant_does_not_list_it() {
    let bed = Bed::new("seed roles").await;
    let asked = bed.user("priya").runs("/sync device:LT-042").await;
    asked.says("Sync `LT-042`?").clicks("No").await;
    bed.finish().await;
}

#[tokio::test]
async fn with_seed_roles_off_only_what_the_tenant_lists_counts() {
    let bed = Bed::with("seed roles off", "[access]\nseed_roles_grant_sync = false").await;
    bed.user("priya").runs("/sync device:LT-042").await.says("You hold `Endpoint Security Manager`, which does not");
    bed.user("priya").runs("/device device:LT-042").await.says("Jonas Weber");
    bed.user("hanna").runs("/sync device:LT-042").await.says("Sync `LT-042`?").clicks("No").await;
    bed.finish().await;
}

#[tokio::test]
async fn a_role_that_the_tenant_does_not_have_grants_nothing() {
    let config = "[[access.chat_role]]\ndiscord_role = \"900000000000000201\"\nintune_role = \"Help Desk Operatr\"";
    let bed = Bed::with("a misspelled role", config).await;
    bed.user("hanna").runs("/sync device:LT-042").await.says("the tenant has no such Intune role");
    bed.finish().await;
}

#[tokio::test]
async fn unreadable_role_definitions_are_a_no() {
    let bed = Bed::new("roles unreadable").await;
    bed.graph_fails(sim::tenant::Fault::new(sim::tenant::FaultKind::Forbidden).path("/roleDefinitions"));
    bed.advance(6.minutes()).await;
    bed.expects_error("a question could not be answered");
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    asked.says("Microsoft Graph refused a question about them").never_says("Sync `LT-042`?");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn a_device_that_was_synced_is_left_alone_for_five_minutes() {
    let bed = Bed::new("cooldown").await;
    bed.user("hanna").syncs("LT-042").await;
    bed.advance(3.minutes()).await;
    let again = bed.user("omar").runs("/sync device:LT-042").await;
    insta::assert_snapshot!("cooldown", again.card());
    bed.advance(5.minutes()).await;
    bed.user("omar").runs("/sync device:LT-042").await.says("Sync `LT-042`?").clicks("No").await;
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_reason_is_wanted_where_the_config_says_so_and_kept() {
    let bed = Bed::with("reasons", "[sync]\nrequire_reason = true").await;
    bed.user("hanna").runs("/sync device:LT-042").await.says("A reason is needed");
    let asked = bed.user("hanna").runs("/sync device:LT-042 reason:INC-4711").await;
    asked.says("`INC-4711`").clicks("Yes").await;
    bed.advance(3.minutes()).await;
    assert!(bed.team()[0].contains("`INC-4711`"), "{:?}", bed.team());
    let kept = bed.audit().await.into_iter().find(|(event, _)| event == "asked").unwrap().1;
    assert_eq!(kept["reason"], "INC-4711");
    bed.finish().await;
}

#[tokio::test]
async fn someone_who_asks_too_fast_is_asked_to_wait_and_nobody_else_is() {
    let bed = Bed::with("too fast", "[limits]\nper_person = \"6/1m\"\nper_guild = \"60/1m\"").await;
    let mut served = 0;
    while !bed.user("hanna").runs("/help").await.text().contains("A little slower, please") {
        served += 1;
        assert!(served <= 6, "never more than six in a minute");
    }
    assert!(served >= 3, "a few at once are welcome, and {served} were");
    bed.user("omar").runs("/help").await.says("Intune sync");
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    insta::assert_snapshot!("too_fast", asked.card());
    bed.advance(61.seconds()).await;
    bed.user("hanna").runs("/help").await.says("Intune sync");
    bed.finish().await;
}

#[tokio::test]
async fn a_whole_server_that_asks_too_fast_is_asked_to_wait() {
    let bed = Bed::with("server too fast", "[limits]\nper_person = \"6/1m\"\nper_guild = \"8/1m\"").await;
    let mut refused = None;
    for who in ["hanna", "omar", "lena", "sam", "priya", "carla", "rolf", "nora", "ada"] {
        let answer = bed.user(who).runs("/help").await;
        if answer.text().contains("slower") {
            refused = Some(answer.text());
            break;
        }
    }
    assert!(refused.is_some_and(|text| text.contains("This server sends too many commands at once.")));
    bed.finish().await;
}

#[tokio::test]
async fn outside_its_channels_and_servers_the_bot_does_nothing() {
    let bed = Bed::with("wrong channel", "[discord]\nchannel_ids = [\"900000000000000101\"]").await;
    let elsewhere = bed.user("hanna").runs_in("device-team", "/sync device:LT-042").await;
    elsewhere.says("I do not work in this place.");
    assert!(elsewhere.is_private());
    bed.user("hanna").runs("/sync device:LT-042").await.says("Sync `LT-042`?").clicks("No").await;
    bed.finish().await;
}
