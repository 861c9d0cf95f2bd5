//! The table of a soak: what was asked, what went wrong, and what came of it.

use std::collections::BTreeMap;
use std::fmt;

/// Rows of a table, in groups.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<(String, String)>);

impl Figures {
    /// One row.
    pub(crate) fn row(&mut self, what: impl Into<String>, figure: impl fmt::Display) {
        self.0.push((what.into(), figure.to_string()));
    }

    /// One row with several counts in it.
    pub(crate) fn counts<K: fmt::Display>(&mut self, what: &str, counts: &BTreeMap<K, usize>) {
        let words: Vec<_> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        self.row(what, if words.is_empty() { "none".to_owned() } else { words.join(", ") });
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| What | Figure |\n| --- | --- |")?;
        self.0.iter().try_for_each(|(what, figure)| writeln!(f, "| {what} | {figure} |"))
    }
}
