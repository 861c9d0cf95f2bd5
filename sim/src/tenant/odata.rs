//! Calls and their `OData` options: `$select`, `$top`, `$skiptoken`, paging.

use std::ops::Range;

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::model::World;

/// Which endpoint a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    Beta,
}

impl Version {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::V1 => "/v1.0",
            Self::Beta => "/beta",
        }
    }
}

/// One call to Graph, on its own or as an item of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) version: Version,
    /// The path after the version, as sent.
    pub(crate) path: String,
    /// The query as sent, without `?`.
    pub(crate) raw_query: Option<String>,
    pub(crate) query: Vec<(String, String)>,
    /// Whether `ConsistencyLevel: eventual` was sent.
    pub(crate) eventual: bool,
    pub(crate) body: Option<Value>,
    pub(crate) in_batch: bool,
    /// Object id of the person for whom the token speaks; an application's token speaks for nobody.
    pub(crate) person: Option<String>,
}

impl Call {
    /// The path after the version, in decoded segments; `users('x')` counts as `users/x`.
    pub(crate) fn segments(&self) -> Vec<String> {
        let mut segments = Vec::new();
        for raw in self.path.split('/').filter(|s| !s.is_empty()) {
            let segment = percent_decode(raw);
            match segment.strip_suffix(')').and_then(|s| s.split_once('(')) {
                Some((name, key)) if !name.is_empty() && !key.is_empty() && !name.starts_with("get") => {
                    segments.push(name.to_owned());
                    segments.push(key.trim_matches('\'').to_owned());
                }
                _ => segments.push(segment),
            }
        }
        segments
    }

    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The path from the version on, with the query.
    pub(crate) fn full_path(&self) -> String {
        let query = self.raw_query.as_ref().map_or_else(String::new, |q| format!("?{q}"));
        format!("{}{}{query}", self.version.path(), self.path)
    }

    /// Which rows of a list this call asks for.
    pub(crate) fn window(&self, paging: Paging) -> Result<Range<usize>, Answer> {
        let size = match self.option("$top").map(str::parse::<usize>) {
            None => paging.usual,
            Some(Ok(top)) if top > 0 && (top <= paging.most || !paging.refuse) => top.min(paging.most),
            Some(_) => return Err(Answer::error(400, "Request_BadRequest", "Invalid page size specified.")),
        };
        let start = match self.option("$skiptoken").map(read_token) {
            None => 0,
            Some(Some(start)) => start,
            Some(None) => return Err(Answer::error(400, "BadRequest", "Skip token is not valid.")),
        };
        Ok(start..start + size)
    }

    /// The names in `$select`, each checked against `known`.
    pub(crate) fn select(&self, kind: &str, known: &[&str]) -> Result<Option<Vec<String>>, Answer> {
        let Some(list) = self.option("$select") else { return Ok(None) };
        let names: Vec<String> = list.split(',').map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).collect();
        match names.iter().find(|name| !known.contains(&name.as_str())) {
            Some(unknown) => Err(no_property(kind, unknown)),
            None => Ok(Some(names)),
        }
    }
}

/// 400 for a property that the type does not have.
pub(crate) fn no_property(kind: &str, name: &str) -> Answer {
    let message =
        format!("Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{kind}'.");
    Answer::error(400, "BadRequest", &message)
}

/// Keeps the named fields of a row.
pub(crate) fn keep(row: &Value, names: &[String]) -> Value {
    let fields = row.as_object().into_iter().flatten();
    let kept: Map<String, Value> = fields
        .filter(|(name, _)| name.starts_with('@') || names.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(kept)
}

/// How a list is paged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paging {
    /// Rows on a page when no `$top` is given.
    pub(crate) usual: usize,
    /// The largest page.
    pub(crate) most: usize,
    /// Whether a larger `$top` is refused (Entra) or only capped (Intune).
    pub(crate) refuse: bool,
}

/// Entra's lists.
pub(crate) const ENTRA_PAGES: Paging = Paging { usual: 100, most: 999, refuse: true };
/// Intune's small lists.
pub(crate) const INTUNE_PAGES: Paging = Paging { usual: 1000, most: 1000, refuse: false };

impl World {
    /// One page of `rows`, with `@odata.nextLink` where more follow.
    pub(crate) fn page(&self, call: &Call, rows: Vec<Value>, paging: Paging) -> Answer {
        match call.window(paging) {
            Err(refused) => refused,
            Ok(window) => {
                let total = rows.len();
                let page = rows.into_iter().skip(window.start).take(window.len()).collect();
                self.page_at(call, window.start, page, total)
            }
        }
    }

    /// The page of a list of `total` rows that starts with row `start`.
    pub(crate) fn page_at(&self, call: &Call, start: usize, page: Vec<Value>, total: usize) -> Answer {
        let mut body = Map::new();
        let path = call.path.trim_start_matches('/');
        body.insert(
            "@odata.context".to_owned(),
            json!(format!("{}{}/$metadata#{path}", self.base, call.version.path())),
        );
        if call.option("$count") == Some("true") {
            body.insert("@odata.count".to_owned(), json!(total));
        }
        if start + page.len() < total {
            let others = call.raw_query.iter().flat_map(|q| q.split('&'));
            let others =
                others.filter(|p| !p.is_empty() && !p.starts_with("$skiptoken=") && !p.starts_with("%24skiptoken="));
            let token = format!("$skiptoken={}", write_token(start + page.len()));
            let query: Vec<&str> = others.chain([token.as_str()]).collect();
            let link = format!("{}{}{}?{}", self.base, call.version.path(), call.path, query.join("&"));
            body.insert("@odata.nextLink".to_owned(), json!(link));
        }
        body.insert("value".to_owned(), Value::Array(page));
        Answer::ok(Value::Object(body))
    }
}

/// Opaque to clients; a token that was tampered with is refused.
fn write_token(offset: usize) -> String {
    format!("RFNwdAIAAQ{offset:08x}{:04x}", offset.wrapping_mul(40_503) % 65_521)
}

fn read_token(token: &str) -> Option<usize> {
    let offset = usize::from_str_radix(token.strip_prefix("RFNwdAIAAQ")?.get(..8)?, 16).ok()?;
    (write_token(offset) == token).then_some(offset)
}

/// The pairs of a query string or of a form.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode(&text.replace('+', " "));
    let pair = |part: &str| {
        part.split_once('=').map_or_else(|| (decode(part), String::new()), |(n, v)| (decode(n), decode(v)))
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// Undoes percent-encoding; what is not valid stays as it is.
pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let hex = (bytes[index] == b'%').then(|| text.get(index + 1..index + 3)).flatten();
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            index += 3;
        } else {
            out.push(bytes[index]);
            index += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
