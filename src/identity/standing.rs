//! What someone is and may do, spelled out: the answer to `/access`.

use super::gate::{Gate, find};
use crate::chat::ChatRoleId;
use crate::graph::{Error, Patience};
use crate::intune::Task;

/// Everything that counts for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The chat roles of theirs that stand for an Intune role.
    pub holdings: Vec<Holding>,
}

/// One chat role and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The chat role.
    pub chat_role: ChatRoleId,
    /// The Intune role named in the config.
    pub intune_role: String,
    /// What that role is in the tenant; `None`: the tenant has none of that name.
    pub role: Option<HoldingRole>,
    /// How many scope groups limit it; `None`: the whole tenant.
    pub scope_groups: Option<usize>,
}

/// What a role allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldingRole {
    /// Whether it grants Sync devices.
    pub may_sync: bool,
    /// Whether it grants reading devices.
    pub may_read: bool,
}

impl Gate {
    /// What these chat roles amount to.
    pub async fn standing(&self, roles: &[ChatRoleId]) -> Result<Standing, Error> {
        let definitions = self.definitions(Patience::Interactive).await?;
        let holdings = self.rows(roles).map(|row| Holding {
            chat_role: row.discord_role,
            intune_role: row.intune_role.clone(),
            role: find(&definitions, &row.intune_role).map(|role| HoldingRole {
                may_sync: self.grants(role, Task::SyncDevice),
                may_read: self.grants(role, Task::ReadDevice),
            }),
            scope_groups: row.scope_groups.as_ref().map(Vec::len),
        });
        Ok(Standing { holdings: holdings.collect() })
    }
}
