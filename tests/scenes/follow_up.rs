//! What the asker is told, where, and when: live in the reply, then in the channel with a mention.

use std::time::Duration;

use sim::discord::{Fault as ChatFault, Ping};

use crate::bed::{Allowed, Bed, Spans as _};

#[tokio::test]
async fn the_reply_follows_the_sync_live_and_in_order() {
    let bed = Bed::new("live phases").await;
    let asked = bed.user("hanna").syncs("IPAD-017").await;
    bed.advance(4.minutes()).await;
    let headlines = asked.headlines();
    let expected = [
        "Sync `IPAD-017`?",
        "Syncing `IPAD-017`",
        "Sync of `IPAD-017` accepted",
        "`IPAD-017` has checked in",
        "`IPAD-017` checked in",
    ];
    assert_eq!(headlines, expected);
    assert!(bed.channel("helpdesk").is_empty(), "it stays in the asker's own reply");
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn after_fourteen_minutes_the_outcome_is_a_channel_message_that_mentions_the_asker_alone() {
    let bed = Bed::new("after fourteen minutes").await;
    bed.tenant.plan_check_in("LT-042", sim::tenant::CheckIn::After(20.minutes())).unwrap();
    let asked = bed.user("hanna").syncs("LT-042").await;
    bed.advance(13.minutes()).await;
    asked.says("accepted");
    bed.advance(50.seconds()).await;
    insta::assert_snapshot!("the_last_edit", asked.card());
    bed.advance(15.minutes()).await;
    let messages = bed.channel_messages("helpdesk");
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].pings, [Ping::User("hanna".to_owned())]);
    assert!(messages[0].text().contains("`LT-042` checked in"));
    asked.says("Still waiting for `LT-042`");
    let team = bed.channel_messages("device-team");
    assert_eq!(team.len(), 1);
    assert!(team[0].pings.is_empty(), "the team's line pings nobody");
    bed.finish().await;
}

#[tokio::test]
async fn a_reply_that_is_gone_is_followed_by_a_channel_message() {
    let bed = Bed::new("the reply is gone").await;
    let asked = bed.user("hanna").syncs("LT-042").await;
    bed.discord.delete_message(asked.message().id);
    bed.advance(5.minutes()).await;
    let said = bed.channel_messages("helpdesk");
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].pings, [Ping::User("hanna".to_owned())]);
    assert!(said[0].text().contains("`LT-042` checked in"));
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn an_outcome_that_nobody_can_be_told_is_in_the_audit() {
    let bed = Bed::new("nobody can be told").await;
    bed.expects_error("a notice could not be delivered anywhere");
    bed.allows(Allowed::InvalidRequests);
    bed.user("hanna").syncs("PIX-009").await;
    bed.discord.forbid_channel("helpdesk", true);
    bed.discord.delete_channel("device-team", true);
    bed.advance(62.minutes()).await;
    let dropped = bed.events().await.into_iter().filter(|event| event == "notice_dropped").count();
    assert_eq!(dropped, 2, "the asker's and the team's");
    bed.finish().await;
}

#[tokio::test]
async fn discords_own_troubles_delay_a_word_and_do_not_lose_it() {
    let bed = Bed::new("discord has troubles").await;
    bed.allows(Allowed::InvalidRequests);
    let asked = bed.user("hanna").syncs("LT-042").await;
    bed.discord.fault("PATCH /webhooks", ChatFault::Status(502), 2);
    let limited = ChatFault::RateLimited { retry_after: Duration::from_secs(1), global: false };
    bed.discord.fault("PATCH /webhooks", limited, 1);
    bed.discord.fault("POST /channels", ChatFault::Status(500), 2);
    bed.advance(6.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!(bed.team().len(), 1, "once, although it was sent three times");
    bed.finish().await;
}

#[tokio::test]
async fn a_post_whose_answer_got_lost_is_not_posted_twice() {
    let bed = Bed::new("a post without an answer").await;
    bed.user("hanna").syncs("LT-042").await;
    bed.discord.fault("POST /channels", ChatFault::LostAnswer, 1);
    bed.advance(6.minutes()).await;
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn an_acknowledgement_that_got_lost_leaves_no_half_done_request() {
    let bed = Bed::new("a lost acknowledgement").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.discord.fault("/callback", ChatFault::LostAnswer, 1);
    asked.clicks("Yes").await;
    bed.advance(4.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_yes_that_could_not_be_acknowledged_is_done_all_the_same() {
    let bed = Bed::new("an acknowledgement that failed").await;
    bed.allows(Allowed::NoResponse);
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.discord.fault("/callback", ChatFault::Status(500), 2);
    asked.presses("Yes");
    while bed.calls().is_empty() {
        tokio::task::yield_now().await;
    }
    // Until Discord gives the click up, somebody waits for its answer.
    bed.discord.advance(4.seconds());
    bed.advance(4.minutes()).await;
    assert_eq!(bed.calls().len(), 1, "it was written down before it was answered");
    assert_eq!((bed.channel("helpdesk").len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_yes_is_acknowledged_at_the_second_try_when_discord_stumbles() {
    let bed = Bed::new("an acknowledgement at the second try").await;
    for fault in [ChatFault::Status(502), ChatFault::LostAnswer, ChatFault::LostRequest] {
        let asked = bed.user("hanna").runs("/sync device:LT-042").await;
        bed.discord.fault("/callback", fault, 1);
        asked.clicks("No").await.says("Nothing was sent");
    }
    bed.finish().await;
}

#[tokio::test]
async fn a_question_is_answered_although_discord_stumbles() {
    let bed = Bed::new("discord stumbles at an answer").await;
    for fault in [ChatFault::Status(502), ChatFault::LostAnswer, ChatFault::LostRequest] {
        bed.discord.fault("PATCH /webhooks", fault, 2);
        let asked = bed.user("hanna").runs("/sync device:LT-042").await;
        bed.advance(10.seconds()).await;
        asked.says("Sync `LT-042`?").clicks("No").await;
    }
    bed.finish().await;
}

#[tokio::test]
async fn a_card_is_not_put_up_again_over_what_was_said_since() {
    let bed = Bed::new("a card whose answer got lost").await;
    bed.discord.fault("PATCH /webhooks", ChatFault::LostAnswer, 1);
    let asked = bed.user("hanna").runs("/sync device:IPAD-017").await;
    // The bot does not know that the card is there; she does, and is quicker than its second try.
    asked.clicks("Yes").await;
    bed.advance(4.minutes()).await;
    let headlines = asked.headlines();
    assert_eq!(headlines.iter().filter(|line| *line == "Sync `IPAD-017`?").count(), 1, "{headlines:?}");
    asked.says("`IPAD-017` checked in");
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_deferral_whose_answer_got_lost_is_followed_by_the_answer() {
    let bed = Bed::new("a lost deferral").await;
    bed.discord.fault("/callback", ChatFault::LostAnswer, 1);
    bed.user("hanna").runs("/sync device:LT-042").await.says("Sync `LT-042`?").clicks("No").await;
    bed.finish().await;
}
