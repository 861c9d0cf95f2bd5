//! Reading the app states of one device: Graph's beta calls first, the report where they do not answer.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::client::{Graph, Patience};
use super::endpoint::Read;
use super::error::Error;
use super::wire::moment;
use crate::intune::{AppFailure, AppId, AppReading, AppStates, Device, DeviceId, EntraUserId, ErrorCode};

/// Rows on a page of the report (its own limit), and pages read of it.
const REPORT_PAGE: u32 = 50;
const REPORT_PAGES: u32 = 40;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStates {
    #[serde(default)]
    mobile_app_list: Vec<WireApp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireApp {
    application_id: AppId,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    display_version: Option<String>,
    #[serde(default)]
    install_state: String,
}

#[derive(Deserialize)]
struct WireHistory {
    #[serde(default)]
    history: Vec<WireEvent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEvent {
    #[serde(default)]
    occurrence_date_time: Option<String>,
    #[serde(default)]
    run_state: Option<String>,
    /// A string in the documentation; a number is taken too.
    #[serde(default)]
    error_code: Option<Value>,
}

/// The report: columns are found by name, never by position.
#[derive(Deserialize)]
struct WireReport {
    #[serde(rename = "TotalRowCount", default)]
    total: u32,
    #[serde(rename = "Schema")]
    schema: Vec<WireColumn>,
    #[serde(rename = "Values")]
    values: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
struct WireColumn {
    #[serde(rename = "Column")]
    column: String,
}

/// A code and a time, each if known.
#[derive(Clone, Copy, Debug, Default)]
struct Failure {
    code: Option<ErrorCode>,
    at: Option<Timestamp>,
}

impl Graph {
    /// The app states of `device`; at most `max` failures are looked into.
    ///
    /// Never an error: what cannot be read is [`AppReading::Unavailable`], which is not "no failures".
    pub async fn app_states(&self, device: &Device, beta: bool, max: usize, patience: Patience) -> AppReading {
        if !beta {
            // Without the beta list nothing says which apps to ask the report for.
            return AppReading::Unavailable;
        }
        let user = device.user_id.unwrap_or(EntraUserId(Uuid::nil()));
        let states: WireStates = match self.read(&Read::AppStates(user, device.id), patience).await {
            Ok(states) => states.value,
            Err(error) => {
                tracing::warn!(%error, "app states are unavailable");
                return AppReading::Unavailable;
            }
        };
        let count = |state: &str| states.mobile_app_list.iter().filter(|app| app.install_state == state).count();
        let (installed, pending) = (count("installed"), count("pendingInstall"));
        let mut failed: Vec<_> =
            states.mobile_app_list.into_iter().filter(|app| is_failure(&app.install_state)).collect();
        failed.sort_by(|a, b| a.display_name.cmp(&b.display_name));
        let more_failures = failed.len().saturating_sub(max);
        let mut failures = Vec::new();
        for app in failed.into_iter().take(max) {
            let failure = self.app_failure(user, device.id, app.application_id, patience).await;
            failures.push(AppFailure {
                app: app.application_id,
                name: app.display_name.unwrap_or_default(),
                version: app.display_version.filter(|version| !version.is_empty()),
                code: failure.code,
                failed_at: failure.at,
            });
        }
        AppReading::Read(AppStates { failures, more_failures, installed, pending })
    }

    /// Code and time of one failed app: from its history, else from the report, else unknown.
    async fn app_failure(&self, user: EntraUserId, device: DeviceId, app: AppId, patience: Patience) -> Failure {
        let from_history = match self.read::<WireHistory>(&Read::AppHistory(user, device, app), patience).await {
            Ok(history) => latest_failure(&history.value),
            Err(error) => {
                tracing::info!(%error, "the app's history is unavailable; the report is asked");
                Failure::default()
            }
        };
        if from_history.code.is_some() {
            return from_history;
        }
        match self.report_failure(device, app, patience).await {
            Ok(Some(reported)) => Failure { code: reported.code, at: reported.at.or(from_history.at) },
            Ok(None) => from_history,
            Err(error) => {
                tracing::info!(%error, "the app report is unavailable");
                from_history
            }
        }
    }

    /// The row of this device in the app's report, which cannot be filtered by device.
    async fn report_failure(&self, device: DeviceId, app: AppId, patience: Patience) -> Result<Option<Failure>, Error> {
        for page in 0..REPORT_PAGES {
            let report: WireReport = self.read(&Read::AppReport(app, page * REPORT_PAGE), patience).await?.value;
            let columns: HashMap<&str, usize> =
                report.schema.iter().enumerate().map(|(at, column)| (column.column.as_str(), at)).collect();
            let cell = |row: &[Value], name: &str| columns.get(name).and_then(|&at| row.get(at)).cloned();
            let wanted = device.to_string();
            for row in &report.values {
                if cell(row, "DeviceId").and_then(|id| id.as_str().map(str::to_lowercase)).as_deref() == Some(&wanted) {
                    let code = cell(row, "ErrorCode").as_ref().and_then(code);
                    let code = code.or_else(|| cell(row, "HexErrorCode").as_ref().and_then(self::code));
                    let at = cell(row, "LastModifiedDateTime").and_then(|at| moment(at.as_str()?));
                    return Ok(Some(Failure { code, at }));
                }
            }
            if (page + 1) * REPORT_PAGE >= report.total || report.values.is_empty() {
                return Ok(None);
            }
        }
        Ok(None)
    }
}

fn is_failure(install_state: &str) -> bool {
    matches!(install_state, "failed" | "uninstallFailed")
}

fn latest_failure(history: &WireHistory) -> Failure {
    let failures = history.history.iter().filter(|event| {
        matches!(event.run_state.as_deref(), Some("fail" | "scriptError"))
            || event.error_code.as_ref().and_then(code).is_some()
    });
    failures
        .map(|event| Failure {
            code: event.error_code.as_ref().and_then(code),
            at: event.occurrence_date_time.as_deref().and_then(moment),
        })
        .max_by_key(|failure| failure.at)
        .unwrap_or_default()
}

/// A code as a string or a number; 0 means none.
fn code(value: &Value) -> Option<ErrorCode> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => i32::try_from(number.as_i64()?).ok().filter(|&code| code != 0).map(ErrorCode),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_failure_of_a_history_counts() {
        let history: WireHistory = serde_json::from_str(
            r##"{"history":[
                {"occurrenceDateTime":"2026-11-20T09:00:00Z","runState":"fail","errorCode":"-2016330898"},
                {"occurrenceDateTime":"2026-11-22T09:00:00Z","runState":"fail","errorCode":"-2016330893"},
                {"occurrenceDateTime":"2026-11-23T09:00:00Z","runState":"pending","errorCode":null},
                {"@odata.type":"#microsoft.graph.mobileAppTroubleshootingDeviceCheckinHistory","occurrenceDateTime":"2026-11-23T09:10:00Z"}
            ]}"##,
        )
        .unwrap();
        let failure = latest_failure(&history);
        assert_eq!(failure.code, Some(ErrorCode(-2_016_330_893)));
        assert_eq!(failure.at, Some("2026-11-22T09:00:00Z".parse().unwrap()));
    }

    #[test]
    fn zero_and_nonsense_are_no_code() {
        assert_eq!(code(&Value::from(0)), None);
        assert_eq!(code(&Value::from("0")), None);
        assert_eq!(code(&Value::from("n/a")), None);
        assert_eq!(code(&Value::from(-2_016_345_060_i64)), Some(ErrorCode(-2_016_345_060)));
    }
}
