//! What tests and the chat page see of a device.

use jiff::Timestamp;
use serde::Serialize;

use super::model::{App, Device, DeviceApp, World};

/// An app on a device, as Intune reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppView {
    /// App id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// `installState`.
    pub state: String,
    /// Signed error code of a failure.
    pub code: Option<i32>,
    /// When that happened.
    pub at: Option<Timestamp>,
}

/// A managed device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceView {
    /// Intune id.
    pub id: String,
    /// Name; not unique.
    pub name: String,
    /// `operatingSystem`.
    pub platform: String,
    /// `osVersion`.
    pub os_version: String,
    /// Serial number.
    pub serial: String,
    /// Model.
    pub model: String,
    /// Display name of the primary user.
    pub user_name: Option<String>,
    /// User principal name of the primary user.
    pub user_upn: Option<String>,
    /// Entra object id of the primary user.
    pub user_id: Option<String>,
    /// Entra's `deviceId`.
    pub entra_device_id: Option<String>,
    /// The last check-in; `None`: it never checked in.
    pub last_check_in: Option<Timestamp>,
    /// The next check-in that is certain to come.
    pub next_check_in: Option<Timestamp>,
    /// Whether a sync was accepted and no check-in followed yet.
    pub sync_waits: bool,
    /// `complianceState`.
    pub compliance: String,
    /// `managementState`.
    pub management_state: String,
    /// `managementAgent`.
    pub agent: String,
    /// Scope tag ids; empty: the Default tag.
    pub tags: Vec<String>,
    /// Its apps.
    pub apps: Vec<AppView>,
}

impl World {
    /// What is to be seen of a device.
    pub(crate) fn view(&self, device: &Device) -> DeviceView {
        let user = device.user.as_ref().and_then(|id| self.person(id));
        let apps = self.app_names();
        let app = |state: &DeviceApp| {
            let app: &App = apps.get(state.app.as_str())?;
            let (state, code, at) = (state.state.clone(), state.code, state.at);
            Some(AppView { id: app.id.clone(), name: app.name.clone(), state, code, at })
        };
        DeviceView {
            id: device.id.clone(),
            name: device.name.clone(),
            platform: device.os.clone(),
            os_version: device.os_version.clone(),
            serial: device.serial.clone(),
            model: device.model.clone(),
            user_name: user.map(|u| u.name.clone()),
            user_upn: user.map(|u| u.upn.clone()),
            user_id: device.user.clone(),
            entra_device_id: device.entra.as_ref().map(|(id, _)| id.clone()),
            last_check_in: device.last_check_in,
            next_check_in: device.next_check_in(),
            sync_waits: device.waiting,
            compliance: device.compliance.clone(),
            management_state: device.state.clone(),
            agent: device.agent.clone(),
            tags: device.tags.clone(),
            apps: device.apps.iter().filter_map(app).collect(),
        }
    }
}
