//! Ids of Microsoft's side. All are GUIDs, so none of them can smuggle anything into a path or a filter.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is no such id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not {0}")]
pub struct NotAGuid(&'static str);

macro_rules! guid {
    ($(#[$doc:meta] $name:ident is $what:literal),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Whether it is the all-zero GUID, with which Graph says "none".
            pub fn is_nil(self) -> bool {
                self.0.is_nil()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAGuid;

            /// Reads the hyphenated form only, the one that Graph prints.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let id = text.parse::<uuid::fmt::Hyphenated>().map_err(|_| NotAGuid($what))?;
                Ok(Self(id.into_uuid()))
            }
        }
    )+};
}

guid! {
    /// A managedDevice's Intune id.
    DeviceId is "a device's id in Intune",
    /// The device's id in Entra (`azureADDeviceId`; not the directory object's id).
    EntraDeviceId is "a device's id in Entra",
    /// A person's object id in Entra.
    EntraUserId is "a person's Object ID (Entra admin center > Users > Overview)",
    /// A group's object id in Entra.
    GroupId is "a group's Object ID (Entra admin center > Groups > Overview)",
    /// An Intune role definition's id.
    RoleId is "the id of an Intune role",
    /// An Intune role assignment's id.
    AssignmentId is "the id of an Intune role assignment",
    /// A device's object id in Entra's directory.
    DirectoryDeviceId is "a device's Object ID in Entra",
    /// An app's id in Intune.
    AppId is "an app's id in Intune",
    /// The tenant's id.
    TenantId is "a GUID: write the Directory (tenant) ID (Entra admin center > Overview), not the domain",
}
