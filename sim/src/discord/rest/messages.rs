//! The bot's own messages in channels.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Call, Outcome, interactions};
use crate::Discord;
use crate::discord::error::{ApiError, Problems};
use crate::discord::ids::{ChannelId, MessageId};
use crate::discord::message::{Author, Message};
use crate::discord::rules::{self, Draft, Kind};
use crate::discord::state::State;

/// How long a nonce is remembered: Discord says "the past few minutes".
const NONCE_WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// From this age on, edits of a message are counted.
const OLD: SignedDuration = SignedDuration::from_hours(1);

fn enter(state: &State, id: ChannelId, writing: bool) -> Result<(), ApiError> {
    let channel = state.channel(id).ok_or_else(ApiError::unknown_channel)?;
    if channel.hidden {
        return Err(ApiError::missing_access());
    }
    if writing && channel.read_only {
        return Err(ApiError::missing_permissions());
    }
    Ok(())
}

/// A message of the channel; ephemeral ones do not exist for this route.
fn find(state: &State, channel: ChannelId, id: MessageId) -> Result<&Message, ApiError> {
    let message = state.messages.get(&id);
    message
        .filter(|message| message.channel == channel && !message.deleted && message.owner.is_none())
        .ok_or_else(ApiError::unknown_message)
}

pub(super) fn create(discord: &Discord, call: &Call, channel: ChannelId) -> Outcome {
    let now = discord.now();
    let base = discord.base_url();
    discord.with(|state| {
        enter(state, channel, true)?;
        let draft = rules::check_message(call.body()?, "", Kind::Channel, !call.files.is_empty())?;
        if let Some(earlier) = earlier(state, channel, &draft, now) {
            return Ok((200, Some(state.message_json(earlier, &base))));
        }
        let reply_to = reply_to(state, channel, &draft)?;
        let id = MessageId(state.snowflakes.next(now));
        let mut message = Message::new(id, channel, now);
        message.apply(&draft);
        message.attachments = interactions::attachments(state, &call.files, now);
        message.nonce.clone_from(&draft.nonce);
        message.reply_to = reply_to;
        message.kind = if reply_to.is_some() { 19 } else { 0 };
        message.pings = interactions::pings(state, &message, &draft);
        let json = state.message_json(&message, &base);
        state.messages.insert(id, message);
        Ok((200, Some(json)))
    })
}

/// The message already made with this nonce.
fn earlier<'a>(state: &'a State, channel: ChannelId, draft: &Draft, now: Timestamp) -> Option<&'a Message> {
    let nonce = draft.nonce.as_ref().filter(|_| draft.enforce_nonce)?;
    state.messages.values().rev().find(|message| {
        message.author == Author::Bot
            && message.channel == channel
            && message.nonce.as_ref() == Some(nonce)
            && now.duration_since(message.created) <= NONCE_WINDOW
    })
}

fn reply_to(state: &State, channel: ChannelId, draft: &Draft) -> Result<Option<MessageId>, ApiError> {
    let Some(wanted) = &draft.reply_to else { return Ok(None) };
    let found = MessageId::parse(wanted).filter(|id| find(state, channel, *id).is_ok());
    if found.is_none() && draft.fail_if_not_exists {
        let mut problems = Problems::default();
        problems.add("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message");
        problems.finish()?;
    }
    Ok(found)
}

pub(super) fn list(discord: &Discord, call: &Call, channel: ChannelId) -> Outcome {
    let base = discord.base_url();
    let limit = call.param("limit").and_then(|limit| limit.parse().ok()).unwrap_or(50_usize);
    let bound = |name: &str| call.param(name).and_then(MessageId::parse);
    let (before, after) = (bound("before"), bound("after"));
    discord.with(|state| {
        enter(state, channel, false)?;
        if !(1..=100).contains(&limit) {
            let mut problems = Problems::default();
            problems.add("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100.");
            problems.finish()?;
        }
        let mut list: Vec<&Message> = state
            .messages_in(channel, None)
            .filter(|message| message.owner.is_none())
            .filter(|message| before.is_none_or(|id| message.id < id) && after.is_none_or(|id| message.id > id))
            .collect();
        list.reverse();
        list.truncate(limit);
        let list: Vec<_> = list.into_iter().map(|message| state.message_json(message, &base)).collect();
        Ok((200, Some(json!(list))))
    })
}

pub(super) fn get(discord: &Discord, channel: ChannelId, id: MessageId) -> Outcome {
    let base = discord.base_url();
    discord.with(|state| {
        enter(state, channel, false)?;
        Ok((200, Some(state.message_json(find(state, channel, id)?, &base))))
    })
}

pub(super) fn edit(discord: &Discord, call: &Call, channel: ChannelId, id: MessageId) -> Outcome {
    let now = discord.now();
    let base = discord.base_url();
    discord.with(|state| {
        enter(state, channel, false)?;
        let message = find(state, channel, id)?;
        if message.author != Author::Bot {
            return Err(ApiError::not_the_author());
        }
        let draft = rules::check_message(call.body()?, "", Kind::Edit, !call.files.is_empty())?;
        let mut changed = message.clone();
        let files = interactions::attachments(state, &call.files, now);
        if now.duration_since(changed.created) > OLD {
            let limit = state.limiter.limits.old_edits;
            changed.old_edits.retain(|at| now.duration_since(*at) < limit.per);
            if changed.old_edits.len() >= limit.count as usize {
                return Err(ApiError::too_many_old_edits());
            }
            changed.old_edits.push(now);
        }
        changed.edit(&draft, files, now);
        if changed.is_empty() {
            return Err(ApiError::empty_message());
        }
        let json = state.message_json(&changed, &base);
        state.messages.insert(id, changed);
        Ok((200, Some(json)))
    })
}

pub(super) fn delete(discord: &Discord, channel: ChannelId, id: MessageId) -> Outcome {
    discord.with(|state| {
        enter(state, channel, false)?;
        if find(state, channel, id)?.author != Author::Bot {
            return Err(ApiError::missing_permissions());
        }
        if let Some(message) = state.messages.get_mut(&id) {
            message.deleted = true;
        }
        Ok((204, None))
    })
}
