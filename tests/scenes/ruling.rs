//! Approval rules by what the devices are and when they are asked for, who may answer for which; and what a bulk request leaves out.

use std::collections::BTreeSet;

use sim::discord::MessageView;

use crate::bed::table::{column, table};
use crate::bed::{Answer, BULK, Bed, HELPDESK, LARGE, SHORT, Spans as _};

/// The devices of the school, the groups in it, and its staff.
const SCHOOL: &str = "00000000-0000-4000-8000-00000000a001";

/// People, one of them in a group in it.
const SALES: &str = "00000000-0000-4000-8000-00000000a002";

/// What a card says where a rule asks for somebody.
const ASKS: &str = "a second person has to agree";

/// The rule of [`LARGE`] with other conditions.
fn with_rule(conditions: &str) -> String {
    LARGE.replace("min_devices = 3", conditions)
}

/// The custom id of a button on it.
fn id_of(card: &MessageView, label: &str) -> String {
    card.button(label).and_then(|button| button.custom_id.clone()).expect("there is such a button")
}

/// Runs a bulk command for a new group of these devices.
async fn asks_for<'a>(bed: &'a Bed, who: &'static str, devices: &[&str]) -> Answer<'a> {
    let group = bed.tenant.add_group("Of a scene", devices).expect("they are there");
    bed.user(who).runs(&format!("/bulk-sync group group:{group}")).await
}

/// Hanna's request for these devices waits for somebody, and omar's for two others is sent.
async fn of_two_only_these_wait<'a>(bed: &'a Bed, devices: &[&str]) -> Answer<'a> {
    let hanna = asks_for(bed, "hanna", devices).await;
    hanna.says(ASKS).clicks("Yes").await;
    hanna.says("for approval");
    let omar = asks_for(bed, "omar", &["IPAD-017", "KIOSK-11"]).await;
    omar.never_says(ASKS).clicks("Yes").await;
    omar.says("Syncing 2 devices");
    bed.advance(1.minutes()).await;
    assert_eq!(bed.calls().len(), 2);
    hanna
}

/// The live message of a request that can still be stopped.
fn live(bed: &Bed) -> MessageView {
    let messages = bed.channel_messages(HELPDESK);
    messages.into_iter().rfind(|message| message.button("Cancel").is_some()).expect("it can be stopped")
}

#[tokio::test]
async fn a_rule_for_personal_devices_asks_where_one_is_among_them() {
    let bed = Bed::in_world("personal devices", &with_rule("owner = \"personal\""), |world| {
        let own = world.tenant.device.iter_mut().filter(|device| device.name == "MBP-ELSA");
        own.for_each(|device| "personal".clone_into(&mut device.owner));
    })
    .await;
    of_two_only_these_wait(&bed, &["LT-042", "MBP-ELSA"]).await;
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(1.minutes()).await;
    assert_eq!(bed.calls().len(), 4);
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn a_rule_for_a_group_of_devices_asks_where_one_is_in_it() {
    let bed = Bed::with("rule for devices of a group", &with_rule(&format!("groups = [\"{SCHOOL}\"]"))).await;
    let hanna = of_two_only_these_wait(&bed, &["LT-042", "SCHOOL-IPAD-2"]).await;
    hanna.clicks("Withdraw").await;
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn a_rule_for_a_group_of_people_asks_where_a_device_is_theirs() {
    let bed = Bed::with("rule for people of a group", &with_rule(&format!("groups = [\"{SALES}\"]"))).await;
    for theirs in ["MBP-ELSA", "IPAD-017"] {
        let hanna = bed.user("hanna").runs(&format!("/sync device:{theirs}")).await;
        hanna.says(ASKS).clicks("Yes").await;
        hanna.says("for approval").clicks("Withdraw").await;
    }
    let omar = bed.user("omar").runs("/sync device:IPHONE-ALL11").await;
    omar.never_says(ASKS).clicks("Yes").await;
    bed.advance(3.minutes()).await;
    omar.says("`IPHONE-ALL11` checked in");
    assert_eq!(bed.calls().len(), 1);
    bed.ends_after(12.minutes()).await;
}

/// It is eleven o'clock in Berlin when scenes begin.
fn until_five_past_eleven() -> String {
    with_rule("outside_hours = \"Mon-Fri 08:00-11:05 Europe/Berlin\"")
}

#[tokio::test]
async fn a_rule_for_outside_of_hours_asks_when_they_are_over() {
    let bed = Bed::with("outside of hours", &until_five_past_eleven()).await;
    let within = bed.user("hanna").runs("/sync device:LT-042").await;
    within.never_says(ASKS).clicks("Yes").await;
    bed.advance(6.minutes()).await;
    within.says("`LT-042` checked in");
    let outside = bed.user("hanna").runs("/sync device:IPAD-017").await;
    outside.says(ASKS).clicks("Yes").await;
    outside.says("for approval");
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(3.minutes()).await;
    outside.says("`IPAD-017` checked in");
    assert_eq!(bed.calls().len(), 2);
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn the_time_of_yes_says_whether_it_is_outside_of_hours() {
    let bed = Bed::with("yes outside of hours", &until_five_past_eleven()).await;
    let hanna = bed.user("hanna").runs("/sync device:LT-042").await;
    hanna.never_says(ASKS);
    bed.advance(6.minutes()).await;
    hanna.clicks("Yes").await;
    hanna.says("for approval");
    bed.advance(1.minutes()).await;
    assert!(bed.calls().is_empty());
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(3.minutes()).await;
    hanna.says("`LT-042` checked in");
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn who_may_not_sync_one_of_the_devices_can_reject_them_and_not_approve() {
    let school_it = LARGE.replace("900000000000000207", "900000000000000202");
    let bed = Bed::with("approver without rights", &school_it).await;
    let hanna = asks_for(&bed, "hanna", &["SCHOOL-IPAD-1", "SCHOOL-IPAD-2", "LT-042"]).await;
    hanna.clicks("Yes").await;
    let sam = bed.user("sam").clicks_in_channel(&bed.approval_card(), "Approve").await;
    sam.says("You may approve only what you may sync yourself, and that is not so for 1 device.");
    sam.says("outside its scope groups").says("Your click changed nothing");
    bed.advance(1.minutes()).await;
    assert!(bed.calls().is_empty());
    hanna.says("for approval");
    bed.user("sam").clicks_in_channel(&bed.approval_card(), "Reject").await;
    bed.user("sam").submits("reason", "not all of them are ours").await.says("Rejected");
    hanna.says("did not agree").says("not all of them are ours");
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn somebody_whom_a_group_of_the_rule_names_approves_once_they_are_linked() {
    let helpdesk = LARGE.replace(
        r#"approver_roles = ["900000000000000207"]"#,
        r#"approver_groups = ["00000000-0000-4000-8000-00000000b001"]"#,
    );
    let bed = Bed::with("approver by group", &helpdesk).await;
    bed.user("hanna").runs(BULK).await.clicks("Yes").await;
    bed.user("lena")
        .clicks_in_channel(&bed.approval_card(), "Approve")
        .await
        .says("None of the rules on the card names you");
    bed.link("priya").await;
    bed.user("priya")
        .clicks_in_channel(&bed.approval_card(), "Approve")
        .await
        .says("None of the rules on the card names you");
    assert!(bed.calls().is_empty());
    bed.link("lena").await;
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(1.minutes()).await;
    assert_eq!(bed.calls().len(), 6);
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn the_buttons_of_what_was_approved_already_change_nothing() {
    let bed = Bed::with("approved already", LARGE).await;
    bed.user("hanna").runs(BULK).await.clicks("Yes").await;
    let old = bed.approval_card();
    bed.user("lena").clicks_in_channel(&old, "Approve").await.says("Approved");
    bed.advance(1.minutes()).await;
    let events = bed.events().await;
    for label in ["Approve", "Reject"] {
        let late = bed.user("lena").forges(old.id, &id_of(&old, label)).await;
        late.says("It was approved already. Your click changed nothing.");
    }
    bed.advance(1.minutes()).await;
    assert_eq!(bed.calls().len(), 6);
    let ignored: Vec<_> = bed.events().await.split_off(events.len());
    assert_eq!(ignored.iter().filter(|event| *event == "click_ignored").count(), 2, "{ignored:?}");
    assert!(!ignored.iter().any(|event| event == "approved" || event == "rejected"), "{ignored:?}");
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn the_buttons_of_what_was_rejected_already_change_nothing() {
    let bed = Bed::with("rejected already", LARGE).await;
    let hanna = bed.user("hanna").runs(BULK).await;
    hanna.clicks("Yes").await;
    let old = bed.approval_card();
    bed.user("lena").clicks_in_channel(&old, "Reject").await;
    bed.user("lena").submits("reason", "not now").await.says("Rejected");
    for label in ["Approve", "Reject"] {
        let late = bed.user("lena").forges(old.id, &id_of(&old, label)).await;
        late.says("It was rejected already. Your click changed nothing.");
    }
    bed.advance(1.minutes()).await;
    assert!(bed.calls().is_empty());
    hanna.says("did not agree").says("not now");
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn what_has_grown_beyond_one_request_cannot_be_approved() {
    let bed = Bed::with("grown too large", &format!("{LARGE}[sync]\nmax_devices = 6\n")).await;
    bed.user("hanna").runs(BULK).await.clicks("Yes").await;
    bed.tenant.set_device_user("IPAD-017", Some("jonas.weber@contoso.example")).expect("they are there");
    let lena = bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await;
    lena.says("By now 7 devices fit, and a request takes 6. It cannot be approved any more");
    bed.advance(1.minutes()).await;
    assert!(bed.calls().is_empty());
    assert!(!bed.events().await.contains(&"votes_void".to_owned()), "the card still shows the six");
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Reject").await;
    bed.user("lena").submits("reason", "").await.says("Rejected");
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn each_device_that_is_left_out_is_named_with_its_reason() {
    let bed = Bed::with("left out by name", SHORT).await;
    bed.user("omar").syncs("LT-042").await;
    bed.advance(3.minutes()).await;
    let hanna = asks_for(&bed, "hanna", &["LNX-BUILD-3", "LT-WIPED", "LT-042", "IPAD-017"]).await;
    hanna.says("Sync 1 device?").says("Left out: 3 devices");
    let table = table(&hanna.message()).await;
    let why_not = [
        ("IPAD-017", ""),
        ("LNX-BUILD-3", "It runs `Linux`. Intune's Sync works on Android, iOS/iPadOS, macOS and Windows only."),
        ("LT-042", "It was synced a moment ago."),
        ("LT-WIPED", "A wipe is on its way, so Intune would ignore a sync."),
    ];
    let why_not = why_not.map(|(device, why)| (device.to_owned(), why.to_owned()));
    assert_eq!(column(&table, "why_not"), BTreeSet::from(why_not));
    hanna.clicks("Yes").await;
    bed.advance(3.minutes()).await;
    assert_eq!(bed.calls().len(), 2, "the single one before, and the one that is left");
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn conditions_that_are_combined_take_only_devices_that_fit_both() {
    let bed = Bed::with("combined conditions", SHORT).await;
    let hanna = bed.user("hanna").runs("/bulk-sync filter platform:macos compliance:noncompliant").await;
    hanna.says("Devices with macOS, not compliant").clicks("Yes").await;
    bed.advance(1.minutes()).await;
    let devices = bed.tenant.devices();
    let fits = devices.iter().filter(|device| device.platform == "macOS" && device.compliance == "noncompliant");
    let fitting: BTreeSet<_> = fits.map(|device| device.id.clone()).collect();
    assert!(!fitting.is_empty());
    assert_eq!(bed.calls().into_iter().map(|call| call.device_id).collect::<BTreeSet<_>>(), fitting);
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn groups_of_one_name_are_told_apart_by_their_ids() {
    let bed = Bed::with("groups of one name", SHORT).await;
    let first = bed.tenant.add_group("Pilot", &["LT-042", "IPAD-017"]).expect("they are there");
    let second = bed.tenant.add_group("Pilot", &["MBP-ELSA"]).expect("it is there");
    let asked = bed.user("hanna").runs("/bulk-sync group group:Pilot").await;
    asked.says("Several groups have the name `Pilot`").says(&first).says(&second);
    assert!(asked.message().rows.is_empty(), "there is nothing to press");
    let hanna = bed.user("hanna").runs(&format!("/bulk-sync group group:{second}")).await;
    hanna.says("Sync 1 device?").says("MBP-ELSA").never_says("LT-042").clicks("Yes").await;
    bed.advance(1.minutes()).await;
    assert_eq!(bed.calls().len(), 1);
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn where_a_reason_is_wanted_many_devices_want_one_too() {
    let bed = Bed::with("reason for many", &format!("{SHORT}[sync]\nrequire_reason = true\n")).await;
    let without = bed.user("hanna").runs(BULK).await;
    without.says("A reason is needed");
    assert!(without.message().rows.is_empty(), "there is nothing to press");
    bed.user("hanna").runs(&format!("{BULK} dry_run:true")).await.says("Dry run");
    assert_eq!(bed.events().await, ["refused"]);
    let with = bed.user("hanna").runs(&format!("{BULK} reason:INC-7")).await;
    with.says("INC-7").clicks("Yes").await;
    bed.advance(1.minutes()).await;
    assert_eq!(bed.calls().len(), 6);
    bed.ends_after(12.minutes()).await;
}

/// Room for every Windows device, and four calls in ten seconds, so that most of them wait.
fn slowly() -> String {
    format!("{SHORT}[sync]\nmax_devices = 200\n[limits]\ngraph_writes = \"4/10s\"\n")
}

#[tokio::test]
async fn an_admin_can_stop_what_somebody_else_asked_for() {
    let bed = Bed::with("stopped by an admin", &slowly()).await;
    bed.user("hanna").runs("/bulk-sync filter platform:windows").await.clicks("Yes").await;
    bed.advance(5.seconds()).await;
    let sent = bed.calls().len();
    bed.user("lena").clicks_in_channel(&live(&bed), "Cancel").await.says("Only the person who asked, or an admin");
    bed.user("ada").clicks_in_channel(&live(&bed), "Cancel").await.says("will not be sent");
    bed.advance(2.minutes()).await;
    assert_eq!(bed.calls().len(), sent);
    let board = bed.channel(HELPDESK).join("\n");
    assert!(board.contains("0 waiting") && board.contains("cancelled, not sent"), "{board}");
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn what_is_stopped_while_frozen_is_not_sent_after_it() {
    let bed = Bed::with("stopped while frozen", SHORT).await;
    bed.user("ada").runs("/freeze for:1h reason:CHG-7").await;
    bed.user("hanna").runs(BULK).await.clicks("Yes").await;
    bed.advance(10.seconds()).await;
    bed.user("hanna").clicks_in_channel(&live(&bed), "Cancel").await.says("Stopped: 6 devices will not be sent");
    bed.advance(10.seconds()).await;
    bed.user("ada").runs("/unfreeze").await.says("What waited goes on now");
    bed.advance(1.minutes()).await;
    assert!(bed.calls().is_empty());
    let board = bed.channel(HELPDESK).join("\n");
    assert!(board.contains("0 waiting") && board.contains("6 cancelled, not sent"), "{board}");
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn two_bulk_requests_take_turns() {
    let bed = Bed::with("taking turns", &slowly()).await;
    // Both are there before the first of them is called.
    bed.user("ada").runs("/freeze for:1h reason:CHG-7").await;
    bed.user("hanna").runs(BULK).await.clicks("Yes").await;
    let ipads = ["IPAD-017", "SCHOOL-IPAD-1", "SCHOOL-IPAD-2", "SCHOOL-IPAD-3"];
    asks_for(&bed, "omar", &ipads).await.clicks("Yes").await;
    bed.user("ada").runs("/unfreeze").await;
    bed.advance(1.minutes()).await;
    let platform = |id: &str| bed.tenant.device(id).expect("it is there").platform;
    let platforms: Vec<_> = bed.calls().iter().map(|call| platform(&call.device_id)).collect();
    assert_eq!(platforms.len(), 10);
    assert!(platforms[..8].windows(2).all(|pair| pair[0] != pair[1]), "{platforms:?}");
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn one_device_is_the_next_to_be_called_though_a_hundred_wait() {
    let config = format!("{SHORT}[sync]\nmax_devices = 200\n[limits]\ngraph_writes = \"20/10s\"\n");
    let bed = Bed::with("before a hundred", &config).await;
    bed.user("hanna").runs("/bulk-sync filter platform:windows").await.clicks("Yes").await;
    bed.advance(2.seconds()).await;
    assert!(bed.store().await.bulk_waiting().await.expect("the store answers") > 100);
    let (asked, before) = (bed.now(), bed.calls().len());
    let omar = bed.user("omar").syncs("IPAD-017").await;
    bed.advance(1.seconds()).await;
    let next = bed.calls().into_iter().nth(before).expect("a place has come");
    assert_eq!(next.device_name.as_deref(), Some("IPAD-017"));
    assert!(next.at.duration_since(asked) <= 1.seconds(), "asked {asked}, called {}", next.at);
    bed.user("hanna").clicks_in_channel(&live(&bed), "Cancel").await.says("will not be sent");
    bed.advance(3.minutes()).await;
    omar.says("`IPAD-017` checked in");
    bed.ends_after(12.minutes()).await;
}

#[tokio::test]
async fn a_dry_run_says_which_rule_would_ask() {
    let bed = Bed::with("dry run with a rule", LARGE).await;
    let asked = bed.user("hanna").runs(&format!("{BULK} dry_run:true")).await;
    asked.says("Dry run").says("by the rule `large`");
    assert!(asked.message().button("Yes").is_none(), "there is nothing to confirm");
    bed.finish().await;
}

#[tokio::test]
async fn what_is_stopped_at_once_says_how_many_are_not_sent() {
    let bed = Bed::with("stopped at once", SHORT).await;
    bed.user("hanna").runs("/bulk-sync filter platform:ios").await.clicks("Yes").await;
    let live = bed.channel_messages(HELPDESK).pop().expect("the live message");
    let calls = bed.calls().len();
    bed.user("hanna").clicks_in_channel(&live, "Cancel").await.says(&format!("{} devices", 35 - calls));
    bed.advance(15.minutes()).await;
    assert_eq!(bed.calls().len(), calls);
    bed.channel(HELPDESK);
    bed.team();
    bed.finish().await;
}
