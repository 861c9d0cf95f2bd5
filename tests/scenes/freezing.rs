//! Freezes: nothing is sent, everything is still answered, and what waited goes on.

use sim::tenant::{Fault, FaultKind};

use crate::bed::{Bed, HELPDESK, Spans as _};

#[tokio::test]
async fn nothing_is_sent_while_frozen_and_what_waited_goes_on_by_itself() {
    let bed = Bed::new("frozen").await;
    let ada = bed.user("ada").runs("/freeze for:30m reason:CHG-7").await;
    insta::assert_snapshot!("frozen", ada.card());
    let hanna = bed.user("hanna").runs("/sync device:LT-042").await;
    hanna.says("Frozen until").clicks("Yes").await;
    hanna.says("Frozen until");
    bed.user("hanna").runs("/device device:LT-042").await.says("LT-042").says("Frozen until");
    bed.user("hanna").runs("/history").await.says("Frozen until");
    bed.advance(29.minutes()).await;
    assert!(bed.calls().is_empty());
    assert_eq!(bed.metric("frozen").await, Some(1));
    bed.advance(6.minutes()).await;
    assert_eq!(bed.metric("frozen").await, Some(0));
    assert_eq!(bed.calls().len(), 1);
    bed.channel(HELPDESK);
    insta::assert_snapshot!("frozen_team", bed.team().join("\n"));
    bed.finish().await;
}

#[tokio::test]
async fn an_admin_can_end_a_freeze_early_and_others_can_do_neither() {
    let bed = Bed::new("thawed").await;
    bed.user("hanna").runs("/freeze for:30m reason:CHG-7").await.says("You may not do that");
    bed.user("ada").runs("/unfreeze").await.says("Nothing is frozen");
    bed.user("ada").runs("/freeze for:soon reason:CHG-7").await.says("is not a length of time");
    bed.user("ada").runs("/freeze for:2h reason:CHG-7").await;
    let hanna = bed.user("hanna").syncs("LT-042").await;
    bed.advance(1.minutes()).await;
    assert!(bed.calls().is_empty());
    bed.user("hanna").runs("/unfreeze").await.says("You may not do that");
    bed.user("ada").runs("/unfreeze").await.says("What waited goes on now");
    bed.advance(5.minutes()).await;
    hanna.says("`LT-042` checked in");
    let events = bed.events().await;
    assert!(events.contains(&"frozen".to_owned()) && events.contains(&"unfrozen".to_owned()));
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn a_running_bulk_request_pauses_and_continues() {
    let bed = Bed::with("bulk frozen", "[watch]\ndeadline = \"10m\"\n[limits]\ngraph_writes = \"4/10s\"\n").await;
    bed.user("hanna").runs("/bulk-sync filter platform:ios").await.clicks("Yes").await;
    bed.advance(10.seconds()).await;
    bed.user("ada").runs("/freeze for:30m reason:CHG-7").await;
    bed.advance(10.seconds()).await;
    let sent = bed.calls().len();
    bed.advance(25.minutes()).await;
    assert_eq!(bed.calls().len(), sent, "nothing is sent while frozen");
    assert!(bed.channel(HELPDESK).iter().any(|message| message.contains("Frozen until")), "the live message says so");
    bed.advance(60.minutes()).await;
    assert!(bed.calls().len() > sent);
    bed.channel(HELPDESK);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn a_freeze_that_ends_early_lets_go_of_everything() {
    let bed = Bed::with("bulk thawed", "[watch]\ndeadline = \"10m\"\n[limits]\ngraph_writes = \"4/10s\"\n").await;
    bed.user("hanna").runs("/bulk-sync filter platform:ios").await.clicks("Yes").await;
    bed.advance(5.seconds()).await;
    bed.user("ada").runs("/freeze for:1d reason:CHG-7").await;
    bed.advance(2.minutes()).await;
    let sent = bed.calls().len();
    bed.user("ada").runs("/unfreeze").await.says("What waited goes on now");
    bed.advance(10.minutes()).await;
    assert!(bed.calls().len() > sent);
    let board = bed.channel(HELPDESK);
    assert!(board.iter().any(|card| card.contains("0 waiting")), "some wait still: {board:?}");
    bed.advance(20.minutes()).await;
    bed.channel(HELPDESK);
    assert!(bed.events().await.contains(&"outcome".to_owned()));
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn the_time_that_a_freeze_takes_is_not_the_time_to_give_up() {
    let bed = Bed::new("busy after a freeze").await;
    bed.user("ada").runs("/freeze for:30m reason:CHG-7").await;
    let hanna = bed.user("hanna").syncs("LT-042").await;
    bed.advance(29.minutes()).await;
    bed.graph_fails(Fault::on_sync(FaultKind::Unavailable).times(1));
    bed.advance(8.minutes()).await;
    assert_eq!(bed.calls().len(), 2, "the first one was not taken");
    assert!(bed.channel(HELPDESK).join("\n").contains("`LT-042` checked in"));
    hanna.says("The outcome will appear in this channel");
    bed.team();
    bed.finish().await;
}
