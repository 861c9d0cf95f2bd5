//! `$batch`.

use serde_json::{Value, json};
use sim::tenant::{Fault, FaultKind, RetryAfter};

use super::bed::{Bed, DEVICES};

#[tokio::test]
async fn a_batch_answers_each_item_on_its_own_and_in_another_order() {
    let bed = Bed::new().await;
    let ids: Vec<String> = bed.sim.tenant.devices().iter().take(19).map(|d| d.id.clone()).collect();
    let get = |(n, id): (usize, &String)| json!({"id": n.to_string(), "method": "GET", "url": format!("/deviceManagement/managedDevices/{id}?$select=id,lastSyncDateTime,managementState")});
    let mut items: Vec<Value> = ids.iter().enumerate().map(get).collect();
    items.push(json!({"id": "x", "method": "GET", "url": "deviceManagement/managedDevices/none"}));
    let (status, body) = bed.post("/v1.0/$batch", Some(json!({"requests": items}))).await;
    assert_eq!(status, 200);
    let order: Vec<&str> = body["responses"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
    assert_eq!(order.len(), 20);
    assert_ne!(order, items.iter().map(|i| i["id"].as_str().unwrap()).collect::<Vec<_>>());
    let missing = body["responses"].as_array().unwrap().iter().find(|r| r["id"] == "x").unwrap();
    assert_eq!(missing["status"], 404);
    assert_eq!(bed.sim.tenant.graph_calls().iter().filter(|c| c.in_batch).count(), 20);

    items.push(items[0].clone());
    assert_eq!(bed.post("/v1.0/$batch", Some(json!({"requests": items}))).await.0, 400);
    let twice = [items[0].clone(), items[0].clone()];
    assert_eq!(bed.post("/v1.0/$batch", Some(json!({"requests": twice}))).await.0, 400);
}

#[tokio::test]
async fn an_item_is_throttled_or_lost_without_the_others() {
    let bed = Bed::new().await;
    let get = |key: &str, name: &str| {
        let url = format!("/deviceManagement/managedDevices/{}?$select=id", bed.id(name));
        json!({"id": key, "method": "GET", "url": url})
    };
    let wait = FaultKind::TooManyRequests(RetryAfter::Seconds(10));
    bed.sim.tenant.push_fault(Fault::new(wait).device("LT-042"));
    bed.sim.tenant.push_fault(Fault::new(FaultKind::LostAnswer).device("MBP-ELSA"));
    let mut depending = get("d", "IPAD-017");
    depending["dependsOn"] = json!(["a"]);
    let items = [get("a", "LT-042"), get("b", "MBP-ELSA"), get("c", "KIOSK-11"), depending];
    let (status, body) = bed.post("/v1.0/$batch", Some(json!({"requests": items}))).await;
    assert_eq!(status, 200);
    let responses = body["responses"].as_array().unwrap();
    let find = |key: &str| responses.iter().find(|r| r["id"] == key);
    assert_eq!(find("a").unwrap()["headers"]["Retry-After"], "10");
    assert!(find("b").is_none());
    assert_eq!(find("c").unwrap()["body"]["id"], bed.id("KIOSK-11"));
    assert_eq!(find("d").unwrap()["status"], 424);
}

#[tokio::test]
async fn a_batch_saves_no_quota() {
    let bed = Bed::new().await;
    let id = bed.id("LT-042");
    let sync = |n: usize| {
        let url = format!("{}/{id}/syncDevice", DEVICES.trim_start_matches("/v1.0"));
        json!({"id": n.to_string(), "method": "POST", "url": url})
    };
    let items: Vec<Value> = (0..20).map(sync).collect();
    for _ in 0..10 {
        bed.post("/v1.0/$batch", Some(json!({"requests": items}))).await;
    }
    assert_eq!(bed.sim.tenant.over_limit(), 0);
    assert_eq!(bed.sync("LT-042").await, 429);
}
