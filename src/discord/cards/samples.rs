//! Values that the cards' snapshots share.

use jiff::Timestamp;

use crate::chat::{Actor, ChannelId, ChatRoleId, ChatUserId, GuildId};
use crate::intune::{Compliance, Device, DeviceId, Platform};
use crate::store::{DeviceSyncId, RequestId};

pub(crate) fn now() -> Timestamp {
    at("2026-11-23T10:42:00Z")
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn request() -> RequestId {
    RequestId(0x0192_0000_0000_0000_0000_0000_0000_0001)
}

pub(crate) fn device_sync() -> DeviceSyncId {
    DeviceSyncId(0x0192_0000_0000_0000_0000_0000_0000_0002)
}

pub(crate) fn device() -> Device {
    Device {
        id: DeviceId(uuid::Uuid::from_u128(0x42)),
        name: "LT-042".to_owned(),
        platform: Platform::Windows,
        os_version: "10.0.26100.1".to_owned(),
        last_check_in: Some(at("2026-11-23T07:30:00Z")),
        compliance: Compliance::Compliant,
        management_state: "managed".to_owned(),
        agent: "mdm".to_owned(),
        user_id: None,
        user_name: Some("Jonas Weber".to_owned()),
        user_principal_name: Some("jonas.weber@contoso.example".to_owned()),
        serial: Some("5CD1234ABC".to_owned()),
        model: Some("Latitude 5440".to_owned()),
        entra_device_id: None,
        pending_action: None,
        owner: None,
    }
}

pub(crate) fn actor() -> Actor {
    Actor {
        user: ChatUserId(301),
        name: "Hanna Vogel".to_owned(),
        roles: vec![ChatRoleId(201)],
        guild: GuildId(1),
        channel: ChannelId(101),
    }
}

pub(crate) fn ipad() -> Device {
    Device {
        name: "IPAD-017".to_owned(),
        platform: Platform::IpadOs,
        os_version: "26.1".to_owned(),
        user_name: Some("Mia Schulz".to_owned()),
        ..device()
    }
}
