//! A command as Discord delivers it, before its options have types.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// The `data` object of a command or autocomplete interaction; fields that no command needs are ignored.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Invocation {
    /// The command's name.
    pub name: String,
    /// The options given.
    #[serde(default)]
    pub options: Vec<GivenOption>,
}

/// One option as given.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct GivenOption {
    /// The option's name.
    pub name: String,
    /// Its value; absent on sub-commands.
    #[serde(default)]
    pub value: Value,
    /// Whether the person is typing in it (autocomplete only).
    #[serde(default)]
    pub focused: bool,
}

/// The option that the person is typing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Focused<'a> {
    /// The option's name.
    pub option: &'a str,
    /// What stands in it so far.
    pub text: &'a str,
}

impl Invocation {
    /// The option being typed in, for autocomplete.
    pub fn focused(&self) -> Option<Focused<'_>> {
        let option = self.options.iter().find(|option| option.focused)?;
        Some(Focused { option: &option.name, text: option.value.as_str()? })
    }

    /// A required text option, trimmed.
    pub(crate) fn text(&self, name: &'static str, max: u16) -> Result<String, BadInvocation> {
        self.optional_text(name, max)?.ok_or(BadInvocation::Missing(name))
    }

    /// An optional text option, trimmed; blank counts as absent.
    pub(crate) fn optional_text(&self, name: &'static str, max: u16) -> Result<Option<String>, BadInvocation> {
        let Some(option) = self.options.iter().find(|option| option.name == name) else { return Ok(None) };
        let text = option.value.as_str().ok_or(BadInvocation::NotText(name))?.trim();
        if text.chars().count() > usize::from(max) {
            return Err(BadInvocation::TooLong { option: name, max });
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }
}

/// Why an invocation is no command of ours. Discord's own client does not send these; somebody else's might.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadInvocation {
    /// No such command.
    UnknownCommand(String),
    /// A required option is absent or blank.
    Missing(&'static str),
    /// The option's value is not text.
    NotText(&'static str),
    /// The option's text is longer than its definition allows.
    TooLong {
        /// The option.
        option: &'static str,
        /// How many characters it takes.
        max: u16,
    },
}

impl fmt::Display for BadInvocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCommand(_) => f.write_str("This bot has no such command. `/help` lists what it understands."),
            Self::Missing(option) => {
                write!(f, "The option `{option}:` is empty. Fill it in and send the command again.")
            }
            Self::NotText(option) => write!(f, "The option `{option}:` takes text."),
            Self::TooLong { option, max } => write!(f, "The option `{option}:` takes at most {max} characters."),
        }
    }
}

impl std::error::Error for BadInvocation {}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(json: &str) -> Invocation {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn fields_that_discord_adds_are_ignored() {
        let read = invocation(
            r#"{"id":"1","name":"sync","type":1,"resolved":{},"options":[{"name":"device","type":3,"value":"LT-042","focused":true}]}"#,
        );
        assert_eq!(read.focused(), Some(Focused { option: "device", text: "LT-042" }));
    }

    #[test]
    fn a_blank_required_option_counts_as_missing() {
        let read = invocation(r#"{"name":"sync","options":[{"name":"device","value":"  "}]}"#);
        assert_eq!(read.text("device", 10), Err(BadInvocation::Missing("device")));
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        let read = invocation(r#"{"name":"sync","options":[{"name":"device","value":"äöü"}]}"#);
        assert_eq!(read.text("device", 3).as_deref(), Ok("äöü"));
        assert_eq!(read.text("device", 2), Err(BadInvocation::TooLong { option: "device", max: 2 }));
    }

    #[test]
    fn a_number_where_text_belongs_is_refused() {
        let read = invocation(r#"{"name":"sync","options":[{"name":"device","value":7}]}"#);
        assert_eq!(read.text("device", 3), Err(BadInvocation::NotText("device")));
    }
}
