//! Managed devices: lists, single reads, primary users, and the one write, `syncDevice`.

use serde_json::{Map, Value, json};

use super::answer::{Answer, date_time};
use super::device_filter::{self, Verdict};
use super::model::{NOBODY, World};
use super::odata::{Call, Paging, Version, keep};
use super::platform;

const TYPE: &str = "microsoft.graph.managedDevice";

/// Properties of v1.0.
const PROPERTIES: &[&str] = &[
    "id",
    "activationLockBypassCode",
    "androidSecurityPatchLevel",
    "azureADDeviceId",
    "azureADRegistered",
    "complianceGracePeriodExpirationDateTime",
    "complianceState",
    "configurationManagerClientEnabledFeatures",
    "deviceActionResults",
    "deviceCategoryDisplayName",
    "deviceEnrollmentType",
    "deviceHealthAttestationState",
    "deviceName",
    "deviceRegistrationState",
    "easActivated",
    "easActivationDateTime",
    "easDeviceId",
    "emailAddress",
    "enrolledDateTime",
    "enrollmentProfileName",
    "ethernetMacAddress",
    "exchangeAccessState",
    "exchangeAccessStateReason",
    "exchangeLastSuccessfulSyncDateTime",
    "freeStorageSpaceInBytes",
    "iccid",
    "imei",
    "isEncrypted",
    "isSupervised",
    "jailBroken",
    "lastSyncDateTime",
    "managedDeviceName",
    "managedDeviceOwnerType",
    "managementAgent",
    "managementCertificateExpirationDate",
    "managementState",
    "manufacturer",
    "meid",
    "model",
    "notes",
    "operatingSystem",
    "osVersion",
    "partnerReportedThreatState",
    "phoneNumber",
    "physicalMemoryInBytes",
    "requireUserEnrollmentApproval",
    "serialNumber",
    "subscriberCarrier",
    "totalStorageSpaceInBytes",
    "udid",
    "userDisplayName",
    "userId",
    "userPrincipalName",
    "wiFiMacAddress",
];

/// Properties that only beta has.
const BETA_ONLY: &[&str] = &["roleScopeTagIds", "ownerType", "deviceType", "joinType", "autopilotEnrolled"];

/// Properties that are filled only on a single read that asks for them by name.
const ON_REQUEST: &[&str] =
    &["deviceActionResults", "notes", "udid", "iccid", "physicalMemoryInBytes", "ethernetMacAddress"];

/// Agents without the channel that a sync goes through.
const NO_CHANNEL: &[&str] =
    &["eas", "jamf", "msSense", "configurationManagerClient", "googleCloudDevicePolicyController"];

fn properties(version: Version) -> Vec<&'static str> {
    let beta: &[&str] = if version == Version::Beta { BETA_ONLY } else { &[] };
    PROPERTIES.iter().chain(beta).copied().collect()
}

impl World {
    /// `managedDevices`, of everyone or of one user.
    pub(crate) fn list_devices(&mut self, call: &Call, user: Option<&str>) -> Result<Answer, Answer> {
        let known = properties(call.version);
        let select = call.select(TYPE, &known)?;
        let verdict = call.option("$filter").map(|text| device_filter::judge(text, &known)).transpose()?;
        let owner = match user {
            Some(user) => Some(self.person(user).ok_or_else(|| Answer::no_object(user))?.id.clone()),
            None => None,
        };
        let mut rows = Vec::new();
        for index in 0..self.devices.len() {
            if owner.is_some() && self.devices[index].user != owner {
                continue;
            }
            let mut row = self.device_row(index, call.version);
            clear_on_request(&mut row, None);
            if row.contains_key("roleScopeTagIds") {
                row.insert("roleScopeTagIds".to_owned(), json!([]));
            }
            rows.push(Value::Object(row));
        }
        if let Some(Verdict::Only(filter)) = verdict {
            rows.retain(|row| filter.passes(row));
        }
        if let Some(names) = &select {
            rows = rows.iter().map(|row| keep(row, names)).collect();
        }
        let usual = self.behaviour.page_size.clamp(1, 1000);
        Ok(self.page(call, rows, Paging { usual, most: 1000, refuse: false }))
    }

    /// `managedDevices/{id}`.
    pub(crate) fn get_device(&mut self, call: &Call, id: &str) -> Result<Answer, Answer> {
        let select = call.select(TYPE, &properties(call.version))?;
        let index = self.devices.iter().position(|d| d.id == id).ok_or_else(Answer::gone)?;
        let mut row = self.device_row(index, call.version);
        clear_on_request(&mut row, select.as_deref());
        let row = Value::Object(row);
        let mut row = select.map_or_else(|| row.clone(), |names| keep(&row, &names));
        row["@odata.context"] =
            json!(format!("{}{}/$metadata#deviceManagement/managedDevices/$entity", self.base, call.version.path()));
        Ok(Answer::ok(row))
    }

    /// `managedDevices/{id}/users`: the primary user.
    pub(crate) fn device_users(&self, call: &Call, id: &str) -> Result<Answer, Answer> {
        let device = self.devices.iter().find(|d| d.id == id).ok_or_else(Answer::gone)?;
        let select = call.select("microsoft.graph.user", super::directory::USER_PROPERTIES)?;
        let person = device.user.as_ref().and_then(|user| self.person(user));
        let rows = person.map(|p| super::directory::user_row(p, select.as_deref())).into_iter().collect();
        Ok(self.page(call, rows, super::odata::INTUNE_PAGES))
    }

    /// `managedDevices/{id}/syncDevice`: the device is asked to check in, and 204 says only that.
    pub(crate) fn sync_device(&mut self, id: &str) -> Result<Answer, Answer> {
        let (now, approval) = (self.now, self.behaviour.multi_admin_approval);
        let device = self.devices.iter_mut().find(|d| d.id == id).ok_or_else(Answer::gone)?;
        if approval || device.needs_approval {
            return Err(Answer::approval_required());
        }
        let leaving = ["retire", "wipe", "delete"].iter().any(|end| device.state.starts_with(end));
        let stays = ["wipeCanceled", "retireCanceled", "wipeFailed", "retireFailed"].contains(&device.state.as_str());
        if !platform::of(&device.os).syncs || NO_CHANNEL.contains(&device.agent.as_str()) || (leaving && !stays) {
            return Err(Answer::opaque());
        }
        if device.actions.iter().any(|a| a.name != "syncDevice" && a.state == "pending") {
            return Err(Answer::intune(409, "Conflict", "A conflicting action is pending.", ""));
        }
        device.asked(now);
        // A crossed check-in shows with the very next read.
        self.settle(now);
        Ok(Answer::no_content())
    }

    /// Every property of a device, as Graph knows it.
    fn device_row(&mut self, index: usize, version: Version) -> Map<String, Value> {
        let last = self.devices[index].read_last_check_in(self.now);
        let device = &self.devices[index];
        let enroller = device.enrolled_by.as_ref().and_then(|id| self.person(id));
        let primary = device.user.as_ref().and_then(|id| self.person(id));
        let entra = device.entra.as_ref().map_or(NOBODY, |(id, _)| id.as_str());
        let look = platform::of(&device.os);
        let actions: Vec<Value> = device.actions.iter().map(|a| {
            json!({"actionName": a.name, "actionState": a.state, "startDateTime": date_time(Some(a.at)), "lastUpdatedDateTime": date_time(Some(a.at))})
        }).collect();
        let name = |owner: &str| enroller.map_or_else(|| owner.to_owned(), |p| p.key.clone());
        let fields = [
            ("id", json!(device.id)),
            ("deviceName", json!(device.name)),
            (
                "managedDeviceName",
                json!(format!(
                    "{}_{}_{}",
                    name("userless"),
                    device.os,
                    device.enrolled.strftime("%-m/%-d/%Y_%-I:%M %p")
                )),
            ),
            ("operatingSystem", json!(device.os)),
            ("osVersion", json!(device.os_version)),
            ("lastSyncDateTime", date_time(last)),
            ("enrolledDateTime", date_time(Some(device.enrolled))),
            ("complianceState", json!(device.compliance)),
            ("complianceGracePeriodExpirationDateTime", json!("9999-12-31T23:59:59Z")),
            ("managementState", json!(device.state)),
            ("managementAgent", json!(device.agent)),
            ("managedDeviceOwnerType", json!(device.owner)),
            ("deviceEnrollmentType", json!(look.enrollment)),
            ("deviceRegistrationState", json!("registered")),
            ("deviceCategoryDisplayName", json!("Unknown")),
            ("userId", json!(primary.map_or("", |p| p.id.as_str()))),
            ("userPrincipalName", json!(enroller.map_or("", |p| p.upn.as_str()))),
            ("emailAddress", json!(enroller.map_or("", |p| p.upn.as_str()))),
            ("userDisplayName", json!(primary.map_or("", |p| p.name.as_str()))),
            ("serialNumber", json!(device.serial)),
            ("manufacturer", json!(device.manufacturer)),
            ("model", json!(device.model)),
            ("azureADDeviceId", json!(entra)),
            ("azureADRegistered", json!(device.entra.is_some())),
            ("isEncrypted", json!(true)),
            ("isSupervised", json!(device.owner == "company" && device.manufacturer == "Apple")),
            ("jailBroken", json!("Unknown")),
            ("imei", json!("")),
            ("meid", json!("")),
            ("partnerReportedThreatState", json!("unknown")),
            ("totalStorageSpaceInBytes", json!(256_000_000_000_u64)),
            ("freeStorageSpaceInBytes", json!(98_000_000_000_u64)),
            ("easActivated", json!(device.agent == "eas")),
            ("notes", json!("Set up by the service desk")),
            ("udid", json!(device.serial.to_lowercase())),
            ("iccid", json!("8949000000000000000")),
            ("physicalMemoryInBytes", json!(17_179_869_184_u64)),
            ("ethernetMacAddress", json!("020000000001")),
            ("deviceActionResults", Value::Array(actions)),
        ];
        let beta = [
            ("roleScopeTagIds", json!(if device.tags.is_empty() { vec!["0".to_owned()] } else { device.tags.clone() })),
            ("ownerType", json!(device.owner)),
            ("deviceType", json!(look.device_type)),
            (
                "joinType",
                json!(if device.entra.is_none() {
                    "unknown"
                } else if device.os == "Windows" {
                    "azureADJoined"
                } else {
                    "azureADRegistered"
                }),
            ),
            ("autopilotEnrolled", json!(device.os == "Windows")),
        ];
        let beta = beta.into_iter().filter(|_| version == Version::Beta);
        fields.into_iter().chain(beta).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Empties what is filled only on request, but for what a single read asked for.
fn clear_on_request(row: &mut Map<String, Value>, asked: Option<&[String]>) {
    for &name in ON_REQUEST {
        if asked.is_some_and(|asked| asked.iter().any(|a| a == name)) {
            continue;
        }
        let empty = match name {
            "deviceActionResults" => json!([]),
            "physicalMemoryInBytes" => json!(0),
            _ => Value::Null,
        };
        row.insert(name.to_owned(), empty);
    }
}
