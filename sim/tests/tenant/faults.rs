//! What can be made to go wrong, and the published limits.

use std::time::Duration;

use serde_json::Value;
use sim::tenant::{Fault, FaultKind, RetryAfter};

use super::bed::{Bed, DEVICES, seconds};

#[tokio::test]
async fn faults_hit_what_they_match_and_as_often_as_they_say() {
    let bed = Bed::new().await;
    bed.sim
        .tenant
        .push_fault(Fault::on_sync(FaultKind::TooManyRequests(RetryAfter::Seconds(10))).device("LT-042").times(1));
    bed.sim.tenant.push_fault(Fault::on_sync(FaultKind::QueryBroker).device("LT-042").times(1));
    assert_eq!(bed.sync("MBP-ELSA").await, 204);
    assert_eq!(bed.sync("LT-042").await, 429);
    assert_eq!(bed.sync("LT-042").await, 500);
    assert_eq!(bed.sync("LT-042").await, 204);
    assert_eq!((bed.sim.tenant.throttled(), bed.sim.tenant.over_limit()), (1, 0));
    bed.sim.tenant.push_fault(Fault::new(FaultKind::TooManyRequests(RetryAfter::Date(30))).method("GET"));
    let token = bed.token.lock().unwrap().clone();
    let answer = bed.http.get(bed.at(DEVICES)).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "Mon, 23 Nov 2026 10:00:30 GMT");
    assert_eq!(answer.headers()["date"], "Mon, 23 Nov 2026 10:00:00 GMT");
    bed.sim.tenant.clear_faults();
    assert_eq!(bed.get(DEVICES).await.0, 200);
}

#[tokio::test]
async fn a_lost_answer_was_carried_out_and_a_lost_request_was_not() {
    let bed = Bed::new().await;
    let path = format!("{DEVICES}/{}/syncDevice", bed.id("LT-042"));
    bed.sim.tenant.push_fault(Fault::on_sync(FaultKind::LostRequest).times(1));
    assert!(bed.try_post(&path).await.is_err());
    assert!(!bed.sim.tenant.device("LT-042").unwrap().sync_waits);
    assert!(bed.sim.tenant.sync_calls().is_empty());
    bed.sim.tenant.push_fault(Fault::on_sync(FaultKind::LostAnswer).times(1));
    assert!(bed.try_post(&path).await.is_err());
    assert!(bed.sim.tenant.device("LT-042").unwrap().sync_waits);
    assert!(bed.sim.tenant.sync_calls()[0].lost);
    let recorded = bed.sim.traffic.exchanges();
    assert_eq!(recorded.iter().filter(|e| e.path == path && e.status == 0).count(), 2);
    assert_eq!(bed.sim.traffic.in_flight(), 0);
    assert_eq!(bed.sync("LT-042").await, 204);
}

#[tokio::test]
async fn an_answer_can_be_cut_short_or_late() {
    let bed = Bed::new().await;
    bed.sim.tenant.push_fault(Fault::new(FaultKind::MalformedJson).path("managedDevices").times(1));
    let token = bed.token.lock().unwrap().clone();
    let answer = bed.http.get(bed.at(DEVICES)).bearer_auth(token).send().await.unwrap();
    assert!(serde_json::from_str::<Value>(&answer.text().await.unwrap()).is_err());
    bed.sim.tenant.push_fault(Fault::new(FaultKind::Slow(Duration::from_millis(150))).times(1));
    let start = std::time::Instant::now();
    assert_eq!(bed.get(DEVICES).await.0, 200);
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn the_two_hundred_and_first_write_in_twenty_seconds_is_throttled() {
    let bed = Bed::new().await;
    for _ in 0..200 {
        assert_eq!(bed.sync("LT-042").await, 204);
    }
    assert_eq!(bed.sync("LT-042").await, 429);
    assert_eq!(bed.get(DEVICES).await.0, 200);
    bed.sim.clock.advance(seconds(20));
    assert_eq!(bed.sync("LT-042").await, 204);
    assert_eq!(bed.sim.tenant.over_limit(), 1);
}

#[tokio::test]
async fn a_client_that_gives_up_leaves_an_exchange_without_an_answer() {
    let bed = Bed::new().await;
    bed.sim.tenant.push_fault(Fault::on_sync(FaultKind::Slow(Duration::from_secs(30))));
    let path = format!("{DEVICES}/{}/syncDevice", bed.id("LT-042"));
    let impatient = tokio::time::timeout(Duration::from_millis(300), bed.try_post(&path)).await;
    assert!(impatient.is_err());
    while bed.sim.traffic.in_flight() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(bed.sim.traffic.exchanges().last().map(|e| (e.path == path, e.status)), Some((true, 0)));
    assert!(bed.sim.tenant.device("LT-042").unwrap().sync_waits);
}

#[tokio::test]
async fn a_fault_ends_at_its_time_and_starts_after_its_calls() {
    let bed = Bed::new().await;
    let end = bed.sim.clock.now() + seconds(60);
    bed.sim.tenant.push_fault(Fault::on_sync(FaultKind::Unavailable).until(end).after(1));
    assert_eq!(bed.sync("LT-042").await, 204);
    assert_eq!(bed.sync("LT-042").await, 503);
    bed.sim.clock.advance(seconds(60));
    assert_eq!(bed.sync("LT-042").await, 204);
    let id = bed.sim.tenant.push_fault(Fault::new(FaultKind::GatewayTimeout).path("/managedDevices*syncDevice"));
    assert_eq!((bed.sync("LT-042").await, bed.get(DEVICES).await.0), (504, 200));
    bed.sim.tenant.clear_fault(id);
    assert_eq!(bed.sync("LT-042").await, 204);
    bed.sim.tenant.set_multi_admin_approval(true);
    assert_eq!(bed.sync("LT-042").await, 403);
}

#[tokio::test]
async fn a_throttled_answer_may_name_no_time() {
    let bed = Bed::new().await;
    bed.sim.tenant.push_fault(Fault::new(FaultKind::TooManyRequests(RetryAfter::Absent)).path("/roleDefinitions"));
    let token = bed.token.lock().unwrap().clone();
    let path = bed.at("/v1.0/deviceManagement/roleDefinitions");
    let answer = bed.http.get(path).bearer_auth(token).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().get("retry-after")), (429, None));
}

#[tokio::test]
async fn what_other_apps_write_leaves_less_of_the_tenants_limit() {
    let bed = Bed::new().await;
    bed.sim.tenant.set_other_writes(300);
    for _ in 0..100 {
        assert_eq!(bed.sync("LT-042").await, 204);
    }
    assert_eq!(bed.sync("LT-042").await, 429);
    assert_eq!((bed.sim.tenant.throttled(), bed.sim.tenant.over_limit()), (1, 0), "the application cannot know");
    bed.sim.tenant.set_other_writes(200);
    assert_eq!(bed.sync("LT-042").await, 204, "its own 200 are not used up");
}
