//! Typing, clicking, choosing and filling in: each makes one interaction and sends it to the bot.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::typed::Typed;
use super::{ChatError, ChatUser};
use crate::Discord;
use crate::discord::ids::{ChannelId, InteractionId, MessageId, UserId};
use crate::discord::message::{Author, Message};
use crate::discord::payload;
use crate::discord::rules::SUPPRESS_NOTIFICATIONS;
use crate::discord::state::{Act, Interaction, State};
use crate::discord::view::{Button, Choice, Component, MessageView, Modal, Select};

/// How long a client waits for choices, in real time.
const CHOICES_WITHIN: Duration = Duration::from_secs(3);

/// What an interaction is about.
struct Wish {
    act: Act,
    channel: ChannelId,
    label: String,
    command: String,
    source: Option<MessageId>,
    data: Value,
}

impl ChatUser {
    /// Types a command and sends it. The text is read against the registered commands, as the client does.
    pub fn run(&self, channel: &str, text: &str) -> Result<InteractionId, ChatError> {
        self.run_with(channel, text, &[])
    }

    /// As [`ChatUser::run`], with the exact values of some options, as if picked from choices.
    pub fn run_with(&self, channel: &str, text: &str, exact: &[(&str, &str)]) -> Result<InteractionId, ChatError> {
        let wish = self.discord.with(|state| {
            let mut typed = Typed::parse(text, state.commands())?;
            for (option, value) in exact {
                typed.set(option, value);
            }
            let user = self.find(state)?;
            let command = typed.name();
            let shown = |option: &str| user.shown.get(&format!("{command} {option}")).cloned();
            let data = typed.data(state, &shown, exact)?;
            let channel = channel_id(state, channel)?;
            let label = text.trim().to_owned();
            Ok(Wish { act: Act::Command, channel, label, command, source: None, data })
        })?;
        self.send(wish)
    }

    /// Asks for choices of the option being typed (the last one in the text) and waits for the bot's answer.
    pub async fn autocomplete(&self, channel: &str, text: &str) -> Result<Vec<Choice>, ChatError> {
        let (key, wish) = self.discord.with(|state| {
            let typed = Typed::parse(text, state.commands())?;
            let (focused, data) = typed.question(state)?;
            let channel = channel_id(state, channel)?;
            let command = typed.name();
            let key = format!("{command} {focused}");
            let label = text.trim().to_owned();
            Ok((key, Wish { act: Act::Autocomplete, channel, label, command, source: None, data }))
        })?;
        let id = self.send(wish)?;
        let answered = self.discord.wait_until(|discord| {
            discord.with(|state| state.interactions.get(&id).is_none_or(|one| one.choices.is_some()))
        });
        let _in_time = tokio::time::timeout(CHOICES_WITHIN, answered).await;
        let choices = self.discord.with(|state| {
            let interaction = state.interactions.get_mut(&id)?;
            interaction.abandoned = interaction.choices.is_none();
            let choices = interaction.choices.clone()?;
            if let Some(user) = state.user_named_mut(&self.username) {
                user.shown.insert(key, choices.clone());
            }
            Some(choices)
        });
        choices.ok_or_else(|| ChatError::because("Loading options failed"))
    }

    /// Presses a button that this person sees, by its label or custom id.
    pub fn click(&self, message: MessageId, label_or_custom_id: &str) -> Result<InteractionId, ChatError> {
        let view = self.see(message)?;
        let button = find_button(&view, label_or_custom_id)?;
        let custom_id = button.custom_id.clone().ok_or_else(|| ChatError::because("this button is a link"))?;
        self.component(&view, &button.label, &custom_id, 2, None)
    }

    /// Chooses in a select menu that this person sees, by values or labels.
    pub fn select(&self, message: MessageId, custom_id: &str, values: &[&str]) -> Result<InteractionId, ChatError> {
        let view = self.see(message)?;
        let select = find_select(&view, custom_id)?;
        let count = values.len() as u64;
        if count < select.min || count > select.max {
            return Err(ChatError::because(format!("choose {} to {} values", select.min, select.max)));
        }
        let mut chosen = Vec::new();
        for value in values {
            let option = select.options.iter().find(|option| option.value == *value || option.label == *value);
            match option {
                Some(option) => chosen.push(option.value.clone()),
                None if select.component != 3 => chosen.push((*value).to_owned()),
                None => return Err(ChatError::because(format!("`{value}` is not in this menu"))),
            }
        }
        self.component(&view, &chosen.join(", "), custom_id, select.component, Some(chosen))
    }

    /// Sends a click with any custom id on a message this person sees, as a modified client could.
    pub fn click_raw(&self, message: MessageId, custom_id: &str) -> Result<InteractionId, ChatError> {
        let view = self.see(message)?;
        self.component(&view, custom_id, custom_id, 2, None)
    }

    /// As [`ChatUser::click_raw`], on any message at all: somebody else's ephemeral one, or a deleted one.
    pub fn click_forged(&self, message: MessageId, custom_id: &str) -> Result<InteractionId, ChatError> {
        let base = self.discord.base_url();
        let view = self.discord.with(|state| state.messages.get(&message).map(|message| state.view(message, &base)));
        let view = view.ok_or_else(|| ChatError::because("there never was such a message"))?;
        self.component(&view, custom_id, custom_id, 2, None)
    }

    /// Sends a choice with any values at all, as a modified client could.
    pub fn select_raw(&self, message: MessageId, custom_id: &str, values: &[&str]) -> Result<InteractionId, ChatError> {
        let view = self.see(message)?;
        let chosen = values.iter().map(|&value| value.to_owned()).collect();
        self.component(&view, &values.join(", "), custom_id, 3, Some(chosen))
    }

    /// Fills in and sends the dialog that is open; fields not named keep the text they start with.
    pub fn submit(&self, modal: &Modal, fields: &[(&str, &str)]) -> Result<InteractionId, ChatError> {
        let mut rows = Vec::new();
        for input in &modal.inputs {
            let given = fields.iter().find(|(name, _)| *name == input.custom_id || *name == input.label);
            let value = given.map_or(input.value.as_str(), |(_, value)| value);
            let length = value.chars().count();
            if (length > 0 || input.required)
                && (length < input.min.max(usize::from(input.required)) || length > input.max)
            {
                let (label, min, max) = (&input.label, input.min, input.max);
                return Err(ChatError::because(format!("`{label}` takes {min} to {max} characters")));
            }
            rows.push(json!({"type": 1, "components": [{"type": 4, "custom_id": input.custom_id, "value": value}]}));
        }
        let wish = self.discord.with(|state| {
            let user = state.user_named_mut(&self.username).ok_or_else(unknown_person)?;
            if user.modal.as_ref().is_none_or(|(open, _)| open.interaction != modal.interaction) {
                return Err(ChatError::because("this dialog is not open"));
            }
            user.modal = None;
            let from =
                state.interactions.get(&modal.interaction).ok_or_else(|| ChatError::because("no such dialog"))?;
            Ok(Wish {
                act: Act::Modal,
                channel: from.channel,
                label: modal.title.clone(),
                command: from.command.clone(),
                source: from.source,
                data: json!({"custom_id": modal.custom_id, "components": rows}),
            })
        })?;
        self.send(wish)
    }

    /// Closes the open dialog without sending it. The bot hears nothing of that.
    pub fn close_modal(&self) {
        self.discord.with(|state| state.user_named_mut(&self.username).map(|user| user.modal = None));
        self.discord.notify();
    }

    /// Presses "Dismiss message" under an ephemeral message of one's own.
    pub fn dismiss(&self, message: MessageId) -> Result<(), ChatError> {
        let view = self.see(message)?;
        if view.ephemeral_for.as_deref() != Some(&self.username) {
            return Err(ChatError::because("only one's own ephemeral message can be dismissed"));
        }
        self.discord.with(|state| state.messages.get_mut(&message).map(|message| message.dismissed = true));
        self.discord.notify();
        Ok(())
    }

    /// Writes an ordinary message.
    pub fn say(&self, channel: &str, text: &str) -> Result<MessageId, ChatError> {
        let now = self.discord.now();
        let id = self.discord.with(|state| {
            let author = self.find(state)?.id;
            let channel = channel_id(state, channel)?;
            if text.trim().is_empty() || text.chars().count() > 2000 {
                return Err(ChatError::because("a message has 1 to 2000 characters"));
            }
            let id = MessageId(state.snowflakes.next(now));
            let mut message = Message::new(id, channel, now);
            message.author = Author::User(author);
            text.trim().clone_into(&mut message.content);
            message.flags &= !SUPPRESS_NOTIFICATIONS;
            state.messages.insert(id, message);
            Ok(id)
        })?;
        self.discord.notify();
        Ok(id)
    }

    /// A message as this person sees it, or an error.
    fn see(&self, id: MessageId) -> Result<MessageView, ChatError> {
        let view = self.discord.message(id).ok_or_else(|| ChatError::because("this message is not there"))?;
        let hidden = view.ephemeral_for.as_deref().is_some_and(|owner| owner != self.username);
        if hidden || view.dismissed {
            return Err(ChatError::because("this person does not see this message"));
        }
        Ok(view)
    }

    fn find<'a>(&self, state: &'a State) -> Result<&'a crate::discord::state::User, ChatError> {
        state.user_named(&self.username).ok_or_else(unknown_person)
    }

    fn component(
        &self,
        view: &MessageView,
        label: &str,
        custom_id: &str,
        kind: u64,
        values: Option<Vec<String>>,
    ) -> Result<InteractionId, ChatError> {
        let mut data = json!({"custom_id": custom_id, "component_type": kind, "id": 1});
        if let Some(values) = values {
            data["values"] = json!(values);
            self.discord.with(|state| resolve(state, &values, &mut data));
        }
        let label = format!("[{label}]");
        let command = view.used.as_ref().map_or_else(String::new, |(_, name)| name.trim_start_matches('/').to_owned());
        self.send(Wish { act: Act::Component, channel: view.channel, label, command, source: Some(view.id), data })
    }

    /// Makes the interaction and delivers it.
    fn send(&self, wish: Wish) -> Result<InteractionId, ChatError> {
        let now = self.discord.now();
        let base = self.discord.base_url();
        let id = self.discord.with(|state| {
            let user: UserId = self.find(state)?.id;
            let id = InteractionId(state.snowflakes.next(now));
            let token = format!("aW50{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
            let mut interaction = Interaction {
                id,
                act: wish.act,
                user,
                channel: self.lies.channel(wish.channel, user),
                label: wish.label,
                command: wish.command,
                created: now,
                sent: Instant::now(),
                payload: Value::Null,
                delivered: 0,
                ack: None,
                late: None,
                abandoned: false,
                choices: None,
                original: None,
                source: wish.source,
            };
            interaction.payload = payload::interaction(state, &interaction, &token, &wish.data, &base);
            self.lies.tell(state, user, &mut interaction.payload)?;
            if state.endpoint.url.is_none() {
                interaction.delivered = state.gateway.dispatch("INTERACTION_CREATE", &interaction.payload);
            }
            state.tokens.insert(token, id);
            state.interactions.insert(id, interaction);
            Ok(id)
        })?;
        self.discord.send_to_endpoint(id);
        self.discord.notify();
        Ok(id)
    }
}

impl Discord {
    /// Delivers the same interaction a second time, as Discord sometimes does.
    pub fn resend(&self, id: InteractionId) -> bool {
        if self.send_to_endpoint(id) {
            return true;
        }
        self.with(|state| {
            let Some(payload) = state.interactions.get(&id).map(|one| one.payload.clone()) else { return false };
            state.gateway.dispatch("INTERACTION_CREATE", &payload) > 0
        })
    }
}

fn unknown_person() -> ChatError {
    ChatError::because("nobody here has this username")
}

fn channel_id(state: &State, name: &str) -> Result<ChannelId, ChatError> {
    let found = state.channel_named(name).map(|channel| channel.id);
    found.ok_or_else(|| ChatError::because(format!("there is no channel #{name}")))
}

fn find_button<'a>(view: &'a MessageView, wanted: &str) -> Result<&'a Button, ChatError> {
    let matches = |button: &&Button| button.label == wanted || button.custom_id.as_deref() == Some(wanted);
    let button = view.buttons().find(matches).ok_or_else(|| {
        let labels: Vec<&str> = view.buttons().map(|button| button.label.as_str()).collect();
        ChatError::because(format!("no button `{wanted}` here; there are {labels:?}"))
    })?;
    if button.disabled {
        return Err(ChatError::because(format!("the button `{wanted}` is disabled")));
    }
    Ok(button)
}

fn find_select<'a>(view: &'a MessageView, wanted: &str) -> Result<&'a Select, ChatError> {
    let selects = view.rows.iter().flatten().filter_map(|component| match component {
        Component::Select(select) => Some(select),
        Component::Button(_) => None,
    });
    let select = selects.into_iter().find(|select| select.custom_id == wanted);
    let select = select.ok_or_else(|| ChatError::because(format!("no menu `{wanted}` here")))?;
    if select.disabled {
        return Err(ChatError::because(format!("the menu `{wanted}` is disabled")));
    }
    Ok(select)
}

/// People and roles chosen in a menu travel with the click.
fn resolve(state: &State, values: &[String], data: &mut Value) {
    for value in values {
        if let Some(user) = state.users.iter().find(|user| user.id.to_string() == *value) {
            data["resolved"]["users"][value] = payload::user(user);
        }
        if let Some(role) = state.roles.iter().find(|role| role.id.to_string() == *value) {
            data["resolved"]["roles"][value] = payload::role(role, 1);
        }
    }
}
