//! One REST request, read into its parts: route, query, token and body, multipart or plain.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use serde_json::Value;

use crate::discord::error::ApiError;

/// An uploaded file.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) filename: String,
    pub(super) content_type: String,
    pub(super) bytes: Vec<u8>,
}

/// A request to `/api/v10/…`.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    /// The token after `Bot `.
    pub(super) token: Option<String>,
    pub(super) json: Option<Value>,
    pub(super) files: Vec<Upload>,
    /// The body was there and could not be read.
    pub(super) broken: bool,
}

impl Call {
    pub(super) fn read(parts: &Parts, body: &[u8]) -> Self {
        let token = header(&parts.headers, AUTHORIZATION.as_str()).strip_prefix("Bot ").map(str::to_owned);
        let content_type = header(&parts.headers, CONTENT_TYPE.as_str());
        let (json, files, broken) = match boundary(content_type) {
            Some(boundary) => {
                let (payload, files) = multipart(body, boundary);
                let json = payload.as_deref().and_then(|payload| serde_json::from_slice(payload).ok());
                let broken = payload.is_some() && json.is_none();
                (json, files, broken)
            }
            None if body.is_empty() => (None, Vec::new(), false),
            None => {
                let json: Option<Value> =
                    content_type.starts_with("application/json").then(|| serde_json::from_slice(body).ok()).flatten();
                let broken = json.is_none();
                (json, Vec::new(), broken)
            }
        };
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            token,
            json,
            files,
            broken,
        }
    }

    /// An answer that came without a request of its own: only its body counts.
    pub(super) fn inline(body: &[u8]) -> Self {
        let json: Option<Value> = serde_json::from_slice(body).ok();
        let (method, path, broken) = ("POST".to_owned(), String::new(), json.is_none());
        Self { method, path, query: None, token: None, json, files: Vec::new(), broken }
    }

    /// The path after `/api/v10`, in its parts.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.path.trim_start_matches("/api/v10").split('/').filter(|part| !part.is_empty()).collect()
    }

    /// The JSON body; Discord says 50109 where there is none.
    pub(super) fn body(&self) -> Result<&Value, ApiError> {
        if self.broken {
            return Err(ApiError::not_json());
        }
        self.json.as_ref().ok_or_else(ApiError::not_json)
    }

    /// A query parameter.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        let pairs = self.query.as_deref()?.split('&');
        pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn boundary(content_type: &str) -> Option<&str> {
    let rest = content_type.strip_prefix("multipart/form-data")?;
    Some(rest.split("boundary=").nth(1)?.split(';').next()?.trim().trim_matches('"'))
}

/// Splits a multipart body into its `payload_json` and its files.
fn multipart(body: &[u8], boundary: &str) -> (Option<Vec<u8>>, Vec<Upload>) {
    let delimiter = format!("--{boundary}").into_bytes();
    let (mut payload, mut files) = (None, Vec::new());
    for part in split(body, &delimiter).into_iter().skip(1) {
        let part = part.strip_prefix(b"\r\n").unwrap_or(part);
        let Some(end) = find(part, b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&part[..end]).into_owned();
        let content = part[end + 4..].strip_suffix(b"\r\n").unwrap_or(&part[end + 4..]);
        let value = |key: &str| {
            head.split(&format!("{key}=\"")).nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned)
        };
        let content_type = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-type:").map(|kind| kind.trim().to_owned())
        });
        match (value(" name"), value("filename")) {
            (Some(name), _) if name == "payload_json" => payload = Some(content.to_vec()),
            (_, Some(filename)) => files.push(Upload {
                content_type: content_type.unwrap_or_else(|| guess(&filename).to_owned()),
                filename,
                bytes: content.to_vec(),
            }),
            _ => {}
        }
    }
    (payload, files)
}

/// A file's type by its name, for the few kinds a bot uploads.
fn guess(filename: &str) -> &'static str {
    match filename.rsplit('.').next() {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("txt" | "csv" | "log") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn split<'a>(mut text: &'a [u8], by: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some(at) = find(text, by) {
        parts.push(&text[..at]);
        text = &text[at + by.len()..];
    }
    parts.push(text);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multipart_body_gives_its_payload_and_its_files() {
        let body = b"--xx\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{\"content\":\"hi\"}\r\n--xx\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\n1,2\r\n--xx--\r\n";
        let (payload, files) = multipart(body, boundary("multipart/form-data; boundary=xx").unwrap());
        assert_eq!(payload.unwrap(), b"{\"content\":\"hi\"}");
        assert_eq!((files[0].filename.as_str(), files[0].bytes.as_slice()), ("a.csv", b"1,2".as_slice()));
    }
}
