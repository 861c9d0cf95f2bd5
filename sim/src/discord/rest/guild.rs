//! Reading routes: the gateway's address, the bot itself, its guild, members and channels.

use serde_json::json;

use super::{Outcome, Reply};
use crate::Discord;
use crate::discord::error::ApiError;
use crate::discord::gateway::IDENTIFIES_A_DAY;
use crate::discord::ids::{ChannelId, UserId};
use crate::discord::payload;

/// A day in milliseconds.
const DAY_MS: u64 = 86_400_000;

pub(super) fn gateway(discord: &Discord) -> Reply {
    (200, Some(json!({"url": discord.gateway_url()})))
}

pub(super) fn gateway_bot(discord: &Discord) -> Reply {
    let used = discord.with(|state| state.gateway.logins);
    let start = json!({"total": IDENTIFIES_A_DAY, "remaining": IDENTIFIES_A_DAY.saturating_sub(used),
        "reset_after": DAY_MS, "max_concurrency": 1});
    (200, Some(json!({"url": discord.gateway_url(), "shards": 1, "session_start_limit": start})))
}

pub(super) fn me(discord: &Discord) -> Reply {
    (200, Some(discord.with(|state| payload::current_user(state))))
}

pub(super) fn application(discord: &Discord) -> Reply {
    (200, Some(discord.with(|state| payload::application(state))))
}

pub(super) fn guild(discord: &Discord, id: &str) -> Outcome {
    discord.with(|state| {
        if state.guild_id.to_string() == id {
            Ok((200, Some(payload::guild(state))))
        } else {
            Err(ApiError::unknown_guild())
        }
    })
}

pub(super) fn member(discord: &Discord, guild: &str, user: &str) -> Outcome {
    discord.with(|state| {
        if state.guild_id.to_string() != guild {
            return Err(ApiError::unknown_guild());
        }
        let user = UserId::parse(user).and_then(|id| state.user(id)).ok_or_else(ApiError::unknown_member)?;
        Ok((200, Some(payload::member(user))))
    })
}

pub(super) fn channel(discord: &Discord, id: ChannelId) -> Outcome {
    discord.with(|state| {
        let channel = state.channel(id).ok_or_else(ApiError::unknown_channel)?;
        if channel.hidden {
            return Err(ApiError::missing_access());
        }
        Ok((200, Some(payload::channel(state, channel))))
    })
}
