//! A managed device, and whether Sync means anything to it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DeviceId, EntraDeviceId, EntraUserId};

/// A managedDevice as Graph reported it. Every text in it comes from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its Intune id.
    pub id: DeviceId,
    /// Its name; not unique.
    pub name: String,
    /// Its operating system.
    pub platform: Platform,
    /// The system's version, as reported.
    pub os_version: String,
    /// `lastSyncDateTime`; `None` when it has never checked in.
    pub last_check_in: Option<Timestamp>,
    /// Compliance as last evaluated.
    pub compliance: Compliance,
    /// `managementState`, as reported (an open list).
    pub management_state: String,
    /// `managementAgent`, as reported (an open list).
    pub agent: String,
    /// The enrolling user; the primary user may be another one.
    pub user_id: Option<EntraUserId>,
    /// The user's name, if any.
    pub user_name: Option<String>,
    /// The user's sign-in name, if any.
    pub user_principal_name: Option<String>,
    /// Serial number, if reported.
    pub serial: Option<String>,
    /// Model, if reported.
    pub model: Option<String>,
    /// Its Entra device id, if it is registered there.
    pub entra_device_id: Option<EntraDeviceId>,
    /// A wipe, retire or delete that is on its way, from `deviceActionResults` (single reads only).
    pub pending_action: Option<PendingAction>,
    /// Whose it is, if Intune says so.
    #[serde(default)]
    pub owner: Option<OwnerType>,
}

/// What the scope of a role covers a device by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoveredBy {
    /// Its Intune id.
    pub device: DeviceId,
    /// The enrolling user.
    pub user: Option<EntraUserId>,
    /// Its Entra device id.
    pub entra_device: Option<EntraDeviceId>,
}

/// `managedDeviceOwnerType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnerType {
    /// The company's.
    Company,
    /// The person's own.
    Personal,
}

impl OwnerType {
    /// Reads `managedDeviceOwnerType`; `unknown` and values newer than this program are none.
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "company" => Some(Self::Company),
            "personal" => Some(Self::Personal),
            _ => None,
        }
    }
}

/// Operating systems, as Intune's Sync page groups them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Platform {
    /// Android, in any management mode.
    Android,
    /// iOS on phones.
    Ios,
    /// iPadOS.
    IpadOs,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
    /// Anything else, as Graph spelled it. Shown, never guessed at.
    Other(String),
}

impl Platform {
    /// Reads `operatingSystem`.
    pub fn read(text: &str) -> Self {
        let lower = text.trim().to_ascii_lowercase();
        match lower.as_str() {
            "ios" | "iphone" => Self::Ios,
            "ipados" => Self::IpadOs,
            "macos" | "macmdm" | "mac" => Self::MacOs,
            "windows" => Self::Windows,
            _ if lower.starts_with("android") => Self::Android,
            _ => Self::Other(text.trim().to_owned()),
        }
    }

    /// Whether the Sync page's retry table and its seven days speak of this platform.
    pub fn is_in_retry_rule(&self) -> bool {
        matches!(self, Self::Android | Self::Ios | Self::IpadOs)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Android => "Android",
            Self::Ios => "iOS",
            Self::IpadOs => "iPadOS",
            Self::MacOs => "macOS",
            Self::Windows => "Windows",
            Self::Other(name) => name,
        })
    }
}

/// `complianceState`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compliance {
    /// Meets its policies.
    Compliant,
    /// Fails at least one.
    Noncompliant,
    /// Fails, and is still within its grace period.
    InGracePeriod,
    /// Two policies disagree.
    Conflict,
    /// The evaluation failed.
    Error,
    /// Evaluated by Configuration Manager.
    ConfigManager,
    /// Not evaluated, or a value newer than this program.
    Unknown,
}

impl Compliance {
    /// Reads `complianceState`; unknown values are [`Compliance::Unknown`].
    pub fn read(text: &str) -> Self {
        match text {
            "compliant" => Self::Compliant,
            "noncompliant" => Self::Noncompliant,
            "inGracePeriod" => Self::InGracePeriod,
            "conflict" => Self::Conflict,
            "error" => Self::Error,
            "configManager" => Self::ConfigManager,
            _ => Self::Unknown,
        }
    }
}

/// A device action that ends the device's management; Intune ignores a sync beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PendingAction {
    /// Everything on it is being erased.
    Wipe,
    /// Company data is being removed.
    Retire,
    /// The record is being deleted.
    Delete,
}

impl PendingAction {
    /// Reads an entry of `deviceActionResults`; only actions that still run count.
    pub fn read(action_name: &str, action_state: &str) -> Option<Self> {
        if !matches!(action_state, "pending" | "active") {
            return None;
        }
        let name = action_name.to_ascii_lowercase();
        match name.as_str() {
            "wipe" | "factoryreset" | "cleanwindowsdevice" | "autopilotreset" => Some(Self::Wipe),
            "retire" | "removecompanydata" => Some(Self::Retire),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }
}

/// Why Sync means nothing to a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotSyncable {
    /// The platform is not among those of the Sync page.
    Platform(String),
    /// The Intune MDM channel does not reach it: it is managed by something else.
    Agent(String),
    /// It is being wiped, retired or deleted.
    Pending(PendingAction),
    /// It is known, and not under management.
    NotManaged,
}

/// Agents without Intune's own MDM channel (inference from the documented list of agents).
const AGENTS_WITHOUT_MDM: [&str; 4] = ["eas", "jamf", "msSense", "configurationManagerClient"];

impl Device {
    /// Whether Sync can work: the platform, the agent, and no action on its way that ends its management.
    pub fn syncable(&self) -> Result<(), NotSyncable> {
        if let Some(action) = self.ending_action() {
            return Err(NotSyncable::Pending(action));
        }
        if self.management_state == "discovered" {
            return Err(NotSyncable::NotManaged);
        }
        if let Platform::Other(name) = &self.platform {
            return Err(NotSyncable::Platform(name.clone()));
        }
        if AGENTS_WITHOUT_MDM.contains(&self.agent.as_str()) {
            return Err(NotSyncable::Agent(self.agent.clone()));
        }
        Ok(())
    }

    /// What a role's scope covers it by.
    pub fn covered_by(&self) -> CoveredBy {
        CoveredBy { device: self.id, user: self.user_id, entra_device: self.entra_device_id }
    }

    /// A wipe, retire or delete on its way, from either place where Graph says so.
    pub fn ending_action(&self) -> Option<PendingAction> {
        let by_state = match self.management_state.as_str() {
            "wipePending" | "wipeIssued" => Some(PendingAction::Wipe),
            "retirePending" | "retireIssued" => Some(PendingAction::Retire),
            "deletePending" => Some(PendingAction::Delete),
            _ => None,
        };
        by_state.or(self.pending_action)
    }

    /// The user as people say it: the name, else the sign-in name.
    pub fn user_label(&self) -> Option<&str> {
        self.user_name.as_deref().or(self.user_principal_name.as_deref())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A healthy device to start from.
    pub(crate) fn healthy() -> Device {
        Device {
            id: "00000000-0000-4000-8000-00000000d042".parse().unwrap(),
            name: "LT-042".to_owned(),
            platform: Platform::Windows,
            os_version: "10.0.26100.1".to_owned(),
            last_check_in: Some("2026-11-23T08:00:00Z".parse().unwrap()),
            compliance: Compliance::Compliant,
            management_state: "managed".to_owned(),
            agent: "mdm".to_owned(),
            user_id: None,
            user_name: Some("Jonas Weber".to_owned()),
            user_principal_name: Some("jonas.weber@contoso.example".to_owned()),
            serial: Some("5CD1234ABC".to_owned()),
            model: None,
            entra_device_id: None,
            pending_action: None,
            owner: None,
        }
    }

    #[test]
    fn the_four_platforms_of_the_sync_page_are_known_by_every_spelling() {
        for (text, platform) in [
            ("Windows", Platform::Windows),
            ("iOS", Platform::Ios),
            ("iPadOS", Platform::IpadOs),
            ("macOS", Platform::MacOs),
            ("Android", Platform::Android),
            ("AndroidEnterprise", Platform::Android),
            ("AndroidForWork", Platform::Android),
            ("Linux", Platform::Other("Linux".to_owned())),
            ("ChromeOS", Platform::Other("ChromeOS".to_owned())),
        ] {
            assert_eq!(Platform::read(text), platform, "{text}");
        }
    }

    #[test]
    fn a_managed_device_can_be_synced() {
        assert_eq!(healthy().syncable(), Ok(()));
    }

    #[test]
    fn a_wipe_is_seen_in_either_place() {
        let by_state = Device { management_state: "wipePending".to_owned(), ..healthy() };
        assert_eq!(by_state.syncable(), Err(NotSyncable::Pending(PendingAction::Wipe)));
        let by_result = Device { pending_action: PendingAction::read("wipe", "pending"), ..healthy() };
        assert_eq!(by_result.syncable(), Err(NotSyncable::Pending(PendingAction::Wipe)));
    }

    #[test]
    fn an_action_that_ended_does_not_count() {
        assert_eq!(PendingAction::read("wipe", "done"), None);
        assert_eq!(PendingAction::read("retire", "canceled"), None);
        assert_eq!(PendingAction::read("rebootNow", "pending"), None);
    }

    #[test]
    fn a_failed_wipe_leaves_the_device_managed() {
        let device = Device { management_state: "wipeFailed".to_owned(), ..healthy() };
        assert_eq!(device.syncable(), Ok(()));
    }

    #[test]
    fn agents_without_the_mdm_channel_are_refused() {
        for agent in AGENTS_WITHOUT_MDM {
            let device = Device { agent: agent.to_owned(), ..healthy() };
            assert_eq!(device.syncable(), Err(NotSyncable::Agent(agent.to_owned())));
        }
    }
}
