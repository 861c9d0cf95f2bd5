//! The watch: "checked in" is said when the device has checked in after the call, and only then.

use crate::bed::{Bed, HELPDESK, Spans as _};

#[tokio::test]
async fn a_device_that_checks_in_is_said_to_have_with_the_time_it_took() {
    let bed = Bed::new("checked in").await;
    let asked = bed.user("hanna").syncs("LT-042").await;
    bed.advance(37.seconds()).await;
    asked.says("accepted").never_says("checked in at");
    bed.advance(3.minutes()).await;
    asked.says("`LT-042` checked in").says("38 s after it was asked");
    insta::assert_snapshot!("team_line_of_a_check_in", bed.team().join("\n"));
    bed.finish().await;
}

#[tokio::test]
async fn a_check_in_that_crossed_with_the_call_does_not_count() {
    let bed = Bed::new("crossed check-in").await;
    let asked = bed.user("hanna").syncs("LT-CROSS").await;
    bed.advance(1.minutes()).await;
    let seen = bed.tenant.device("LT-CROSS").unwrap().last_check_in.unwrap();
    assert!(bed.now().duration_since(seen) < 10.minutes(), "a newer check-in shows already");
    asked.says("accepted").never_says("has checked in");
    bed.advance(3.minutes()).await;
    asked.says("`LT-CROSS` checked in").says("90 s after it was asked");
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn stale_reads_do_not_unsay_a_check_in() {
    let bed = Bed::new("stale reads").await;
    let asked = bed.user("hanna").syncs("LT-STALE").await;
    bed.advance(8.minutes()).await;
    asked.says("`LT-STALE` checked in").says("35 s after it was asked");
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_device_that_had_never_checked_in_has_no_baseline_to_pass() {
    let bed = Bed::new("never seen before").await;
    let asked = bed.user("hanna").syncs("LT-NEVER").await;
    bed.advance(4.minutes()).await;
    asked.says("`LT-NEVER` checked in").says("60 s after it was asked");
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_device_that_does_not_show_is_not_called_a_failure() {
    let bed = Bed::new("no check-in seen").await;
    bed.user("hanna").syncs("PIX-009").await;
    bed.advance(59.minutes()).await;
    assert!(bed.team().is_empty(), "not before the deadline");
    bed.advance(2.minutes()).await;
    insta::assert_snapshot!("no_check_in_seen_yet", bed.channel("helpdesk").join("\n"));
    insta::assert_snapshot!("team_line_of_no_check_in", bed.team().join("\n"));
    assert_eq!(bed.calls().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn the_looks_are_spaced_and_few() {
    let bed = Bed::new("spaced looks").await;
    let asked = bed.user("hanna").runs("/sync device:PIX-009").await;
    let id = bed.tenant.device("PIX-009").unwrap().id;
    asked.clicks("Yes").await;
    let start = bed.now();
    bed.advance(62.minutes()).await;
    let looks: Vec<_> = bed.tenant.graph_calls_since(start + 1.seconds());
    // After an hour the token has expired: a look that is refused with 401 is repeated with a fresh one, and is no second look.
    let looks: Vec<_> = looks.into_iter().filter(|call| call.path.contains(&id) && call.status != 401).collect();
    assert!((10..30).contains(&looks.len()), "{} looks in an hour", looks.len());
    assert!(looks.windows(2).all(|pair| pair[1].at.duration_since(pair[0].at) >= 19.seconds()), "{looks:?}");
    assert_eq!((bed.channel("helpdesk").len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_device_removed_while_it_is_watched_is_gone() {
    let bed = Bed::new("removed while watched").await;
    let asked = bed.user("hanna").syncs("PIX-009").await;
    bed.tenant.remove_device("PIX-009").unwrap();
    bed.advance(1.minutes()).await;
    asked.says("`PIX-009` is gone").says("Intune no longer knows this device.");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_device_wiped_while_it_is_watched_is_said_to_be() {
    let bed = Bed::new("wiped while watched").await;
    let asked = bed.user("hanna").syncs("PIX-009").await;
    bed.tenant.set_management_state("PIX-009", "wipePending").unwrap();
    bed.advance(1.minutes()).await;
    asked.says("Sync of `PIX-009` ended").says("A wipe is on its way");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_device_wiped_between_the_card_and_the_call_is_not_called() {
    let bed = Bed::new("wiped before the call").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.tenant.set_device_action("LT-042", "wipe", "pending").unwrap();
    asked.clicks("Yes").await;
    bed.advance(1.minutes()).await;
    asked.says("Sync of `LT-042` ended").says("A wipe is on its way");
    assert!(bed.calls().is_empty());
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_watch_outlives_an_outage_of_graph() {
    let bed = Bed::new("outage while watching").await;
    let asked = bed.user("hanna").syncs("LT-042").await;
    let until = bed.now() + 4.minutes();
    bed.graph_fails(sim::tenant::Fault::new(sim::tenant::FaultKind::Unavailable).until(until));
    bed.advance(8.minutes()).await;
    asked.says("`LT-042` checked in").says("38 s after it was asked");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_device_that_was_called_is_looked_at_while_many_others_wait_for_their_turn() {
    let bed = Bed::with("looks go on", "[limits]\ngraph_writes = \"1/1m\"\n[sync]\ngive_up = \"2m\"\n").await;
    let called = bed.user("hanna").syncs("LT-042").await;
    while bed.calls().is_empty() {
        bed.advance(5.seconds()).await;
    }
    for device in bed.tenant.devices().into_iter().filter(|device| device.name.starts_with("PC-1")).take(28) {
        let asked = bed.user("omar").runs(&format!("/sync device:{}", device.name)).await;
        // Some of them cannot be synced.
        if asked.message().button("Yes").is_some() {
            asked.presses("Yes");
        }
    }
    bed.advance(4.minutes()).await;
    called.says("`LT-042` checked in");
    bed.advance(70.minutes()).await;
    bed.channel(HELPDESK);
    bed.team();
    bed.finish().await;
}
