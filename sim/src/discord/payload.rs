//! The JSON of people, roles, channels and the guild, and the interactions that the bot gets.

use serde_json::{Value, json};

use super::state::{Channel, Interaction, Role, State, User};

/// A member's permissions in a text channel: an ordinary member's.
const MEMBER_PERMISSIONS: &str = "2248473465835073";
/// The bot's: the same, and it may embed, attach and mention.
const APP_PERMISSIONS: &str = "2251673153834561";
/// Bytes that may be uploaded with an answer.
const ATTACHMENT_LIMIT: u32 = 10 * 1024 * 1024;
/// Everybody joined then.
const JOINED: &str = "2024-02-01T09:00:00.000000+00:00";

/// A person.
pub(super) fn user(user: &User) -> Value {
    json!({"id": user.id, "username": user.username, "discriminator": "0", "global_name": user.display_name,
        "avatar": null, "banner": null, "accent_color": null, "avatar_decoration_data": null, "public_flags": 0, "flags": 0,
        "primary_guild": null, "collectibles": null,
        "bot": false})
}

/// The bot, as others see it.
pub(super) fn bot_user(state: &State) -> Value {
    json!({"id": state.app_id.to_string(), "username": state.bot_name, "discriminator": "0", "global_name": null,
        "avatar": null, "banner": null, "accent_color": null, "avatar_decoration_data": null, "public_flags": 0, "flags": 0,
        "primary_guild": null, "collectibles": null,
        "bot": true})
}

/// The bot, as it sees itself.
pub(super) fn current_user(state: &State) -> Value {
    let mut user = bot_user(state);
    for (key, value) in [("verified", json!(true)), ("mfa_enabled", json!(false)), ("email", json!(null))] {
        user[key] = value;
    }
    user["flags"] = json!(0);
    user["locale"] = json!("en-US");
    user
}

/// A member of the guild, with the roles held right now.
pub(super) fn member(of: &User) -> Value {
    json!({"user": user(of), "nick": null, "avatar": null, "banner": null, "roles": of.roles, "joined_at": JOINED,
        "premium_since": null, "deaf": false, "mute": false, "flags": 0, "pending": false,
        "communication_disabled_until": null, "unusual_dm_activity_until": null})
}

/// A role.
pub(super) fn role(role: &Role, position: usize) -> Value {
    let colors = json!({"primary_color": 0, "secondary_color": null, "tertiary_color": null});
    json!({"id": role.id, "name": role.name, "color": 0, "colors": colors, "hoist": false, "managed": false,
        "mentionable": true, "permissions": "0", "position": position, "flags": 0, "icon": null, "unicode_emoji": null})
}

/// A text channel.
pub(super) fn channel(state: &State, of: &Channel) -> Value {
    let position = state.channels.iter().position(|one| one.id == of.id).unwrap_or(0);
    let last =
        state.messages_in(of.id, None).filter(|message| message.owner.is_none()).last().map(|message| message.id);
    json!({"id": of.id, "type": 0, "guild_id": state.guild_id.to_string(), "name": of.name, "topic": of.topic,
        "position": position, "permission_overwrites": [], "nsfw": false, "rate_limit_per_user": 0, "parent_id": null,
        "last_message_id": last, "flags": 0})
}

/// The guild.
pub(super) fn guild(state: &State) -> Value {
    let everyone = Role { id: super::ids::RoleId(state.guild_id), name: "@everyone".to_owned() };
    let highest = state.roles.len();
    let mut roles = vec![role(&everyone, 0)];
    roles.extend(state.roles.iter().enumerate().map(|(index, one)| role(one, highest - index)));
    json!({"id": state.guild_id.to_string(), "name": state.guild_name, "icon": null, "splash": null,
        "discovery_splash": null, "owner_id": state.app_id.to_string(), "afk_channel_id": null, "afk_timeout": 300,
        "widget_enabled": false, "widget_channel_id": null, "verification_level": 1,
        "default_message_notifications": 1, "explicit_content_filter": 2, "roles": roles, "emojis": [], "features": [],
        "mfa_level": 1, "application_id": null, "system_channel_id": null, "system_channel_flags": 0,
        "rules_channel_id": null, "max_presences": null, "max_members": 500_000, "vanity_url_code": null,
        "description": null, "banner": null, "premium_tier": 0, "premium_subscription_count": 0,
        "preferred_locale": "en-US", "public_updates_channel_id": null, "nsfw_level": 0, "stickers": [],
        "premium_progress_bar_enabled": false, "safety_alerts_channel_id": null, "region": "deprecated"})
}

/// The bot's application.
pub(super) fn application(state: &State) -> Value {
    json!({"id": state.app_id.to_string(), "name": state.bot_name, "icon": null, "description": "",
        "rpc_origins": [], "bot_public": false, "bot_require_code_grant": false, "verify_key": state.endpoint.public_key(),
        "flags": 0, "team": null, "summary": "", "bot": bot_user(state),
        "integration_types_config": {"0": {}}, "interactions_endpoint_url": state.endpoint.url})
}

/// An `INTERACTION_CREATE` event's body.
pub(super) fn interaction(state: &State, of: &Interaction, token: &str, data: &Value, base: &str) -> Value {
    let guild = state.guild_id.to_string();
    let mut member = state.user(of.user).map(member).unwrap_or_default();
    member["permissions"] = json!(MEMBER_PERMISSIONS);
    let mut channel = state.channel(of.channel).map(|of| channel(state, of)).unwrap_or_default();
    channel["permissions"] = json!(MEMBER_PERMISSIONS);
    let mut payload = json!({
        "id": of.id, "application_id": state.app_id.to_string(), "type": of.act as u8, "data": data,
        "guild_id": guild, "guild": {"id": guild, "locale": "en-US", "features": []},
        "channel_id": of.channel, "channel": channel, "member": member, "token": token, "version": 1,
        "locale": "en-US", "guild_locale": "en-US", "app_permissions": APP_PERMISSIONS, "entitlements": [],
        "entitlement_sku_ids": [], "authorizing_integration_owners": {"0": guild}, "context": 0,
        "attachment_size_limit": ATTACHMENT_LIMIT,
    });
    if let Some(message) = of.source.and_then(|id| state.messages.get(&id)) {
        payload["message"] = state.message_json(message, base);
    }
    payload
}
