//! Everything the simulated Discord remembers, behind one lock.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::endpoint::Endpoint;
use super::faults::Faults;
use super::gateway::Gateway;
use super::ids::{ChannelId, InteractionId, MessageId, RoleId, Snowflakes, UserId};
use super::limits::Limiter;
use super::message::Message;
use super::view::{Choice, Modal};
use crate::scenario::DiscordScenario;

/// How long an interaction waits for its first answer.
pub(super) const ACK_WITHIN: SignedDuration = SignedDuration::from_secs(3);
/// How long an interaction's token lives.
pub(super) const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(15);

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) id: ChannelId,
    pub(super) name: String,
    pub(super) topic: String,
    /// The bot may not see it (code 50001).
    pub(super) hidden: bool,
    /// The bot may see it and not write (code 50013).
    pub(super) read_only: bool,
    pub(super) deleted: bool,
}

#[derive(Debug)]
pub(super) struct Role {
    pub(super) id: RoleId,
    pub(super) name: String,
}

#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "the user in Entra is not this user")]
pub(super) struct User {
    pub(super) id: UserId,
    pub(super) username: String,
    pub(super) display_name: String,
    pub(super) about: String,
    pub(super) roles: Vec<RoleId>,
    pub(super) entra_user: Option<String>,
    /// Autocomplete choices shown to this person, by option name, newest last.
    pub(super) shown: HashMap<String, Vec<Choice>>,
    pub(super) modal: Option<(Modal, Value)>,
}

/// What a person did. The numbers are Discord's interaction types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Command = 2,
    Component = 3,
    Autocomplete = 4,
    Modal = 5,
}

/// The first answer to an interaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ack {
    pub(super) at: Timestamp,
    pub(super) real: Duration,
    /// Discord's callback type.
    pub(super) kind: i64,
}

#[derive(Debug)]
pub(super) struct Interaction {
    pub(super) id: InteractionId,
    pub(super) act: Act,
    pub(super) user: UserId,
    pub(super) channel: ChannelId,
    /// What the person typed or pressed, for people to read.
    pub(super) label: String,
    /// The command's full name.
    pub(super) command: String,
    pub(super) created: Timestamp,
    pub(super) sent: Instant,
    pub(super) payload: Value,
    /// Sessions or endpoints that it was sent to.
    pub(super) delivered: usize,
    pub(super) ack: Option<Ack>,
    /// When an answer came after the three seconds.
    pub(super) late: Option<Timestamp>,
    /// The person stopped waiting (autocomplete), or the endpoint took it wrongly or not at all.
    pub(super) abandoned: bool,
    pub(super) choices: Option<Vec<Choice>>,
    /// The message of its first answer, or the message clicked.
    pub(super) original: Option<MessageId>,
    /// The message whose component was used, or that the modal came from.
    pub(super) source: Option<MessageId>,
}

impl Interaction {
    /// Whether Discord would still take a first answer at `now`.
    pub(super) fn open(&self, now: Timestamp) -> bool {
        self.ack.is_none() && !self.abandoned && now.duration_since(self.created) <= ACK_WITHIN
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) app_id: u64,
    pub(super) token: String,
    pub(super) bot_name: String,
    pub(super) guild_id: u64,
    pub(super) guild_name: String,
    pub(super) channels: Vec<Channel>,
    pub(super) roles: Vec<Role>,
    pub(super) users: Vec<User>,
    pub(super) guild_commands: Vec<Value>,
    pub(super) global_commands: Vec<Value>,
    pub(super) command_creates: Vec<Timestamp>,
    pub(super) messages: BTreeMap<MessageId, Message>,
    pub(super) interactions: BTreeMap<InteractionId, Interaction>,
    pub(super) tokens: HashMap<String, InteractionId>,
    pub(super) snowflakes: Snowflakes,
    pub(super) gateway: Gateway,
    pub(super) endpoint: Endpoint,
    pub(super) limiter: Limiter,
    pub(super) faults: Faults,
}

impl State {
    pub(super) fn new(scenario: &DiscordScenario) -> anyhow::Result<Self> {
        let number = |text: &str| -> anyhow::Result<u64> {
            text.parse().map_err(|_| anyhow::anyhow!("`{text}` is not a Discord id"))
        };
        let channels = scenario.channel.iter().map(|channel| {
            Ok(Channel {
                id: ChannelId(number(&channel.id)?),
                name: channel.name.clone(),
                topic: channel.topic.clone(),
                hidden: false,
                read_only: false,
                deleted: false,
            })
        });
        let roles =
            scenario.role.iter().map(|role| Ok(Role { id: RoleId(number(&role.id)?), name: role.name.clone() }));
        let users = scenario.user.iter().map(|user| {
            Ok(User {
                id: UserId(number(&user.id)?),
                username: user.username.clone(),
                display_name: user.display_name.clone(),
                about: user.about.clone(),
                roles: user.roles.iter().map(|id| Ok(RoleId(number(id)?))).collect::<anyhow::Result<_>>()?,
                entra_user: user.entra_user.clone(),
                shown: HashMap::new(),
                modal: None,
            })
        });
        Ok(Self {
            app_id: number(&scenario.application.id)?,
            token: scenario.application.token.clone(),
            bot_name: scenario.application.name.clone(),
            guild_id: number(&scenario.guild.id)?,
            guild_name: scenario.guild.name.clone(),
            channels: channels.collect::<anyhow::Result<_>>()?,
            roles: roles.collect::<anyhow::Result<_>>()?,
            users: users.collect::<anyhow::Result<_>>()?,
            guild_commands: Vec::new(),
            global_commands: Vec::new(),
            command_creates: Vec::new(),
            messages: BTreeMap::new(),
            interactions: BTreeMap::new(),
            tokens: HashMap::new(),
            snowflakes: Snowflakes::default(),
            gateway: Gateway::new(scenario.gateway),
            endpoint: Endpoint::new()?,
            limiter: Limiter::new(scenario.limits),
            faults: Faults::default(),
        })
    }

    pub(super) fn user(&self, id: UserId) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(super) fn user_named(&self, username: &str) -> Option<&User> {
        self.users.iter().find(|user| user.username == username)
    }

    pub(super) fn user_named_mut(&mut self, username: &str) -> Option<&mut User> {
        self.users.iter_mut().find(|user| user.username == username)
    }

    pub(super) fn user_mut(&mut self, id: UserId) -> Option<&mut User> {
        self.users.iter_mut().find(|user| user.id == id)
    }

    pub(super) fn channel(&self, id: ChannelId) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id && !channel.deleted)
    }

    /// A channel by its name, with or without `#`, or by its id.
    pub(super) fn channel_named(&self, name: &str) -> Option<&Channel> {
        let name = name.trim_start_matches('#');
        self.channels
            .iter()
            .find(|channel| !channel.deleted && (channel.name == name || channel.id.to_string() == name))
    }

    pub(super) fn channel_named_mut(&mut self, name: &str) -> Option<&mut Channel> {
        let name = name.trim_start_matches('#').to_owned();
        self.channels.iter_mut().find(|channel| channel.name == name || channel.id.to_string() == name)
    }

    pub(super) fn role_named(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name || role.id.to_string() == name)
    }

    /// The commands a person can type in the guild: the guild's own, then the global ones.
    pub(super) fn commands(&self) -> impl Iterator<Item = &Value> {
        self.guild_commands.iter().chain(&self.global_commands)
    }

    /// Messages of a channel that `viewer` sees, oldest first; `None` sees everything.
    pub(super) fn messages_in(&self, channel: ChannelId, viewer: Option<UserId>) -> impl Iterator<Item = &Message> {
        self.messages.values().filter(move |message| {
            message.channel == channel
                && !message.deleted
                && viewer.is_none_or(|viewer| message.owner.is_none_or(|owner| owner == viewer) && !message.dismissed)
        })
    }
}
