//! Intune roles as Graph shows them, with the holes that a live tenant showed.

use serde_json::{Value, json};

use super::answer::Answer;
use super::built_in::OPERATIONS;
use super::model::{Assignment, Hidden, Role, ScopeFill, World};
use super::odata::{Call, INTUNE_PAGES, Version, keep};

const ROLE_PROPERTIES: &[&str] = &[
    "id",
    "displayName",
    "description",
    "isBuiltIn",
    "rolePermissions",
    "isBuiltInRoleDefinition",
    "roleScopeTagIds",
    "permissions",
];

fn role_row(role: &Role) -> Value {
    let actions = json!([{"allowedResourceActions": role.actions, "notAllowedResourceActions": role.not_actions}]);
    json!({
        "@odata.type": "#microsoft.graph.deviceAndAppManagementRoleDefinition",
        "id": role.id,
        "displayName": role.name,
        "description": format!("{} (simulated)", role.name),
        "isBuiltIn": role.built_in,
        "isBuiltInRoleDefinition": role.built_in,
        "roleScopeTagIds": [],
        "rolePermissions": [{"resourceActions": actions}],
        "permissions": [],
    })
}

fn assignment_row(assignment: &Assignment) -> Value {
    let shown = |elsewhere: ScopeFill| {
        if assignment.fill == elsewhere { &[] } else { assignment.scope_groups.as_slice() }
    };
    json!({
        "id": assignment.id,
        "displayName": assignment.name,
        "description": null,
        "scopeMembers": shown(ScopeFill::ResourceScopes),
        "scopeType": assignment.scope_type,
        "resourceScopes": shown(ScopeFill::ScopeMembers),
        "members": assignment.members,
        "roleScopeTagIds": assignment.tags,
    })
}

impl World {
    /// `roleDefinitions`.
    pub(crate) fn role_definitions(&self, call: &Call) -> Result<Answer, Answer> {
        let select = call.select("microsoft.graph.roleDefinition", ROLE_PROPERTIES)?;
        let row = |role| select.as_ref().map_or_else(|| role_row(role), |names| keep(&role_row(role), names));
        Ok(self.page(call, self.roles.iter().map(row).collect(), INTUNE_PAGES))
    }

    /// `roleDefinitions/{id}`.
    pub(crate) fn role_definition(&self, call: &Call, id: &str) -> Result<Answer, Answer> {
        let select = call.select("microsoft.graph.roleDefinition", ROLE_PROPERTIES)?;
        let row = role_row(self.roles.iter().find(|r| r.id == id).ok_or_else(Answer::gone)?);
        Ok(Answer::ok(select.map_or_else(|| row.clone(), |names| keep(&row, &names))))
    }

    /// `roleDefinitions/{id}/roleAssignments`: the right rows, but cut short; no members, no scope type.
    pub(crate) fn role_definition_assignments(&self, call: &Call, id: &str) -> Result<Answer, Answer> {
        self.roles.iter().find(|r| r.id == id).ok_or_else(Answer::gone)?;
        let row = |a: &Assignment| json!({"id": a.id, "displayName": a.name, "description": null, "members": [], "resourceScopes": []});
        let rows = self.assignments.iter().filter(|a| a.role == id && !a.hidden.contains(&Hidden::FromItsRole));
        Ok(self.page(call, rows.map(row).collect(), INTUNE_PAGES))
    }

    /// `roleAssignments`: whole rows without the role; expanded, neither the role nor the scope.
    pub(crate) fn role_assignments(&self, call: &Call) -> Answer {
        let expanded = call.option("$expand").is_some_and(|e| e.contains("roleDefinition"));
        let row = |assignment: &Assignment| {
            let mut row = assignment_row(assignment);
            if let Some(fields) = row.as_object_mut().filter(|_| expanded) {
                for name in ["scopeMembers", "scopeType", "roleScopeTagIds"] {
                    fields.remove(name);
                }
                fields.insert("roleDefinition".to_owned(), Value::Null);
            }
            if let Some(fields) = row.as_object_mut().filter(|_| self.truncated_assignments) {
                fields.retain(|name, _| !["scopeType", "members", "roleScopeTagIds"].contains(&name.as_str()));
            }
            row
        };
        let rows = self.assignments.iter().filter(|a| !a.hidden.contains(&Hidden::FromAll)).map(row);
        self.page(call, rows.collect(), INTUNE_PAGES)
    }

    /// `roleAssignments/{id}`.
    pub(crate) fn role_assignment(&self, id: &str) -> Result<Answer, Answer> {
        self.assignments.iter().find(|a| a.id == id).map(|a| Answer::ok(assignment_row(a))).ok_or_else(Answer::gone)
    }

    /// `resourceOperations`.
    pub(crate) fn resource_operations(&self, call: &Call) -> Answer {
        let rows = OPERATIONS.iter().map(|(id, resource, action)| {
            let mut row = json!({"id": id, "resourceName": resource, "actionName": action, "description": format!("{resource}: {action}")});
            if call.version == Version::Beta {
                row["enabledForScopeValidation"] = json!(true);
            }
            row
        });
        self.page(call, rows.collect(), INTUNE_PAGES)
    }

    /// `roleScopeTags` (beta).
    pub(crate) fn list_scope_tags(&self, call: &Call) -> Answer {
        let rows = self
            .scope_tags
            .iter()
            .map(|(id, name)| json!({"id": id, "displayName": name, "description": "", "isBuiltIn": id == "0"}));
        self.page(call, rows.collect(), INTUNE_PAGES)
    }
}
