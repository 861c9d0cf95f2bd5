//! Several bots of one application on one PostgreSQL database: who is connected, who answers, and what is left when one of them dies.

use std::time::Duration;

use intune_sync_bot::demo::StageOptions;
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use sim::discord::InteractionState;
use sim::tenant::CheckIn;

use crate::bed::balancer::Balancer;
use crate::bed::pipe::{Flow, Pipe};
use crate::bed::{Answer, Bed, Spans as _};

/// The term of production: a process that is on duty says so four times in it.
fn term(options: &mut StageOptions) {
    options.http = false;
    options.gateway_term = SignedDuration::from_secs(12);
}

fn by_http(options: &mut StageOptions) {
    options.http = true;
}

async fn pair(name: &str) -> Bed {
    Bed::for_several(name, "", term).await
}

#[tokio::test]
async fn one_is_connected_and_the_other_stands_by_ready_to_take_over_at_a_stop() {
    let bed = pair("standby").await;
    let other = bed.another("").await;
    bed.advance(30.seconds()).await;
    assert_eq!((bed.readiness().await.as_str(), other.readiness().await.as_str()), ("ready", "standby"));
    assert_eq!((bed.discord.connections(), bed.discord.identifies()), (1, 1));
    let asked = bed.user("hanna").syncs("LT-042").await;
    bed.leave().await;
    assert_eq!(bed.discord.connections(), 0);
    bed.advance(1.seconds()).await;
    bed.wait_for("the other one logs in", || bed.discord.connected()).await;
    assert_eq!(other.readiness().await, "ready");
    bed.user("hanna").runs("/help").await.says("Intune sync");
    bed.advance(4.minutes()).await;
    asked.says("`LT-042` checked in");
    bed.restart().await;
    assert_eq!((bed.readiness().await.as_str(), bed.discord.identifies()), ("standby", 2));
    other.stop().await;
    bed.advance(1.seconds()).await;
    bed.wait_for("the first one logs in", || bed.discord.connected()).await;
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_standby_takes_over_within_fifteen_seconds_when_the_other_dies_and_finishes_its_work() {
    let bed = pair("killed while connected").await;
    let other = bed.another("").await;
    // The other one is connected now, and this one stands by.
    bed.leave().await;
    bed.advance(1.seconds()).await;
    bed.wait_for("the other one logs in", || bed.discord.connected()).await;
    bed.restart().await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let yes = asked.presses("Yes");
    let taken = |state: InteractionState| matches!(state, InteractionState::Acknowledged { .. });
    bed.discord.wait_until(|_| taken(yes.state())).await;
    other.kill();
    bed.wait_for("its connection breaks", || !bed.discord.connected()).await;
    let mut waited = 0;
    while !bed.discord.connected() {
        bed.advance(1.seconds()).await;
        waited += 1;
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert!(waited <= 15, "nobody took over in {waited} s");
    }
    bed.user("hanna").runs("/help").await.says("Intune sync");
    // What the dead one held is taken up when its lease is over.
    bed.advance(12.minutes()).await;
    asked.says("`LT-042` checked in");
    let taken = bed.calls().into_iter().filter(|call| call.status == 204).count();
    assert!((1..=2).contains(&taken), "{taken} calls");
    assert_eq!(bed.team().len(), 1, "one outcome");
    bed.finish().await;
}

#[tokio::test]
async fn two_that_are_connected_at_once_answer_once_and_call_once() {
    let bed = pair("two connections").await;
    let other = bed.another("").await;
    // As if the first one's clock had stood still: its time is over, and it has not noticed.
    bed.sql("UPDATE duties SET until_at = 0".to_owned()).await;
    bed.advance(1.seconds()).await;
    bed.wait_for("both are connected", || bed.discord.connections() == 2).await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    asked.says("Sync `LT-042`?").clicks("Yes").await;
    let other_one = bed.user("omar").runs("/sync device:PIX-009").await;
    other_one.clicks("No").await;
    bed.advance(3.seconds()).await;
    bed.wait_for("the first one hangs up", || bed.discord.connections() == 1).await;
    assert!(bed.has_logged("another process took over the gateway; this one stands by"));
    bed.advance(4.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    let confirmed = bed.events().await.into_iter().filter(|event| event == "confirmed").count();
    assert_eq!(confirmed, 1);
    other.stop().await;
    bed.finish().await;
}

#[tokio::test]
async fn one_that_cannot_reach_the_database_hangs_up_before_the_other_logs_in() {
    let bed = pair("cut off").await;
    let pipe = Pipe::to(bed.database().url()).await;
    let other = bed.another(&format!("[store]\nurl = \"{}\"\n", pipe.url().expose_secret())).await;
    bed.leave().await;
    bed.advance(1.seconds()).await;
    bed.wait_for("the other one logs in", || bed.discord.connected()).await;
    bed.restart().await;
    bed.advance(10.seconds()).await;
    pipe.set(Flow::Stuck);
    for _ in 0..15 {
        bed.advance(1.seconds()).await;
        // What the other one tries takes real time, and never passes.
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert!(bed.discord.connections() <= 1, "two at once");
        if bed.discord.identifies() == 3 {
            break;
        }
    }
    assert_eq!((bed.discord.connections(), bed.discord.identifies()), (1, 3));
    assert_eq!(bed.readiness().await, "ready");
    bed.user("hanna").runs("/help").await.says("Intune sync");
    other.kill();
    bed.finish().await;
}

#[tokio::test]
async fn a_login_waits_while_the_day_s_logins_are_nearly_used_up() {
    let bed = pair("logins used up").await;
    bed.leave().await;
    bed.discord.spend_logins(980);
    let other = bed.another("").await;
    bed.wait_for("it says so", || bed.discord.logins() == 980).await;
    bed.advance(1.minutes()).await;
    assert_eq!(other.readiness().await, "Discord allows no further login for now");
    assert_eq!((bed.discord.connections(), bed.discord.logins()), (0, 980));
    bed.discord.spend_logins(0);
    bed.advance(10.minutes()).await;
    bed.wait_for("it logs in", || bed.discord.connected()).await;
    assert_eq!(other.readiness().await, "ready");
    other.stop().await;
    bed.restart().await;
    bed.finish().await;
}

#[tokio::test]
async fn a_bot_that_is_started_too_often_waits_before_its_next_login() {
    let bed = pair("crash loop").await;
    bed.leave().await;
    let starts: Vec<_> =
        (0..18).map(|number| (bed.now() - 60.seconds() - number.seconds()).as_second().to_string()).collect();
    let write = format!("UPDATE meta SET value = '{}' WHERE key = 'gateway_starts'", starts.join(" "));
    bed.sql(write).await;
    let other = bed.another("").await;
    bed.advance(1.minutes()).await;
    assert_eq!(
        (bed.discord.connections(), other.readiness().await.as_str()),
        (0, "Discord allows no further login for now")
    );
    bed.advance(3.minutes()).await;
    bed.wait_for("it logs in", || bed.discord.connected()).await;
    other.stop().await;
    bed.advance(1.hours()).await;
    bed.restart().await;
    bed.finish().await;
}

#[tokio::test]
async fn behind_a_balancer_any_of_them_answers_and_a_question_of_one_is_confirmed_at_the_other() {
    let bed = Bed::for_several("any answers", "", by_http).await;
    let (balancer, other) = (Balancer::start().await, bed.another("").await);
    bed.balanced(&balancer).await;
    balancer.add(other.web(), other.ops()).await;
    bed.tenant.plan_check_in("PIX-009", CheckIn::After(40.seconds())).expect("there is such a device");
    let asked: Vec<_> = [bed.user("hanna").syncs("LT-042").await, bed.user("hanna").syncs("PIX-009").await].into();
    bed.user("omar").runs("/device device:LT-042").await.says("LT-042");
    bed.advance(12.minutes()).await;
    let texts: Vec<_> = asked.iter().map(Answer::text).collect();
    assert!(texts.iter().all(|text| text.contains("checked in")), "{texts:?}");
    assert_eq!((bed.calls().len(), bed.team().len()), (2, 2));
    other.stop().await;
    bed.finish().await;
}

#[tokio::test]
async fn a_rolling_update_loses_no_interaction() {
    let bed = Bed::for_several("rolling update", "", |options| {
        options.http = true;
        options.drain = Duration::from_millis(400);
    })
    .await;
    let balancer = Balancer::start().await;
    bed.balanced(&balancer).await;
    let mut current = bed.another("").await;
    balancer.add(current.web(), current.ops()).await;
    let mut asked = Vec::new();
    for round in 0..3 {
        let new = bed.another("").await;
        balancer.add(new.web(), new.ops()).await;
        let old = std::mem::replace(&mut current, new);
        let (who, stopping) = (bed.user("hanna"), old.stop());
        let mut stopping = std::pin::pin!(stopping);
        let mut stopped = false;
        // A person every ten milliseconds, before, while and after it stops.
        for _ in 0..120 {
            asked.push(who.starts(if round == 1 { "/help" } else { "/app-error code:2016330897" }));
            tokio::select! {
                () = &mut stopping, if !stopped => stopped = true,
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
        }
        if !stopped {
            stopping.await;
        }
    }
    bed.settle().await;
    assert_eq!(asked.len(), 360);
    assert!(asked.iter().all(|asked| matches!(asked.state(), InteractionState::Acknowledged { .. })));
    assert!(bed.discord.failed_interactions().is_empty());
    current.stop().await;
    bed.finish().await;
}

#[tokio::test]
async fn what_a_killed_one_acknowledged_is_finished_by_another() {
    let bed = Bed::for_several("killed behind a balancer", "", by_http).await;
    let (balancer, other) = (Balancer::start().await, bed.another("").await);
    balancer.add(other.web(), other.ops()).await;
    bed.discord.set_endpoint(Some(&balancer.url())).await.expect("Discord verifies the balancer");
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let yes = asked.presses("Yes");
    let taken = |state: InteractionState| matches!(state, InteractionState::Acknowledged { .. });
    bed.discord.wait_until(|_| taken(yes.state())).await;
    other.kill();
    bed.balanced(&balancer).await;
    bed.advance(12.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!(bed.team().len(), 1, "one outcome");
    bed.user("omar").runs("/help").await.says("Intune sync");
    bed.finish().await;
}
