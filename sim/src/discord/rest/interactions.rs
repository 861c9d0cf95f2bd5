//! The first answer to an interaction.

use serde_json::{Value, json};

use super::call::Upload;
use super::{Call, Outcome};
use crate::Discord;
use crate::discord::error::{ApiError, Problems};
use crate::discord::ids::{InteractionId, MessageId};
use crate::discord::message::{Attachment, Message};
use crate::discord::rules::{self, Draft, EPHEMERAL, Kind, LOADING};
use crate::discord::state::{Ack, Act, State};
use crate::discord::view::{self, Choice};

const MESSAGE: i64 = 4;
const DEFERRED_MESSAGE: i64 = 5;
const DEFERRED_UPDATE: i64 = 6;
const UPDATE: i64 = 7;
const CHOICES: i64 = 8;
const MODAL: i64 = 9;

/// `POST /interactions/{id}/{token}/callback`.
pub(super) fn callback(discord: &Discord, call: &Call, id: &str, token: &str) -> Outcome {
    let now = discord.now();
    let base = discord.base_url();
    discord.with(|state| {
        let id = InteractionId::parse(id).filter(|id| state.tokens.get(token) == Some(id));
        let id = id.ok_or_else(ApiError::unknown_interaction)?;
        let interaction = state.interactions.get_mut(&id).ok_or_else(ApiError::unknown_interaction)?;
        if interaction.ack.is_some() {
            return Err(ApiError::already_acknowledged());
        }
        if !interaction.open(now) {
            interaction.late.get_or_insert(now);
            return Err(ApiError::unknown_interaction());
        }
        let real = interaction.sent.elapsed();
        let body = call.body()?;
        let kind = kind_of(body, allowed(interaction.act, interaction.source))?;
        let data = body.get("data").filter(|data| !data.is_null()).cloned().unwrap_or_else(|| json!({}));
        let message = act(state, id, kind, &data, call, now)?;
        let interaction = state.interactions.get_mut(&id).ok_or_else(ApiError::unknown_interaction)?;
        interaction.ack = Some(Ack { at: now, real, kind });
        if message.is_some() {
            interaction.original = message;
        }
        if call.param("with_response") != Some("true") {
            return Ok((204, None));
        }
        let act = interaction.act as u8;
        let mut answer = json!({"interaction": {"id": id, "type": act, "response_message_id": message,
            "response_message_loading": kind == DEFERRED_MESSAGE, "response_message_ephemeral": false}});
        if let Some(message) = message.and_then(|id| state.messages.get(&id)) {
            answer["interaction"]["response_message_ephemeral"] = json!(message.flags & EPHEMERAL != 0);
            answer["resource"] = json!({"type": kind, "message": state.message_json(message, &base)});
        }
        Ok((200, Some(answer)))
    })
}

/// The callback types that may answer an act.
fn allowed(act: Act, source: Option<MessageId>) -> &'static [i64] {
    match act {
        Act::Command => &[MESSAGE, DEFERRED_MESSAGE, MODAL],
        Act::Component => &[MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, MODAL],
        Act::Autocomplete => &[CHOICES],
        Act::Modal if source.is_some() => &[MESSAGE, DEFERRED_MESSAGE, UPDATE],
        Act::Modal => &[MESSAGE, DEFERRED_MESSAGE],
    }
}

fn kind_of(body: &Value, allowed: &[i64]) -> Result<i64, ApiError> {
    let mut problems = Problems::default();
    let form = rules::Form::new(body, "", &mut problems);
    let kind = body["type"].as_i64().filter(|kind| allowed.contains(kind));
    if let Some(form) = form {
        form.only(&["type", "data"], &mut problems);
        if kind.is_none() {
            let message = format!("Value must be one of {allowed:?} for this interaction.");
            problems.add("type", "BASE_TYPE_CHOICES", message);
        }
    }
    problems.finish()?;
    kind.ok_or_else(ApiError::not_json)
}

/// Does what the answer says; returns the message that becomes `@original`.
fn act(
    state: &mut State,
    id: InteractionId,
    kind: i64,
    data: &Value,
    call: &Call,
    now: jiff::Timestamp,
) -> Result<Option<MessageId>, ApiError> {
    let source = state.interactions.get(&id).and_then(|interaction| interaction.source);
    match kind {
        MESSAGE => {
            let draft = rules::check_message(data, "data", Kind::Callback, !call.files.is_empty())?;
            Ok(Some(post(state, id, &draft, &call.files, now)))
        }
        DEFERRED_MESSAGE => {
            let mut problems = Problems::default();
            let mut flags = 0;
            if let Some(form) = rules::Form::new(data, "data", &mut problems) {
                // A client may send the empty parts of a message along; they say nothing.
                form.only(&["flags", "allowed_mentions", "attachments"], &mut problems);
                flags = form.int("flags", 0..=i64::from(u32::MAX), &mut problems).unwrap_or(0);
                if flags & !64 != 0 {
                    problems.add("data.flags", "BASE_TYPE_BAD", "Only EPHEMERAL may be set on a deferred message.");
                }
            }
            problems.finish()?;
            let draft = Draft { flags: u64::try_from(flags).unwrap_or(0), ..Draft::default() };
            let message = post(state, id, &draft, &[], now);
            if let Some(message) = state.messages.get_mut(&message) {
                message.flags |= LOADING;
            }
            Ok(Some(message))
        }
        DEFERRED_UPDATE => Ok(source),
        UPDATE => {
            let draft = rules::check_message(data, "data", Kind::Update, !call.files.is_empty())?;
            let source = source.ok_or_else(ApiError::unknown_message)?;
            let files = attachments(state, &call.files, now);
            let message = state.messages.get_mut(&source).filter(|message| !message.deleted);
            message.ok_or_else(ApiError::unknown_message)?.edit(&draft, files, now);
            Ok(Some(source))
        }
        CHOICES => {
            let choices = choices(state, id, data)?;
            if let Some(interaction) = state.interactions.get_mut(&id) {
                interaction.choices = Some(choices);
            }
            Ok(None)
        }
        _ => {
            let mut problems = Problems::default();
            rules::check_modal(data, &mut problems);
            problems.finish()?;
            let user = state.interactions.get(&id).map(|interaction| interaction.user);
            if let Some(user) = user.and_then(|user| state.user_mut(user)) {
                user.modal = Some((view::modal(id, data), data.clone()));
            }
            Ok(None)
        }
    }
}

/// Posts a message in answer to an interaction.
pub(super) fn post(
    state: &mut State,
    id: InteractionId,
    draft: &Draft,
    files: &[Upload],
    now: jiff::Timestamp,
) -> MessageId {
    let message_id = MessageId(state.snowflakes.next(now));
    let attachments = attachments(state, files, now);
    let Some(interaction) = state.interactions.get(&id) else { return message_id };
    let mut message = Message::new(message_id, interaction.channel, now);
    message.interaction = Some(id);
    message.kind = if interaction.act == Act::Command && interaction.original.is_none() { 20 } else { 0 };
    message.apply(draft);
    message.attachments = attachments;
    if draft.flags & EPHEMERAL != 0 {
        message.flags |= EPHEMERAL;
        message.owner = Some(interaction.user);
    }
    message.pings = pings(state, &message, draft);
    state.messages.insert(message_id, message);
    message_id
}

/// Whom a message pings; an ephemeral one reaches its owner alone.
pub(super) fn pings(state: &State, message: &Message, draft: &Draft) -> Vec<view::Ping> {
    let mut pings = state.pings(&message.content, &draft.mentions, message.reply_to);
    if let Some(owner) = message.owner.and_then(|owner| state.user(owner)) {
        pings.retain(|ping| *ping == view::Ping::User(owner.username.clone()));
    }
    pings
}

/// Uploaded files, with ids.
pub(super) fn attachments(state: &mut State, files: &[Upload], now: jiff::Timestamp) -> Vec<Attachment> {
    files
        .iter()
        .map(|file| Attachment {
            id: state.snowflakes.next(now),
            filename: file.filename.clone(),
            content_type: file.content_type.clone(),
            bytes: file.bytes.clone(),
        })
        .collect()
}

fn choices(state: &State, id: InteractionId, data: &Value) -> Result<Vec<Choice>, ApiError> {
    let focused = state.interactions.get(&id).and_then(|i| focused_kind(&i.payload["data"]["options"])).unwrap_or(3);
    let mut problems = Problems::default();
    let mut found = Vec::new();
    if let Some(form) = rules::Form::new(data, "data", &mut problems) {
        form.only(&["choices"], &mut problems);
        if form.get("choices").is_none() {
            problems.add("data.choices", "BASE_TYPE_REQUIRED", "This field is required");
        }
        for (index, choice) in form.list("choices", 25, &mut problems).iter().enumerate() {
            let path = format!("data.choices.{index}");
            let Some(choice) = rules::Form::new(choice, path, &mut problems) else { continue };
            choice.only(&["name", "name_localizations", "value"], &mut problems);
            let name = choice.required_text("name", 100, &mut problems).unwrap_or_default();
            let value = choice.get("value").cloned().unwrap_or_default();
            match (focused, &value) {
                (3, Value::String(_)) => _ = choice.required_text("value", 100, &mut problems),
                (4 | 10, Value::Number(_)) => {}
                _ => problems.add(choice.at("value"), "BASE_TYPE_BAD", "The value does not fit the option's type."),
            }
            found.push(Choice { name: name.to_owned(), value });
        }
    }
    problems.finish()?;
    Ok(found)
}

/// The type of the option being typed.
fn focused_kind(options: &Value) -> Option<u64> {
    options.as_array()?.iter().find_map(|option| {
        if option["focused"] == true { option["type"].as_u64() } else { focused_kind(&option["options"]) }
    })
}
