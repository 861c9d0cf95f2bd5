//! The chat side as plain values: ids of Discord's things, and the person who acts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! snowflake {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.to_string()
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().ok().filter(|&id| id != 0).map(Self).ok_or(NotAnId)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    )+};
}

snowflake! {
    /// A person's chat account.
    ChatUserId,
    /// A role in the chat server.
    ChatRoleId,
    /// The chat server.
    GuildId,
    /// A channel.
    ChannelId,
    /// A message in a channel.
    MessageId,
    /// The bot's application.
    ApplicationId,
    /// One interaction: a command, a press, a keystroke in an autocompleted option.
    InteractionId,
}

/// The text is not an id of Discord's: a positive whole number in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a Discord id: those are whole numbers such as \"900000000000000001\" (switch on Developer Mode in Discord, then Copy ID)"
)]
pub struct NotAnId;

/// The person acting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Their chat account.
    pub user: ChatUserId,
    /// Their name as shown in chat, from outside.
    pub name: String,
    /// The chat roles they hold, as the interaction said.
    pub roles: Vec<ChatRoleId>,
    /// The server they act in.
    pub guild: GuildId,
    /// The channel they act in.
    pub channel: ChannelId,
}
