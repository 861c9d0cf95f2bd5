//! Reading Intune's role definitions.

use super::client::{Graph, Patience};
use super::endpoint::Read;
use super::error::Error;
use super::wire::WireRole;
use crate::intune::RoleDefinition;

impl Graph {
    /// Every role definition, built-in and custom, with its resource actions.
    pub async fn role_definitions(&self, patience: Patience) -> Result<Vec<RoleDefinition>, Error> {
        let rows: Vec<WireRole> = self.read_all(&Read::RoleDefinitions, patience).await?;
        Ok(rows.into_iter().map(RoleDefinition::from).collect())
    }
}
