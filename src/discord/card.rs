//! A card: one message of the bot as plain data, and its way into serenity's builders.
//!
//! Every outgoing message is made here, so every one says whom it may mention: nobody, or the one asker.

use std::fmt;

use commands::{CustomId, Verb};
use serenity::all::{
    ButtonStyle, CreateActionRow, CreateAllowedMentions, CreateButton, CreateEmbed, CreateEmbedFooter,
    CreateInteractionResponseMessage, CreateMessage, CreateSelectMenu, CreateSelectMenuKind, CreateSelectMenuOption,
    EditInteractionResponse, EditMessage, MessageFlags, Nonce, UserId,
};
use url::Url;

use super::file::{Files, TooLarge};
use crate::chat::ChatUserId;
use crate::store::RequestId;

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// Text above the embed.
    pub content: String,
    /// The box.
    pub embed: Option<Embed>,
    /// Buttons below it.
    pub buttons: Vec<Button>,
    /// Buttons before those that open an address in the reader's browser.
    pub links: Vec<LinkButton>,
    /// A list to choose from.
    pub select: Option<Select>,
    /// Who is pinged by `<@id>` in the content.
    pub mention: Option<ChatUserId>,
    /// Files. A card is the whole message: unless it says that they are kept, an edit removes those of before.
    pub files: Files,
}

/// The box of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embed {
    /// Headline.
    pub title: String,
    /// Text.
    pub description: String,
    /// Name and value, shown side by side where there is room.
    pub fields: Vec<(String, String)>,
    /// The bar at its side.
    pub tone: Tone,
    /// Small print.
    pub footer: Option<String>,
}

/// What the colour says; the words say it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A question, or work under way.
    Neutral,
    /// It worked.
    Good,
    /// It worked with a remark, or waits.
    Attention,
    /// It did not work.
    Bad,
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// Its text.
    pub label: String,
    /// What a press sends.
    pub id: CustomId,
    /// Whether it is the main one.
    pub primary: bool,
}

/// A button that opens an address. The bot hears nothing of a press.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkButton {
    /// Its text.
    pub label: String,
    /// Where it leads. It may be for the reader alone, so it is never printed.
    pub url: Url,
}

impl fmt::Debug for LinkButton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkButton").field("label", &self.label).finish_non_exhaustive()
    }
}

/// A list to choose one of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// What a choice sends.
    pub id: CustomId,
    /// Text while nothing is chosen.
    pub placeholder: String,
    /// Value, label, and a line below.
    pub options: Vec<(String, String, String)>,
}

impl Tone {
    fn colour(self) -> u32 {
        match self {
            Self::Neutral => 0x58_65_f2,
            Self::Good => 0x2e_a0_43,
            Self::Attention => 0xd2_99_22,
            Self::Bad => 0xda_36_33,
        }
    }
}

impl Embed {
    /// An embed without fields.
    pub fn new(tone: Tone, title: impl Into<String>, description: impl Into<String>) -> Self {
        Self { title: title.into(), description: description.into(), fields: Vec::new(), tone, footer: None }
    }

    /// Adds a field; one with nothing in it is left out, since Discord refuses it.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.trim().is_empty() {
            self.fields.push((name.to_owned(), value));
        }
        self
    }

    /// Sets the small print.
    #[must_use]
    pub fn footer(mut self, text: impl Into<String>) -> Self {
        self.footer = Some(text.into());
        self
    }

    fn build(&self) -> CreateEmbed {
        let mut embed = CreateEmbed::new().title(&self.title).colour(self.tone.colour());
        if !self.description.is_empty() {
            embed = embed.description(&self.description);
        }
        for (name, value) in &self.fields {
            embed = embed.field(name, value, true);
        }
        match &self.footer {
            Some(text) => embed.footer(CreateEmbedFooter::new(text)),
            None => embed,
        }
    }
}

impl Card {
    /// A card that is one line of text.
    pub fn text(content: impl Into<String>) -> Self {
        Self { content: content.into(), ..Self::default() }
    }

    /// A card that is a box.
    pub fn of(embed: Embed) -> Self {
        Self { embed: Some(embed), ..Self::default() }
    }

    /// Adds a button.
    #[must_use]
    pub fn button(mut self, label: &str, id: CustomId, primary: bool) -> Self {
        self.buttons.push(Button { label: label.to_owned(), id, primary });
        self
    }

    /// Adds a button that opens an address.
    #[must_use]
    pub fn link(mut self, label: &str, url: Url) -> Self {
        self.links.push(LinkButton { label: label.to_owned(), url });
        self
    }

    /// Adds a file. All of a card's together are at most [`super::MOST_BYTES`] large; one that does not fit is left out.
    pub fn attach(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), TooLarge> {
        self.files.add(name, bytes)
    }

    /// An edit leaves the message's files in their place.
    #[must_use]
    pub fn keeping_files(mut self) -> Self {
        self.files = Files::Kept;
        self
    }

    fn embeds(&self) -> Vec<CreateEmbed> {
        self.embed.iter().map(Embed::build).collect()
    }

    /// The request whose Yes is on it.
    pub(super) fn asks(&self) -> Option<RequestId> {
        let yes = self.buttons.iter().find(|button| button.id.verb == Verb::Yes)?;
        Some(RequestId(yes.id.record.0))
    }

    fn rows(&self) -> Vec<CreateActionRow> {
        let mut rows = Vec::new();
        if let Some(select) = &self.select {
            let options = select.options.iter().map(|(value, label, below)| {
                let option = CreateSelectMenuOption::new(label, value);
                if below.is_empty() { option } else { option.description(below) }
            });
            let kind = CreateSelectMenuKind::String { options: options.collect() };
            let menu = CreateSelectMenu::new(select.id.to_string(), kind).placeholder(&select.placeholder);
            rows.push(CreateActionRow::SelectMenu(menu));
        }
        if !self.buttons.is_empty() || !self.links.is_empty() {
            let links = self.links.iter().map(|link| CreateButton::new_link(link.url.as_str()).label(&link.label));
            let buttons = self.buttons.iter().map(|button| {
                let style = if button.primary { ButtonStyle::Primary } else { ButtonStyle::Secondary };
                CreateButton::new(button.id.to_string()).label(&button.label).style(style)
            });
            rows.push(CreateActionRow::Buttons(links.chain(buttons).collect()));
        }
        rows
    }

    fn mentions(&self) -> CreateAllowedMentions {
        let nobody = CreateAllowedMentions::new();
        match self.mention {
            Some(user) => nobody.users([UserId::new(user.0)]),
            None => nobody,
        }
    }

    /// As an answer that only the asker sees.
    pub fn private_answer(&self) -> CreateInteractionResponseMessage {
        self.in_place().ephemeral(true)
    }

    /// As the new form of the message whose button was pressed. Here serenity cannot keep files: those of before are removed.
    pub fn in_place(&self) -> CreateInteractionResponseMessage {
        CreateInteractionResponseMessage::new()
            .content(&self.content)
            .embeds(self.embeds())
            .components(self.rows())
            .allowed_mentions(self.mentions())
            .files(self.files.uploads())
    }

    /// As an edit of the reply.
    pub fn edit(&self) -> EditInteractionResponse {
        let edit = EditInteractionResponse::new()
            .content(&self.content)
            .embeds(self.embeds())
            .components(self.rows())
            .allowed_mentions(self.mentions());
        match self.files.edited() {
            Some(files) => edit.attachments(files),
            None => edit,
        }
    }

    /// As an edit of the bot's own message in a channel.
    pub fn edit_message(&self) -> EditMessage {
        let edit = EditMessage::new()
            .content(&self.content)
            .embeds(self.embeds())
            .components(self.rows())
            .allowed_mentions(self.mentions());
        match self.files.edited() {
            Some(files) => edit.attachments(files),
            None => edit,
        }
    }

    /// As a channel message; `nonce` makes Discord take it once.
    pub fn message(&self, nonce: &str) -> CreateMessage {
        CreateMessage::new()
            .content(&self.content)
            .embeds(self.embeds())
            .components(self.rows())
            .allowed_mentions(self.mentions())
            .files(self.files.uploads())
            .nonce(Nonce::String(nonce.to_owned()))
            .enforce_nonce(true)
            .flags(MessageFlags::empty())
    }
}

/// The card as text, as close to what a person sees as text can be: for snapshots and the log of the demo.
impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.content.is_empty() {
            writeln!(f, "{}", self.content)?;
        }
        if let Some(embed) = &self.embed {
            writeln!(f, "┌ {} ({:?})", embed.title, embed.tone)?;
            for line in embed.description.lines() {
                writeln!(f, "│ {line}")?;
            }
            for (name, value) in &embed.fields {
                writeln!(f, "│ {name}: {value}")?;
            }
            if let Some(footer) = &embed.footer {
                writeln!(f, "└ {footer}")?;
            }
        }
        if let Some(select) = &self.select {
            writeln!(f, "▾ {}", select.placeholder)?;
            for (_, label, below) in &select.options {
                writeln!(f, "  · {label} | {below}")?;
            }
        }
        match &self.files {
            Files::Only(files) => files.iter().try_for_each(|file| writeln!(f, "📎 {file}"))?,
            Files::Kept => writeln!(f, "📎 (as before)")?,
        }
        let links = self.links.iter().map(|link| format!("[{} ↗]", link.label));
        let buttons: Vec<_> = links.chain(self.buttons.iter().map(|button| format!("[{}]", button.label))).collect();
        if buttons.is_empty() { Ok(()) } else { writeln!(f, "{}", buttons.join(" ")) }
    }
}
