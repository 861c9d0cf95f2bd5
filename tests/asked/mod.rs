//! What the store is asked for where nothing about the asking matters.

use intune_sync_bot::chat::Actor;
use intune_sync_bot::intune::Device;
use intune_sync_bot::store::{NewRequest, Reply};
use jiff::Timestamp;
use serde_json::json;

/// A request with nothing special about it, whose device may be one that somebody else is syncing.
pub(crate) fn request<'a>(
    actor: &'a Actor,
    device: &'a Device,
    reply: &'a Reply,
    expires_at: Timestamp,
) -> NewRequest<'a> {
    NewRequest { actor, reason: None, device, expires_at, reply, may_join: true, detail: json!({}) }
}
