//! What to tell someone about a failed app: retryable, not retryable until a date, or not listed.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ErrorCode, ErrorTable, Platform};

/// How long an app that failed with a nonretryable code stays unavailable (Sync page). Its start is not defined
/// there; the failure is the natural reading, so every date made from it is approximate.
pub const SEVEN_DAYS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The advice on one app failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Advice {
    /// Still available to the device: a sync may install it.
    Retryable,
    /// Not available to the device before a date.
    NotRetryable {
        /// About when it is available again; `None` when the failure's time is unknown, or where the seven
        /// days do not apply (Windows, macOS).
        available_from: Option<Timestamp>,
    },
    /// Not in Microsoft's retry table, or without a code: neither can be said.
    NotListed,
}

/// The advice for `code` on `platform`, given when the app failed.
pub fn advise(
    table: &ErrorTable,
    code: Option<ErrorCode>,
    platform: &Platform,
    failed_at: Option<Timestamp>,
) -> Advice {
    match code.and_then(|code| table.get(code)).and_then(|entry| entry.retryable) {
        Some(true) => Advice::Retryable,
        Some(false) => {
            let available_from = failed_at
                .filter(|_| platform.is_in_retry_rule())
                .and_then(|failed_at| failed_at.checked_add(SEVEN_DAYS).ok());
            Advice::NotRetryable { available_from }
        }
        None => Advice::NotListed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_nonretryable_failure_is_available_again_after_seven_days() {
        let table = ErrorTable::built_in();
        let failed_at = Some(at("2026-11-23T09:00:00Z"));
        let advice = advise(&table, Some(ErrorCode(-2_016_330_892)), &Platform::Ios, failed_at);
        assert_eq!(advice, Advice::NotRetryable { available_from: Some(at("2026-11-30T09:00:00Z")) });
    }

    #[test]
    fn the_seven_days_are_not_promised_on_windows() {
        let table = ErrorTable::built_in();
        let failed_at = Some(at("2026-11-23T09:00:00Z"));
        let advice = advise(&table, Some(ErrorCode(-2_016_330_892)), &Platform::Windows, failed_at);
        assert_eq!(advice, Advice::NotRetryable { available_from: None });
    }

    #[test]
    fn a_code_outside_the_table_gets_no_verdict() {
        let table = ErrorTable::built_in();
        assert_eq!(advise(&table, Some(ErrorCode(-2_016_345_060)), &Platform::Ios, None), Advice::NotListed);
        assert_eq!(advise(&table, None, &Platform::Ios, None), Advice::NotListed);
    }

    #[test]
    fn a_retryable_failure_is_still_available() {
        let table = ErrorTable::built_in();
        assert_eq!(advise(&table, Some(ErrorCode(-2_016_330_893)), &Platform::Android, None), Advice::Retryable);
    }
}
