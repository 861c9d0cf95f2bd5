//! Registering the slash commands: in each configured server, and only when they have changed.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::outbound::{CallError, Outbound};
use crate::chat::GuildId;
use crate::store::Store;

/// Puts the commands in place where they differ from what was registered last; `force` where they do not as well.
///
/// Each READY of the gateway would be too often: Discord takes 200 creations a day for one server.
pub async fn register(outbound: &Outbound, store: &Store, guilds: &[GuildId], force: bool) -> Result<usize, CallError> {
    let definitions = commands::definitions();
    let payload = serde_json::to_string(&definitions).expect("the definitions are plain data");
    let mut hasher = DefaultHasher::new();
    payload.hash(&mut hasher);
    let fingerprint = format!("{:016x}", hasher.finish());
    let mut registered = 0;
    for &guild in guilds {
        let key = format!("commands:{guild}");
        let known = store.meta(&key).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "what was registered last is not known; the commands are registered again");
            None
        });
        if !force && known.as_ref() == Some(&fingerprint) {
            continue;
        }
        outbound.register(guild, &definitions).await?;
        registered += 1;
        tracing::info!(%guild, commands = definitions.len(), "slash commands registered");
        if let Err(error) = store.set_meta(&key, &fingerprint).await {
            tracing::warn!(%error, "it will be registered again at the next start");
        }
    }
    Ok(registered)
}
