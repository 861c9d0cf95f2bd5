//! What was agreed to is what is sent: a freeze or an outage between the last Approve and the first call changes nothing about that.

use sim::tenant::{CheckIn, Fault, FaultKind};

use crate::bed::{APPROVALS, Answer, BULK, Bed, HELPDESK, LARGE, Spans as _, show};

/// Hanna's request for these devices, frozen for ten minutes, and approved by lena during that.
async fn approved_while_frozen<'a>(bed: &'a Bed, command: &str) -> Answer<'a> {
    approved_with_calls(bed, command, 0).await
}

/// The same after so many calls.
async fn approved_with_calls<'a>(bed: &'a Bed, command: &str, calls: usize) -> Answer<'a> {
    bed.user("ada").runs("/freeze for:10m reason:CHG-7").await;
    let hanna = bed.user("hanna").runs(command).await;
    hanna.clicks("Yes").await;
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(6.minutes()).await;
    assert_eq!(bed.calls().len(), calls, "nothing is sent while frozen");
    hanna
}

#[tokio::test]
async fn devices_that_change_while_frozen_are_approved_anew() {
    let bed = Bed::with("changed while frozen", LARGE).await;
    let hanna = approved_while_frozen(&bed, BULK).await;
    bed.tenant.remove_device("LT-LATE").expect("it is there");
    let before = bed.channel_messages(APPROVALS).len();
    bed.advance(5.minutes()).await;
    assert!(bed.calls().is_empty(), "nobody has agreed to these devices");
    assert_eq!(bed.metric("approvals_waiting").await, Some(1));
    assert_eq!(bed.channel_messages(APPROVALS).len(), before + 1, "a new card, which somebody notices");
    insta::assert_snapshot!("asked_again_card", show::card(&bed.approval_card()));
    let helpdesk = bed.channel(HELPDESK).join("\n");
    hanna.says("There are 5 now. Everybody has to agree anew");
    assert!(helpdesk.contains("Waiting for approval: 5 devices"), "{helpdesk}");
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(12.minutes()).await;
    assert_eq!(bed.calls().len(), 5);
    assert!(bed.channel(HELPDESK).join("\n").contains("The sync of 5 devices is over"));
    assert!(bed.events().await.contains(&"votes_void".to_owned()));
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn devices_that_do_not_change_while_frozen_are_sent_as_agreed() {
    let bed = Bed::with("unchanged while frozen", LARGE).await;
    approved_while_frozen(&bed, BULK).await;
    bed.advance(5.minutes()).await;
    assert_eq!(bed.calls().len(), 6);
    assert!(!bed.events().await.contains(&"votes_void".to_owned()));
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn what_is_sent_in_part_is_not_asked_about_again() {
    let config = format!("{LARGE}[limits]\ngraph_writes = \"2/10s\"\n");
    let bed = Bed::with("changed when half was sent", &config).await;
    let hanna = bed.user("hanna").runs(BULK).await;
    hanna.clicks("Yes").await;
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(5.seconds()).await;
    bed.user("ada").runs("/freeze for:10m reason:CHG-7").await;
    let sent = bed.calls().len();
    assert!((1..6).contains(&sent), "{sent}");
    bed.tenant.set_device_user("IPAD-017", Some("jonas.weber@contoso.example")).expect("they are there");
    bed.advance(12.minutes()).await;
    assert_eq!(bed.calls().len(), 6, "what was agreed to, and nothing that came later");
    assert!(!bed.events().await.contains(&"votes_void".to_owned()));
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn who_joined_goes_on_when_the_others_are_asked_again() {
    let bed = Bed::with("joined while frozen", LARGE).await;
    approved_while_frozen(&bed, BULK).await;
    let omar = bed.user("omar").runs("/sync device:LT-042").await;
    bed.tenant.remove_device("LT-LATE").expect("it is there");
    bed.advance(5.minutes()).await;
    assert_eq!(bed.calls().len(), 1, "the one that needs nobody's approval");
    omar.says("`LT-042`");
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(2.minutes()).await;
    assert_eq!(bed.calls().len(), 5, "the joined one among them, by whom it was called");
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn what_ended_with_somebody_elses_sync_stays_done() {
    let config = format!("{LARGE}{NO_COOLDOWN}");
    let bed = Bed::with("done by another one", &config).await;
    bed.tenant.plan_check_in("LT-042", CheckIn::After(6.minutes())).expect("it is there");
    let omar = bed.user("omar").syncs("LT-042").await;
    bed.advance(1.minutes()).await;
    assert_eq!(bed.calls().len(), 1);
    bed.user("ada").runs("/freeze for:10m reason:CHG-7").await;
    bed.user("hanna").runs(BULK).await.clicks("Yes").await;
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(8.minutes()).await;
    omar.says("`LT-042` checked in");
    bed.tenant.remove_device("LT-LATE").expect("it is there");
    bed.advance(5.minutes()).await;
    assert_eq!(bed.calls().len(), 1);
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Reject").await;
    bed.user("lena").submits("reason", "not now").await.says("Rejected");
    bed.advance(1.minutes()).await;
    let live = bed.channel(HELPDESK).join("\n");
    assert!(live.contains("1 checked in") && live.contains("4 cancelled, not sent"), "{live}");
    assert_eq!(bed.calls().len(), 1);
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn where_nothing_is_left_that_was_agreed_to_everybody_hears_of_it() {
    let bed = Bed::with("nothing left after a freeze", LARGE).await;
    let group = bed.tenant.add_group("Pilot", &["LT-042", "IPAD-017", "PIX-009"]).expect("they are there");
    let hanna = approved_while_frozen(&bed, &format!("/bulk-sync group group:{group}")).await;
    bed.tenant.set_group_members(&group, &[]).expect("it is there");
    bed.advance(5.minutes()).await;
    assert!(bed.calls().is_empty());
    hanna.says("It waits for approval again");
    bed.user("lena")
        .clicks_in_channel(&bed.approval_card(), "Approve")
        .await
        .says("None of the devices behind this request");
    bed.advance(1.minutes()).await;
    assert!(bed.calls().is_empty());
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn while_graph_does_not_say_what_the_devices_are_nothing_is_sent() {
    let bed = Bed::with("graph away after a freeze", LARGE).await;
    approved_while_frozen(&bed, BULK).await;
    let away = bed.graph_fails(Fault::new(FaultKind::Unavailable).path("/users/"));
    bed.advance(6.minutes()).await;
    assert!(bed.calls().is_empty(), "in doubt nothing is sent");
    bed.tenant.clear_fault(away);
    bed.advance(5.minutes()).await;
    assert_eq!(bed.calls().len(), 6);
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn nobody_can_agree_to_a_list_that_was_not_read_yet() {
    let bed = Bed::with("list not read at approve", LARGE).await;
    let hanna = bed.user("hanna").runs("/bulk-sync filter platform:ios").await;
    hanna.clicks("Yes").await;
    let away = bed.graph_fails(Fault::new(FaultKind::Unavailable).path("/managedDevices"));
    bed.restart().await;
    bed.user("lena")
        .clicks_in_channel(&bed.approval_card(), "Approve")
        .await
        .says("has not been read since the bot started");
    assert!(bed.calls().is_empty());
    bed.tenant.clear_fault(away);
    bed.advance(10.minutes()).await;
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(2.minutes()).await;
    assert!(!bed.calls().is_empty());
    bed.ends_after(12.minutes()).await;
}

/// Hanna's request for a group of three, of which one ends with omar's sync while it is frozen.
async fn one_is_done_meanwhile(bed: &Bed) -> String {
    bed.tenant.plan_check_in("LT-042", CheckIn::After(4.minutes())).expect("it is there");
    let group = bed.tenant.add_group("Pilot", &["LT-042", "IPAD-017", "PIX-009"]).expect("they are there");
    let omar = bed.user("omar").syncs("LT-042").await;
    bed.advance(1.minutes()).await;
    approved_with_calls(bed, &format!("/bulk-sync group group:{group}"), 1).await;
    omar.says("`LT-042` checked in");
    group
}

const NO_COOLDOWN: &str = "[sync]\ncooldown = \"0s\"\n";

#[tokio::test]
async fn what_is_done_may_leave_the_target_without_anybody_being_asked() {
    let bed = Bed::with("done and gone", &format!("{LARGE}{NO_COOLDOWN}")).await;
    let group = one_is_done_meanwhile(&bed).await;
    bed.tenant.set_group_members(&group, &["IPAD-017", "PIX-009"]).expect("they are there");
    bed.advance(5.minutes()).await;
    assert_eq!(bed.calls().len(), 3);
    assert!(!bed.events().await.contains(&"votes_void".to_owned()));
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn where_only_what_is_done_is_left_nothing_can_be_agreed_to() {
    let bed = Bed::with("only the done one is left", &format!("{LARGE}{NO_COOLDOWN}")).await;
    let group = one_is_done_meanwhile(&bed).await;
    bed.tenant.set_group_members(&group, &["LT-042"]).expect("it is there");
    bed.advance(5.minutes()).await;
    assert_eq!(bed.calls().len(), 1);
    assert!(
        show::card(&bed.approval_card()).contains("Approve the sync of 2 devices?"),
        "{}",
        show::card(&bed.approval_card())
    );
    bed.user("lena")
        .clicks_in_channel(&bed.approval_card(), "Approve")
        .await
        .says("None of the devices behind this request");
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn what_is_asked_for_by_app_failures_waits_until_these_are_read_again() {
    let config = format!("{LARGE}[apps]\nindex = true\n").replace("min_devices = 3", "min_devices = 1");
    let bed = Bed::with("index unread after a freeze", &config).await;
    bed.advance(2.minutes()).await;
    approved_while_frozen(&bed, "/bulk-sync filter retryable_failures:true").await;
    let away = bed.graph_fails(Fault::new(FaultKind::Unavailable).path("/managedDevices"));
    bed.restart().await;
    bed.advance(5.minutes()).await;
    assert!(bed.calls().is_empty(), "in doubt nothing is sent");
    bed.tenant.clear_fault(away);
    bed.advance(15.minutes()).await;
    assert!(!bed.calls().is_empty());
    assert!(!bed.events().await.contains(&"votes_void".to_owned()));
    bed.ends_after(12.minutes()).await;
}
