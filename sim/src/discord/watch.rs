//! Looking at the simulated Discord from outside: messages, interactions, people, and notification of changes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use super::Discord;
use super::ids::{InteractionId, MessageId, UserId};
use super::people::ChatUser;
use super::state::Act;
use super::view::{InteractionState, MessageView, Modal};

/// An uploaded file.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its name.
    pub filename: String,
    /// Its type.
    pub content_type: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A channel, for the page.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelView {
    /// Its id.
    pub id: String,
    /// Its name, without `#`.
    pub name: String,
    /// Its topic line.
    pub topic: String,
}

/// A person, for the page.
#[derive(Clone, Debug, Serialize)]
pub struct PersonView {
    /// Id.
    pub id: String,
    /// Username.
    pub username: String,
    /// Name shown.
    pub display_name: String,
    /// Who this is and what they may do.
    pub about: String,
    /// Names of the chat roles held now.
    pub roles: Vec<String>,
    /// The Entra user of the same human.
    pub entra_user: Option<String>,
}

/// One use of the bot, for people.
#[derive(Clone, Debug, Serialize)]
pub struct InteractionView {
    /// Its id.
    pub id: InteractionId,
    /// Username of who acted.
    pub user: String,
    /// Name of the channel.
    pub channel: String,
    /// What was typed or pressed.
    pub label: String,
    /// Discord's interaction type: 2 command, 3 component, 4 autocomplete, 5 modal.
    pub kind: u8,
    /// The message whose component was used.
    pub source: Option<MessageId>,
    /// When, in simulated time.
    pub at: jiff::Timestamp,
    /// How it was answered.
    #[serde(flatten)]
    pub state: InteractionState,
}

impl Discord {
    /// A person, by username. Acting as somebody who is not in the guild gives an error then, not here.
    pub fn user(&self, username: &str) -> ChatUser {
        ChatUser::new(self.clone(), username)
    }

    /// Everyone in the guild.
    pub fn people(&self) -> Vec<PersonView> {
        self.with(|state| {
            let role = |id| state.roles.iter().find(|role| role.id == id).map(|role| role.name.clone());
            let view = |user: &super::state::User| PersonView {
                id: user.id.to_string(),
                username: user.username.clone(),
                display_name: user.display_name.clone(),
                about: user.about.clone(),
                roles: user.roles.iter().filter_map(|id| role(*id)).collect(),
                entra_user: user.entra_user.clone(),
            };
            state.users.iter().map(view).collect()
        })
    }

    /// The channels.
    pub fn channels(&self) -> Vec<ChannelView> {
        self.with(|state| {
            let live = state.channels.iter().filter(|channel| !channel.deleted);
            live.map(|channel| ChannelView {
                id: channel.id.to_string(),
                name: channel.name.clone(),
                topic: channel.topic.clone(),
            })
            .collect()
        })
    }

    /// The roles, by id and name.
    pub fn roles(&self) -> Vec<(String, String)> {
        self.with(|state| state.roles.iter().map(|role| (role.id.to_string(), role.name.clone())).collect())
    }

    /// The present moment of the simulated world.
    pub fn time(&self) -> jiff::Timestamp {
        self.now()
    }

    /// Moves the world's time forward and tells listeners.
    pub fn advance(&self, by: jiff::SignedDuration) {
        self.0.clock.advance(by);
        self.notify();
    }

    /// By how much time was moved by hand so far.
    pub fn time_moved_by(&self) -> jiff::SignedDuration {
        self.0.clock.moved()
    }

    /// The guild's name.
    pub fn guild_name(&self) -> String {
        self.with(|state| state.guild_name.clone())
    }

    /// The bot's name.
    pub fn bot_name(&self) -> String {
        self.with(|state| state.bot_name.clone())
    }

    /// The bot's user id.
    pub fn bot_id(&self) -> String {
        self.with(|state| state.app_id.to_string())
    }

    /// All messages of a channel (by name), everyone's ephemeral and dismissed ones too, oldest first.
    pub fn messages(&self, channel: &str) -> Vec<MessageView> {
        self.views(channel, None)
    }

    /// The messages of a channel as one person sees them.
    pub fn messages_seen_by(&self, channel: &str, username: &str) -> Vec<MessageView> {
        let viewer = self.with(|state| state.user_named(username).map_or(UserId(0), |user| user.id));
        self.views(channel, Some(viewer))
    }

    fn views(&self, channel: &str, viewer: Option<UserId>) -> Vec<MessageView> {
        let base = self.base_url();
        self.with(|state| {
            let Some(channel) = state.channel_named(channel).map(|channel| channel.id) else { return Vec::new() };
            state.messages_in(channel, viewer).map(|message| state.view(message, &base)).collect()
        })
    }

    /// One message, unless it was deleted.
    pub fn message(&self, id: MessageId) -> Option<MessageView> {
        let base = self.base_url();
        self.with(|state| {
            let message = state.messages.get(&id).filter(|message| !message.deleted)?;
            Some(state.view(message, &base))
        })
    }

    /// The message that answers an interaction (for a click that was answered by an update: the message clicked).
    pub fn reply_to(&self, id: InteractionId) -> Option<MessageView> {
        let original = self.with(|state| state.interactions.get(&id).and_then(|one| one.original))?;
        self.message(original)
    }

    /// How an interaction was answered.
    pub fn interaction(&self, id: InteractionId) -> Option<InteractionState> {
        let now = self.now();
        self.with(|state| state.interactions.get(&id).map(|interaction| interaction.state(now)))
    }

    /// Every interaction so far, oldest first.
    pub fn interactions(&self) -> Vec<InteractionView> {
        let now = self.now();
        self.with(|state| {
            let view = |one: &super::state::Interaction| InteractionView {
                id: one.id,
                user: state.user(one.user).map(|user| user.username.clone()).unwrap_or_default(),
                channel: state.channel(one.channel).map(|channel| channel.name.clone()).unwrap_or_default(),
                label: one.label.clone(),
                kind: one.act as u8,
                source: one.source,
                at: one.created,
                state: one.state(now),
            };
            state.interactions.values().map(view).collect()
        })
    }

    /// Interactions delivered to a bot and not answered yet, while an answer would still be taken.
    pub fn unanswered(&self) -> usize {
        let now = self.now();
        self.with(|state| state.interactions.values().filter(|one| one.delivered > 0 && one.open(now)).count())
    }

    /// How long each answered interaction took, in real time, from dispatch to callback.
    pub fn ack_latencies(&self) -> Vec<Duration> {
        self.with(|state| state.interactions.values().filter_map(|one| one.ack.map(|ack| ack.real)).collect())
    }

    /// The dialog that is open in front of somebody.
    pub fn modal(&self, username: &str) -> Option<Modal> {
        self.with(|state| state.user_named(username)?.modal.as_ref().map(|(modal, _)| modal.clone()))
    }

    /// The registered commands, as Discord would list them.
    pub fn registered_commands(&self) -> Vec<Value> {
        self.with(|state| state.commands().cloned().collect())
    }

    /// Gives a person exactly these chat roles (names or ids); unknown names are left out.
    pub fn set_roles(&self, username: &str, roles: &[&str]) {
        self.with(|state| {
            let ids = roles.iter().filter_map(|name| state.role_named(name)).map(|role| role.id).collect();
            if let Some(user) = state.user_named_mut(username) {
                user.roles = ids;
            }
        });
        self.notify();
    }

    /// Takes one chat role from a person.
    pub fn remove_role(&self, username: &str, role: &str) {
        self.with(|state| {
            let id = state.role_named(role).map(|role| role.id);
            if let Some(user) = state.user_named_mut(username) {
                user.roles.retain(|held| Some(*held) != id);
            }
        });
        self.notify();
    }

    /// Whether a bot has a live gateway session.
    pub fn connected(&self) -> bool {
        self.with(|state| state.gateway.connected())
    }

    /// Waits until a bot has a live gateway session.
    pub async fn wait_connected(&self) {
        self.wait_until(Self::connected).await;
    }

    /// Waits until `condition` holds, looking again after every change.
    pub async fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        let mut changed = self.changed();
        while !condition(self) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// A number that grows with every change.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// How many answers counted as invalid requests (401, 403, 429), of which Discord bears 10 000 in ten minutes.
    pub fn invalid_requests(&self) -> usize {
        self.0.invalid.load(Ordering::SeqCst)
    }

    /// How many connections with a live gateway session there are.
    pub fn connections(&self) -> usize {
        self.with(|state| state.gateway.connections())
    }

    /// How many of the day's session starts were used, also by an IDENTIFY that was refused.
    pub fn logins(&self) -> usize {
        self.with(|state| state.gateway.logins)
    }

    /// How many gateway sessions were started (IDENTIFY, not RESUME).
    pub fn identifies(&self) -> usize {
        self.with(|state| state.gateway.identifies)
    }

    /// Interactions that are commands, clicks or submitted dialogs and that nobody answered in time.
    pub fn failed_interactions(&self) -> Vec<InteractionView> {
        let failed = |one: &InteractionView| {
            matches!(one.state, InteractionState::Never | InteractionState::AnsweredLate { .. })
                && one.kind != Act::Autocomplete as u8
        };
        self.interactions().into_iter().filter(failed).collect()
    }

    /// An uploaded file by its id.
    pub fn attachment(&self, id: &str) -> Option<Upload> {
        self.with(|state| {
            let files = state.messages.values().flat_map(|message| &message.attachments);
            files.into_iter().find(|file| file.id.to_string() == id).map(|file| Upload {
                filename: file.filename.clone(),
                content_type: file.content_type.clone(),
                bytes: file.bytes.clone(),
            })
        })
    }
}
