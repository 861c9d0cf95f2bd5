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
    /// What was given to a sub-command.
    #[serde(default)]
    pub options: Vec<GivenOption>,
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
    /// The option being typed in, for autocomplete; of a sub-command too.
    pub fn focused(&self) -> Option<Focused<'_>> {
        let all = self.options.iter().flat_map(|option| std::iter::once(option).chain(&option.options));
        let option = all.into_iter().find(|option| option.focused)?;
        Some(Focused { option: &option.name, text: option.value.as_str()? })
    }

    /// The sub-command, as an invocation of its own.
    pub(crate) fn sub(&self) -> Result<Self, BadInvocation> {
        let sub = self.options.iter().find(|option| option.value.is_null());
        let sub = sub.ok_or(BadInvocation::Missing("sub-command"))?;
        Ok(Self { name: sub.name.clone(), options: sub.options.clone() })
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

    /// An optional yes or no; absent counts as no.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, BadInvocation> {
        let Some(option) = self.options.iter().find(|option| option.name == name) else { return Ok(false) };
        option.value.as_bool().ok_or(BadInvocation::NotAFlag(name))
    }

    /// An optional whole number between two bounds.
    pub(crate) fn whole(&self, name: &'static str, min: u32, max: u32) -> Result<Option<u32>, BadInvocation> {
        let Some(option) = self.options.iter().find(|option| option.name == name) else { return Ok(None) };
        let number = option.value.as_u64().and_then(|number| u32::try_from(number).ok());
        let within = number.filter(|number| (min..=max).contains(number));
        within.map(Some).ok_or(BadInvocation::NotWithin { option: name, min, max })
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
    /// The option's value is neither yes nor no.
    NotAFlag(&'static str),
    /// The option's value is not one of its choices.
    NotAChoice(&'static str),
    /// The option's value is not a whole number between its bounds.
    NotWithin {
        /// The option.
        option: &'static str,
        /// The least it takes.
        min: u32,
        /// The most it takes.
        max: u32,
    },
    /// A filter without any condition would be every device.
    NoCondition,
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
            Self::NotAFlag(option) => write!(f, "The option `{option}:` takes True or False."),
            Self::NotAChoice(option) => {
                write!(f, "The option `{option}:` takes one of the choices that Discord shows.")
            }
            Self::NotWithin { option, min, max } => {
                write!(f, "The option `{option}:` takes a whole number from {min} to {max}.")
            }
            Self::NoCondition => {
                f.write_str("Give at least one condition: a filter without any would be every device.")
            }
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
