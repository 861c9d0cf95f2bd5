//! Entra: tokens, refusals, permissions.

use serde_json::{Value, json};

use super::bed::{Bed, DEVICES, seconds};

#[tokio::test]
async fn entra_refuses_in_its_own_words() {
    let bed = Bed::new().await;
    for (tenant, client, secret, status, code) in [
        (Bed::TENANT, Bed::CLIENT, "wrong", 401, "AADSTS7000215"),
        (Bed::TENANT, "other", Bed::SECRET, 400, "AADSTS700016"),
        ("99999999-0000-4000-8000-000000000000", Bed::CLIENT, Bed::SECRET, 400, "AADSTS90002"),
    ] {
        let form = [
            ("client_id", client),
            ("client_secret", secret),
            ("grant_type", "client_credentials"),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let answer = bed.http.post(bed.at(&format!("/{tenant}/oauth2/v2.0/token"))).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), status);
        let body: Value = answer.json().await.unwrap();
        assert!(body["error_description"].as_str().unwrap().starts_with(code), "{body}");
    }
    let recorded = bed.sim.traffic.exchanges();
    assert!(recorded.iter().all(|e| e.request.as_ref().is_none_or(|r| r["client_secret"] == "***")));
}

#[tokio::test]
async fn a_token_ends_when_its_time_is_over() {
    let bed = Bed::new().await;
    assert_eq!(bed.get(DEVICES).await.0, 200);
    bed.sim.clock.advance(seconds(3600));
    let (status, body) = bed.get(DEVICES).await;
    assert_eq!((status, &body["error"]["code"]), (401, &json!("InvalidAuthenticationToken")));
    let bare = bed.http.get(bed.at(DEVICES)).send().await.unwrap();
    assert_eq!(bare.status(), 401);
}

#[tokio::test]
async fn without_a_permission_graph_names_it_inside_a_nested_document() {
    let bed = Bed::new().await;
    bed.sim.tenant.set_permissions(&["DeviceManagementManagedDevices.Read.All"]);
    let id = bed.id("LT-042");
    let (status, body) = bed.post(&format!("{DEVICES}/{id}/syncDevice"), None).await;
    assert_eq!((status, &body["error"]["code"]), (403, &json!("Forbidden")));
    let inner: Value = serde_json::from_str(body["error"]["message"].as_str().unwrap()).unwrap();
    assert!(inner["Message"].as_str().unwrap().contains("DeviceManagementManagedDevices.PrivilegedOperations.All"));
    assert_eq!(inner["_version"], 3);
    assert!(body["error"]["innerError"]["request-id"].is_string());
    assert_eq!(bed.get("/v1.0/users").await.0, 403);
}
