//! Tables that are attached to messages: a row for each device, as CSV that any spreadsheet opens.
//!
//! A cell that a spreadsheet would take for a formula begins with an apostrophe: names come from outside.

use jiff::Timestamp;

use super::cards::{ended_word, why_left_out};
use crate::intune::{Advice, Device, OwnerType};
use crate::store::{BulkRow, DeviceSyncState, Outcome, Report};
use crate::sync::LeftOut;

/// Longest cell that comes from outside, in characters.
const CELL: usize = 200;

/// What every table says of a device.
const DEVICE: [&str; 9] =
    ["device", "platform", "os_version", "user", "owner", "serial", "last_check_in", "compliance", "intune_device_id"];

/// The devices that would be synced, and those that would not.
pub(super) fn preview(devices: &[Device], left_out: &LeftOut) -> Vec<u8> {
    let mut table = Table::new(&["included", "why_not"]);
    for device in devices {
        table.row(device, ["yes".to_owned(), String::new()]);
    }
    for (device, why) in &left_out.shown {
        table.row(device, ["no".to_owned(), why_left_out(why)]);
    }
    table.done()
}

/// The devices of a request, as they are known.
pub(super) fn devices(devices: &[Device]) -> Vec<u8> {
    let mut table = Table::new(&[]);
    for device in devices {
        table.row(device, []);
    }
    table.done()
}

/// What became of each device.
pub(super) fn outcomes(rows: &[BulkRow]) -> Vec<u8> {
    let columns =
        ["outcome", "asked_at", "checked_in_at", "ended_at", "app_failures", "retryable_app_failures", "apps"];
    let mut table = Table::new(&columns);
    for row in rows {
        let report = match &row.outcome {
            Some(Outcome::CheckedIn(report)) => Some(report),
            _ => None,
        };
        let (failures, retryable, apps) = report.map(failures).unwrap_or_default();
        table.row(
            &row.device,
            [
                outcome(row),
                time(row.requested_at),
                time(report.map(|report| report.checked_in_at)),
                time(row.ended_at),
                failures,
                retryable,
                apps,
            ],
        );
    }
    table.done()
}

fn outcome(row: &BulkRow) -> String {
    match (&row.outcome, row.state) {
        (Some(outcome), _) => ended_word(outcome.word()).to_owned(),
        (None, DeviceSyncState::Queued) => "waiting".to_owned(),
        (None, _) => "asked, not checked in yet".to_owned(),
    }
}

/// How many failures, how many of them retryable, and each with its code. Unknown is empty, never 0.
fn failures(report: &Report) -> (String, String, String) {
    let Some(apps) = &report.apps else { return (String::new(), String::new(), "app states unavailable".to_owned()) };
    let retryable = apps.iter().filter(|app| app.advice == Advice::Retryable).count();
    let each: Vec<_> = apps
        .iter()
        .map(|app| match app.code {
            Some(code) => format!("{} ({})", app.name, code.hex()),
            None => app.name.clone(),
        })
        .collect();
    ((apps.len() + report.more_failures).to_string(), retryable.to_string(), each.join("; "))
}

fn owner(owner: OwnerType) -> &'static str {
    match owner {
        OwnerType::Company => "company",
        OwnerType::Personal => "personal",
    }
}

fn time(at: Option<Timestamp>) -> String {
    at.map(|at| format!("{at:.0}")).unwrap_or_default()
}

struct Table(csv::Writer<Vec<u8>>);

impl Table {
    fn new(more: &[&str]) -> Self {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(DEVICE.iter().chain(more)).expect("memory takes every byte");
        Self(writer)
    }

    fn row<const N: usize>(&mut self, device: &Device, more: [String; N]) {
        let own = [
            device.name.clone(),
            device.platform.to_string(),
            device.os_version.clone(),
            device.user_label().unwrap_or_default().to_owned(),
            device.owner.map(owner).unwrap_or_default().to_owned(),
            device.serial.clone().unwrap_or_default(),
            time(device.last_check_in),
            super::cards::compliance_word(&device.compliance).to_owned(),
            device.id.to_string(),
        ];
        let cells = own.into_iter().chain(more).map(|text| cell(&text));
        self.0.write_record(cells).expect("memory takes every byte");
    }

    fn done(self) -> Vec<u8> {
        self.0.into_inner().expect("memory takes every byte")
    }
}

/// A cell without line breaks and other control characters, which is no formula.
fn cell(text: &str) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(CELL).collect();
    let flat = flat.trim();
    if flat.starts_with(['=', '+', '-', '@', '\t']) { format!("'{flat}") } else { flat.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::cards::samples;
    use super::*;
    use crate::intune::Denial;
    use crate::sync::WhyLeftOut;

    #[test]
    fn a_preview_says_which_and_why_not() {
        let hostile = Device { name: "=HYPERLINK(\"https://evil.example\")\r\nx,y".to_owned(), ..samples::ipad() };
        let left_out = LeftOut { hidden: 3, shown: vec![(hostile, WhyLeftOut::Denied(Denial::NoRole))] };
        let table = String::from_utf8(preview(&[samples::device()], &left_out)).unwrap();
        insta::assert_snapshot!(table);
    }

    #[test]
    fn what_is_not_known_is_empty() {
        let row = BulkRow {
            device: samples::device(),
            state: DeviceSyncState::Queued,
            outcome: None,
            requested_at: None,
            ended_at: None,
        };
        insta::assert_snapshot!(String::from_utf8(outcomes(&[row])).unwrap());
    }
}
