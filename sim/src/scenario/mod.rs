//! The TOML file that says who and what there is in the simulated world.
//!
//! One file, two halves with one struct each: `[tenant]` (read by [`crate::tenant`]) and `[discord]` (read by [`crate::discord`]).

mod discord;
pub(crate) mod tenant;

pub use discord::{DiscordScenario, GatewayScenario};
pub use tenant::TenantScenario;

use serde::Deserialize;

/// A whole simulated world.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Entra, Intune and Graph.
    pub tenant: TenantScenario,
    /// The guild, its channels, roles and people.
    pub discord: DiscordScenario,
}

impl Scenario {
    /// Reads a scenario; the error names the line.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

impl Default for Scenario {
    fn default() -> Self {
        let tenant = toml::from_str(include_str!("../../scenarios/tenant.toml")).expect("the built-in tenant is valid");
        let discord =
            toml::from_str(include_str!("../../scenarios/discord.toml")).expect("the built-in guild is valid");
        Self { tenant, discord }
    }
}
