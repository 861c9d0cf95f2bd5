//! Intune's audit log: each accepted sync, with the application as the actor.

use serde_json::{Value, json};

use super::answer::{Answer, date_time};
use super::filter;
use super::log::SyncCall;
use super::model::World;
use super::odata::{Call, INTUNE_PAGES};
use super::seed::id_for;

impl World {
    /// `auditEvents`, newest first.
    pub(crate) fn audit_events(&self, call: &Call) -> Result<Answer, Answer> {
        let accepted = self.log.syncs.iter().enumerate().filter(|(_, sync)| sync.status == 204);
        let mut rows: Vec<Value> = accepted.map(|(number, sync)| self.audit_row(number, sync)).rev().collect();
        if let Some(text) = call.option("$filter") {
            let bad = || Answer::error(400, "BadRequest", "Invalid filter clause");
            let filter = filter::parse(text).ok_or_else(bad)?;
            rows.retain(|row| filter.passes(row));
        }
        Ok(self.page(call, rows, INTUNE_PAGES))
    }

    fn audit_row(&self, number: usize, sync: &SyncCall) -> Value {
        let id = id_for(self.seed, "audit", &number.to_string());
        json!({
            "id": id,
            "displayName": "syncDevice ManagedDevice",
            "componentName": "ManagedDevices",
            "activity": null,
            "activityDateTime": date_time(Some(sync.at)),
            "activityType": "syncDevice ManagedDevice",
            "activityOperationType": "Action",
            "activityResult": "Success",
            "correlationId": id,
            "category": "Device",
            "actor": {
                "auditActorType": "Application",
                "userPermissions": [],
                "applicationId": self.application.client_id,
                "applicationDisplayName": self.application.name,
                "userPrincipalName": null,
                "servicePrincipalName": self.application.name,
                "ipAddress": null,
                "userId": null,
            },
            "resources": [{
                "displayName": sync.device_name,
                "auditResourceType": "ManagedDevice",
                "resourceId": sync.device_id,
                "modifiedProperties": [],
            }],
        })
    }
}
