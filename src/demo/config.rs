//! The config of a bot in a simulated world.

use anyhow::Context as _;
use sim::Sim;
use toml::{Table, Value};

/// The addresses and credentials of this world, with `layers` (TOML) over them: each may add sections, and keys to the sections there
/// are; of a key that two of them have, the last one counts.
pub fn config_for(sim: &Sim, layers: &[&str]) -> anyhow::Result<String> {
    let (url, gateway, public_key) = (sim.url(), sim.gateway_url(), sim.discord.public_key());
    let (client_id, client_secret) = sim.tenant.credentials();
    let tenant_id = sim.tenant.tenant_id();
    let world = format!(
        r#"
        [discord]
        token = "sim-bot-token"
        application_id = "900000000000000010"
        guild_ids = ["900000000000000001"]
        public_key = "{public_key}"
        api_url = "{url}"
        gateway_url = "{gateway}"
        [entra]
        tenant_id = "{tenant_id}"
        client_id = "{client_id}"
        client_secret = "{client_secret}"
        authority_url = "{url}"
        [graph]
        url = "{url}"
        "#
    );
    let mut config: Table = world.parse()?;
    for layer in layers {
        let layer: Table = layer.parse().with_context(|| format!("in a config laid over another:\n{layer}"))?;
        for (section, value) in layer {
            match (config.get_mut(&section), value) {
                (Some(Value::Table(into)), Value::Table(from)) => into.extend(from),
                (_, value) => {
                    config.insert(section, value);
                }
            }
        }
    }
    Ok(config.to_string())
}
