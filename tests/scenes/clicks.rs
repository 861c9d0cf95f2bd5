//! The click: only the asker's counts, once, and in time.

use sim::discord::InteractionState;

use crate::bed::{Bed, Spans as _};

#[tokio::test]
async fn a_strangers_yes_and_no_change_nothing_and_are_answered_politely() {
    let bed = Bed::new("a foreign click").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    for label in ["Yes", "No"] {
        let answer = bed.user("omar").clicks_on(&asked, label).await;
        answer.says("Only the person who asked can answer this card.");
        assert!(answer.is_private());
    }
    bed.user("nora").clicks_on(&asked, "Yes").await.says("Only the person who asked can answer this card.");
    assert!(bed.calls().is_empty());
    asked.says("Sync `LT-042`?").clicks("Yes").await;
    bed.advance(3.minutes()).await;
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    assert_eq!(bed.events().await[..4], ["asked", "click_ignored", "click_ignored", "click_ignored"]);
    bed.finish().await;
}

#[tokio::test]
async fn a_repeated_yes_makes_no_second_call() {
    let bed = Bed::new("a repeated click").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let (message, yes) = (asked.message().id, asked.id_of("Yes"));
    asked.clicks("Yes").await;
    bed.user("hanna").forges(message, &yes).await.says("confirmed already and is under way");
    bed.advance(3.minutes()).await;
    bed.user("hanna").forges(message, &yes).await.says("confirmed already and has ended");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn two_quick_clicks_are_one_yes() {
    let bed = Bed::new("two quick clicks").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let (first, second) = (asked.presses("Yes"), asked.presses("Yes"));
    bed.advance(3.minutes()).await;
    for click in [first, second] {
        assert!(matches!(click.state(), InteractionState::Acknowledged { .. }), "{:?}", click.state());
    }
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    let confirmed = bed.events().await.into_iter().filter(|event| event == "confirmed").count();
    assert_eq!(confirmed, 1);
    bed.finish().await;
}

#[tokio::test]
async fn of_a_quick_yes_and_no_one_counts() {
    let bed = Bed::new("yes and no at once").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    asked.presses("Yes");
    asked.presses("No");
    bed.advance(3.minutes()).await;
    let events = bed.events().await;
    let decided = events.iter().filter(|event| ["confirmed", "cancelled"].contains(&event.as_str())).count();
    assert_eq!(decided, 1, "{events:?}");
    let confirmed = usize::from(events.contains(&"confirmed".to_owned()));
    assert_eq!((bed.calls().len(), bed.team().len()), (confirmed, confirmed));
    bed.finish().await;
}

#[tokio::test]
async fn an_interaction_that_discord_delivers_twice_is_handled_once() {
    let bed = Bed::new("delivered twice").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    asked.is_delivered_again().await;
    let yes = asked.clicks("Yes").await;
    yes.is_delivered_again().await;
    bed.advance(3.minutes()).await;
    asked.says("`LT-042` checked in");
    let events = bed.events().await;
    assert_eq!(events.iter().filter(|event| *event == "asked").count(), 1, "{events:?}");
    assert_eq!(events.iter().filter(|event| *event == "confirmed").count(), 1, "{events:?}");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn after_no_nothing_can_be_confirmed_any_more() {
    let bed = Bed::new("after no").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let (message, yes) = (asked.message().id, asked.id_of("Yes"));
    asked.clicks("No").await.says("Nothing was sent.");
    assert!(asked.message().buttons().next().is_none(), "the buttons are gone");
    bed.user("hanna").forges(message, &yes).await.says("This was cancelled already.");
    bed.advance(5.minutes()).await;
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn a_card_expires_and_says_so_by_itself() {
    let bed = Bed::new("an expired card").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let (message, yes, no) = (asked.message().id, asked.id_of("Yes"), asked.id_of("No"));
    bed.advance(9.minutes()).await;
    asked.says("Sync `LT-042`?");
    bed.advance(90.seconds()).await;
    insta::assert_snapshot!("an_expired_card", asked.card());
    for id in [yes, no] {
        bed.user("hanna").forges(message, &id).await.says("This card has expired. Nothing was sent;");
    }
    assert!(bed.calls().is_empty());
    assert_eq!(bed.events().await, ["asked", "expired", "click_ignored", "click_ignored"]);
    bed.finish().await;
}

#[tokio::test]
async fn forged_and_foreign_custom_ids_get_a_polite_answer() {
    let bed = Bed::new("forged ids").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let message = asked.message().id;
    for forged in ["v1:yes:00000000000000000000000000000001", "v1:no:00000000000000000000000000000001"] {
        bed.user("hanna").forges(message, forged).await.says("This card is not known any more.");
    }
    for foreign in ["v1:wipe:00000000000000000000000000000001", "yes", "v0:yes:1", "'; DROP TABLE requests; --"] {
        bed.user("hanna").forges(message, foreign).await.says("This button is not one of mine");
    }
    let tell = bed.user("hanna").forges(message, "v1:tell:00000000000000000000000000000001").await;
    tell.says("There is nothing left to watch for here.");
    let again = bed.user("hanna").forges(message, "v1:again:00000000000000000000000000000001").await;
    again.says("Your choice changed nothing");
    // Each is in the audit, by whom and why.
    let whys: Vec<_> = bed.audit().await.into_iter().skip(1).map(|(_, detail)| detail["why"].clone()).collect();
    let mut expected = vec!["unknown"; 2];
    expected.extend(["foreign_id"; 4]);
    expected.extend(["nothing_to_watch", "nothing_to_repeat"]);
    assert_eq!(whys, expected);
    asked.says("Sync `LT-042`?").clicks("No").await;
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn the_record_of_one_card_does_not_serve_another_verb() {
    let bed = Bed::new("verbs swapped").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let (message, yes) = (asked.message().id, asked.id_of("Yes"));
    for verb in ["tell", "again", "pick"] {
        let answer = bed.user("hanna").forges(message, &yes.replace("yes", verb)).await;
        answer.never_says("accepted").never_says("Confirmed");
    }
    assert!(bed.calls().is_empty());
    asked.clicks("No").await;
    bed.finish().await;
}
