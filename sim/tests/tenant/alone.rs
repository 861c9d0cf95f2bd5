//! The control API, and a tenant that is the same in every run.

use serde_json::{Value, json};

use super::bed::Bed;

#[tokio::test]
async fn the_control_api_does_what_the_handle_does() {
    let bed = Bed::new().await;
    let post =
        async |path: &str, body: Value| bed.http.post(bed.at(path)).json(&body).send().await.unwrap().status().as_u16();
    assert_eq!(post("/_sim/tenant/plan", json!({"device": "LT-042", "after": [5]})).await, 200);
    assert_eq!(
        post(
            "/_sim/tenant/fault",
            json!({"kind": {"too_many_requests": {"seconds": 3}}, "path": "/syncDevice", "times": 1})
        )
        .await,
        200
    );
    assert_eq!(bed.sync("LT-042").await, 429);
    assert_eq!(bed.sync("LT-042").await, 204);
    assert_eq!(post("/_sim/tenant/clock/advance", json!({"seconds": 5})).await, 200);
    let device: Value = bed.http.get(bed.at("/_sim/tenant/device/LT-042")).send().await.unwrap().json().await.unwrap();
    assert_eq!(device["last_check_in"], "2026-11-23T10:00:05Z");
    assert_eq!(post("/_sim/tenant/check-in", json!({"device": "nothing"})).await, 404);
}

#[tokio::test]
async fn the_same_seed_makes_the_same_tenant() {
    let (one, two) = (Bed::new().await, Bed::new().await);
    assert_eq!(one.sim.tenant.devices(), two.sim.tenant.devices());
    let devices = one.sim.tenant.devices();
    assert!(devices.len() >= 290, "{}", devices.len());
    assert!(devices.iter().any(|d| d.name.chars().count() == 200));
    for os in ["Windows", "iOS", "iPadOS", "macOS", "Android", "AndroidEnterprise", "Linux", "ChromeOS"] {
        assert!(devices.iter().any(|d| d.platform == os), "{os}");
    }
}
