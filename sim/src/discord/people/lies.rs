//! Interactions that Discord would not send like this: other roles than the person holds, another guild, or none.
//!
//! REST goes on telling the truth, so a bot that asks there finds out.

use serde_json::{Value, json};

use super::{ChatError, ChatUser};
use crate::discord::ids::{ChannelId, InteractionId, RoleId, UserId};
use crate::discord::payload;
use crate::discord::state::State;

/// A direct message's channel is the person's id and this much more; the guild's lists do not have it.
const DIRECT: u64 = 1_000_000;

/// What is not true in a person's interactions.
#[derive(Clone, Debug, Default)]
pub(super) struct Lies {
    /// The roles in `member.roles`, by name or id.
    roles: Option<Vec<String>>,
    place: Place,
}

/// Where an interaction says it comes from.
#[derive(Clone, Debug, Default)]
enum Place {
    /// The guild.
    #[default]
    Here,
    /// Another guild, with this id.
    Guild(String),
    /// A direct message.
    Direct,
}

impl ChatUser {
    /// This person, whose interactions say that they hold these chat roles (names or ids) and no others.
    #[must_use]
    pub fn claiming(&self, roles: &[&str]) -> Self {
        let mut user = self.clone();
        user.lies.roles = Some(roles.iter().map(|&role| role.to_owned()).collect());
        user
    }

    /// This person, whose interactions come from another guild.
    #[must_use]
    pub fn in_guild(&self, guild_id: &str) -> Self {
        let mut user = self.clone();
        user.lies.place = Place::Guild(guild_id.to_owned());
        user
    }

    /// This person, whose interactions come from a direct message with the bot: no guild, and no member.
    #[must_use]
    pub fn in_direct_message(&self) -> Self {
        let mut user = self.clone();
        user.lies.place = Place::Direct;
        user
    }

    /// Sends a command as [`ChatUser::run`] does, and claims to hold these chat roles.
    pub fn run_claiming(&self, channel: &str, text: &str, roles: &[&str]) -> Result<InteractionId, ChatError> {
        self.claiming(roles).run(channel, text)
    }

    /// Sends a command as [`ChatUser::run`] does, from another guild.
    pub fn run_in_guild(&self, guild_id: &str, channel: &str, text: &str) -> Result<InteractionId, ChatError> {
        self.in_guild(guild_id).run(channel, text)
    }

    /// Sends a command in a direct message with the bot. The answer is found by its interaction; no channel shows it.
    pub fn run_in_direct_message(&self, text: &str) -> Result<InteractionId, ChatError> {
        let channel = self.discord.with(|state| state.channels.first().map(|channel| channel.name.clone()));
        self.in_direct_message().run(&channel.unwrap_or_default(), text)
    }
}

impl Lies {
    /// Where the answer goes.
    pub(super) fn channel(&self, channel: ChannelId, user: UserId) -> ChannelId {
        if matches!(self.place, Place::Direct) { ChannelId(user.0 + DIRECT) } else { channel }
    }

    /// Puts the lies into the event's body.
    pub(super) fn tell(&self, state: &State, user: UserId, event: &mut Value) -> Result<(), ChatError> {
        if let Some(roles) = &self.roles {
            let id = |role: &String| state.role_named(role).map(|known| known.id).or_else(|| RoleId::parse(role));
            let unknown = |role: &String| ChatError::because(format!("`{role}` is neither a role nor an id"));
            let ids = roles.iter().map(|role| id(role).ok_or_else(|| unknown(role)));
            event["member"]["roles"] = json!(ids.collect::<Result<Vec<_>, _>>()?);
        }
        match &self.place {
            Place::Here => {}
            Place::Guild(guild) => {
                for path in ["/guild_id", "/guild/id", "/channel/guild_id", "/data/guild_id"] {
                    if let Some(place) = event.pointer_mut(path) {
                        *place = json!(guild);
                    }
                }
                event["authorizing_integration_owners"] = json!({"0": guild});
            }
            Place::Direct => {
                let person = state.user(user).map(payload::user).unwrap_or_default();
                if let Some(fields) = event.as_object_mut() {
                    fields.retain(|name, _| !["guild_id", "guild", "guild_locale", "member"].contains(&name.as_str()));
                }
                if let Some(data) = event["data"].as_object_mut() {
                    data.remove("guild_id");
                }
                event["channel"] = json!({"id": event["channel_id"], "type": 1, "flags": 0, "last_message_id": null,
                    "recipients": [person]});
                event["user"] = person;
                event["context"] = json!(1);
                event["authorizing_integration_owners"] = json!({"0": "0"});
            }
        }
        Ok(())
    }
}
