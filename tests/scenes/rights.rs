//! Rights are looked at three times: at the command, at the click, and right before the call.

use sim::discord::Fault as ChatFault;
use sim::tenant::{Fault, FaultKind};

use crate::bed::{Bed, Spans as _};

#[tokio::test]
async fn a_role_taken_away_before_the_click_ends_the_request() {
    let bed = Bed::new("rights end before the click").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.discord.remove_role("hanna", "Helpdesk");
    asked.clicks("Yes").await;
    insta::assert_snapshot!("rights_ended_before_the_click", asked.card());
    // Given back, the role does not bring the card back.
    bed.discord.set_roles("hanna", &["Helpdesk"]);
    bed.advance(5.minutes()).await;
    assert!(bed.calls().is_empty());
    assert_eq!(bed.events().await, ["asked", "refused"]);
    bed.finish().await;
}

#[tokio::test]
async fn a_role_taken_away_between_the_click_and_the_call_stops_the_call() {
    let bed = Bed::new("rights end before the call").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let soon = bed.now() + 1.minutes();
    bed.graph_fails(Fault::new(FaultKind::Unavailable).method("GET").path("/managedDevices").until(soon));
    asked.clicks("Yes").await;
    asked.says("Waiting to sync `LT-042`");
    bed.discord.remove_role("hanna", "Helpdesk");
    bed.advance(3.minutes()).await;
    insta::assert_snapshot!("rights_ended_before_the_call", asked.card());
    assert!(bed.calls().is_empty());
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_role_that_lost_the_permission_in_the_tenant_stops_the_call() {
    let bed = Bed::new("the tenant takes the permission").await;
    let asked = bed.user("carla").runs("/sync device:LT-042").await;
    bed.tenant.set_role_actions("Device Care", &["Microsoft.Intune_ManagedDevices_Read"]).unwrap();
    bed.advance(6.minutes()).await;
    asked.clicks("Yes").await.says("does not include the permission");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn a_device_that_left_the_scope_between_click_and_call_is_not_called() {
    let bed = Bed::new("the device leaves the scope").await;
    let asked = bed.user("sam").runs("/sync device:SCHOOL-IPAD-3").await;
    asked.says("Sync `SCHOOL-IPAD-3`?");
    let soon = bed.now() + 1.minutes();
    bed.graph_fails(Fault::new(FaultKind::Unavailable).method("GET").path("/managedDevices").until(soon));
    asked.clicks("Yes").await;
    bed.tenant.remove_from_group("School devices", "SCHOOL-IPAD-3").unwrap();
    bed.advance(3.minutes()).await;
    asked.says("Your rights were checked right before the call.").says("outside its scope groups");
    assert!(bed.calls().is_empty());
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_device_that_left_the_scope_before_the_click_is_refused_at_the_click() {
    let bed = Bed::new("the device leaves the scope before the click").await;
    let asked = bed.user("sam").runs("/sync device:SCHOOL-IPAD-3").await;
    bed.tenant.remove_from_group("School devices", "SCHOOL-IPAD-3").unwrap();
    asked.clicks("Yes").await;
    asked.says("Your rights have changed since the card was shown").says("outside its scope groups");
    assert!(bed.calls().is_empty());
    assert_eq!(bed.events().await, ["asked", "refused"]);
    bed.finish().await;
}

#[tokio::test]
async fn rights_that_cannot_be_read_before_the_call_are_a_no() {
    let bed = Bed::new("roles unreadable before the call").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.graph_fails(Fault::new(FaultKind::Forbidden).path("/roleDefinitions"));
    bed.advance(6.minutes()).await;
    asked.clicks("Yes").await;
    bed.advance(1.minutes()).await;
    asked.says("`LT-042` was not synced");
    assert!(bed.calls().is_empty());
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn while_graph_does_not_say_who_may_the_call_waits_and_then_gives_up() {
    let bed = Bed::new("roles unavailable before the call").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.graph_fails(Fault::new(FaultKind::Unavailable).path("/roleDefinitions"));
    bed.advance(6.minutes()).await;
    asked.clicks("Yes").await;
    bed.advance(30.minutes()).await;
    assert!(bed.calls().is_empty());
    let said = bed.channel("helpdesk");
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("Microsoft Graph could not be reached") && said[0].contains("[Sync again]"),
        "{}",
        said[0]
    );
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_group_membership_that_cannot_be_read_is_a_no() {
    let bed = Bed::new("groups unreadable").await;
    bed.graph_fails(Fault::new(FaultKind::Forbidden).path("/checkMemberGroups"));
    bed.expects_error("a question could not be answered");
    bed.user("sam").runs("/sync device:SCHOOL-IPAD-3").await.never_says("Sync `SCHOOL-IPAD-3`?");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn while_discord_does_not_say_who_holds_which_role_the_call_waits() {
    let bed = Bed::new("chat roles unreadable").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.discord.fault("/members/", ChatFault::Status(500), 3);
    asked.clicks("Yes").await;
    assert!(bed.calls().is_empty(), "in doubt the answer is no");
    asked.says("Waiting to sync `LT-042`");
    bed.advance(5.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_late_forged_yes_of_someone_without_rights_does_not_unsay_a_running_sync() {
    let bed = Bed::new("rights end while it runs").await;
    let asked = bed.user("hanna").runs("/sync device:PIX-009").await;
    let (message, yes) = (asked.message().id, asked.id_of("Yes"));
    asked.clicks("Yes").await;
    assert_eq!(bed.calls().len(), 1);
    bed.discord.remove_role("hanna", "Helpdesk");
    // The call was made: "nothing was sent" would be a lie.
    bed.user("hanna").forges(message, &yes).await.never_says("Nothing was sent");
    asked.says("Sync of `PIX-009` accepted");
    bed.advance(62.minutes()).await;
    assert_eq!((bed.channel("helpdesk").len(), bed.team().len()), (1, 1));
    bed.finish().await;
}
