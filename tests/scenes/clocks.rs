//! The time of day of the bot's machine is set while something is under way: nothing waits for an hour because of it, nothing is done twice,
//! and nobody's rights outlive it.

use sim::tenant::CheckIn;

use crate::bed::{Bed, HELPDESK, Spans as _};

#[tokio::test]
async fn a_device_is_watched_as_before_when_the_clock_is_set_back() {
    let bed = Bed::new("a clock set back").await;
    let asked = bed.user("hanna").syncs("LT-042").await;
    bed.sets_the_clock(-2.hours()).await;
    bed.advance(4.minutes()).await;
    asked.says("`LT-042` checked in").says("38 s after it was asked");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    assert!(bed.has_logged("time of day was set"));
    bed.finish().await;
}

#[tokio::test]
async fn a_device_is_watched_as_before_when_the_clock_is_set_forward() {
    let bed = Bed::new("a clock set forward").await;
    let asked = bed.user("hanna").syncs("LT-042").await;
    asked.says("accepted");
    bed.sets_the_clock(30.minutes()).await;
    // Looks are as far apart as half an hour after a call.
    bed.advance(6.minutes()).await;
    // By the new time the reply can no longer be edited, so the outcome comes in the channel.
    let said = bed.channel(HELPDESK).join("\n");
    assert!(said.contains("`LT-042` checked in") && said.contains("38 s after it was asked"), "{said}");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn many_devices_go_on_when_the_clock_is_set_back() {
    let bed = Bed::new("many and a clock set back").await;
    let asked = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    asked.clicks("Yes").await;
    bed.advance(10.seconds()).await;
    bed.sets_the_clock(-1.hours()).await;
    // The deadline of those that do not check in is an hour after Graph's own time of the call: two hours from now by this clock.
    bed.advance(125.minutes()).await;
    let said = bed.channel(HELPDESK).join("\n");
    assert!(said.contains("checked in"), "{said}");
    assert_eq!(bed.store().await.under_way().await.unwrap(), 0);
    let mut called: Vec<_> = bed.calls().into_iter().map(|call| call.device_id).collect();
    let calls = called.len();
    called.sort();
    called.dedup();
    assert_eq!(called.len(), calls, "each device once");
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn many_devices_that_check_in_are_seen_by_a_machine_whose_clock_is_fast() {
    let bed = Bed::new("many and a fast clock").await;
    for device in bed.tenant.devices() {
        bed.tenant.plan_check_in(&device.id, CheckIn::After(1.minutes())).expect("there is such a device");
    }
    // By this clock each check-in was long before its call; by Graph's it was a minute after.
    bed.sets_the_clock(30.minutes()).await;
    let asked = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    asked.clicks("Yes").await;
    // What Graph says of one of them is six minutes old.
    bed.advance(20.minutes()).await;
    let said = bed.channel(HELPDESK).join("\n");
    // One of them needs an approval in Intune, and is refused there.
    assert!(said.contains("5 of 6 devices checked in"), "{said}");
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_card_can_be_answered_after_the_clock_was_set_back() {
    let bed = Bed::new("a card and a clock set back").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.sets_the_clock(-3.hours()).await;
    asked.clicks("Yes").await;
    bed.advance(4.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_card_whose_time_is_over_by_the_new_clock_says_so_and_nothing_is_sent() {
    let bed = Bed::new("a card and a clock set forward").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.sets_the_clock(3.hours()).await;
    asked.clicks("Yes").await.says("expired");
    bed.advance(4.minutes()).await;
    assert!(bed.calls().is_empty());
    assert_eq!(bed.events().await, ["asked", "expired", "click_ignored"]);
    bed.finish().await;
}

#[tokio::test]
async fn rights_read_before_the_clock_was_set_back_count_for_nothing_after_it() {
    let bed = Bed::with("rights and a clock set back", "[access]\nrequire_link = true").await;
    bed.link_everyone().await;
    bed.user("carla").runs("/access device:LT-042").await.says("LT-042");
    // By the new time these rights were read half an hour from now, which is after any click.
    bed.sets_the_clock(-30.minutes()).await;
    bed.tenant.set_role_actions("Device Care", &["Microsoft.Intune_ManagedDevices_Read"]).unwrap();
    bed.advance(29.minutes()).await;
    bed.user("carla").runs("/sync device:LT-042").await.never_says("Sync `LT-042`?");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}
