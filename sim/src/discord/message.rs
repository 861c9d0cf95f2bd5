//! One stored message, and how it goes over the wire.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::ids::{ChannelId, InteractionId, MessageId, RoleId, UserId};
use super::payload;
use super::rules::{AllowedMentions, Draft, EPHEMERAL, LOADING};
use super::state::{Act, State};
use super::view::{Ping, Revision};

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Author {
    Bot,
    User(UserId),
}

/// An uploaded file.
#[derive(Clone, Debug)]
pub(super) struct Attachment {
    pub(super) id: u64,
    pub(super) filename: String,
    pub(super) content_type: String,
    pub(super) bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: MessageId,
    pub(super) channel: ChannelId,
    pub(super) author: Author,
    pub(super) content: String,
    pub(super) embeds: Vec<Value>,
    pub(super) components: Vec<Value>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) flags: u64,
    pub(super) created: Timestamp,
    pub(super) edited: Option<Timestamp>,
    /// The only person who sees it, if it is ephemeral.
    pub(super) owner: Option<UserId>,
    pub(super) pings: Vec<Ping>,
    pub(super) reply_to: Option<MessageId>,
    pub(super) nonce: Option<Value>,
    pub(super) interaction: Option<InteractionId>,
    /// Discord's message type: 0 plain, 19 reply, 20 answer to a command.
    pub(super) kind: u8,
    pub(super) history: Vec<Revision>,
    pub(super) deleted: bool,
    pub(super) dismissed: bool,
    /// Edits made once the message was an hour old.
    pub(super) old_edits: Vec<Timestamp>,
}

impl Message {
    /// A message of the bot's without content.
    pub(super) fn new(id: MessageId, channel: ChannelId, created: Timestamp) -> Self {
        Self {
            id,
            channel,
            author: Author::Bot,
            content: String::new(),
            embeds: Vec::new(),
            components: Vec::new(),
            attachments: Vec::new(),
            flags: 0,
            created,
            edited: None,
            owner: None,
            pings: Vec::new(),
            reply_to: None,
            nonce: None,
            interaction: None,
            kind: 0,
            history: Vec::new(),
            deleted: false,
            dismissed: false,
            old_edits: Vec::new(),
        }
    }

    pub(super) fn is_loading(&self) -> bool {
        self.flags & LOADING != 0
    }

    /// Takes over what a body says, and leaves the rest.
    pub(super) fn apply(&mut self, draft: &Draft) {
        if let Some(content) = &draft.content {
            self.content.clone_from(content);
        }
        if let Some(embeds) = &draft.embeds {
            self.embeds.clone_from(embeds);
        }
        if let Some(components) = &draft.components {
            self.components.clone_from(components);
        }
        self.flags |= draft.flags & !(EPHEMERAL | LOADING);
    }

    /// Edits the message at `now` and keeps what it said before.
    pub(super) fn edit(&mut self, draft: &Draft, files: Vec<Attachment>, now: Timestamp) {
        if !self.is_loading() {
            self.history.push(Revision {
                at: self.edited.unwrap_or(self.created),
                content: self.content.clone(),
                embeds: self.embeds.clone(),
                components: self.components.clone(),
            });
            self.edited = Some(now);
        }
        self.flags &= !LOADING;
        if !draft.keeps_attachments {
            self.attachments.clear();
        }
        self.attachments.extend(files);
        self.apply(draft);
    }

    /// Whether nothing would be left to see.
    pub(super) fn is_empty(&self) -> bool {
        self.content.is_empty() && self.embeds.is_empty() && self.components.is_empty() && self.attachments.is_empty()
    }
}

impl State {
    /// Whom a new message really pings.
    pub(super) fn pings(&self, content: &str, allowed: &AllowedMentions, reply_to: Option<MessageId>) -> Vec<Ping> {
        let mut pings = Vec::new();
        let may = |kind: &str| allowed.parse.contains(kind);
        for (user, id) in self.users.iter().map(|user| (user, user.id.to_string())) {
            let named = content.contains(&format!("<@{id}>")) || content.contains(&format!("<@!{id}>"));
            let replied = allowed.replied_user
                && reply_to.and_then(|id| self.messages.get(&id)).is_some_and(|m| m.author == Author::User(user.id));
            if (named && (may("users") || allowed.users.contains(&id))) || replied {
                pings.push(Ping::User(user.username.clone()));
            }
        }
        for role in &self.roles {
            let id = role.id.to_string();
            if content.contains(&format!("<@&{id}>")) && (may("roles") || allowed.roles.contains(&id)) {
                pings.push(Ping::Role(role.name.clone()));
            }
        }
        if may("everyone") && (content.contains("@everyone") || content.contains("@here")) {
            pings.push(Ping::Everyone);
        }
        pings
    }

    /// A message as JSON, as REST answers and component interactions carry it.
    pub(super) fn message_json(&self, message: &Message, base: &str) -> Value {
        let author = match message.author {
            Author::Bot => payload::bot_user(self),
            Author::User(id) => self.user(id).map(payload::user).unwrap_or_default(),
        };
        let mentions: Vec<Value> = self
            .users
            .iter()
            .filter(|user| message.content.contains(&format!("<@{}>", user.id)))
            .map(payload::user)
            .collect();
        let roles: Vec<RoleId> = self.roles.iter().map(|role| role.id).collect();
        let roles: Vec<&RoleId> = roles.iter().filter(|id| message.content.contains(&format!("<@&{id}>"))).collect();
        let attachments: Vec<Value> = message.attachments.iter().map(|file| attachment_json(file, base)).collect();
        let embeds: Vec<Value> = message.embeds.iter().map(|embed| embed_json(embed, message, base)).collect();
        let mut json = json!({
            "id": message.id, "channel_id": message.channel, "author": author, "content": message.content,
            "timestamp": message.created, "edited_timestamp": message.edited, "tts": false,
            "mention_everyone": message.pings.contains(&Ping::Everyone), "mentions": mentions, "mention_roles": roles,
            "attachments": attachments, "embeds": embeds, "pinned": false, "type": message.kind, "flags": message.flags,
            "components": numbered(&message.components),
        });
        if let Some(nonce) = &message.nonce {
            json["nonce"] = nonce.clone();
        }
        if let Some(reply_to) = message.reply_to {
            json["message_reference"] = json!({"type": 0, "message_id": reply_to, "channel_id": message.channel, "guild_id": self.guild_id.to_string()});
        }
        if let Some(interaction) = message.interaction.and_then(|id| self.interactions.get(&id)) {
            let user = self.user(interaction.user).map(payload::user).unwrap_or_default();
            let owners = json!({"0": self.guild_id.to_string()});
            let mut metadata = json!({"id": interaction.id, "type": interaction.act as u8, "user": user,
                "authorizing_integration_owners": owners});
            match (interaction.act, interaction.source) {
                (Act::Component, Some(source)) => metadata["interacted_message_id"] = json!(source),
                (Act::Modal, _) => {
                    metadata["triggering_interaction_metadata"] = json!({"id": interaction.id, "type": 2, "user": user,
                        "name": interaction.command, "command_type": 1, "authorizing_integration_owners": owners});
                }
                _ => {
                    metadata["name"] = json!(interaction.command);
                    metadata["command_type"] = json!(1);
                    json["interaction"] =
                        json!({"id": interaction.id, "type": 2, "name": interaction.command, "user": user});
                }
            }
            json["interaction_metadata"] = metadata;
            json["webhook_id"] = json!(self.app_id.to_string());
            json["application_id"] = json!(self.app_id.to_string());
        }
        json
    }
}

/// Where the page (and the JSON) finds an uploaded file.
pub(super) fn attachment_url(file: &Attachment, base: &str) -> String {
    let safe: String =
        file.filename.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' }).collect();
    format!("{base}/_sim/attachments/{}/{safe}", file.id)
}

/// An embed whose `attachment://` addresses are replaced.
pub(super) fn embed_json(embed: &Value, message: &Message, base: &str) -> Value {
    let mut embed = embed.clone();
    embed["type"] = json!("rich");
    for key in ["image", "thumbnail"] {
        let name = embed[key]["url"].as_str().and_then(|url| url.strip_prefix("attachment://"));
        let file = name.and_then(|name| message.attachments.iter().find(|file| file.filename == name));
        if let Some(file) = file {
            embed[key]["url"] = json!(attachment_url(file, base));
        }
    }
    if let Some(at) = embed["timestamp"].as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
        embed["timestamp"] = json!(at);
    }
    embed
}

fn attachment_json(file: &Attachment, base: &str) -> Value {
    let url = attachment_url(file, base);
    json!({"id": file.id.to_string(), "filename": file.filename, "size": file.bytes.len(), "url": url,
        "proxy_url": url, "content_type": file.content_type})
}

/// Discord numbers every component of a message.
fn numbered(rows: &[Value]) -> Vec<Value> {
    fn number(component: &Value, next: &mut u64) -> Value {
        let mut component = component.clone();
        component["id"] = json!(*next);
        *next += 1;
        if let Some(list) = component.get_mut("components").and_then(Value::as_array_mut) {
            for inner in list {
                *inner = number(inner, next);
            }
        }
        component
    }
    let mut next = 1;
    rows.iter().map(|row| number(row, &mut next)).collect()
}
