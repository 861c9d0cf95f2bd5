//! What a bench says, and how it says many durations.

use std::time::Duration;

/// A line of the report.
#[expect(clippy::print_stdout, reason = "a bench reports on standard output")]
pub(crate) fn print(line: &str) {
    println!("{line}");
}

/// How durations are spread.
pub(crate) fn spread(mut durations: Vec<Duration>) -> String {
    durations.sort_unstable();
    let at = |share: usize| durations.get(durations.len() * share / 100).copied().unwrap_or_default();
    let (count, most) = (durations.len(), durations.last().copied().unwrap_or_default());
    format!("p50 {:.2?}, p99 {:.2?}, most {most:.2?} ({count} measured)", at(50), at(99))
}
