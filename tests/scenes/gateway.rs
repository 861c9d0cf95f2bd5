//! A gateway that misbehaves: sessions that are ended, logins that are refused, connections that stay away.
//!
//! Serenity lives in real time, so some of these take seconds.

use std::time::Duration;

use sim::discord::InteractionState;

use crate::bed::{Bed, Spans as _};

#[tokio::test]
async fn a_session_that_discord_ends_is_begun_anew_and_a_stop_after_it_leaves_no_connection() {
    let bed = Bed::over_gateway("invalid session").await;
    bed.discord.invalidate_sessions(false);
    bed.wait_for("the bot logs in anew", || bed.discord.identifies() == 2 && bed.discord.connections() == 1).await;
    bed.user("hanna").runs("/help").await.says("Intune sync");
    bed.leave().await;
    assert_eq!(bed.discord.connections(), 0, "the connection is closed when the stop is over");
    bed.restart().await;
    bed.user("hanna").runs("/help").await.says("Intune sync");
    bed.finish().await;
}

#[tokio::test]
async fn logins_that_are_refused_again_and_again_end_the_bot_before_the_day_s_logins_are_used_up() {
    let bed = Bed::over_gateway("sharding required").await;
    bed.expects_error("Shard has too many guilds");
    bed.expects_error("Shard handler received err");
    bed.expects_error("the gateway ended; the bot stops");
    bed.discord.refuse_gateway(Some(4011));
    // Until a heartbeat fails, serenity reads the closed connection without a pause.
    bed.discord.set_heartbeat_interval(Duration::from_millis(200));
    bed.discord.invalidate_sessions(false);
    for logins in 2..5 {
        bed.wait_for("serenity tries again", || bed.discord.logins() == logins).await;
        bed.advance(10.seconds()).await;
    }
    let reason = bed.ended().await;
    assert!(reason.contains("does not let the bot in") && reason.contains("4011"), "{reason}");
    assert!(bed.discord.logins() <= 5, "{} logins", bed.discord.logins());
    bed.finish().await;
}

#[tokio::test]
async fn a_token_that_is_no_longer_good_ends_the_bot_with_what_to_do() {
    for (code, words) in [(4004, "set discord.token"), (4014, "although it asks for none")] {
        let bed = Bed::over_gateway(&format!("refused with {code}")).await;
        bed.expects_error("the gateway ended; the bot stops");
        bed.expects_error("Shard handler received err");
        bed.expects_error(if code == 4004 { "please check the token" } else { "Disallowed gateway intents" });
        bed.discord.refuse_gateway(Some(code));
        bed.discord.invalidate_sessions(false);
        let reason = bed.ended().await;
        assert!(reason.contains(words), "{reason}");
        bed.finish().await;
    }
}

#[tokio::test]
async fn a_gateway_that_stays_away_for_two_minutes_ends_the_bot_and_the_next_start_catches_up() {
    let bed = Bed::over_gateway("gateway away").await;
    let asked = bed.user("hanna").syncs("LT-042").await;
    bed.discord.shut_gateway(true);
    bed.discord.drop_gateway();
    bed.wait_for("the loss is noticed", || bed.has_logged("the gateway connection was lost")).await;
    assert_eq!(bed.readiness().await, "the gateway is not connected");
    bed.advance(119.seconds()).await;
    let early = tokio::time::timeout(Duration::from_millis(50), bed.ended()).await;
    assert!(early.is_err(), "it may come back yet");
    bed.expects_error("the gateway ended; the bot stops");
    bed.advance(2.seconds()).await;
    assert!(bed.ended().await.contains("was not connected for 2m"), "{}", bed.ended().await);
    bed.discord.shut_gateway(false);
    bed.restart().await;
    bed.advance(4.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_short_absence_of_the_gateway_ends_nothing() {
    let bed = Bed::over_gateway("short absence").await;
    for _ in 0..3 {
        bed.discord.drop_gateway();
        bed.wait_for("it is back", || bed.discord.connected()).await;
        bed.advance(100.seconds()).await;
    }
    let answered = bed.user("hanna").runs("/help").await;
    assert!(matches!(answered.state(), InteractionState::Acknowledged { .. }));
    bed.finish().await;
}
