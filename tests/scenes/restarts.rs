//! Stops and starts, and a gateway that breaks: nothing confirmed is lost.

use sim::discord::InteractionState;
use sim::tenant::{Fault, FaultKind};

use crate::bed::{Bed, Spans as _};

#[tokio::test]
async fn a_restart_in_the_middle_of_a_watch_continues_it() {
    let bed = Bed::new("restart while watching").await;
    let asked = bed.user("hanna").syncs("LT-042").await;
    bed.advance(20.seconds()).await;
    bed.restart().await;
    bed.advance(4.minutes()).await;
    asked.says("`LT-042` checked in").says("38 s after it was asked");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_restart_right_after_yes_loses_nothing() {
    let bed = Bed::new("restart after yes").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let yes = asked.presses("Yes");
    let taken = |state: InteractionState| matches!(state, InteractionState::Acknowledged { .. });
    bed.discord.wait_until(|_| taken(yes.state())).await;
    bed.restart().await;
    bed.advance(12.minutes()).await;
    asked.says("`LT-042` checked in");
    // Where the stop fell between call and answer, the device is watched first; it checks in, so one call is enough.
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_restart_while_graph_is_down_keeps_the_request() {
    let bed = Bed::new("restart while graph is down").await;
    bed.graph_fails(Fault::on_sync(FaultKind::Unavailable).until(bed.now() + 3.minutes()));
    let asked = bed.user("hanna").syncs("LT-042").await;
    bed.restart().await;
    bed.restart().await;
    bed.advance(10.minutes()).await;
    asked.says("`LT-042` checked in");
    let taken = bed.calls().into_iter().filter(|call| call.status == 204).count();
    assert_eq!((taken, bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_card_shown_before_a_restart_can_be_answered_after_it() {
    let bed = Bed::new("a card and a restart").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let other = bed.user("omar").runs("/sync device:SHARED-IPAD").await;
    bed.restart().await;
    asked.clicks("Yes").await;
    other.selects(0).await;
    other.says("Sync `SHARED-IPAD`?").clicks("No").await;
    bed.advance(4.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_card_that_expires_while_the_bot_is_away_is_ended_at_its_start() {
    let bed = Bed::new("expired over a restart").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.advance(599.seconds()).await;
    bed.restart().await;
    bed.advance(2.seconds()).await;
    asked.says("Nobody pressed Yes in time");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn followers_are_told_after_a_restart_too() {
    let bed = Bed::new("followers and a restart").await;
    let hanna = bed.user("hanna").syncs("LT-042").await;
    let omar = bed.user("omar").runs("/sync device:LT-042").await;
    bed.restart().await;
    bed.advance(4.minutes()).await;
    hanna.says("`LT-042` checked in");
    omar.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_start_while_graph_is_away_works_and_catches_up() {
    let bed = Bed::new("start while graph is away").await;
    let asked = bed.user("hanna").syncs("LT-042").await;
    // Entra answers: a credential that has to wait for it does so in real time.
    let away = bed.graph_fails(Fault::new(FaultKind::Unavailable).path("/v1.0"));
    bed.restart().await;
    assert!(bed.user("hanna").types("/sync device:LT-0").await.is_empty(), "nothing is known yet");
    bed.user("hanna").runs("/help").await.says("Intune sync");
    bed.advance(2.minutes()).await;
    bed.tenant.clear_fault(away);
    bed.advance(6.minutes()).await;
    assert!(!bed.user("hanna").types("/sync device:LT-0").await.is_empty());
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn commands_are_registered_once_and_not_at_every_start() {
    let bed = Bed::new("registration").await;
    let commands = bed.discord.registered_commands().len();
    bed.restart().await;
    assert_eq!(bed.discord.registered_commands().len(), commands);
    assert!(commands >= 7, "{commands} commands");
    bed.finish().await;
}

#[tokio::test]
async fn a_gateway_connection_that_breaks_is_resumed_and_misses_nothing() {
    let bed = Bed::over_gateway("dropped gateway").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.discord.drop_gateway();
    bed.wait_for("the session is resumed", || bed.has_logged("resumed the gateway session")).await;
    asked.clicks("Yes").await;
    bed.advance(4.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!(bed.discord.identifies(), 1, "resumed, not identified anew");
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_reconnect_that_discord_asks_for_is_obeyed() {
    let bed = Bed::over_gateway("reconnect asked for").await;
    bed.discord.ask_to_reconnect();
    bed.wait_for("the session is resumed", || bed.has_logged("resumed the gateway session")).await;
    bed.user("hanna").runs("/help").await.says("Intune sync");
    assert_eq!(bed.discord.identifies(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn health_tells_whether_the_bot_is_ready() {
    let bed = Bed::new("health").await;
    let ops = bed.ops().await;
    let get = |path: &str| {
        let url = format!("{ops}{path}");
        async move { reqwest::get(url).await.expect("health answers").text().await.expect("in text") }
    };
    assert_eq!(get("/livez").await, "alive\n");
    assert!(get("/readyz").await.contains("ready"), "{}", get("/readyz").await);
    let metrics = get("/metrics").await;
    assert!(metrics.contains("# EOF"), "{metrics}");
    bed.finish().await;
}
