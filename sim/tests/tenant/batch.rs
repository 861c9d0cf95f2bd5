//! `$batch`.

use serde_json::{Value, json};

use super::bed::Bed;

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
