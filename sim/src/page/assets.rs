//! The page's files, compiled in, and files that the bot uploaded.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};

use super::Page;

/// Nothing from elsewhere, no inline script, no frames.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";

fn serve(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, text).into_response()
}

pub(super) async fn index() -> Response {
    serve("text/html; charset=utf-8", include_str!("assets/index.html"))
}

pub(super) async fn file(Path(name): Path<String>) -> Response {
    match name.as_str() {
        "style.css" => serve("text/css; charset=utf-8", include_str!("assets/style.css")),
        "panel.css" => serve("text/css; charset=utf-8", include_str!("assets/panel.css")),
        "sign-in.css" => serve("text/css; charset=utf-8", include_str!("assets/sign-in.css")),
        "app.js" => serve(SCRIPT, include_str!("assets/app.js")),
        "dom.js" => serve(SCRIPT, include_str!("assets/dom.js")),
        "markdown.js" => serve(SCRIPT, include_str!("assets/markdown.js")),
        "messages.js" => serve(SCRIPT, include_str!("assets/messages.js")),
        "composer.js" => serve(SCRIPT, include_str!("assets/composer.js")),
        "command.js" => serve(SCRIPT, include_str!("assets/command.js")),
        "dialog.js" => serve(SCRIPT, include_str!("assets/dialog.js")),
        "panel.js" => serve(SCRIPT, include_str!("assets/panel.js")),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A picture is shown; anything else is only ever saved.
pub(super) async fn attachment(State(page): State<Page>, Path((id, _name)): Path<(String, String)>) -> Response {
    let Some(file) = page.discord.attachment(&id) else { return StatusCode::NOT_FOUND.into_response() };
    let shown = matches!(file.content_type.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp");
    let kind = if shown { file.content_type } else { "application/octet-stream".to_owned() };
    let disposition = if shown { "inline" } else { "attachment" };
    let headers = [
        (CONTENT_TYPE, kind.as_str()),
        (CONTENT_DISPOSITION, disposition),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ];
    (headers, file.bytes).into_response()
}
