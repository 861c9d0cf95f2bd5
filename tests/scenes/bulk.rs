//! Many devices: which they are, one Yes, and what becomes of each.

use sim::discord::MessageView;
use sim::tenant::{CheckIn, Fault, FaultKind, RetryAfter};

use crate::bed::{Bed, HELPDESK, SHORT, Spans as _, show};

/// The live message of the only bulk request.
fn live(bed: &Bed) -> MessageView {
    let messages = bed.channel_messages(HELPDESK);
    messages.into_iter().next().expect("the live message is there")
}

/// The words at its end.
fn summary(bed: &Bed) -> MessageView {
    let messages = bed.channel_messages(HELPDESK);
    messages.into_iter().find(|message| message.content.starts_with("<@")).expect("the asker is told")
}

#[tokio::test]
async fn every_device_of_a_person_is_synced_with_one_yes() {
    let bed = Bed::with("a persons devices", SHORT).await;
    let asked = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example reason:INC-7").await;
    insta::assert_snapshot!("bulk_card_of_a_person", asked.card());
    asked.clicks("Yes").await;
    insta::assert_snapshot!("bulk_confirmed", asked.card());
    bed.advance(12.minutes()).await;
    insta::assert_snapshot!("bulk_live_at_the_end", show::card(&live(&bed)));
    insta::assert_snapshot!("bulk_summary", show::card(&summary(&bed)));
    insta::assert_snapshot!("bulk_team_line", bed.team().join("\n"));
    let calls = bed.calls();
    let devices: std::collections::BTreeSet<_> = calls.iter().map(|call| call.device_id.clone()).collect();
    assert_eq!(devices.len(), calls.len(), "each device is called once");
    bed.finish().await;
}

#[tokio::test]
async fn what_was_never_asked_of_intune_does_not_count_as_sent() {
    let bed = Bed::with("many observed", "[sync]\nobserve = true\n").await;
    bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await.clicks("Yes").await;
    bed.advance(1.minutes()).await;
    let said = show::card(&live(&bed));
    assert!(said.contains("0 sent, 0 waiting") && said.contains("6 would have been synced"), "{said}");
    assert!(bed.calls().is_empty());
    summary(&bed);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn a_device_whose_sync_somebody_else_sent_already_does_not_wait() {
    let bed = Bed::new("many and one under way").await;
    for device in bed.tenant.devices() {
        bed.tenant.plan_check_in(&device.id, CheckIn::After(3.minutes())).expect("there is such a device");
    }
    bed.user("omar").syncs("LT-042").await;
    bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await.clicks("Yes").await;
    bed.advance(30.seconds()).await;
    let said = show::card(&live(&bed));
    // One of the six needs an approval in Intune, which did not take that call.
    assert!(said.contains("5 sent, 0 waiting") && said.contains("5 asked, not checked in yet"), "{said}");
    assert!(said.contains("Everything is sent."), "{said}");
    // What Graph says of one of them is six minutes old.
    bed.advance(20.minutes()).await;
    let said = show::card(&live(&bed));
    assert!(said.contains("5 sent, 0 waiting") && said.contains("5 checked in"), "{said}");
    summary(&bed);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn a_dry_run_shows_and_changes_nothing() {
    let bed = Bed::new("a dry run").await;
    let asked = bed.user("hanna").runs("/bulk-sync filter platform:ios dry_run:true").await;
    asked.says("Dry run").never_says("expires");
    bed.advance(1.minutes()).await;
    assert!(bed.calls().is_empty());
    assert!(asked.message().rows.is_empty(), "there is nothing to press");
    bed.finish().await;
}

#[tokio::test]
async fn graph_trouble_on_the_way_costs_time_and_no_device() {
    let bed = Bed::with("bulk in trouble", "[watch]\ndeadline = \"20m\"\n").await;
    let asked = bed.user("hanna").runs("/bulk-sync filter platform:ipados").await;
    bed.graph_fails(Fault::on_sync(FaultKind::Unavailable).until(bed.now() + 1.minutes()));
    asked.clicks("Yes").await;
    bed.advance(25.minutes()).await;
    let live = show::card(&live(&bed));
    assert!(live.contains("is over") && !live.contains("not taken by Graph"), "{live}");
    assert!(show::card(&summary(&bed)).contains("of 32 devices checked in"));
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn a_groups_devices_are_those_of_its_members_and_those_in_it() {
    let bed = Bed::with("a group", SHORT).await;
    let asked =
        bed.user("hanna").runs("/bulk-sync group group:00000000-0000-4000-8000-00000000a001 dry_run:true").await;
    insta::assert_snapshot!("bulk_card_of_a_group", asked.card());
    asked.says("Dry run");
    bed.user("hanna").runs("/bulk-sync group group:Nobody").await.says("No Entra group has the name");
    bed.finish().await;
}

#[tokio::test]
async fn what_cannot_be_synced_is_left_out_and_said_so() {
    let bed = Bed::new("left out").await;
    // Whether a device is in one of the school's groups is asked for each, which takes some of the budget.
    let sam = bed.user("sam").starts("/bulk-sync filter unseen_days:1 dry_run:true");
    bed.advance(30.seconds()).await;
    sam.says("Left out").says("outside of what your roles cover");
    bed.user("rolf").runs("/bulk-sync filter platform:ios").await.says("You may not sync");
    bed.user("hanna").runs("/bulk-sync user user:nobody@contoso.example").await.says("Nobody in the tenant");
    bed.user("hanna").runs("/bulk-sync filter retryable_failures:true").await.says("not indexed here");
    bed.finish().await;
}

#[tokio::test]
async fn more_than_one_request_may_hold_is_refused_before_anything_is_stored() {
    let bed = Bed::with("too many", "[sync]\nmax_devices = 20\n").await;
    bed.user("hanna").runs("/bulk-sync filter platform:windows").await.says("one request takes at most 20");
    bed.user("hanna").runs("/bulk-sync filter platform:windows dry_run:true").await.says("Dry run");
    bed.finish().await;
}

#[tokio::test]
async fn far_more_than_one_request_may_hold_is_refused_before_rights_are_looked_up_for_each() {
    let bed = Bed::with("far too many", "[sync]\nmax_devices = 5\n").await;
    for dry_run in ["", " dry_run:true"] {
        let asked = bed.user("sam").runs(&format!("/bulk-sync filter platform:windows{dry_run}")).await;
        asked.says("Too many to look at").says("for one request for at most 50").says("Narrow it down");
    }
    let of_devices = |path: &str| path.contains("/managedDevices/") || path.contains("/devices?");
    let looked: Vec<_> = bed.tenant.graph_calls().into_iter().filter(|call| of_devices(&call.path)).collect();
    assert!(looked.is_empty(), "{looked:?}");
    assert_eq!(bed.events().await, ["refused", "refused"]);
    bed.finish().await;
}

#[tokio::test]
async fn a_group_with_far_more_members_than_one_request_may_hold_is_refused_before_each_is_read() {
    let more = ["LT-042", "IPAD-017", "IPHONE-ALL11", "MBP-ELSA", "PIX-009", "LT-CROSS", "LT-STALE", "LT-LATE"];
    let bed = Bed::in_world("a large group", "[sync]\nmax_devices = 1\n", |world| {
        let sales = world.tenant.group.iter_mut().filter(|group| group.name == "Sales team");
        sales.for_each(|group| group.devices.extend(more.map(str::to_owned)));
    })
    .await;
    let asked = bed.user("hanna").runs("/bulk-sync group group:00000000-0000-4000-8000-00000000a002").await;
    asked.says("That group has").says("for one request for at most 10").says("Narrow it down");
    assert_eq!(bed.events().await, ["refused"]);
    bed.finish().await;
}

#[tokio::test]
async fn looking_up_many_that_takes_too_long_is_given_up_and_said_so() {
    let bed = Bed::new("looked up for too long").await;
    // Twenty reads in a minute, and two or more for each of some hundred devices.
    bed.restart_with("[limits]\ngraph_reads = \"20/1m\"\n[directory]\nrefresh = \"24h\"\n").await;
    bed.advance(10.minutes()).await;
    let sam = bed.user("sam").starts("/bulk-sync filter platform:windows");
    bed.advance(5.minutes()).await;
    assert!(bed.events().await.is_empty(), "it is still being looked up");
    bed.advance(8.minutes()).await;
    sam.says("That takes too long").says("Nothing was stored and nothing was sent");
    assert!(bed.events().await.contains(&"refused".to_owned()));
    bed.finish().await;
}

#[tokio::test]
async fn people_are_suggested_by_those_whose_devices_one_may_see() {
    let bed = Bed::new("people suggested").await;
    let offered = bed.user("hanna").types("/bulk-sync user user:jon").await;
    assert_eq!(offered, ["Jonas Weber · jonas.weber@contoso.example"]);
    assert!(bed.user("nora").types("/bulk-sync user user:jon").await.is_empty(), "who may see nothing is shown nobody");
    bed.finish().await;
}

#[tokio::test]
async fn cancel_stops_what_is_not_sent_and_only_that() {
    let bed = Bed::with("stopped", SHORT).await;
    bed.graph_fails(Fault::on_sync(FaultKind::Unavailable).until(bed.now() + 3.minutes()));
    let asked = bed.user("hanna").runs("/bulk-sync filter platform:ios").await;
    asked.clicks("Yes").await;
    bed.advance(5.seconds()).await;
    let message = live(&bed);
    bed.user("omar").clicks_in_channel(&message, "Cancel").await.says("Only the person who asked");
    bed.user("hanna").clicks_in_channel(&message, "Cancel").await.says("will not be sent");
    bed.advance(15.minutes()).await;
    assert!(
        bed.calls().iter().all(|call| call.status != 204),
        "nothing was accepted before, and nothing is sent after"
    );
    assert!(bed.events().await.contains(&"stopped".to_owned()));
    bed.channel(HELPDESK);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn somebody_who_waits_for_one_device_goes_before_the_many() {
    let bed = Bed::with("before the many", "[watch]\ndeadline = \"10m\"\n[limits]\ngraph_writes = \"2/10s\"\n").await;
    bed.user("hanna").runs("/bulk-sync filter platform:ios").await.clicks("Yes").await;
    let before = bed.calls().len();
    let omar = bed.user("omar").syncs("LT-042").await;
    bed.advance(12.seconds()).await;
    let position = bed.calls().iter().skip(before).position(|call| call.device_name.as_deref() == Some("LT-042"));
    assert!(position.is_some_and(|position| position <= 2), "{position:?} of {}", bed.calls().len());
    bed.advance(60.minutes()).await;
    omar.says("`LT-042` checked in");
    bed.channel(HELPDESK);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn a_restart_in_the_middle_forgets_no_device_and_calls_none_twice() {
    let bed = Bed::with("bulk restarts", "[watch]\ndeadline = \"10m\"\n[limits]\ngraph_writes = \"4/10s\"\n").await;
    let asked = bed.user("hanna").runs("/bulk-sync filter platform:ios").await;
    asked.clicks("Yes").await;
    for _ in 0..3 {
        bed.advance(10.seconds()).await;
        bed.restart().await;
    }
    bed.advance(15.minutes()).await;
    let calls = bed.calls();
    let devices: std::collections::BTreeSet<_> = calls.iter().map(|call| call.device_id.clone()).collect();
    assert_eq!(devices.len(), calls.len(), "each device is called once");
    let outcomes = bed.events().await.iter().filter(|event| *event == "outcome").count();
    assert_eq!(outcomes, devices.len(), "each has one outcome");
    bed.channel(HELPDESK);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn throttling_is_said_plainly_where_the_progress_is_shown() {
    let bed = Bed::with("bulk throttled", "[watch]\ndeadline = \"20m\"\n").await;
    let asked = bed.user("hanna").runs("/bulk-sync filter platform:ios").await;
    bed.graph_fails(Fault::on_sync(FaultKind::TooManyRequests(RetryAfter::Seconds(45))).times(1));
    asked.clicks("Yes").await;
    bed.advance(12.seconds()).await;
    let said = show::card(&live(&bed));
    assert!(said.contains("Microsoft Graph is throttling; sending goes on"), "{said}");
    bed.advance(25.minutes()).await;
    let history = live(&bed).history;
    let slowed = history.iter().any(|shown| format!("{:?}", shown.embeds).contains("sending is slowed to"));
    assert!(slowed, "{history:?}");
    summary(&bed);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn devices_whose_app_failures_a_sync_may_mend_come_from_an_index_that_says_how_old_it_is() {
    let bed = Bed::with("an index of failures", "[apps]\nindex = true\n").await;
    bed.user("hanna")
        .runs("/bulk-sync filter retryable_failures:true dry_run:true")
        .await
        .never_says("not indexed here");
    bed.advance(20.minutes()).await;
    let asked = bed.user("hanna").runs("/bulk-sync filter retryable_failures:true dry_run:true").await;
    insta::assert_snapshot!("bulk_card_from_the_index", asked.card());
    bed.finish().await;
}
