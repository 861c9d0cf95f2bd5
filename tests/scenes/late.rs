//! "Tell me when it shows up": a thin watch after the deadline, told once.

use sim::discord::MessageView;

use crate::bed::{Bed, Spans as _};

/// A sync of `device` by Hanna that ended without a check-in: the message that says so.
async fn not_seen(bed: &Bed, device: &str) -> MessageView {
    bed.user("hanna").syncs(device).await;
    bed.advance(62.minutes()).await;
    assert_eq!(bed.team().len(), 1);
    bed.channel_messages("helpdesk").pop().expect("the outcome is in the channel")
}

#[tokio::test]
async fn a_device_that_shows_up_late_is_told_once_with_a_mention() {
    let bed = Bed::new("it shows up").await;
    let message = not_seen(&bed, "LT-LATE").await;
    let told = bed.user("hanna").clicks_in_channel(&message, "Tell me when it shows up").await;
    told.says("I keep an eye on it for up to 7 days");
    bed.user("hanna")
        .clicks_in_channel(&message, "Tell me when it shows up")
        .await
        .says("I am watching for it already");
    bed.advance(3.hours()).await;
    let said = bed.channel("helpdesk");
    assert_eq!(said.len(), 2);
    insta::assert_snapshot!("it_has_shown_up", said[1]);
    bed.user("hanna").clicks_in_channel(&message, "Tell me when it shows up").await.says("or have told you");
    bed.advance(2.hours()).await;
    assert_eq!(bed.channel("helpdesk").len(), 2, "once");
    assert_eq!(bed.calls().len(), 1, "watching calls nothing");
    bed.finish().await;
}

#[tokio::test]
async fn only_the_asker_can_have_it_watched() {
    let bed = Bed::new("a stranger wants to be told").await;
    let message = not_seen(&bed, "PIX-009").await;
    let told = bed.user("omar").clicks_in_channel(&message, "Tell me when it shows up").await;
    told.says("Only the person who asked for this sync can have it watched.");
    assert!(told.is_private());
    assert_eq!(bed.store().await.late_watches().await.unwrap(), 0);
    bed.finish().await;
}

#[tokio::test]
async fn a_watch_that_sees_nothing_lapses_and_says_so() {
    let bed = Bed::with("it never shows up", "[watch]\ntell_for = \"4h\"").await;
    let message = not_seen(&bed, "PIX-009").await;
    bed.user("hanna").clicks_in_channel(&message, "Tell me when it shows up").await;
    bed.advance(5.hours()).await;
    let said = bed.channel("helpdesk");
    assert_eq!(said.len(), 2);
    insta::assert_snapshot!("it_did_not_show_up", said[1]);
    assert_eq!(bed.store().await.late_watches().await.unwrap(), 0);
    bed.finish().await;
}

#[tokio::test]
async fn a_device_that_leaves_intune_ends_its_watch() {
    let bed = Bed::new("it is gone").await;
    let message = not_seen(&bed, "PIX-009").await;
    bed.user("hanna").clicks_in_channel(&message, "Tell me when it shows up").await;
    bed.tenant.remove_device("PIX-009").unwrap();
    bed.advance(20.minutes()).await;
    let said = bed.channel("helpdesk");
    assert!(said[1].contains("It is no longer in Intune. I have stopped watching for it."), "{}", said[1]);
    bed.finish().await;
}

#[tokio::test]
async fn a_late_watch_outlives_a_restart() {
    let bed = Bed::new("a late watch and a restart").await;
    let message = not_seen(&bed, "LT-LATE").await;
    bed.user("hanna").clicks_in_channel(&message, "Tell me when it shows up").await;
    bed.restart().await;
    bed.advance(3.hours()).await;
    assert!(bed.channel("helpdesk")[1].contains("`LT-LATE` has shown up"));
    bed.finish().await;
}

#[tokio::test]
async fn sync_again_from_the_channel_is_the_askers_too() {
    let bed = Bed::new("sync again from the channel").await;
    let message = not_seen(&bed, "PIX-009").await;
    bed.user("omar").clicks_in_channel(&message, "Sync again").await.says("Your choice changed nothing");
    bed.advance(6.minutes()).await;
    let again = bed.user("hanna").clicks_in_channel(&message, "Sync again").await;
    assert!(again.is_private());
    again.says("Sync `PIX-009`?").clicks("No").await;
    assert_eq!(bed.calls().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn whoever_lost_their_role_is_not_told_later() {
    let bed = Bed::new("told after the role is gone").await;
    let message = not_seen(&bed, "PIX-009").await;
    bed.discord.remove_role("hanna", "Helpdesk");
    let told = bed.user("hanna").clicks_in_channel(&message, "Tell me when it shows up").await;
    told.says("None of your chat roles stands for an Intune role");
    let (event, detail) = bed.audit().await.pop().expect("a row");
    assert_eq!((event.as_str(), &detail["why"]), ("refused", &serde_json::json!("rights_ended")));
    bed.finish().await;
}
