//! The one write, what devices do about it, and the writes that are refused.

use jiff::SignedDuration;
use serde_json::json;
use sim::tenant::CheckIn;

use super::bed::{Bed, DEVICES, seconds};

#[tokio::test]
async fn a_sync_is_answered_204_and_the_check_in_comes_later() {
    let bed = Bed::new().await;
    let before = bed.last_sync("LT-042").await;
    assert_eq!(bed.sync("LT-042").await, 204);
    bed.sim.clock.advance(seconds(37));
    assert_eq!(bed.last_sync("LT-042").await, before);
    bed.sim.clock.advance(seconds(1));
    assert_eq!(bed.last_sync("LT-042").await, "2026-11-23T10:00:38Z");
    assert_eq!(bed.sim.tenant.sync_calls()[0].device_name.as_deref(), Some("LT-042"));
}

#[tokio::test]
async fn several_syncs_make_one_check_in() {
    let bed = Bed::new().await;
    for _ in 0..3 {
        assert_eq!(bed.sync("LT-042").await, 204);
        bed.sim.clock.advance(seconds(10));
    }
    bed.sim.clock.advance(seconds(600));
    assert_eq!(bed.last_sync("LT-042").await, "2026-11-23T10:00:38Z");
}

#[tokio::test]
async fn a_check_in_that_crossed_is_dated_before_the_request() {
    let bed = Bed::new().await;
    let before = bed.last_sync("LT-CROSS").await;
    bed.sync("LT-CROSS").await;
    let crossed = bed.last_sync("LT-CROSS").await;
    assert_eq!(crossed, "2026-11-23T09:57:00Z");
    assert!(crossed > before);
    bed.sim.clock.advance(seconds(90));
    assert_eq!(bed.last_sync("LT-CROSS").await, "2026-11-23T10:01:30Z");
}

#[tokio::test]
async fn stale_reads_show_old_values_and_one_below_the_baseline() {
    let bed = Bed::new().await;
    let baseline = bed.last_sync("LT-STALE").await;
    bed.sync("LT-STALE").await;
    bed.sim.clock.advance(seconds(60));
    let reads = [
        bed.last_sync("LT-STALE").await,
        bed.last_sync("LT-STALE").await,
        bed.last_sync("LT-STALE").await,
        bed.last_sync("LT-STALE").await,
    ];
    assert_eq!(reads[0], baseline);
    assert_eq!(reads[1], "2026-11-23T10:00:35Z");
    assert!(reads[2] < baseline);
    assert_eq!(reads[3], reads[1]);
    bed.sim.clock.advance(seconds(600));
    assert_eq!(bed.last_sync("LT-STALE").await, reads[1]);
}

#[tokio::test]
async fn devices_that_are_on_check_in_every_eight_hours_and_others_never() {
    let bed = Bed::new().await;
    bed.sim.clock.advance(SignedDuration::from_hours(6));
    bed.token().await;
    assert_eq!(bed.last_sync("LT-042").await, "2026-11-23T15:00:00Z");
    let off = bed.last_sync("PIX-009").await;
    assert_eq!(bed.sync("PIX-009").await, 204);
    bed.sim.clock.advance(SignedDuration::from_hours(50));
    bed.token().await;
    assert_eq!(bed.last_sync("PIX-009").await, off);
    bed.sim.tenant.plan_check_in("PIX-009", CheckIn::After(seconds(5))).unwrap();
    bed.sim.clock.advance(seconds(5));
    assert!(bed.last_sync("PIX-009").await > off);
}

#[tokio::test]
async fn syncs_that_cannot_be_are_refused_each_in_its_way() {
    let bed = Bed::new().await;
    for (name, status) in [
        ("LNX-BUILD-3", 400),
        ("CHROME-12", 400),
        ("JAMF-MAC-1", 400),
        ("EAS-PHONE-2", 400),
        ("LT-WIPED", 400),
        ("LT-RETIRED", 400),
        ("LT-DELETED", 400),
        ("LT-WIPING", 409),
        ("LT-MAA", 403),
    ] {
        assert_eq!(bed.sync(name).await, status, "{name}");
    }
    let gone = bed.sim.tenant.unknown_device_id();
    assert_eq!(bed.post(&format!("{DEVICES}/{gone}/syncDevice"), None).await.0, 404);
    let (_, body) = bed.post(&format!("{DEVICES}/{}/syncDevice", bed.id("LT-MAA")), None).await;
    assert!(body["error"]["message"].as_str().unwrap().contains("ApprovalRequired"));
    let (_, audit) = bed.get("/v1.0/deviceManagement/auditEvents").await;
    assert_eq!(audit["value"], json!([]));
}

#[tokio::test]
async fn every_other_write_is_refused_and_remembered() {
    let bed = Bed::new().await;
    let id = bed.id("LT-042");
    assert_eq!(bed.post(&format!("{DEVICES}/{id}/wipe"), Some(json!({}))).await.0, 403);
    assert_eq!(bed.post("/beta/deviceManagement/managedDevices/executeAction", Some(json!({}))).await.0, 403);
    let token = bed.token.lock().unwrap().clone();
    let patch = bed.http.patch(bed.at(&format!("{DEVICES}/{id}"))).bearer_auth(token).json(&json!({})).send().await;
    assert_eq!(patch.unwrap().status(), 403);
    assert_eq!(bed.sim.tenant.unexpected_writes().len(), 3);
    assert!(bed.sim.tenant.sync_calls().is_empty());
}

#[tokio::test]
async fn an_accepted_sync_is_in_the_audit_log_with_the_application_as_actor() {
    let bed = Bed::new().await;
    bed.sync("LT-042").await;
    let (_, audit) =
        bed.get("/v1.0/deviceManagement/auditEvents?$filter=activityDateTime ge 2026-11-23T09:59:00Z").await;
    assert_eq!(audit["value"][0]["activityType"], "syncDevice ManagedDevice");
    assert_eq!(audit["value"][0]["actor"]["applicationId"], Bed::CLIENT);
    assert_eq!(audit["value"][0]["resources"][0]["resourceId"], bed.id("LT-042"));
}
