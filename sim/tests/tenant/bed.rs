//! A simulator on a clock that stands still, and a plain HTTP client with a token.

#![expect(clippy::unwrap_used, reason = "a bed that cannot be made ends its test")]

use std::path::PathBuf;
use std::sync::Mutex;

use jiff::SignedDuration;
use serde_json::{Value, json};
use sim::{Clock, Options, Scenario, Sim};

/// The list of managed devices.
pub(crate) const DEVICES: &str = "/v1.0/deviceManagement/managedDevices";

/// A span of this many seconds.
pub(crate) fn seconds(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}

/// The bed.
pub(crate) struct Bed {
    pub(crate) sim: Sim,
    pub(crate) http: reqwest::Client,
    pub(crate) token: Mutex<String>,
}

impl Bed {
    pub(crate) const TENANT: &str = "11111111-2222-4333-8444-555555555555";
    pub(crate) const CLIENT: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    pub(crate) const SECRET: &str = "sim-client-secret";

    /// The built-in tenant at ten in the morning. With `SIM_TRAFFIC_LOG` set, what is said is appended there.
    pub(crate) async fn new() -> Self {
        Self::of(Scenario::default()).await
    }

    /// As [`Bed::new`], with a scenario whose application has the same credentials.
    pub(crate) async fn of(scenario: Scenario) -> Self {
        let options = Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            scenario,
            clock: Clock::manual("2026-11-23T10:00:00Z".parse().unwrap()),
            traffic_log: std::env::var_os("SIM_TRAFFIC_LOG").map(PathBuf::from),
        };
        let sim = Sim::start(options).await.unwrap();
        let bed = Self { sim, http: reqwest::Client::new(), token: Mutex::default() };
        bed.token().await;
        bed
    }

    /// Asks for a fresh token.
    pub(crate) async fn token(&self) {
        let form = [
            ("client_id", Self::CLIENT),
            ("client_secret", Self::SECRET),
            ("grant_type", "client_credentials"),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let answer = self.http.post(self.at(&format!("/{}/oauth2/v2.0/token", Self::TENANT))).form(&form).send().await;
        let body: Value = answer.unwrap().json().await.unwrap();
        body["access_token"].as_str().unwrap().clone_into(&mut self.token.lock().unwrap());
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.sim.url())
    }

    fn bearer(&self) -> String {
        self.token.lock().unwrap().clone()
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.http.get(self.at(path)).bearer_auth(self.bearer()).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn post(&self, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.http.post(self.at(path)).bearer_auth(self.bearer());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    pub(crate) async fn try_post(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        self.http.post(self.at(path)).bearer_auth(self.bearer()).send().await
    }

    pub(crate) async fn report(&self, path: &str, body: Value) -> (u16, String, Value) {
        let answer = self.http.post(self.at(path)).bearer_auth(self.bearer()).json(&body).send().await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let status = answer.status().as_u16();
        (status, kind, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }

    /// The rows of a filtered list, or status and body of the refusal.
    pub(crate) async fn list(&self, filter: &str) -> Result<Vec<Value>, (u16, Value)> {
        let (status, body) = self.get(&format!("{DEVICES}?$filter={filter}")).await;
        if status == 200 { Ok(body["value"].as_array().unwrap().clone()) } else { Err((status, body)) }
    }

    pub(crate) fn id(&self, device: &str) -> String {
        self.sim.tenant.device(device).unwrap().id
    }

    pub(crate) async fn last_sync(&self, device: &str) -> String {
        let (status, body) = self.get(&format!("{DEVICES}/{}?$select=id,lastSyncDateTime", self.id(device))).await;
        assert_eq!(status, 200);
        body["lastSyncDateTime"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn sync(&self, device: &str) -> u16 {
        self.post(&format!("{DEVICES}/{}/syncDevice", self.id(device)), None).await.0
    }

    pub(crate) fn app_id(&self, device: &str, app: &str) -> String {
        let device = self.sim.tenant.device(device).unwrap();
        device.apps.iter().find(|a| a.name == app).unwrap().id.clone()
    }

    pub(crate) async fn app_state(&self, device: &str, app: &str) -> String {
        let view = self.sim.tenant.device(device).unwrap();
        let path = format!("/beta/users/{}/mobileAppIntentAndStates/{}", view.user_id.unwrap(), view.id);
        let (_, body) = self.get(&path).await;
        let list = body["mobileAppList"].as_array().unwrap();
        list.iter().find(|a| a["displayName"] == app).unwrap()["installState"].as_str().unwrap().to_owned()
    }

    /// Code (a string) and time of the newest failure in an app's history.
    pub(crate) async fn last_failure(&self, device: &str, app: &str) -> (String, String) {
        let view = self.sim.tenant.device(device).unwrap();
        let key = format!("{}_{}", view.id, self.app_id(device, app));
        let path =
            format!("/beta/users/{}/mobileAppTroubleshootingEvents/{key}?$select=history", view.user_id.unwrap());
        let (status, body) = self.get(&path).await;
        assert_eq!(status, 200, "{body}");
        let failed = body["history"].as_array().unwrap().iter().rfind(|e| e["runState"] == json!("fail")).unwrap();
        let text = |name: &str| failed[name].as_str().unwrap().to_owned();
        (text("errorCode"), text("occurrenceDateTime"))
    }
}
