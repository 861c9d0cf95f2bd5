//! The people in the guild: what a Discord client would let them type and press.

mod act;
mod lies;
mod typed;

use std::fmt;

use crate::Discord;

pub use typed::Typed;

/// What the client said instead of sending: an unknown command, a missing option, a button that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatError(pub String);

impl fmt::Display for ChatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ChatError {}

impl ChatError {
    fn because(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// One person, who types and clicks.
#[derive(Clone, Debug)]
pub struct ChatUser {
    discord: Discord,
    username: String,
    lies: lies::Lies,
}

impl ChatUser {
    pub(super) fn new(discord: Discord, username: &str) -> Self {
        Self { discord, username: username.to_owned(), lies: lies::Lies::default() }
    }

    /// The username.
    pub fn username(&self) -> &str {
        &self.username
    }
}
