//! The call: what Graph may answer, and that it is made once.

use jiff::SignedDuration;
use sim::tenant::{Fault, FaultKind, RetryAfter};

use crate::bed::{Bed, Spans as _};

/// How long after the first call each later one came.
fn waits(bed: &Bed) -> Vec<SignedDuration> {
    let calls = bed.calls();
    calls.windows(2).map(|pair| pair[1].at.duration_since(pair[0].at)).collect()
}

#[tokio::test]
async fn accepted_is_not_checked_in() {
    let bed = Bed::new("accepted").await;
    let asked = bed.user("hanna").syncs("PIX-009").await;
    insta::assert_snapshot!("accepted", asked.card());
    assert_eq!(bed.calls()[0].status, 204);
    bed.advance(62.minutes()).await;
    assert_eq!((bed.channel("helpdesk").len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn throttling_is_obeyed_in_every_form() {
    for (name, form, least, most) in [
        ("429 with seconds", RetryAfter::Seconds(40), 40, 60),
        ("429 with a date", RetryAfter::Date(45), 45, 65),
        ("429 without a word", RetryAfter::Absent, 5, 30),
    ] {
        let bed = Bed::new(name).await;
        bed.graph_fails(Fault::on_sync(FaultKind::TooManyRequests(form)).times(1));
        let asked = bed.user("hanna").syncs("LT-042").await;
        asked.says("Waiting to sync `LT-042`").says("Your request is kept");
        bed.advance(5.minutes()).await;
        asked.says("`LT-042` checked in");
        let waits = waits(&bed);
        assert_eq!(waits.len(), 1, "{name}");
        assert!((least..=most).contains(&waits[0].as_secs()), "{name}: it waited {:#}", waits[0]);
        assert_eq!(bed.team().len(), 1);
        bed.finish().await;
    }
}

#[tokio::test]
async fn the_query_brokers_500_is_throttling_too() {
    let bed = Bed::new("query broker").await;
    bed.graph_fails(Fault::on_sync(FaultKind::QueryBroker).times(2));
    let asked = bed.user("hanna").syncs("LT-042").await;
    bed.advance(6.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (3, 1));
    assert!(waits(&bed).iter().all(|wait| wait.as_secs() >= 5), "{:?}", waits(&bed));
    bed.finish().await;
}

#[tokio::test]
async fn a_request_outlives_three_minutes_of_outage() {
    for kind in [FaultKind::Unavailable, FaultKind::GatewayTimeout, FaultKind::Status(500)] {
        let bed = Bed::new(&format!("outage {kind:?}")).await;
        bed.graph_fails(Fault::on_sync(kind).until(bed.now() + 3.minutes()));
        let asked = bed.user("hanna").syncs("LT-042").await;
        asked.says("Microsoft Graph is busy or cannot be reached.");
        bed.advance(10.minutes()).await;
        asked.says("`LT-042` checked in");
        let taken = bed.calls().iter().filter(|call| call.status == 204).count();
        assert_eq!((taken, bed.team().len()), (1, 1));
        assert!(bed.calls().len() < 10, "it does not hammer: {} calls", bed.calls().len());
        bed.finish().await;
    }
}

#[tokio::test]
async fn an_outage_that_does_not_end_is_given_up_and_said() {
    let bed = Bed::new("a long outage").await;
    bed.graph_fails(Fault::on_sync(FaultKind::Unavailable));
    bed.user("hanna").syncs("LT-042").await;
    bed.advance(25.minutes()).await;
    let said = bed.channel("helpdesk");
    insta::assert_snapshot!("given_up", said.join("\n"));
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn sync_again_after_a_failure_asks_anew() {
    let bed = Bed::new("sync again").await;
    bed.graph_fails(Fault::on_sync(FaultKind::Status(400)).times(1));
    let asked = bed.user("hanna").syncs("LT-042").await;
    bed.advance(1.minutes()).await;
    insta::assert_snapshot!("refused_without_a_reason", asked.card());
    bed.user("omar").clicks_on(&asked, "Sync again").await.says("Your choice changed nothing");
    let again = asked.clicks("Sync again").await;
    again.says("Sync `LT-042`?").clicks("Yes").await;
    bed.advance(3.minutes()).await;
    again.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (2, 2));
    bed.finish().await;
}

#[tokio::test]
async fn answers_that_end_it_are_each_said_in_their_own_words_and_not_repeated() {
    let mut said = Vec::new();
    for (name, kind) in [
        ("call 403", FaultKind::Forbidden),
        ("call approval", FaultKind::ApprovalRequired),
        ("call 404", FaultKind::Status(404)),
    ] {
        let bed = Bed::new(name).await;
        bed.graph_fails(Fault::on_sync(kind));
        let asked = bed.user("hanna").syncs("LT-042").await;
        bed.advance(20.minutes()).await;
        assert_eq!(bed.calls().len(), 1, "{name}: no retry");
        said.push(asked.card());
        said.extend(bed.team());
        bed.finish().await;
    }
    insta::assert_snapshot!("answers_that_end_it", said.join("\n\n"));
}

#[tokio::test]
async fn a_device_behind_multi_admin_approval_is_refused_with_its_own_text() {
    let bed = Bed::new("multi admin approval").await;
    let asked = bed.user("hanna").syncs("LT-MAA").await;
    asked.says("Multi Admin Approval");
    bed.advance(10.minutes()).await;
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_a_check_in_spares_the_second_call() {
    let bed = Bed::new("lost answer with check-in").await;
    bed.graph_fails(Fault::on_sync(FaultKind::LostAnswer).times(1));
    let asked = bed.user("hanna").syncs("LT-042").await;
    insta::assert_snapshot!("unknown", asked.card());
    bed.advance(10.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn a_lost_call_is_made_once_more_only_after_the_device_was_watched() {
    for (name, kind) in [("lost answer", FaultKind::LostAnswer), ("lost request", FaultKind::LostRequest)] {
        let bed = Bed::new(&format!("{name} without check-in")).await;
        bed.graph_fails(Fault::on_sync(kind).times(1));
        bed.user("hanna").syncs("PIX-009").await.says("no answer yet");
        let asked_at = bed.now();
        bed.advance(290.seconds()).await;
        let before = bed.calls().len();
        bed.advance(60.seconds()).await;
        let calls = bed.calls();
        assert_eq!(calls.len(), before + 1, "{name}: once more");
        assert!(calls.last().unwrap().at.duration_since(asked_at) >= 5.minutes(), "{name}: not before five minutes");
        bed.advance(2.hours()).await;
        assert_eq!(bed.calls().len(), before + 1, "{name}: and never again");
        assert_eq!((bed.channel("helpdesk").len(), bed.team().len()), (1, 1));
        bed.finish().await;
    }
}

#[tokio::test]
async fn after_an_unknown_call_nobody_is_told_that_nothing_was_sent() {
    let bed = Bed::new("rights end after an unknown call").await;
    bed.graph_fails(Fault::on_sync(FaultKind::LostAnswer).times(1));
    bed.user("hanna").syncs("PIX-009").await.says("no answer yet");
    bed.discord.set_roles("hanna", &[]);
    bed.advance(2.hours()).await;
    let outcome = bed.channel("helpdesk").concat();
    assert!(outcome.contains("it is not known whether it took the request"), "{outcome}");
    assert!(!outcome.contains("nothing was sent"), "{outcome}");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn an_outage_after_an_unknown_call_ends_in_no_check_in_seen_and_not_in_failed() {
    let bed = Bed::with("outage after an unknown call", "[sync]\ngive_up = \"1m\"").await;
    bed.graph_fails(Fault::on_sync(FaultKind::LostAnswer).times(1));
    bed.user("hanna").syncs("PIX-009").await.says("no answer yet");
    bed.graph_fails(Fault::on_sync(FaultKind::Unavailable));
    bed.advance(2.hours()).await;
    let outcome = bed.channel("helpdesk").concat();
    assert!(outcome.contains("it is not known whether it took the request"), "{outcome}");
    assert!(!outcome.contains("Nothing is queued"), "{outcome}");
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_revoked_token_is_replaced_without_a_word() {
    let bed = Bed::new("revoked token").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.tenant.revoke_tokens();
    asked.clicks("Yes").await.says("accepted");
    bed.advance(3.minutes()).await;
    assert_eq!(bed.calls().iter().filter(|call| call.status == 204).count(), 1);
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_token_that_expires_during_a_watch_is_replaced() {
    let bed = Bed::new("expired token").await;
    let tokens = bed.tenant.tokens_issued();
    bed.user("hanna").syncs("LT-LATE").await;
    bed.advance(62.minutes()).await;
    assert!(bed.tenant.tokens_issued() > tokens, "an hour is longer than a token lives");
    assert!(bed.channel("helpdesk")[0].contains("No check-in of `LT-LATE` seen yet"));
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn while_entra_gives_no_token_the_request_is_kept() {
    let bed = Bed::new("entra down").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.tenant.revoke_tokens();
    bed.tenant.set_secret("another secret");
    asked.clicks("Yes").await;
    asked.says("Waiting to sync `LT-042`");
    bed.advance(2.minutes()).await;
    bed.tenant.set_secret("sim-client-secret");
    bed.advance(8.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn in_observe_mode_nothing_is_written_and_it_is_said() {
    let bed = Bed::with("observe mode", "[sync]\nobserve = true").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    asked.says("**Observe mode**: Yes sends nothing to Intune").clicks("Yes").await;
    insta::assert_snapshot!("observed", asked.card());
    bed.advance(5.minutes()).await;
    assert!(bed.calls().is_empty());
    assert_eq!(bed.team().len(), 1);
    bed.user("hanna").runs("/history").await.says("observed only");
    bed.finish().await;
}
