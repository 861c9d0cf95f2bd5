//! What stands in for a row that cannot be read, so that its work still comes to an end that somebody hears of.

use jiff::Timestamp;
use secrecy::SecretString;

use super::Error;
use super::model::{Reply, RequestState};
use super::requests::StoredRequest;
use super::row::Row;
use super::subject::BulkTarget;
use crate::chat::{Actor, ChannelId, ChatUserId, GuildId};
use crate::intune::{Compliance, Device, DeviceId, EntraUserId, Platform};

/// What was read, or what stands in for it; then `unreadable` says why.
pub(super) fn or<T>(read: Result<T, Error>, unreadable: &mut Option<String>, stand_in: impl FnOnce() -> T) -> T {
    read.unwrap_or_else(|error| {
        unreadable.get_or_insert_with(|| error.to_string());
        stand_in()
    })
}

/// A device of which only the id is known.
pub(super) fn device(id: DeviceId) -> Device {
    Device {
        id,
        name: id.to_string(),
        platform: Platform::Other(String::new()),
        os_version: String::new(),
        last_check_in: None,
        compliance: Compliance::Unknown,
        management_state: String::new(),
        agent: String::new(),
        user_id: None,
        user_name: None,
        user_principal_name: None,
        serial: None,
        model: None,
        entra_device_id: None,
        pending_action: None,
        owner: None,
    }
}

/// A person of whom at most the id is known. They hold no role, and their channel is none that there is.
pub(super) fn actor(row: &Row) -> Actor {
    let user = row.parsed("actor_user").unwrap_or(ChatUserId(1));
    Actor { user, name: "(unreadable)".to_owned(), roles: Vec::new(), guild: GuildId(1), channel: ChannelId(1) }
}

/// A request, as far as it can be read.
pub(super) fn request(row: &Row, unreadable: &mut Option<String>) -> Result<StoredRequest, Error> {
    let target = row.optional_text("target").ok().flatten().map(|_| {
        let somebody = || BulkTarget::User {
            id: EntraUserId(uuid::Uuid::nil()),
            name: "(unreadable)".to_owned(),
            sign_in: String::new(),
        };
        or(row.json("target"), unreadable, somebody)
    });
    let state = row.text("state").and_then(|word| RequestState::read(&word));
    Ok(StoredRequest {
        id: row.parsed("id")?,
        state: or(state, unreadable, || RequestState::Running),
        actor: or(row.json("actor"), unreadable, || actor(row)),
        reason: or(row.optional_text("reason"), unreadable, || None),
        created_at: or(row.at("created_at"), unreadable, || Timestamp::UNIX_EPOCH),
        reply: Reply {
            token: SecretString::from(or(row.text("reply_token"), unreadable, String::new)),
            until: or(row.at("reply_until"), unreadable, || Timestamp::UNIX_EPOCH),
        },
        target,
        agreed_at: or(row.optional_at("agreed_at"), unreadable, || None),
    })
}
