//! Ids of Microsoft's side. All are GUIDs, so none of them can smuggle anything into a path or a filter.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! guid {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
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
            type Err = uuid::Error;

            /// Reads the hyphenated form only, the one that Graph prints.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse::<uuid::fmt::Hyphenated>().map(|id| Self(id.into_uuid()))
            }
        }
    )+};
}

guid! {
    /// A managedDevice's Intune id.
    DeviceId,
    /// The device's id in Entra (`azureADDeviceId`; not the directory object's id).
    EntraDeviceId,
    /// A person's object id in Entra.
    EntraUserId,
    /// A group's object id in Entra.
    GroupId,
    /// An Intune role definition's id.
    RoleId,
    /// An Intune role assignment's id.
    AssignmentId,
    /// A device's object id in Entra's directory.
    DirectoryDeviceId,
    /// An app's id in Intune.
    AppId,
    /// The tenant's id.
    TenantId,
}
