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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// Free text (Discord's type 3), at most so many characters.
    Text {
        /// Longest text, in characters.
        max_length: u16,
        /// Whether the bot suggests values while the person types.
        autocomplete: bool,
    },
    /// One of a few words (type 3 with choices): what is shown, and what is sent.
    Choice(&'static [(&'static str, &'static str)]),
    /// A whole number (type 4) between two bounds.
    Whole {
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// Yes or no (type 5).
    Flag,
    /// A sub-command (type 1) with options of its own.
    SubCommand(Vec<OptionSpec>),
}

impl OptionKind {
    fn number(&self) -> u8 {
        match self {
            Self::SubCommand(_) => 1,
            Self::Text { .. } | Self::Choice(_) => 3,
            Self::Whole { .. } => 4,
            Self::Flag => 5,
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
}

/// A choice, as Discord takes it.
#[derive(Serialize)]
struct Choice {
    name: &'static str,
    value: &'static str,
}

impl Serialize for OptionSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.kind.number())?;
        map.serialize_entry("name", self.name)?;
        map.serialize_entry("description", self.description)?;
        match &self.kind {
            OptionKind::SubCommand(options) => map.serialize_entry("options", options)?,
            kind => {
                map.serialize_entry("required", &self.required)?;
                match kind {
                    OptionKind::Text { max_length, autocomplete } => {
                        if *autocomplete {
                            map.serialize_entry("autocomplete", &true)?;
                        }
                        map.serialize_entry("max_length", max_length)?;
                    }
                    OptionKind::Choice(choices) => {
                        let choices: Vec<_> = choices.iter().map(|&(name, value)| Choice { name, value }).collect();
                        map.serialize_entry("choices", &choices)?;
                    }
                    OptionKind::Whole { min, max } => {
                        map.serialize_entry("min_value", min)?;
                        map.serialize_entry("max_value", max)?;
                    }
                    OptionKind::Flag | OptionKind::SubCommand(_) => {}
                }
            }
        }
        map.end()
    }
}

/// An optional or required text option without suggestions.
pub(crate) fn text_option(
    name: &'static str,
    description: &'static str,
    required: bool,
    max_length: u16,
) -> OptionSpec {
    OptionSpec { name, description, kind: OptionKind::Text { max_length, autocomplete: false }, required }
}

/// A `device:` option, the same for every command that names a device.
pub(crate) fn device_option(description: &'static str, required: bool) -> OptionSpec {
    let kind = OptionKind::Text { max_length: crate::DEVICE_TEXT_MAX, autocomplete: true };
    OptionSpec { name: "device", description, kind, required }
}

/// A `reason:` option.
pub(crate) fn reason_option() -> OptionSpec {
    text_option("reason", "Why: a ticket number, for example", false, crate::REASON_MAX)
}
