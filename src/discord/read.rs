//! From serenity's interactions to our own words: who, where, and what they said.

use commands::{CustomId, ForeignId, GivenOption, Invocation};
use secrecy::SecretString;
use serde_json::Value;
use serenity::all::{
    ActionRowComponent, CommandData, CommandDataOption, CommandDataOptionValue, CommandInteraction,
    ComponentInteraction, ComponentInteractionDataKind, Member, ModalInteraction,
};

use crate::chat::{Actor, ChannelId, ChatRoleId, ChatUserId, GuildId, InteractionId};
use crate::intune::DeviceId;

/// An interaction that came from a server's channel.
#[derive(Debug)]
pub(super) struct Received<T> {
    pub(super) id: InteractionId,
    pub(super) token: SecretString,
    pub(super) actor: Actor,
    pub(super) said: T,
}

/// What a press said.
#[derive(Debug)]
pub(super) struct Press {
    pub(super) id: Result<CustomId, ForeignId>,
    /// The chosen value of a list.
    pub(super) chosen: Option<String>,
}

impl Press {
    /// The chosen device, if the value is the id of one. Whether this person may choose it is not decided here.
    pub(super) fn chosen_device(&self) -> Option<DeviceId> {
        self.chosen.as_ref()?.parse().ok()
    }
}

/// A command or an autocompleted keystroke. `None`: a direct message, where nobody has roles.
pub(super) fn command(interaction: &CommandInteraction) -> Option<Received<Invocation>> {
    let actor = actor(interaction.guild_id, interaction.member.as_deref(), interaction.channel_id)?;
    let id = InteractionId(interaction.id.get());
    Some(Received {
        id,
        token: SecretString::from(interaction.token.clone()),
        actor,
        said: invocation(&interaction.data),
    })
}

/// A press of a button, or a choice from a list.
pub(super) fn press(interaction: &ComponentInteraction) -> Option<Received<Press>> {
    let actor = actor(interaction.guild_id, interaction.member.as_ref(), interaction.channel_id)?;
    let chosen = match &interaction.data.kind {
        ComponentInteractionDataKind::StringSelect { values } => values.first().cloned(),
        _ => None,
    };
    let said = Press { id: interaction.data.custom_id.parse(), chosen };
    let id = InteractionId(interaction.id.get());
    Some(Received { id, token: SecretString::from(interaction.token.clone()), actor, said })
}

/// A dialog, filled in.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) id: Result<CustomId, ForeignId>,
    /// Each input's name and text.
    inputs: Vec<(String, String)>,
}

impl Filled {
    /// What was typed into an input.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.inputs.iter().find(|(input, _)| input == name).map(|(_, text)| text.as_str())
    }
}

/// A dialog that someone sent.
pub(super) fn dialog(interaction: &ModalInteraction) -> Option<Received<Filled>> {
    let actor = actor(interaction.guild_id, interaction.member.as_ref(), interaction.channel_id)?;
    let components = interaction.data.components.iter().flat_map(|row| &row.components);
    let inputs = components.filter_map(|component| match component {
        ActionRowComponent::InputText(input) => Some((input.custom_id.clone(), input.value.clone()?)),
        _ => None,
    });
    let said = Filled { id: interaction.data.custom_id.parse(), inputs: inputs.collect() };
    let id = InteractionId(interaction.id.get());
    Some(Received { id, token: SecretString::from(interaction.token.clone()), actor, said })
}

fn actor(
    guild: Option<serenity::all::GuildId>,
    member: Option<&Member>,
    channel: serenity::all::ChannelId,
) -> Option<Actor> {
    let (guild, member) = (guild?, member?);
    Some(Actor {
        user: ChatUserId(member.user.id.get()),
        name: member.display_name().to_owned(),
        roles: member.roles.iter().map(|role| ChatRoleId(role.get())).collect(),
        guild: GuildId(guild.get()),
        channel: ChannelId(channel.get()),
    })
}

fn invocation(data: &CommandData) -> Invocation {
    Invocation { name: data.name.clone(), options: given(&data.options) }
}

fn given(options: &[CommandDataOption]) -> Vec<GivenOption> {
    let read = |option: &CommandDataOption| {
        let mut given =
            GivenOption { name: option.name.clone(), value: Value::Null, focused: false, options: Vec::new() };
        match &option.value {
            CommandDataOptionValue::String(text) => given.value = Value::String(text.clone()),
            CommandDataOptionValue::Integer(number) => given.value = Value::from(*number),
            CommandDataOptionValue::Boolean(flag) => given.value = Value::Bool(*flag),
            CommandDataOptionValue::Autocomplete { value, .. } => {
                given.value = Value::String(value.clone());
                given.focused = true;
            }
            CommandDataOptionValue::SubCommand(options) => given.options = self::given(options),
            _ => {}
        }
        given
    };
    options.iter().map(read).collect()
}
