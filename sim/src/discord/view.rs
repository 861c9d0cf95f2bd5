//! What people and tests see of messages and interactions.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::embed::Embed;
use super::ids::{ChannelId, InteractionId, MessageId};
use super::message::{Attachment, Author, Message, attachment_url, embed_json};
use super::rules::EPHEMERAL;
use super::state::{Act, Interaction, State};

/// One suggestion of an option's autocomplete.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// What is shown.
    pub name: String,
    /// What is sent.
    pub value: Value,
}

/// Somebody whom a message really notified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Ping {
    /// A person, by username.
    User(String),
    /// Everyone with a role, by the role's name.
    Role(String),
    /// `@everyone` or `@here`.
    Everyone,
}

/// What a message said before an edit.
#[derive(Clone, Debug, Serialize)]
pub struct Revision {
    /// Since when it said so.
    pub at: Timestamp,
    /// Its text.
    pub content: String,
    /// Its embeds, as sent.
    pub embeds: Vec<Value>,
    /// Its rows, as sent.
    pub components: Vec<Value>,
}

/// A message as it stands in a channel.
#[derive(Clone, Debug, Serialize)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// Where it is.
    pub channel: ChannelId,
    /// Name of the author as shown.
    pub author: String,
    /// Whether the bot wrote it.
    pub from_bot: bool,
    /// Its text.
    pub content: String,
    /// Its embeds.
    pub embeds: Vec<Embed>,
    /// Its rows of buttons and menus.
    pub rows: Vec<Vec<Component>>,
    /// Addresses of attached files.
    pub attachments: Vec<String>,
    /// Only one person sees it: their username.
    pub ephemeral_for: Option<String>,
    /// "is thinking…"
    pub loading: bool,
    /// When it was written.
    pub created: Timestamp,
    /// When it was last edited.
    pub edited: Option<Timestamp>,
    /// Who was notified by it.
    pub pings: Vec<Ping>,
    /// The message it replies to.
    pub reply_to: Option<MessageId>,
    /// What it said before, oldest first.
    pub history: Vec<Revision>,
    /// The interaction that it answers.
    pub interaction: Option<InteractionId>,
    /// `@who used /what`, for the answer to a command.
    pub used: Option<(String, String)>,
    /// Whether the owner pressed "Dismiss message".
    pub dismissed: bool,
}

impl MessageView {
    /// Whether only one person sees it.
    pub fn is_ephemeral(&self) -> bool {
        self.ephemeral_for.is_some()
    }

    /// All buttons, in reading order.
    pub fn buttons(&self) -> impl Iterator<Item = &Button> {
        self.rows.iter().flatten().filter_map(|component| match component {
            Component::Button(button) => Some(button),
            Component::Select(_) => None,
        })
    }

    /// A button by its label.
    pub fn button(&self, label: &str) -> Option<&Button> {
        self.buttons().find(|button| button.label == label)
    }

    /// Everything a person reads in it: content, then each embed's parts, one per line.
    pub fn text(&self) -> String {
        let mut lines = vec![self.content.clone()];
        for embed in &self.embeds {
            lines.extend(embed.lines());
        }
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }
}

/// A button or a menu.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Component {
    /// A button.
    Button(Button),
    /// A select menu.
    Select(Select),
}

/// A button.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// What the bot gets; `None` for links.
    pub custom_id: Option<String>,
    /// 1 primary, 2 secondary, 3 success, 4 danger, 5 link.
    pub style: u64,
    /// Whether it cannot be pressed.
    pub disabled: bool,
    /// Where a link leads.
    pub url: Option<String>,
}

/// A select menu.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Select {
    /// What the bot gets.
    pub custom_id: String,
    /// Text shown while nothing is chosen.
    pub placeholder: String,
    /// What can be chosen.
    pub options: Vec<SelectOption>,
    /// Fewest values.
    pub min: u64,
    /// Most values.
    pub max: u64,
    /// Whether it cannot be used.
    pub disabled: bool,
    /// Discord's component type: 3 strings, 5 users, 6 roles, 7 both, 8 channels.
    pub component: u64,
}

/// One line of a select menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SelectOption {
    /// What is shown.
    pub label: String,
    /// What is sent.
    pub value: String,
    /// The second line.
    pub description: String,
    /// Whether it is chosen from the start.
    pub default: bool,
}

/// A dialog that is open in front of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Modal {
    /// The interaction whose answer it is.
    pub interaction: InteractionId,
    /// What the bot gets.
    pub custom_id: String,
    /// Heading.
    pub title: String,
    /// Text inputs in order.
    pub inputs: Vec<ModalInput>,
}

/// One text input of a dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModalInput {
    /// What the bot gets.
    pub custom_id: String,
    /// What is asked.
    pub label: String,
    /// Whether it has several lines.
    pub paragraph: bool,
    /// Whether it must be filled in.
    pub required: bool,
    /// Fewest characters.
    pub min: usize,
    /// Most characters.
    pub max: usize,
    /// Grey text.
    pub placeholder: String,
    /// Text at the start.
    pub value: String,
}

/// How an interaction was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum InteractionState {
    /// Within its three seconds, and not answered yet.
    Waiting,
    /// Answered in time.
    Acknowledged {
        /// Simulated milliseconds after the person acted.
        after_ms: i64,
        /// Discord's callback type.
        callback: i64,
    },
    /// The answer came after the three seconds and was refused.
    AnsweredLate {
        /// Simulated milliseconds after the person acted.
        after_ms: i64,
    },
    /// "The application did not respond".
    Never,
}

impl Interaction {
    pub(super) fn state(&self, now: Timestamp) -> InteractionState {
        let after = |at: Timestamp| i64::try_from(at.duration_since(self.created).as_millis()).unwrap_or(i64::MAX);
        match (self.ack, self.late) {
            (Some(ack), _) => InteractionState::Acknowledged { after_ms: after(ack.at), callback: ack.kind },
            (None, Some(late)) => InteractionState::AnsweredLate { after_ms: after(late) },
            (None, None) if self.open(now) => InteractionState::Waiting,
            (None, None) => InteractionState::Never,
        }
    }
}

impl State {
    /// A message for people.
    pub(super) fn view(&self, message: &Message, base: &str) -> MessageView {
        let author = match message.author {
            Author::Bot => self.bot_name.clone(),
            Author::User(id) => self.user(id).map(|user| user.display_name.clone()).unwrap_or_default(),
        };
        let interaction = message.interaction.and_then(|id| self.interactions.get(&id));
        let used = interaction.filter(|i| i.act == Act::Command && message.kind == 20).map(|i| {
            (self.user(i.user).map(|user| user.display_name.clone()).unwrap_or_default(), format!("/{}", i.command))
        });
        MessageView {
            id: message.id,
            channel: message.channel,
            author,
            from_bot: message.author == Author::Bot,
            content: message.content.clone(),
            embeds: message
                .embeds
                .iter()
                .filter_map(|embed| serde_json::from_value(embed_json(embed, message, base)).ok())
                .collect(),
            rows: message.components.iter().map(row).collect(),
            attachments: message.attachments.iter().map(|file: &Attachment| attachment_url(file, base)).collect(),
            ephemeral_for: message
                .owner
                .filter(|_| message.flags & EPHEMERAL != 0)
                .and_then(|id| self.user(id))
                .map(|user| user.username.clone()),
            loading: message.is_loading(),
            created: message.created,
            edited: message.edited,
            pings: message.pings.clone(),
            reply_to: message.reply_to,
            history: message.history.clone(),
            interaction: message.interaction,
            used,
            dismissed: message.dismissed,
        }
    }
}

fn row(row: &Value) -> Vec<Component> {
    row["components"].as_array().into_iter().flatten().filter_map(component).collect()
}

fn component(value: &Value) -> Option<Component> {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let disabled = value["disabled"].as_bool().unwrap_or(false);
    match value["type"].as_u64()? {
        2 => {
            let emoji = value["emoji"]["name"].as_str().unwrap_or_default();
            Some(Component::Button(Button {
                label: format!("{emoji} {}", text("label")).trim().to_owned(),
                custom_id: value["custom_id"].as_str().map(str::to_owned),
                style: value["style"].as_u64().unwrap_or(2),
                disabled,
                url: value["url"].as_str().map(str::to_owned),
            }))
        }
        component @ (3 | 5..=8) => Some(Component::Select(Select {
            custom_id: text("custom_id"),
            placeholder: text("placeholder"),
            options: value["options"].as_array().into_iter().flatten().map(option).collect(),
            min: value["min_values"].as_u64().unwrap_or(1),
            max: value["max_values"].as_u64().unwrap_or(1),
            disabled,
            component,
        })),
        _ => None,
    }
}

fn option(value: &Value) -> SelectOption {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    SelectOption {
        label: text("label"),
        value: text("value"),
        description: text("description"),
        default: value["default"].as_bool().unwrap_or(false),
    }
}

/// Reads a checked modal for people.
pub(super) fn modal(interaction: InteractionId, data: &Value) -> Modal {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let size = |value: &Value, or: usize| value.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(or);
    let inputs = data["components"].as_array().into_iter().flatten().map(|row| {
        let input = &row["components"][0];
        ModalInput {
            custom_id: text(input, "custom_id"),
            label: text(input, "label"),
            paragraph: input["style"] == 2,
            required: input["required"].as_bool().unwrap_or(true),
            min: size(&input["min_length"], 0),
            max: size(&input["max_length"], 4000),
            placeholder: text(input, "placeholder"),
            value: text(input, "value"),
        }
    });
    Modal { interaction, custom_id: text(data, "custom_id"), title: text(data, "title"), inputs: inputs.collect() }
}
