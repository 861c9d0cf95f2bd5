//! Answers, and the shapes of Graph's errors.

use std::time::{Duration, UNIX_EPOCH};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::seed::fresh_id;

/// What is in an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    /// Nothing (204).
    Empty,
    /// JSON.
    Json(Value),
    /// JSON text sent as `application/octet-stream`, as reports are.
    Stream(Value),
    /// JSON that is cut short on the wire.
    Broken(Value),
    /// A page for people.
    Html(String),
}

/// An answer before it goes onto the wire.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: 200, headers: Vec::new(), body: Body::Json(body) }
    }

    pub(crate) fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), body: Body::Empty }
    }

    /// No answer, because the request never arrived.
    pub(crate) fn none() -> Self {
        Self { status: 0, headers: Vec::new(), body: Body::Empty }
    }

    /// An error with a plain sentence.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = json!({"error": {"code": code, "message": message}});
        Self { status, headers: Vec::new(), body: Body::Json(body) }
    }

    /// An error as Intune writes it: a JSON document inside `message`.
    pub(crate) fn intune(status: u16, code: &str, message: &str, phrase: &str) -> Self {
        let (operation, activity) = (NO_OPERATION, fresh_id());
        let message = format!(
            "{message} - Operation ID (for customer support): {operation} - Activity ID: {activity} - Url: \
             https://fef.simulated.manage.microsoft.com/DeviceFE/StatelessDeviceFEService/deviceManagement"
        );
        let inner = [
            ("_version", json!(3)),
            ("Message", json!(message)),
            ("CustomApiErrorPhrase", json!(phrase)),
            ("RetryAfter", Value::Null),
            ("ErrorSourceService", json!("")),
            ("HttpHeaders", json!("{}")),
        ];
        let lines: Vec<String> = inner.iter().map(|(name, value)| format!("  \"{name}\": {value}")).collect();
        Self::error(status, code, &format!("{{\r\n{}\r\n}}", lines.join(",\r\n")))
    }

    /// The opaque 400 that Intune gives for what it does not support.
    pub(crate) fn opaque() -> Self {
        Self::intune(400, "BadRequest", "An error has occurred", "")
    }

    /// 404 for an Intune object that is gone.
    pub(crate) fn gone() -> Self {
        Self::intune(404, "ResourceNotFound", "The requested resource was not found.", "ResourceNotFound")
    }

    /// 404 for an Entra object.
    pub(crate) fn no_object(id: &str) -> Self {
        let message =
            format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
        Self::error(404, "Request_ResourceNotFound", &message)
    }

    /// 400 for a path that is not offered.
    pub(crate) fn no_segment(segment: &str) -> Self {
        Self::error(400, "BadRequest", &format!("Resource not found for the segment '{segment}'."))
    }

    /// 403 for a permission that nobody consented to.
    pub(crate) fn no_permission(wanted: &[&str]) -> Self {
        let message = format!(
            "Application is not authorized to perform this operation. Application must have one of the following \
             scopes: {}",
            wanted.join(", ")
        );
        Self::intune(403, "Forbidden", &message, "")
    }

    /// 403 because a second administrator has to agree first.
    pub(crate) fn approval_required() -> Self {
        let message = "ApprovalRequired: this action is protected by an access policy and needs Multi Admin Approval.";
        Self::intune(403, "Forbidden", message, "ApprovalRequired")
    }

    /// 429; `wait` is what `Retry-After` says, if anything.
    pub(crate) fn too_many(wait: Option<String>) -> Self {
        let mut answer = Self::intune(429, "TooManyRequests", "Too many requests.", "");
        answer.headers.extend(wait.map(|wait| ("retry-after", wait)));
        answer
    }

    /// 500 that is throttling in disguise.
    pub(crate) fn query_broker() -> Self {
        let message = "Rate limit reached because of too many requests to query broker. Please retry after sometime.";
        Self::intune(500, "InternalServerError", message, "")
    }

    /// The body, where it is JSON.
    pub(crate) fn json_body(&self) -> Option<&Value> {
        match &self.body {
            Body::Empty | Body::Html(_) => None,
            Body::Json(value) | Body::Stream(value) | Body::Broken(value) => Some(value),
        }
    }

    /// Adds what every Graph answer carries: ids, and the date inside an error.
    pub(crate) fn stamped(mut self, now: Timestamp, client_request_id: Option<&str>) -> Self {
        let request_id = fresh_id();
        let client_id = client_request_id.map_or_else(|| request_id.clone(), str::to_owned);
        if let Body::Json(body) = &mut self.body
            && let Some(error) = body.get_mut("error").and_then(Value::as_object_mut)
        {
            let date = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            let inner = json!({"date": date, "request-id": request_id, "client-request-id": client_id});
            error.insert("innerError".to_owned(), inner);
        }
        self.headers.push(("request-id", request_id));
        self.headers.push(("client-request-id", client_id));
        self
    }
}

const NO_OPERATION: &str = "00000000-0000-0000-0000-000000000000";

/// `moment` as an HTTP date.
pub(crate) fn http_date(moment: Timestamp) -> String {
    let since = Duration::from_secs(u64::try_from(moment.as_second()).unwrap_or(0));
    httpdate::fmt_http_date(UNIX_EPOCH + since)
}

/// Whole seconds, rounded up, at least one.
pub(crate) fn whole_seconds(wait: SignedDuration) -> i64 {
    (wait.as_secs() + i64::from(wait.subsec_nanos() > 0)).max(1)
}

/// A moment as Intune prints it.
pub(crate) fn date_time(moment: Option<Timestamp>) -> Value {
    moment.map_or_else(
        || json!("0001-01-01T00:00:00Z"),
        |moment| json!(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    )
}
