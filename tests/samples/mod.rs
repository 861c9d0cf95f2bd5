//! What the store's tests put into it.

use intune_sync_bot::intune::{Compliance, Device, DeviceId, Platform};

/// A Windows device with nothing special about it.
pub(crate) fn device(number: u128) -> Device {
    Device {
        id: DeviceId(uuid::Uuid::from_u128(number)),
        name: format!("LT-{number}"),
        platform: Platform::Windows,
        os_version: "10.0".to_owned(),
        last_check_in: None,
        compliance: Compliance::Compliant,
        management_state: "managed".to_owned(),
        agent: "mdm".to_owned(),
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
