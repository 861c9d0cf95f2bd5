//! `$batch`: up to twenty calls in one, each counted and answered on its own, in no particular order.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Body};
use super::dispatch::Served;
use super::model::World;
use super::odata::{Call, pairs};
use super::seed::Seed;

/// The most items in one batch.
const MOST: usize = 20;

impl World {
    /// Serves a batch. An item whose answer is lost is missing from the answers; a slow item slows the whole batch.
    pub(crate) fn batch(&mut self, call: &Call) -> Served {
        let refused = |message: &str| Served::whole(Answer::error(400, "BadRequest", message));
        let items = call.body.as_ref().and_then(|b| b.get("requests")).and_then(Value::as_array).cloned();
        let Some(items) = items.filter(|items| !items.is_empty()) else {
            return refused("Invalid batch payload format.");
        };
        if items.len() > MOST {
            return refused("Number of batch request steps exceeds the maximum value of 20.");
        }
        let ids: BTreeSet<&str> = items.iter().filter_map(|item| item.get("id").and_then(Value::as_str)).collect();
        if ids.len() != items.len() {
            return refused("Invalid batch payload format: request ids must be unique strings.");
        }
        let (mut responses, mut slow, mut failed) = (Vec::new(), Duration::ZERO, BTreeSet::new());
        for item in &items {
            let id = item.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let depends = item.get("dependsOn").and_then(Value::as_array).into_iter().flatten();
            let answer = if depends.filter_map(Value::as_str).any(|on| failed.contains(on)) {
                Answer::error(424, "FailedDependency", "Failed dependency.")
            } else {
                match read_item(call, item) {
                    Err(message) => Answer::error(400, "BadRequest", message),
                    Ok(inner) => {
                        let served = self.serve(&inner);
                        slow = slow.saturating_add(served.slow);
                        if served.lost {
                            continue;
                        }
                        served.answer
                    }
                }
            };
            if answer.status >= 400 {
                failed.insert(id.clone());
            }
            responses.push(response(&id, answer.stamped(self.now, None)));
        }
        shuffle(&mut responses, self.log.calls.len() as u64);
        Served { answer: Answer::ok(json!({"responses": responses})), slow, lost: false }
    }
}

fn read_item(outer: &Call, item: &Value) -> Result<Call, &'static str> {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let (method, url) = text("method").zip(text("url")).ok_or("Invalid batch payload format.")?;
    if url.contains("://") {
        return Err("Batch urls must be relative.");
    }
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let path = format!("/{}", path.trim_start_matches('/'));
    if path == "/$batch" {
        return Err("A batch may not hold a batch.");
    }
    let header = |wanted: &str| {
        let headers = item.get("headers").and_then(Value::as_object).into_iter().flatten();
        headers.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).find_map(|(_, value)| value.as_str())
    };
    let body = item.get("body").filter(|b| !b.is_null()).cloned();
    if body.is_some() && header("Content-Type").is_none() {
        return Err("A Content-Type header is required for an item with a body.");
    }
    Ok(Call {
        method: method.to_uppercase(),
        version: outer.version,
        path,
        raw_query: query.map(str::to_owned),
        query: query.map(pairs).unwrap_or_default(),
        eventual: header("ConsistencyLevel") == Some("eventual"),
        body,
        in_batch: true,
        person: outer.person.clone(),
    })
}

fn response(id: &str, answer: Answer) -> Value {
    let mut headers: Map<String, Value> = Map::new();
    for (name, value) in answer.headers {
        let name = if name == "retry-after" { "Retry-After" } else { name };
        headers.insert(name.to_owned(), json!(value));
    }
    let mut response = json!({"id": id, "status": answer.status, "headers": headers});
    match answer.body {
        Body::Empty | Body::Html(_) => {}
        Body::Json(value) => response["body"] = value,
        // Inside a batch, what is not JSON comes as base64 text.
        Body::Stream(value) => response["body"] = json!(base64(value.to_string().as_bytes())),
        Body::Broken(_) => response["body"] = json!({"value": "cut sho"}),
    }
    response
}

/// An order that is neither the one asked nor random from run to run.
fn shuffle(responses: &mut [Value], salt: u64) {
    let mut seed = Seed::new(salt, "batch order");
    for last in (1..responses.len()).rev() {
        let other = usize::try_from(seed.next() % (last as u64 + 1)).unwrap_or(0);
        responses.swap(last, other);
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0_u32, |word, (i, b)| word | (u32::from(*b) << (16 - 8 * i)));
        for place in 0..4 {
            let letter = LETTERS[((word >> (18 - 6 * place)) & 63) as usize];
            out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}
