//! Conditions on devices: which of a tenant's devices a bulk request means.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Compliance, Device, Platform};

/// Conditions that must all hold; one that is not set always does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceFilter {
    /// Of this platform.
    pub platform: Option<Platform>,
    /// Not seen for at least so many days. A device that never checked in counts as not seen.
    pub unseen_days: Option<u32>,
    /// In this state of compliance.
    pub compliance: Option<Compliance>,
    /// With an app failure that a sync may mend; whether it has one is known elsewhere.
    pub retryable_failures: bool,
}

impl DeviceFilter {
    /// Whether a device fits, as far as its own properties say.
    pub fn fits(&self, device: &Device, now: Timestamp) -> bool {
        self.platform.as_ref().is_none_or(|platform| *platform == device.platform)
            && self.compliance.as_ref().is_none_or(|compliance| *compliance == device.compliance)
            && self.unseen_days.is_none_or(|days| is_unseen(device, days, now))
    }
}

fn is_unseen(device: &Device, days: u32, now: Timestamp) -> bool {
    let days = SignedDuration::from_hours(24 * i64::from(days));
    device.last_check_in.is_none_or(|last| now.duration_since(last) >= days)
}

#[cfg(test)]
mod tests {
    use super::super::device::tests::healthy;
    use super::*;

    #[test]
    fn every_condition_must_hold() {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        let device = healthy();
        let windows = DeviceFilter { platform: Some(Platform::Windows), ..DeviceFilter::default() };
        assert!(windows.fits(&device, now));
        let bad = DeviceFilter { compliance: Some(Compliance::Noncompliant), ..windows.clone() };
        assert!(!bad.fits(&device, now));
        let macs = DeviceFilter { platform: Some(Platform::MacOs), ..windows };
        assert!(!macs.fits(&device, now));
    }

    #[test]
    fn unseen_counts_whole_days_and_those_that_never_came() {
        let now = "2026-11-25T08:00:00Z".parse().unwrap();
        let two_days = DeviceFilter { unseen_days: Some(2), ..DeviceFilter::default() };
        let three_days = DeviceFilter { unseen_days: Some(3), ..DeviceFilter::default() };
        assert!(two_days.fits(&healthy(), now) && !three_days.fits(&healthy(), now));
        let never = Device { last_check_in: None, ..healthy() };
        assert!(three_days.fits(&never, now));
    }
}
