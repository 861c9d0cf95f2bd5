//! What can go wrong with Graph, and whether trying again makes sense.

use std::fmt;

use jiff::SignedDuration;
use serde::Deserialize;

/// A call that did not succeed.
#[derive(Clone, Debug)]
pub struct Error {
    /// What happened.
    pub kind: Kind,
    /// How many times it was tried.
    pub attempts: u32,
    /// How long all tries took, waits included.
    pub elapsed: SignedDuration,
    /// Graph's `request-id`, for the log and for Microsoft's support.
    pub request_id: Option<String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Throttled: 429, or the "query broker" 500. `after` is Graph's own word, if it gave one.
    Throttled {
        /// `Retry-After`.
        after: Option<SignedDuration>,
    },
    /// 500, 503, 504: Graph's own trouble.
    Unavailable,
    /// The connection failed before the request was sent.
    NotSent,
    /// The request was sent and no answer came: for a write, nobody knows.
    NoAnswer,
    /// Its turn in the budget did not come in time: much is under way, Graph asked for a pause, or the budget cannot be counted.
    NoTurn,
    /// Entra gave no token.
    NoToken,
    /// 401, after a fresh token.
    Unauthorized,
    /// 403: a permission or its consent is missing.
    Forbidden,
    /// 403 `ApprovalRequired`: the tenant wants a second admin (Multi Admin Approval).
    ApprovalRequired,
    /// 404.
    NotFound,
    /// 409: a conflicting action is pending.
    Conflict,
    /// Another 4xx.
    Rejected(u16),
    /// An answer that is not what the documentation says.
    Malformed(&'static str),
    /// More pages than any tenant of this size has.
    TooManyPages,
    /// `[sync] observe = true`: nothing is written.
    Observing,
}

/// Whether to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It would end the same way.
    Never,
    /// Not before this.
    After(SignedDuration),
    /// With growing waits.
    Backoff,
}

impl Error {
    /// Whether trying again makes sense. A write without an answer must be looked into first.
    pub fn retry(&self) -> Retry {
        match self.kind {
            Kind::Throttled { after: Some(after) } => Retry::After(after),
            Kind::Throttled { after: None }
            | Kind::Unavailable
            | Kind::NotSent
            | Kind::NoTurn
            | Kind::NoAnswer
            | Kind::NoToken
            | Kind::Conflict => Retry::Backoff,
            Kind::Unauthorized
            | Kind::Forbidden
            | Kind::ApprovalRequired
            | Kind::NotFound
            | Kind::Rejected(_)
            | Kind::Malformed(_)
            | Kind::TooManyPages
            | Kind::Observing => Retry::Never,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Graph: {}", self.kind)?;
        if self.attempts > 1 {
            write!(f, " after {} tries in {:.1} s", self.attempts, self.elapsed.as_secs_f64())?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request-id {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttled { after: Some(after) } => write!(f, "throttled, to be tried again after {after:#}"),
            Self::Throttled { after: None } => f.write_str("throttled"),
            Self::Unavailable => f.write_str("temporarily unavailable"),
            Self::NotSent => f.write_str("not reachable"),
            Self::NoAnswer => f.write_str("the request was sent and no answer came"),
            Self::NoTurn => f.write_str("no turn in the budget came in time"),
            Self::NoToken => f.write_str("no token from Entra"),
            Self::Unauthorized => f.write_str("the token was refused"),
            Self::Forbidden => f.write_str("forbidden: an application permission or its admin consent is missing"),
            Self::ApprovalRequired => f.write_str("the tenant requires a second admin's approval"),
            Self::NotFound => f.write_str("not found"),
            Self::Conflict => f.write_str("a conflicting action is pending"),
            Self::Rejected(status) => write!(f, "refused with status {status}"),
            Self::Malformed(what) => write!(f, "an answer that cannot be read: {what}"),
            Self::TooManyPages => f.write_str("the list did not end"),
            Self::Observing => f.write_str("nothing is written while [sync] observe is on"),
        }
    }
}

/// The text with which Intune says "throttled" in a 500.
const QUERY_BROKER: &str = "too many requests to query broker";

/// The outer error envelope; nothing in it is guaranteed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Envelope {
    #[serde(default)]
    error: Inner,
}

#[derive(Debug, Default, Deserialize)]
struct Inner {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Intune's JSON document inside `message`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Nested {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    custom_api_error_phrase: Option<String>,
    #[serde(default)]
    retry_after: Option<serde_json::Value>,
}

/// Reads a status and an error body. The body's words are never shown, and only three of them are looked at.
pub(super) fn classify(status: u16, body: &[u8], retry_after: Option<SignedDuration>) -> Kind {
    let envelope: Envelope = serde_json::from_slice(body).unwrap_or_default();
    let nested: Nested = serde_json::from_str(&envelope.error.message).unwrap_or_default();
    let says = |word: &str| {
        let texts = [
            Some(&envelope.error.code),
            Some(&envelope.error.message),
            nested.message.as_ref(),
            nested.custom_api_error_phrase.as_ref(),
        ];
        texts.into_iter().flatten().any(|text| text.contains(word))
    };
    let nested_after = || {
        let seconds = nested.retry_after.as_ref()?;
        seconds.as_i64().or_else(|| seconds.as_str()?.parse().ok()).map(SignedDuration::from_secs)
    };
    match status {
        429 => Kind::Throttled { after: retry_after.or_else(nested_after) },
        500 if says(QUERY_BROKER) => Kind::Throttled { after: retry_after.or_else(nested_after) },
        500 | 502..=504 => Kind::Unavailable,
        401 => Kind::Unauthorized,
        403 if says("ApprovalRequired") => Kind::ApprovalRequired,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        status => Kind::Rejected(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(message: &str, retry_after: &str) -> Vec<u8> {
        let inner =
            format!(r#"{{"_version":3,"Message":"{message}","CustomApiErrorPhrase":"","RetryAfter":{retry_after}}}"#);
        serde_json::to_vec(&serde_json::json!({"error": {"code": "InternalServerError", "message": inner}})).unwrap()
    }

    #[test]
    fn the_query_broker_500_is_throttling_in_disguise() {
        let body = nested(
            "Rate limit reached because of too many requests to query broker. Please retry after sometime.",
            "null",
        );
        assert_eq!(classify(500, &body, None), Kind::Throttled { after: None });
        assert_eq!(classify(500, &nested("An error has occurred", "null"), None), Kind::Unavailable);
    }

    #[test]
    fn a_wait_inside_the_nested_document_counts_when_the_header_is_absent() {
        let seconds = SignedDuration::from_secs;
        assert_eq!(classify(429, &nested("x", "7"), None), Kind::Throttled { after: Some(seconds(7)) });
        assert_eq!(classify(429, &nested("x", "\"8\""), None), Kind::Throttled { after: Some(seconds(8)) });
        assert_eq!(classify(429, &nested("x", "7"), Some(seconds(3))), Kind::Throttled { after: Some(seconds(3)) });
        assert_eq!(classify(429, b"not json", None), Kind::Throttled { after: None });
    }

    #[test]
    fn multi_admin_approval_is_told_apart_from_a_missing_permission() {
        let body = br#"{"error":{"code":"ApprovalRequired","message":"wait"}}"#;
        assert_eq!(classify(403, body, None), Kind::ApprovalRequired);
        assert_eq!(classify(403, br#"{"error":{"code":"Forbidden"}}"#, None), Kind::Forbidden);
    }
}
