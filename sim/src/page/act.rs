//! What a visitor of the page does: type, click, choose, fill in, dismiss, and move time.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use super::Page;
use crate::discord::{ChatError, ChatUser, MessageId};

/// The longest step that the page may move time by.
const MAX_STEP: i64 = 7 * 24 * 3600;

/// A command or a text in a channel.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    #[serde(rename = "as")]
    who: String,
    channel: String,
    text: String,
    /// Values of options picked from choices.
    #[serde(default)]
    exact: BTreeMap<String, String>,
}

/// Something done to a message.
#[derive(Debug, Deserialize)]
pub(super) struct Touch {
    #[serde(rename = "as")]
    who: String,
    message: String,
    #[serde(default)]
    custom_id: String,
    #[serde(default)]
    values: Vec<String>,
}

/// A dialog, filled in or closed.
#[derive(Debug, Deserialize)]
pub(super) struct Filled {
    #[serde(rename = "as")]
    who: String,
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

/// A step of time.
#[derive(Debug, Deserialize)]
pub(super) struct Step {
    seconds: i64,
}

fn answer<T>(result: Result<T, ChatError>, body: impl FnOnce(T) -> serde_json::Value) -> Response {
    match result {
        Ok(done) => Json(body(done)).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error.to_string()}))).into_response(),
    }
}

fn touched(page: &Page, touch: &Touch) -> Result<(ChatUser, MessageId), ChatError> {
    let id = MessageId::parse(&touch.message).ok_or_else(|| ChatError("no such message".to_owned()))?;
    Ok((page.discord.user(&touch.who), id))
}

pub(super) async fn run(State(page): State<Page>, Json(line): Json<Line>) -> Response {
    let exact: Vec<(&str, &str)> = line.exact.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    answer(page.discord.user(&line.who).run_with(&line.channel, &line.text, &exact), |id| json!({"id": id}))
}

pub(super) async fn autocomplete(State(page): State<Page>, Json(line): Json<Line>) -> Response {
    let choices = page.discord.user(&line.who).autocomplete(&line.channel, &line.text).await;
    answer(choices, |choices| json!({"choices": choices}))
}

pub(super) async fn say(State(page): State<Page>, Json(line): Json<Line>) -> Response {
    answer(page.discord.user(&line.who).say(&line.channel, &line.text), |id| json!({"id": id}))
}

pub(super) async fn click(State(page): State<Page>, Json(touch): Json<Touch>) -> Response {
    let done = touched(&page, &touch).and_then(|(user, id)| user.click(id, &touch.custom_id));
    answer(done, |id| json!({"id": id}))
}

pub(super) async fn select(State(page): State<Page>, Json(touch): Json<Touch>) -> Response {
    let values: Vec<&str> = touch.values.iter().map(String::as_str).collect();
    let done = touched(&page, &touch).and_then(|(user, id)| user.select(id, &touch.custom_id, &values));
    answer(done, |id| json!({"id": id}))
}

pub(super) async fn dismiss(State(page): State<Page>, Json(touch): Json<Touch>) -> Response {
    answer(touched(&page, &touch).and_then(|(user, id)| user.dismiss(id)), |()| json!({}))
}

pub(super) async fn submit(State(page): State<Page>, Json(filled): Json<Filled>) -> Response {
    let modal = page.discord.modal(&filled.who).ok_or_else(|| ChatError("no dialog is open".to_owned()));
    let fields: Vec<(&str, &str)> = filled.fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    answer(modal.and_then(|modal| page.discord.user(&filled.who).submit(&modal, &fields)), |id| json!({"id": id}))
}

pub(super) async fn close_modal(State(page): State<Page>, Json(filled): Json<Filled>) -> StatusCode {
    page.discord.user(&filled.who).close_modal();
    StatusCode::NO_CONTENT
}

pub(super) async fn advance(State(page): State<Page>, Json(step): Json<Step>) -> StatusCode {
    if !(1..=MAX_STEP).contains(&step.seconds) {
        return StatusCode::BAD_REQUEST;
    }
    page.discord.advance(SignedDuration::from_secs(step.seconds));
    StatusCode::NO_CONTENT
}
