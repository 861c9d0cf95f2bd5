//! Writing to the terminal. A closed pipe is nobody's fault.

use std::io::Write as _;

/// A line on standard output.
pub(crate) fn say(text: &str) {
    let _closed_pipe = writeln!(std::io::stdout().lock(), "{text}");
}

/// A line on standard error.
pub(crate) fn complain(text: &str) {
    let _closed_pipe = writeln!(std::io::stderr().lock(), "{text}");
}
