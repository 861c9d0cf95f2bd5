//! What Discord enforces on the bodies it is sent: sizes, counts, and the rules that its `OpenAPI` file leaves out.
//!
//! Every checker notes problems at dotted paths; [`crate::discord::error::Problems`] turns them into code 50035.
//! Misspelt keys are problems too: the real Discord drops them silently, which is worse.

mod commands;
mod components;
mod embeds;
mod message;
mod modal;

use serde_json::{Map, Value};

use super::error::Problems;

pub(super) use commands::check_commands;
pub(super) use message::{AllowedMentions, Draft, Kind, check_message};
pub(super) use modal::check_modal;

/// Suppresses previews.
pub(super) const SUPPRESS_EMBEDS: u64 = 1 << 2;
/// Only one person sees the message.
pub(super) const EPHEMERAL: u64 = 1 << 6;
/// The bot "is thinking".
pub(super) const LOADING: u64 = 1 << 7;
/// Sent without a push notification.
pub(super) const SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;
/// The layout made of components instead of content and embeds.
pub(super) const COMPONENTS_V2: u64 = 1 << 15;

/// Reads fields of one JSON object and notes what is wrong with them.
pub(super) struct Form<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Form<'a> {
    /// An object at `path`; anything else is a problem.
    pub(super) fn new(value: &'a Value, path: impl Into<String>, problems: &mut Problems) -> Option<Self> {
        let path = path.into();
        let Some(map) = value.as_object() else {
            problems.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType");
            return None;
        };
        Some(Self { map, path })
    }

    /// The path of one of its fields.
    pub(super) fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Its own path.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// A field that is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Refuses keys that are not in the contract.
    pub(super) fn only(&self, known: &[&str], problems: &mut Problems) {
        for key in self.map.keys().filter(|key| !known.contains(&key.as_str())) {
            problems.add(self.at(key), "UNKNOWN_FIELD", format!("This object has no field `{key}`."));
        }
    }

    /// A text of `min..=max` characters, if it is there.
    pub(super) fn text(&self, key: &str, min: usize, max: usize, problems: &mut Problems) -> Option<&'a str> {
        let value = self.get(key)?;
        let Some(text) = value.as_str() else {
            problems.add(self.at(key), "STRING_TYPE_CONVERT", "Could not interpret the value as string.");
            return None;
        };
        let length = text.chars().count();
        if length > max {
            let message = format!("Must be {max} or fewer in length.");
            problems.add(self.at(key), "BASE_TYPE_MAX_LENGTH", message);
        } else if length < min || (min > 0 && text.trim().is_empty()) {
            problems.add(self.at(key), "BASE_TYPE_BAD_LENGTH", format!("Must be between {min} and {max} in length."));
        }
        Some(text)
    }

    /// As [`Form::text`], and it must be there.
    pub(super) fn required_text(&self, key: &str, max: usize, problems: &mut Problems) -> Option<&'a str> {
        if self.get(key).is_none() {
            problems.add(self.at(key), "BASE_TYPE_REQUIRED", "This field is required");
        }
        self.text(key, 1, max, problems)
    }

    /// A whole number in `range`, if it is there.
    pub(super) fn int(&self, key: &str, range: std::ops::RangeInclusive<i64>, problems: &mut Problems) -> Option<i64> {
        let value = self.get(key)?;
        let number = value.as_i64().filter(|number| range.contains(number));
        if number.is_none() {
            let message = format!("int value should be between {} and {}.", range.start(), range.end());
            problems.add(self.at(key), "NUMBER_TYPE_COERCE", message);
        }
        number
    }

    /// A boolean, false where it is not there.
    pub(super) fn flag(&self, key: &str, problems: &mut Problems) -> bool {
        match self.get(key) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                problems.add(self.at(key), "BOOLEAN_TYPE_CONVERT", "Must be either true or false.");
                false
            }
        }
    }

    /// A list of at most `max`, empty where it is not there.
    pub(super) fn list(&self, key: &str, max: usize, problems: &mut Problems) -> &'a [Value] {
        match self.get(key) {
            None => &[],
            Some(Value::Array(list)) => {
                if list.len() > max {
                    let message = format!("Must be {max} or fewer in length.");
                    problems.add(self.at(key), "BASE_TYPE_MAX_LENGTH", message);
                }
                list
            }
            Some(_) => {
                problems.add(self.at(key), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType");
                &[]
            }
        }
    }
}
