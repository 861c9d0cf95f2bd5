//! What an interaction's token can do for fifteen minutes: its first answer, and follow-ups.

use jiff::Timestamp;
use serde_json::Value;

use super::{Call, Outcome, interactions};
use crate::Discord;
use crate::discord::error::ApiError;
use crate::discord::ids::{InteractionId, MessageId};
use crate::discord::message::Message;
use crate::discord::rules::{self, Kind};
use crate::discord::state::{State, TOKEN_LIFE};

/// `…/webhooks/{app}/{token}[/messages/{@original or id}]`.
pub(super) fn route(discord: &Discord, call: &Call, app: &str, token: &str, rest: &[&str]) -> Outcome {
    let now = discord.now();
    let base = discord.base_url();
    discord.with(|state| {
        let id = entitled(state, app, token, now)?;
        match (call.method.as_str(), rest) {
            ("POST", []) => {
                let message = follow_up(state, id, call, now)?;
                Ok((200, Some(json_of(state, message, &base))))
            }
            ("GET", ["messages", which]) => {
                let message = find(state, id, which)?;
                Ok((200, Some(json_of(state, message, &base))))
            }
            ("PATCH", ["messages", which]) => {
                let message = find(state, id, which)?;
                edit(state, message, call, now)?;
                Ok((200, Some(json_of(state, message, &base))))
            }
            ("DELETE", ["messages", which]) => {
                let message = find(state, id, which)?;
                if let Some(message) = state.messages.get_mut(&message) {
                    message.deleted = true;
                }
                Ok((204, None))
            }
            ("GET", []) | (_, ["messages", _]) => Err(ApiError::method_not_allowed()),
            _ => Err(ApiError::not_found()),
        }
    })
}

/// The interaction of a token that still counts.
fn entitled(state: &State, app: &str, token: &str, now: Timestamp) -> Result<InteractionId, ApiError> {
    if app != state.app_id.to_string() {
        return Err(ApiError::unknown_webhook());
    }
    let id = *state.tokens.get(token).ok_or_else(ApiError::invalid_webhook_token)?;
    let interaction = state.interactions.get(&id).ok_or_else(ApiError::invalid_webhook_token)?;
    if now.duration_since(interaction.created) > TOKEN_LIFE {
        return Err(ApiError::invalid_webhook_token());
    }
    // Before the first answer is processed there is no webhook; choices never make one.
    if interaction.ack.is_none_or(|ack| ack.kind == 8) {
        return Err(ApiError::unknown_webhook());
    }
    Ok(id)
}

fn find(state: &State, id: InteractionId, which: &str) -> Result<MessageId, ApiError> {
    let interaction = state.interactions.get(&id).ok_or_else(ApiError::unknown_webhook)?;
    let message = match which {
        "@original" => interaction.original,
        other => MessageId::parse(other).filter(|mid| {
            interaction.original == Some(*mid)
                || state.messages.get(mid).is_some_and(|message| message.interaction == Some(id))
        }),
    };
    message
        .filter(|mid| state.messages.get(mid).is_some_and(|message| !message.deleted && !message.dismissed))
        .ok_or_else(ApiError::unknown_message)
}

fn follow_up(state: &mut State, id: InteractionId, call: &Call, now: Timestamp) -> Result<MessageId, ApiError> {
    let draft = rules::check_message(call.body()?, "", Kind::FollowUp, !call.files.is_empty())?;
    let original = state.interactions.get(&id).and_then(|interaction| interaction.original);
    if let Some(loading) = original.filter(|mid| state.messages.get(mid).is_some_and(Message::is_loading)) {
        // The first follow-up after a deferral fills the loading message.
        edit(state, loading, call, now)?;
        return Ok(loading);
    }
    Ok(interactions::post(state, id, &draft, &call.files, now))
}

fn edit(state: &mut State, id: MessageId, call: &Call, now: Timestamp) -> Result<(), ApiError> {
    let loading = state.messages.get(&id).is_some_and(Message::is_loading);
    let kind = if call.method == "POST" { Kind::FollowUp } else { Kind::Edit };
    let draft = rules::check_message(call.body()?, "", kind, !call.files.is_empty())?;
    let files = interactions::attachments(state, &call.files, now);
    let message = state.messages.get(&id).ok_or_else(ApiError::unknown_message)?;
    let mut changed = message.clone();
    changed.edit(&draft, files, now);
    if changed.is_empty() {
        return Err(ApiError::empty_message());
    }
    if loading {
        changed.pings = interactions::pings(state, &changed, &draft);
    }
    state.messages.insert(id, changed);
    Ok(())
}

fn json_of(state: &State, id: MessageId, base: &str) -> Value {
    state.messages.get(&id).map(|message| state.message_json(message, base)).unwrap_or_default()
}
