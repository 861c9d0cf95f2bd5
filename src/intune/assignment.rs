//! Intune role assignments: which groups hold a role, for which devices; and the join that makes them readable.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::gate::{Scope, Tags};
use super::{AssignmentId, GroupId, RoleId};

/// Id of an Intune scope tag; a small number in a text, "0" is Default.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScopeTag(pub String);

impl ScopeTag {
    /// The tag of everything that has no other (Microsoft: scope tags page).
    pub fn default_tag() -> Self {
        Self("0".to_owned())
    }
}

/// A row of `roleAssignments`. It does not say which role it assigns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentRow {
    /// Its id.
    pub id: AssignmentId,
    /// Its display name, from outside.
    pub name: String,
    /// The groups whose people hold the role.
    pub members: BTreeSet<GroupId>,
    /// The devices it covers.
    pub scope: Scope,
    /// The scope tags that bound what it shows.
    pub tags: Tags,
}

/// An assignment with its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The role.
    pub role: RoleId,
    /// The rest.
    pub row: AssignmentRow,
}

/// Joins rows to roles by id, the only way that works (an expanded `roleDefinition` comes as null).
///
/// `of_roles` says which assignments each role's own list names. A row that is in one of the lists only, or that two
/// roles claim, grants nothing.
pub fn join(rows: Vec<AssignmentRow>, of_roles: &[(RoleId, Vec<AssignmentId>)]) -> Vec<Assignment> {
    let mut claimed: HashMap<AssignmentId, BTreeSet<RoleId>> = HashMap::new();
    for (role, assignments) in of_roles {
        for &assignment in assignments {
            claimed.entry(assignment).or_default().insert(*role);
        }
    }
    let role_of = |id: AssignmentId| {
        let mut roles = claimed.get(&id)?.iter();
        match (roles.next(), roles.next()) {
            (Some(&role), None) => Some(role),
            _ => None,
        }
    };
    rows.into_iter().filter_map(|row| Some(Assignment { role: role_of(row.id)?, row })).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn row(n: u128) -> AssignmentRow {
        AssignmentRow {
            id: AssignmentId(Uuid::from_u128(n)),
            name: format!("Assignment {n}"),
            members: BTreeSet::new(),
            scope: Scope::WholeTenant,
            tags: Tags::Any,
        }
    }

    #[test]
    fn only_rows_that_exactly_one_role_names_are_joined() {
        let (role, other) = (RoleId(Uuid::from_u128(100)), RoleId(Uuid::from_u128(101)));
        let id = |n| AssignmentId(Uuid::from_u128(n));
        // 1: named once; 2: in no role's list; 3: claimed by two; 4: no row; 5: named twice by the same role.
        let of_roles = [(role, vec![id(1), id(3), id(5), id(5)]), (other, vec![id(3), id(4)])];
        let joined = join(vec![row(1), row(2), row(3), row(5)], &of_roles);
        let found: Vec<_> = joined.iter().map(|assignment| (assignment.row.id, assignment.role)).collect();
        assert_eq!(found, [(id(1), role), (id(5), role)]);
    }
}
