//! Which devices may be suggested to someone. For display only: what it shows grants nothing.

use std::collections::HashSet;
use std::sync::PoisonError;

use super::gate::{Gate, find};
use crate::chat::ChatRoleId;
use crate::intune::{Device, EntraDeviceId, EntraUserId, GroupId, Task};

/// The devices someone may see in suggestions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// None: no role, or nothing is known yet.
    Nothing,
    /// Every device.
    Everything,
    /// The members of their scope groups.
    Members {
        /// People whose devices count.
        users: HashSet<EntraUserId>,
        /// Devices by their Entra id.
        devices: HashSet<EntraDeviceId>,
    },
}

impl Visibility {
    /// Whether `device` may be suggested.
    pub fn shows(&self, device: &Device) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Members { users, devices } => {
                device.user_id.is_some_and(|user| users.contains(&user))
                    || device.entra_device_id.is_some_and(|id| devices.contains(&id))
            }
        }
    }
}

impl Gate {
    /// What to suggest to someone with these chat roles, from memory alone. Unknown reach shows nothing.
    pub fn visibility(&self, roles: &[ChatRoleId]) -> Visibility {
        let Some(definitions) = self.fresh_definitions() else { return Visibility::Nothing };
        let known = self.members.read().unwrap_or_else(PoisonError::into_inner);
        let (mut users, mut devices) = (HashSet::new(), HashSet::new());
        for row in self.rows(roles) {
            let readable = find(&definitions, &row.intune_role).is_some_and(|role| self.grants(role, Task::ReadDevice));
            if !readable {
                continue;
            }
            let Some(groups) = &row.scope_groups else { return Visibility::Everything };
            for members in groups.iter().filter_map(|group| known.get(group)) {
                users.extend(&members.users);
                devices.extend(&members.devices);
            }
        }
        if users.is_empty() && devices.is_empty() {
            Visibility::Nothing
        } else {
            Visibility::Members { users, devices }
        }
    }

    /// Reads role definitions and the members of the configured scope groups anew.
    pub async fn refresh_display(&self) {
        if let Err(error) = self.read_definitions(crate::graph::Patience::Interactive).await {
            tracing::warn!(%error, "Intune's roles could not be read; suggestions stay empty until they can");
        }
        let groups: HashSet<GroupId> =
            self.access.chat_roles.iter().filter_map(|row| row.scope_groups.as_ref()).flatten().copied().collect();
        for group in groups {
            match self.graph.group_members(group).await {
                Ok(members) => {
                    self.members.write().unwrap_or_else(PoisonError::into_inner).insert(group, members);
                }
                Err(error) => {
                    // What is not known any more is not shown.
                    self.members.write().unwrap_or_else(PoisonError::into_inner).remove(&group);
                    tracing::warn!(%error, %group, "a scope group could not be read; its devices are not suggested");
                }
            }
        }
    }
}
