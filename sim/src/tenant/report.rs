//! The report of one app's installations on all devices: the v1.0 way to error codes.

use serde_json::{Value, json};

use super::answer::{Answer, Body, date_time};
use super::filter::{self, Condition, Op};
use super::model::{Device, DeviceApp, World};
use super::odata::Call;
use super::seed::fresh_id;

/// The most rows on a page.
const MOST: usize = 50;

/// The columns in the service's own order, and their types; `_loc` columns come by themselves.
const COLUMNS: &[(&str, &str)] = &[
    ("ApplicationId", "String"),
    ("AppInstallState", "Int32"),
    ("AppInstallState_loc", "String"),
    ("AppInstallStateDetails", "Int32"),
    ("AppInstallStateDetails_loc", "String"),
    ("AppVersion", "String"),
    ("DeviceId", "String"),
    ("DeviceName", "String"),
    ("ErrorCode", "Int32"),
    ("HexErrorCode", "String"),
    ("LastModifiedDateTime", "DateTime"),
    ("Platform", "String"),
    ("Platform_loc", "String"),
    ("UserName", "String"),
    ("UserPrincipalName", "String"),
];

/// Columns whose conditions are honoured; a condition on `DeviceId` is not.
const FILTERS: &[&str] = &["AppInstallState", "HexErrorCode", "DeviceName"];

impl World {
    /// `retrieveDeviceAppInstallationStatusReport`.
    pub(crate) fn app_report(&self, call: &Call) -> Result<Answer, Answer> {
        let broken = || Answer::intune(500, "UnknownError", "An error has occurred", "");
        let body = call.body.as_ref().ok_or_else(Answer::opaque)?;
        let names =
            |list: &Value| list.as_array().map(|l| l.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        let wanted: Vec<String> = body.get("select").and_then(names).unwrap_or_default();
        if wanted.iter().any(|name| name.ends_with("_loc") || !COLUMNS.iter().any(|(known, _)| known == name)) {
            return Err(broken());
        }
        let text = body.get("filter").and_then(Value::as_str).unwrap_or_default();
        let filter = filter::parse(text).ok_or_else(Answer::opaque)?;
        let conditions = filter.conditions();
        let app = conditions.iter().find(|c| c.property == "ApplicationId" && c.op == Op::Eq);
        let app = app.map(|c| c.value.text()).ok_or_else(Answer::opaque)?;
        let honoured: Vec<&Condition> =
            conditions.iter().copied().filter(|c| FILTERS.contains(&c.property.as_str())).collect();
        let rows: Vec<Value> = self
            .devices
            .values()
            .flat_map(|d| d.apps.iter().filter(|a| a.app == app).map(move |a| (d, a)))
            .map(|(d, a)| self.report_row(d, a))
            .filter(|row| honoured.iter().all(|c| c.passes(row)))
            .collect();
        let number = |name: &str| body.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let (skip, top) = (number("skip").unwrap_or(0), number("top").unwrap_or(MOST).clamp(1, MOST));
        let shown: Vec<&(&str, &str)> = COLUMNS
            .iter()
            .filter(|(name, _)| {
                wanted.is_empty() || wanted.iter().any(|w| w == name || name.strip_suffix("_loc") == Some(w))
            })
            .collect();
        let values: Vec<Value> = rows
            .iter()
            .skip(skip)
            .take(top)
            .map(|row| shown.iter().map(|(name, _)| row[*name].clone()).collect())
            .collect();
        let schema: Vec<Value> =
            shown.iter().map(|(name, kind)| json!({"Column": name, "PropertyType": kind})).collect();
        let body = json!({"TotalRowCount": rows.len(), "Schema": schema, "Values": values, "SessionId": fresh_id()});
        Ok(Answer { status: 200, headers: Vec::new(), body: Body::Stream(body) })
    }

    fn report_row(&self, device: &Device, app: &DeviceApp) -> Value {
        let (number, word) = match app.state.as_str() {
            "installed" => (1, "Installed"),
            "failed" => (2, "Failed"),
            "notInstalled" => (3, "Not installed"),
            "uninstallFailed" => (4, "Uninstall failed"),
            "pendingInstall" => (5, "Install pending"),
            "notApplicable" => (-1, "Not applicable"),
            _ => (99, "Unknown"),
        };
        let user = device.user.as_ref().and_then(|id| self.person(id));
        let version = self.app(&app.app).map_or("", |a| a.version.as_str());
        json!({
            "ApplicationId": app.app,
            "AppInstallState": number,
            "AppInstallState_loc": word,
            "AppInstallStateDetails": 0,
            "AppInstallStateDetails_loc": "",
            "AppVersion": version,
            "DeviceId": device.id,
            "DeviceName": device.name,
            "ErrorCode": app.code.unwrap_or(0),
            "HexErrorCode": app.code.map_or_else(|| "0x00000000".to_owned(), |code| format!("0x{:08X}", code.cast_unsigned())),
            "LastModifiedDateTime": date_time(app.at),
            "Platform": device.os,
            "Platform_loc": device.os,
            "UserName": user.map_or("", |p| p.name.as_str()),
            "UserPrincipalName": user.map_or("", |p| p.upn.as_str()),
        })
    }
}
