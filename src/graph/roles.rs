//! Reading Intune's roles: what each grants, and to which groups it is assigned.

use super::client::{Graph, Patience};
use super::endpoint::Read;
use super::error::Error;
use super::wire::{WireAssignment, WireId, WireRole};
use crate::intune::{Assignment, AssignmentId, AssignmentRow, RoleDefinition, join};

impl Graph {
    /// Every role definition, built-in and custom, with its resource actions.
    pub async fn role_definitions(&self, patience: Patience) -> Result<Vec<RoleDefinition>, Error> {
        let rows: Vec<WireRole> = self.read_all(&Read::RoleDefinitions, patience).await?;
        Ok(rows.into_iter().map(RoleDefinition::from).collect())
    }

    /// Every assignment with its role. One list has the rows, each role's own list the ids: they are joined by id.
    pub async fn role_assignments(
        &self,
        definitions: &[RoleDefinition],
        patience: Patience,
    ) -> Result<Vec<Assignment>, Error> {
        let rows: Vec<WireAssignment> = self.read_all(&Read::RoleAssignments, patience).await?;
        let reads: Vec<_> = definitions.iter().map(|role| Read::AssignmentsOfRole(role.id)).collect();
        let mut of_roles = Vec::with_capacity(reads.len());
        for (role, ids) in definitions.iter().zip(self.read_lists::<WireId<AssignmentId>>(&reads, patience).await) {
            of_roles.push((role.id, ids?.into_iter().map(|row| row.id).collect()));
        }
        Ok(join(rows.into_iter().map(AssignmentRow::from).collect(), &of_roles))
    }
}
