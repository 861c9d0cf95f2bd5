//! The `[discord]` half: the guild, its channels, chat roles and people.

use serde::Deserialize;

use crate::discord::Limits;

/// A Discord guild with its bot application.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscordScenario {
    /// The bot's application.
    pub application: Application,
    /// The guild.
    pub guild: Guild,
    /// Channels, in the order shown.
    pub channel: Vec<Channel>,
    /// Chat roles, highest first.
    pub role: Vec<Role>,
    /// Chat users.
    pub user: Vec<User>,
    /// Rate limits; each is a string such as `"5/5s"`.
    #[serde(default)]
    pub limits: Limits,
    /// The gateway.
    #[serde(default)]
    pub gateway: GatewayScenario,
}

/// How the gateway behaves.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayScenario {
    /// How often a client must send a heartbeat.
    pub heartbeat_interval_ms: u64,
}

impl Default for GatewayScenario {
    fn default() -> Self {
        Self { heartbeat_interval_ms: 41_250 }
    }
}

/// The bot's own application.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Application id, a snowflake; the bot user's id too.
    pub id: String,
    /// The bot token that REST and IDENTIFY must carry.
    pub token: String,
    /// The bot's name in chat.
    pub name: String,
}

/// The one guild.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guild {
    /// Guild id, a snowflake.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A text channel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Channel id, a snowflake.
    pub id: String,
    /// Name without `#`.
    pub name: String,
    /// Its topic line.
    #[serde(default)]
    pub topic: String,
}

/// A chat role.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Role id, a snowflake.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A chat user.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the user in Entra is not this user")]
pub struct User {
    /// User id, a snowflake.
    pub id: String,
    /// Username (lower case); also the persona's short name.
    pub username: String,
    /// Name shown.
    pub display_name: String,
    /// One line for the persona switcher: who this is and what they may do.
    #[serde(default)]
    pub about: String,
    /// Ids of the chat roles held.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The Entra user id of the same human in the tenant, if any.
    #[serde(default)]
    pub entra_user: Option<String>,
}
