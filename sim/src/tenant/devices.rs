//! Managed devices: lists, single reads, primary users, and the one write, `syncDevice`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{Answer, date_time};
use super::device_filter::{self, Verdict};
use super::model::{ActionResult, Device, NOBODY, World};
use super::odata::{Call, Paging, Version};
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
        let names = select.unwrap_or_else(|| known.iter().map(|&name| name.to_owned()).collect());
        let usual = self.behaviour.page_size.clamp(1, 1000);
        let window = call.window(Paging { usual, most: 1000, refuse: false })?;
        let belongs = |device: &&mut Device| owner.is_none() || device.user == owner;
        let now = self.now;
        // What a device with stale reads shows follows from how often it was read, so a call reads each only once.
        let read = |device: &mut Device| (device.id.clone(), device.read_last_check_in(now));
        let (total, page) = if let Some(Verdict::Only(filter)) = verdict {
            let read: Vec<_> = self.devices.values_mut().filter(belongs).map(read).collect();
            let wanted: Vec<String> = filter.conditions().iter().map(|c| c.property.clone()).collect();
            let passes = |(id, last): &(String, Option<Timestamp>)| {
                filter.passes(&self.row(&self.devices[id], *last, &wanted, Read::Listed))
            };
            let passing: Vec<_> = read.into_iter().filter(passes).collect();
            (passing.len(), passing.into_iter().skip(window.start).take(window.len()).collect::<Vec<_>>())
        } else {
            let total = self.devices.values_mut().filter(belongs).count();
            let page = self.devices.values_mut().filter(belongs).skip(window.start).take(window.len());
            (total, page.map(read).collect())
        };
        let rows = page.iter().map(|(id, last)| self.row(&self.devices[id], *last, &names, Read::Listed)).collect();
        Ok(self.page_at(call, window.start, rows, total))
    }

    /// `managedDevices/{id}`.
    pub(crate) fn get_device(&mut self, call: &Call, id: &str) -> Result<Answer, Answer> {
        let known = properties(call.version);
        let select = call.select(TYPE, &known)?;
        let now = self.now;
        let last = self.devices.get_mut(id).ok_or_else(Answer::gone)?.read_last_check_in(now);
        let device = &self.devices[id];
        let mut row = match select {
            Some(names) => self.row(device, last, &names, Read::Selected),
            None => self.row(device, last, &known, Read::Whole),
        };
        row["@odata.context"] =
            json!(format!("{}{}/$metadata#deviceManagement/managedDevices/$entity", self.base, call.version.path()));
        Ok(Answer::ok(row))
    }

    /// `managedDevices/{id}/users`: the primary user.
    pub(crate) fn device_users(&self, call: &Call, id: &str) -> Result<Answer, Answer> {
        let device = self.devices.get(id).ok_or_else(Answer::gone)?;
        let select = call.select("microsoft.graph.user", super::directory::USER_PROPERTIES)?;
        let person = device.user.as_ref().and_then(|user| self.person(user));
        let rows = person.map(|p| super::directory::user_row(p, select.as_deref())).into_iter().collect();
        Ok(self.page(call, rows, super::odata::INTUNE_PAGES))
    }

    /// `managedDevices/{id}/syncDevice`: the device is asked to check in, and 204 says only that.
    pub(crate) fn sync_device(&mut self, id: &str) -> Result<Answer, Answer> {
        let (now, approval) = (self.now, self.behaviour.multi_admin_approval);
        let device = self.devices.get_mut(id).ok_or_else(Answer::gone)?;
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

    /// The named properties of a device whose last check-in reads as `last`, as far as this way of reading fills them.
    fn row<N: AsRef<str>>(&self, device: &Device, last: Option<Timestamp>, names: &[N], read: Read) -> Value {
        let property = |name: &N| {
            let name = name.as_ref();
            let value = if read.fills(name) { self.property(device, last, name) } else { Some(empty(name)) };
            value.map(|value| (name.to_owned(), value))
        };
        Value::Object(names.iter().filter_map(property).collect())
    }

    /// A property of a device, as Graph knows it; `None`: one that this tenant has no values for.
    fn property(&self, device: &Device, last: Option<Timestamp>, name: &str) -> Option<Value> {
        let enroller = || device.enrolled_by.as_ref().and_then(|id| self.person(id));
        let primary = || device.user.as_ref().and_then(|id| self.person(id));
        let look = platform::of(&device.os);
        Some(match name {
            "id" => json!(device.id),
            "deviceName" => json!(device.name),
            "managedDeviceName" => {
                let owner = enroller().map_or("userless", |p| p.key.as_str());
                let since = device.enrolled.strftime("%-m/%-d/%Y_%-I:%M %p");
                json!(format!("{owner}_{}_{since}", device.os))
            }
            "operatingSystem" => json!(device.os),
            "osVersion" => json!(device.os_version),
            "lastSyncDateTime" => date_time(last),
            "enrolledDateTime" => date_time(Some(device.enrolled)),
            "complianceState" => json!(device.compliance),
            "complianceGracePeriodExpirationDateTime" => json!("9999-12-31T23:59:59Z"),
            "managementState" => json!(device.state),
            "managementAgent" => json!(device.agent),
            "managedDeviceOwnerType" | "ownerType" => json!(device.owner),
            "deviceEnrollmentType" => json!(look.enrollment),
            "deviceRegistrationState" => json!("registered"),
            "userId" => json!(primary().map_or("", |p| p.id.as_str())),
            "userDisplayName" => json!(primary().map_or("", |p| p.name.as_str())),
            "userPrincipalName" | "emailAddress" => json!(enroller().map_or("", |p| p.upn.as_str())),
            "serialNumber" => json!(device.serial),
            "manufacturer" => json!(device.manufacturer),
            "model" => json!(device.model),
            "azureADDeviceId" => json!(device.entra.as_ref().map_or(NOBODY, |(id, _)| id.as_str())),
            "azureADRegistered" => json!(device.entra.is_some()),
            "isEncrypted" => json!(true),
            "isSupervised" => json!(device.owner == "company" && device.manufacturer == "Apple"),
            "deviceCategoryDisplayName" | "jailBroken" => json!("Unknown"),
            "imei" | "meid" => json!(""),
            "partnerReportedThreatState" => json!("unknown"),
            "totalStorageSpaceInBytes" => json!(256_000_000_000_u64),
            "freeStorageSpaceInBytes" => json!(98_000_000_000_u64),
            "easActivated" => json!(device.agent == "eas"),
            "notes" => json!("Set up by the service desk"),
            "udid" => json!(device.serial.to_lowercase()),
            "iccid" => json!("8949000000000000000"),
            "physicalMemoryInBytes" => json!(17_179_869_184_u64),
            "ethernetMacAddress" => json!("020000000001"),
            "deviceActionResults" => device.actions.iter().map(action_result).collect(),
            "roleScopeTagIds" if device.tags.is_empty() => json!(["0"]),
            "roleScopeTagIds" => json!(device.tags),
            "deviceType" => json!(look.device_type),
            "joinType" if device.entra.is_none() => json!("unknown"),
            "joinType" if device.os == "Windows" => json!("azureADJoined"),
            "joinType" => json!("azureADRegistered"),
            "autopilotEnrolled" => json!(device.os == "Windows"),
            _ => return None,
        })
    }
}

fn action_result(action: &ActionResult) -> Value {
    let at = date_time(Some(action.at));
    json!({"actionName": action.name, "actionState": action.state, "startDateTime": at, "lastUpdatedDateTime": at})
}

/// How a device is read; it decides what is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    /// As a row of a list.
    Listed,
    /// By itself, without `$select`.
    Whole,
    /// By itself, with properties asked for by name.
    Selected,
}

impl Read {
    fn fills(self, name: &str) -> bool {
        match self {
            Self::Selected => true,
            Self::Whole => !ON_REQUEST.contains(&name),
            Self::Listed => !ON_REQUEST.contains(&name) && name != "roleScopeTagIds",
        }
    }
}

/// What stands in a property that is not filled.
fn empty(name: &str) -> Value {
    match name {
        "deviceActionResults" | "roleScopeTagIds" => json!([]),
        "physicalMemoryInBytes" => json!(0),
        _ => Value::Null,
    }
}
