//! Apps, and how each fares on a device: the beta calls of the troubleshooting pane.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::{Answer, date_time};
use super::filter;
use super::model::{App, AppEvent, Device, DeviceApp, NOBODY, World};
use super::odata::{Call, INTUNE_PAGES, keep};
use super::platform;
use crate::scenario::tenant::AppReads;

const APP_PROPERTIES: &[&str] = &[
    "id",
    "displayName",
    "description",
    "publisher",
    "createdDateTime",
    "lastModifiedDateTime",
    "isFeatured",
    "publishingState",
    "owner",
    "developer",
    "notes",
    "informationUrl",
    "privacyInformationUrl",
    "largeIcon",
];

fn app_row(app: &App) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.mobileApp",
        "id": app.id, "displayName": app.name, "description": app.name, "publisher": "Contoso",
        "createdDateTime": "2025-04-02T08:00:00Z", "lastModifiedDateTime": "2026-03-09T08:00:00Z",
        "isFeatured": false, "publishingState": "published", "owner": "", "developer": "", "notes": "",
        "informationUrl": null, "privacyInformationUrl": null,
    })
}

impl World {
    /// `mobileApps`.
    pub(crate) fn mobile_apps(&self, call: &Call) -> Result<Answer, Answer> {
        let select = call.select("microsoft.graph.mobileApp", APP_PROPERTIES)?;
        let mut rows: Vec<Value> = self.apps.iter().map(app_row).collect();
        if let Some(text) = call.option("$filter") {
            let bad = || Answer::error(400, "BadRequest", "Invalid filter clause");
            let filter = filter::parse(text).ok_or_else(bad)?;
            rows.retain(|row| filter.passes(row));
        }
        let rows = rows.iter().map(|row| select.as_ref().map_or_else(|| row.clone(), |names| keep(row, names)));
        Ok(self.page(call, rows.collect(), INTUNE_PAGES))
    }

    /// `mobileApps/{id}`.
    pub(crate) fn mobile_app(&self, call: &Call, id: &str) -> Result<Answer, Answer> {
        let select = call.select("microsoft.graph.mobileApp", APP_PROPERTIES)?;
        let row = app_row(self.apps.iter().find(|a| a.id == id).ok_or_else(Answer::gone)?);
        Ok(Answer::ok(select.map_or_else(|| row.clone(), |names| keep(&row, &names))))
    }

    /// Beta `users/{id}/mobileAppIntentAndStates`: one entry for each of the person's devices.
    pub(crate) fn app_states(&self, call: &Call, user: &str) -> Result<Answer, Answer> {
        self.app_reads_work()?;
        let rows = self.devices.values().filter(|d| belongs(d, user)).map(|d| self.states_row(d, user));
        Ok(self.page(call, rows.collect(), INTUNE_PAGES))
    }

    /// Beta `users/{id}/mobileAppIntentAndStates/{managed device id}`.
    pub(crate) fn app_states_of(&self, user: &str, device: &str) -> Result<Answer, Answer> {
        self.app_reads_work()?;
        let device = self.devices.get(device).filter(|d| belongs(d, user)).ok_or_else(Answer::gone)?;
        Ok(Answer::ok(self.states_row(device, user)))
    }

    /// Beta `users/{id}/mobileAppTroubleshootingEvents/{managed device id}_{app id}`.
    pub(crate) fn app_events(&self, call: &Call, user: &str, key: &str) -> Result<Answer, Answer> {
        self.app_reads_work()?;
        let (device_id, app_id) = key.split_once('_').ok_or_else(Answer::opaque)?;
        let device = self.devices.get(device_id).filter(|d| belongs(d, user)).ok_or_else(Answer::gone)?;
        let app = device.apps.iter().find(|a| a.app == app_id).ok_or_else(Answer::gone)?;
        let known = ["id", "managedDeviceIdentifier", "deviceId", "userId", "applicationId", "history"];
        let select = call.select("microsoft.graph.mobileAppTroubleshootingEvent", &known)?;
        let row = json!({
            "id": key, "managedDeviceIdentifier": device.id, "userId": user, "applicationId": app_id,
            "deviceId": device.id, "history": history(device, app),
        });
        Ok(Answer::ok(select.map_or_else(|| row.clone(), |names| keep(&row, &names))))
    }

    fn app_reads_work(&self) -> Result<(), Answer> {
        match self.behaviour.app_reads {
            AppReads::Work => Ok(()),
            AppReads::Forbidden => Err(Answer::no_permission(&["(application permissions are not supported)"])),
            AppReads::NotFound => Err(Answer::gone()),
        }
    }

    fn states_row(&self, device: &Device, user: &str) -> Value {
        let apps = self.app_names();
        let list = device.apps.iter().filter_map(|state| {
            let app = apps.get(state.app.as_str())?;
            Some(json!({
                "applicationId": app.id, "displayName": app.name, "displayVersion": app.version,
                "installState": state.state, "mobileAppIntent": "requiredInstall",
                "supportedDeviceTypes": [{
                    "type": platform::of(&device.os).device_type,
                    "minimumOperatingSystemVersion": "0.0", "maximumOperatingSystemVersion": "0.0",
                }],
            }))
        });
        json!({
            "id": format!("{}_{user}", device.id), "managedDeviceIdentifier": device.id, "userId": user,
            "mobileAppList": list.collect::<Vec<_>>(),
        })
    }
}

/// Whether app states of the device are found under this user id; of a device without a user, under the zero id.
fn belongs(device: &Device, user: &str) -> bool {
    device.user.as_deref().unwrap_or(NOBODY) == user
}

/// Everything that happened to an app, newest last, among entries of other kinds.
fn history(device: &Device, app: &DeviceApp) -> Vec<Value> {
    let first = app.history.first().map_or(device.enrolled, |e| e.at);
    let before = |minutes| first.checked_sub(SignedDuration::from_mins(minutes)).ok();
    let mut entries = vec![
        json!({
            "@odata.type": "#microsoft.graph.mobileAppTroubleshootingAppPolicyCreationHistory",
            "occurrenceDateTime": date_time(before(60)),         }),
        json!({
        "@odata.type": "#microsoft.graph.mobileAppTroubleshootingAppTargetHistory",
        "occurrenceDateTime": date_time(before(55)), "runState": "success", "securityGroupId": NOBODY,
                }),
    ];
    for event in &app.history {
        let sent = event.at.checked_sub(SignedDuration::from_secs(3)).unwrap_or(event.at);
        entries.push(json!({
            "@odata.type": "#microsoft.graph.mobileAppTroubleshootingDeviceCheckinHistory",
            "occurrenceDateTime": date_time(Some(sent)),
        }));
        entries.push(state_entry(sent, "installCommandSent", "pending", None));
        entries.push(result_entry(event));
    }
    entries
}

fn result_entry(event: &AppEvent) -> Value {
    match event.code {
        None => state_entry(event.at, "installed", "success", None),
        Some(code) => state_entry(event.at, "installed", "fail", Some(code)),
    }
}

fn state_entry(at: Timestamp, action: &str, run: &str, code: Option<i32>) -> Value {
    let details = code.map_or(Value::Null, |code| {
        json!({
            "context": "App installation", "failure": "The app failed to install.",
            "failureDetails": format!("Error code {code}"), "remediation": "See the documentation of the error.",
            "resources": [{"text": "Troubleshooting", "link": "https://example.com/app-errors"}],
        })
    });
    let mut entry = json!({
        "@odata.type": "#microsoft.graph.mobileAppTroubleshootingAppStateHistory",
        "occurrenceDateTime": date_time(Some(at)), "actionType": action, "runState": run,
        // A string, also for none.
        "errorCode": code.unwrap_or(0).to_string(),
    });
    if !details.is_null() {
        entry["troubleshootingErrorDetails"] = details;
    }
    entry
}
