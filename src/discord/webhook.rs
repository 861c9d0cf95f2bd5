//! Outgoing webhooks: an outcome as JSON, posted to an address of the operator's and signed.
//!
//! Whoever receives it holds `X-Sync-Signature: t=<seconds>,v1=<hex>` against HMAC-SHA256 of `<seconds>.<body>` under the shared
//! key, and refuses what is old.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::outbound::CallError;
use crate::secret;
use crate::settings::Webhook;
use crate::store::{BulkStanding, ClaimedNotice, Notice};

/// For one call.
const CALL: Duration = Duration::from_secs(10);

/// Addresses that are told.
#[derive(Debug)]
pub(super) struct Webhooks {
    http: reqwest::Client,
    webhooks: Vec<Webhook>,
}

impl Webhooks {
    /// Over `http`, which follows no redirect.
    pub(super) fn new(http: reqwest::Client, webhooks: Vec<Webhook>) -> Self {
        Self { http, webhooks }
    }

    /// Posts a body. What passes is tried again. A body that is not wanted is not, nor is an address that says 410 Gone or that is
    /// not in the config any more: what waits behind it would wait for nothing.
    pub(super) async fn post(&self, name: &str, body: &Value, now: Timestamp) -> Result<(), CallError> {
        let webhook = self.webhooks.iter().find(|webhook| webhook.name == name).ok_or(CallError::Closed)?;
        let (at, body) = (now.as_second(), body.to_string());
        let seal = secret::keyed_hex(webhook.key.expose_secret(), &format!("{at}.{body}"));
        let sent = self
            .http
            .post(webhook.url.clone())
            .header("Content-Type", "application/json")
            .header("X-Sync-Signature", format!("t={at},v1={seal}"))
            .timeout(CALL)
            .body(body)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let verdict = verdict(status);
                if verdict.is_err() {
                    tracing::warn!(webhook = name, status, "a webhook did not take a message");
                }
                verdict
            }
            Err(error) => {
                tracing::warn!(webhook = name, reason = %error.without_url(), "a webhook did not answer");
                Err(CallError::Later)
            }
        }
    }
}

/// What a status says of the message.
fn verdict(status: u16) -> Result<(), CallError> {
    // A key that is being changed, an address that is being moved, a receiver that is busy.
    let passes = matches!(status, 401 | 403 | 404 | 408 | 425 | 429);
    match status {
        200..300 => Ok(()),
        410 => Err(CallError::Closed),
        400..500 if !passes => Err(CallError::Unwanted(status)),
        _ => Err(CallError::Later),
    }
}

/// What is told of an outcome; `id` is the same however often it is sent.
pub(super) fn body(claimed: &ClaimedNotice, standing: Option<&BulkStanding>) -> Value {
    let request = &claimed.request;
    let asked_by = json!({ "chat_user_id": request.actor.user.to_string(), "name": request.actor.name });
    let mut body = json!({
        "id": claimed.id.to_string(),
        "request_id": request.id.to_string(),
        "asked_at": request.created_at,
        "asked_by": asked_by,
        "reason": request.reason,
    });
    match (&claimed.body, standing) {
        (Notice::TeamLine { device, outcome, .. }, _) => {
            body["type"] = json!("device_sync.ended");
            body["device"] = json!({
                "id": device.id, "name": device.name, "platform": device.platform.to_string(), "user": device.user_label(),
            });
            body["outcome"] = json!(outcome.word().as_str());
            body["detail"] = json!(outcome);
        }
        (_, Some(standing)) => {
            let outcomes: serde_json::Map<String, Value> =
                standing.ended.iter().map(|(word, count)| (word.as_str().to_owned(), json!(count))).collect();
            body["type"] = json!("request.ended");
            body["target"] = json!(request.target);
            body["devices"] = json!(standing.total());
            body["outcomes"] = Value::Object(outcomes);
        }
        _ => body["type"] = json!("notice"),
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_is_tried_again() {
        for status in [200, 202, 204] {
            assert_eq!(verdict(status), Ok(()), "{status}");
        }
        for status in [301, 307, 401, 403, 404, 408, 425, 429, 500, 502, 503, 504] {
            assert_eq!(verdict(status), Err(CallError::Later), "{status}");
        }
        for status in [400, 405, 409, 411, 413, 414, 415, 422, 431, 451] {
            assert_eq!(verdict(status), Err(CallError::Unwanted(status)), "{status}");
        }
        assert_eq!(verdict(410), Err(CallError::Closed));
    }
}
