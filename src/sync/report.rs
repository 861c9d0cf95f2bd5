//! What is wrong with a device's apps, each failure with its advice.

use jiff::Timestamp;

use super::desk::Desk;
use crate::graph::{Graph, Patience};
use crate::intune::{AppReading, Device, ErrorTable, Freshness, advise};
use crate::settings::Apps;
use crate::store::{FailureReport, Report};

/// The apps of a device.
pub(super) struct AppsNow {
    /// Each, and how many more there are; `None`: Graph does not say.
    pub(super) failures: Option<(Vec<FailureReport>, usize)>,
    pub(super) installed: usize,
    pub(super) pending: usize,
}

/// Reads and judges them; `requested` is the sync that they are compared with, if there was one.
pub(super) async fn read_failures(
    graph: &Graph,
    apps: &Apps,
    table: &ErrorTable,
    device: &Device,
    requested: Option<Timestamp>,
    patience: Patience,
) -> AppsNow {
    let AppReading::Read(states) = graph.app_states(device, apps.beta, apps.max_failures, patience).await else {
        return AppsNow { failures: None, installed: 0, pending: 0 };
    };
    let judged = states.failures.into_iter().map(|failure| FailureReport {
        description: failure.code.and_then(|code| table.get(code)).map(|entry| entry.description.clone()),
        freshness: requested.map_or(Freshness::Unknown, |requested| failure.freshness(requested)),
        advice: advise(table, failure.code, &device.platform, failure.failed_at),
        name: failure.name,
        code: failure.code,
        failed_at: failure.failed_at,
    });
    let failures = Some((judged.collect(), states.more_failures));
    AppsNow { failures, installed: states.installed, pending: states.pending }
}

impl AppsNow {
    pub(super) fn into_report(self, device: &Device, checked_in_at: Timestamp, requested_at: Timestamp) -> Report {
        let (apps, more_failures) = match self.failures {
            Some((failures, more)) => (Some(failures), more),
            None => (None, 0),
        };
        Report { checked_in_at, requested_at, compliance: device.compliance.clone(), apps, more_failures }
    }
}

impl Desk {
    pub(super) async fn read_failures(&self, device: &Device, patience: Patience) -> AppsNow {
        read_failures(&self.graph, &self.settings.apps, &self.error_table, device, None, patience).await
    }
}
