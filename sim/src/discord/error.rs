//! Discord's refusals: an HTTP status, a JSON code, a sentence, and for bad bodies a tree that names each field.

use serde_json::{Map, Value, json};

/// A refusal as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// Seconds after which a rate-limited client may come again.
    pub(crate) retry_after: Option<f64>,
    /// Whether the limit hit was the global one.
    pub(crate) global: bool,
}

impl ApiError {
    fn new(status: u16, code: u32, message: &str) -> Self {
        Self { status, body: json!({"message": message, "code": code}), retry_after: None, global: false }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, 0, "401: Unauthorized")
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, 0, "404: Not Found")
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(405, 0, "405: Method Not Allowed")
    }

    pub(crate) fn not_json() -> Self {
        Self::new(400, 50109, "The request body contains invalid JSON.")
    }

    pub(crate) fn unknown_interaction() -> Self {
        Self::new(404, 10062, "Unknown interaction")
    }

    pub(crate) fn already_acknowledged() -> Self {
        Self::new(400, 40060, "Interaction has already been acknowledged.")
    }

    pub(crate) fn invalid_webhook_token() -> Self {
        Self::new(401, 50027, "Invalid Webhook Token")
    }

    pub(crate) fn unknown_webhook() -> Self {
        Self::new(404, 10015, "Unknown Webhook")
    }

    pub(crate) fn unknown_message() -> Self {
        Self::new(404, 10008, "Unknown Message")
    }

    pub(crate) fn unknown_channel() -> Self {
        Self::new(404, 10003, "Unknown Channel")
    }

    pub(crate) fn unknown_guild() -> Self {
        Self::new(404, 10004, "Unknown Guild")
    }

    pub(crate) fn unknown_member() -> Self {
        Self::new(404, 10007, "Unknown Member")
    }

    pub(crate) fn missing_access() -> Self {
        Self::new(403, 50001, "Missing Access")
    }

    pub(crate) fn missing_permissions() -> Self {
        Self::new(403, 50013, "Missing Permissions")
    }

    pub(crate) fn not_the_author() -> Self {
        Self::new(403, 50005, "Cannot edit a message authored by another user")
    }

    pub(crate) fn empty_message() -> Self {
        Self::new(400, 50006, "Cannot send an empty message")
    }

    pub(crate) fn too_many_commands_created() -> Self {
        Self::new(429, 30034, "Max number of daily application command creates has been reached (200)")
    }

    pub(crate) fn too_many_old_edits() -> Self {
        Self::new(429, 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later")
    }

    pub(crate) fn channel_write_limit(retry_after: f64) -> Self {
        let message = "The write action you are performing on the channel has hit the write rate limit";
        let mut error = Self { retry_after: Some(retry_after), ..Self::new(429, 20028, message) };
        error.body["retry_after"] = json!(retry_after);
        error.body["global"] = json!(false);
        error
    }

    pub(crate) fn rate_limited(retry_after: f64, global: bool) -> Self {
        Self {
            status: 429,
            body: json!({"message": "You are being rate limited.", "retry_after": retry_after, "global": global}),
            retry_after: Some(retry_after),
            global,
        }
    }

    /// A failure on Discord's side.
    pub(crate) fn broken(status: u16) -> Self {
        Self::new(status, 0, &format!("{status}: the simulator was told to fail"))
    }

    /// The JSON code, 0 where Discord has none.
    #[cfg(test)]
    pub(crate) fn code(&self) -> u64 {
        self.body["code"].as_u64().unwrap_or(0)
    }
}

/// Collects what is wrong with a body; each problem sits at a dotted path such as `embeds.0.fields.1.value`.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<(String, &'static str, String)>);

impl Problems {
    /// Notes one problem.
    pub(crate) fn add(&mut self, path: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.0.push((path.into(), code, message.into()));
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `50035` with the tree of problems, or nothing.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.is_empty() {
            return Ok(());
        }
        let mut tree = Map::new();
        for (path, code, message) in self.0 {
            let mut node = &mut tree;
            for part in path.split('.').filter(|part| !part.is_empty()) {
                node = object(node.entry(part.to_owned()).or_insert_with(|| json!({})));
            }
            let list = node.entry("_errors").or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.push(json!({"code": code, "message": message}));
            }
        }
        let body = json!({"message": "Invalid Form Body", "code": 50035, "errors": tree});
        Err(ApiError { status: 400, body, retry_after: None, global: false })
    }
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("made an object just above")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_become_a_tree_that_names_each_field() {
        let mut problems = Problems::default();
        problems.add("embeds.0.title", "BASE_TYPE_MAX_LENGTH", "Must be 256 or fewer in length.");
        problems.add("", "BASE_TYPE_BAD", "whole");
        let error = problems.finish().unwrap_err();
        assert_eq!((error.status, error.code()), (400, 50035));
        assert_eq!(error.body["errors"]["embeds"]["0"]["title"]["_errors"][0]["code"], "BASE_TYPE_MAX_LENGTH");
        assert_eq!(error.body["errors"]["_errors"][0]["message"], "whole");
    }
}
