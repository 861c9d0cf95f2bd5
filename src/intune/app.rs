//! The state of apps on a device, and the failures among them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AppId, ErrorCode};

/// One app that failed on one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppFailure {
    /// Its id.
    pub app: AppId,
    /// Its name, from outside.
    pub name: String,
    /// Its version, if reported.
    pub version: Option<String>,
    /// The error code, if one was reported.
    pub code: Option<ErrorCode>,
    /// When it failed, if known.
    pub failed_at: Option<Timestamp>,
}

impl AppFailure {
    /// How the failure's time compares with the sync that was asked for at `requested`.
    ///
    /// App states lag the check-in, so a failure from before says only that nothing newer is known.
    pub fn freshness(&self, requested: Timestamp) -> Freshness {
        match self.failed_at {
            Some(at) if at >= requested => Freshness::AfterSync,
            Some(_) => Freshness::BeforeSync,
            None => Freshness::Unknown,
        }
    }
}

/// Whether a failure is news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Freshness {
    /// It failed (again) after the sync was asked for.
    AfterSync,
    /// It failed before, and no newer result is known.
    BeforeSync,
    /// Its time is unknown.
    Unknown,
}

/// The apps of a device at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppStates {
    /// Those that failed, by name.
    pub failures: Vec<AppFailure>,
    /// How many more failed, and were not looked up.
    pub more_failures: usize,
    /// How many are installed.
    pub installed: usize,
    /// How many wait for their installation.
    pub pending: usize,
}

/// What reading the app states gave. "Unavailable" is never "no failures".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppReading {
    /// Graph answered.
    Read(AppStates),
    /// Neither the beta calls nor the report answered.
    Unavailable,
}
