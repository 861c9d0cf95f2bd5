//! A slash command's definition, serialised exactly as Discord's registration endpoint takes it.

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

/// A chat-input command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// What is typed after the slash.
    pub name: &'static str,
    /// Up to 100 characters.
    pub description: &'static str,
    /// Required ones first.
    pub options: Vec<OptionSpec>,
}

/// Discord's application command type of a slash command.
const CHAT_INPUT: u8 = 1;

impl Serialize for Definition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &CHAT_INPUT)?;
        map.serialize_entry("name", self.name)?;
        map.serialize_entry("description", self.description)?;
        map.serialize_entry("options", &self.options)?;
        map.end()
    }
}

/// What kind of value an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// Free text (Discord's type 3).
    Text,
}

impl OptionKind {
    fn number(self) -> u8 {
        match self {
            Self::Text => 3,
        }
    }
}

/// One option of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionSpec {
    /// Its name, as typed before the colon.
    pub name: &'static str,
    /// Up to 100 characters.
    pub description: &'static str,
    /// The kind of value.
    pub kind: OptionKind,
    /// Whether the command cannot be sent without it.
    pub required: bool,
    /// Whether the bot suggests values while the person types.
    pub autocomplete: bool,
    /// Longest text, in characters.
    pub max_length: u16,
}

impl Serialize for OptionSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.kind.number())?;
        map.serialize_entry("name", self.name)?;
        map.serialize_entry("description", self.description)?;
        map.serialize_entry("required", &self.required)?;
        if self.autocomplete {
            map.serialize_entry("autocomplete", &true)?;
        }
        map.serialize_entry("max_length", &self.max_length)?;
        map.end()
    }
}

/// A `device:` option, the same for every command that names a device.
pub(crate) fn device_option(description: &'static str, required: bool) -> OptionSpec {
    OptionSpec {
        name: "device",
        description,
        kind: OptionKind::Text,
        required,
        autocomplete: true,
        max_length: crate::DEVICE_TEXT_MAX,
    }
}
