//! The app error table: Microsoft's retry table, and codes that other public lists name.

use std::collections::HashMap;

use serde::Deserialize;

use super::ErrorCode;

/// The table compiled into the binary.
const BUILT_IN: &str = include_str!("../../config/app-error-codes.toml");

/// What is known of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Microsoft's (or the list's) words for it.
    pub description: String,
    /// What the Sync page says; `None` when the code is not in its table.
    pub retryable: Option<bool>,
    /// Which list this is from.
    pub source: String,
}

/// All known codes.
#[derive(Clone, Debug)]
pub struct ErrorTable(HashMap<ErrorCode, Entry>);

/// Why a table file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadTable {
    /// Not TOML of the expected shape; the message names the line.
    #[error("the app error table is not readable: {0}")]
    Syntax(#[from] toml::de::Error),
    /// The same code stands twice.
    #[error("the app error table lists code {0} twice")]
    Twice(ErrorCode),
    /// The retry table is empty, so every advice would be "not listed".
    #[error("the app error table has no [[sync_page]] rows")]
    NoRetryTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    sync_page: Vec<SyncPageRow>,
    #[serde(default)]
    known: Vec<KnownRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SyncPageRow {
    code: ErrorCode,
    description: String,
    retryable: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownRow {
    code: ErrorCode,
    platform: String,
    description: String,
    source: String,
}

impl ErrorTable {
    /// The table that is compiled in.
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN).expect("config/app-error-codes.toml is checked by a test")
    }

    /// Reads a table in the format of `config/app-error-codes.toml`.
    pub fn parse(text: &str) -> Result<Self, BadTable> {
        let file: File = toml::from_str(text)?;
        if file.sync_page.is_empty() {
            return Err(BadTable::NoRetryTable);
        }
        let retry_rows = file.sync_page.into_iter().map(|row| {
            let source = "Microsoft's Sync remote action page (2025-08-27)".to_owned();
            (row.code, Entry { description: row.description, retryable: Some(row.retryable), source })
        });
        let known_rows = file.known.into_iter().map(|row| {
            let source = format!("{}; {}", row.source, row.platform);
            (row.code, Entry { description: row.description, retryable: None, source })
        });
        let mut table = HashMap::new();
        for (code, entry) in retry_rows.chain(known_rows) {
            if table.insert(code, entry).is_some() {
                return Err(BadTable::Twice(code));
            }
        }
        Ok(Self(table))
    }

    /// What is known of `code`.
    pub fn get(&self, code: ErrorCode) -> Option<&Entry> {
        self.0.get(&code)
    }

    /// The code a person means: where only the negative of a positive number is known, they left the sign out.
    pub fn meant(&self, code: ErrorCode) -> ErrorCode {
        let negative = ErrorCode(code.0.wrapping_neg());
        if code.0 > 0 && !self.0.contains_key(&code) && self.0.contains_key(&negative) { negative } else { code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleven_codes_are_microsofts() {
        let table = ErrorTable::built_in();
        let retryable = [897, 896, 895, 894, 893, 891, 889];
        let not_retryable = [898, 892, 890, 888];
        for (endings, verdict) in [(&retryable[..], true), (&not_retryable[..], false)] {
            for ending in endings {
                let entry = table.get(ErrorCode(-(2_016_330_000 + ending))).unwrap();
                assert_eq!(entry.retryable, Some(verdict), "{ending}");
            }
        }
        assert_eq!(table.0.values().filter(|entry| entry.retryable.is_some()).count(), 11);
        assert!(table.0.len() > 300, "codes known from elsewhere give a message too");
    }

    #[test]
    fn a_left_out_sign_is_understood_where_only_one_reading_is_known() {
        let table = ErrorTable::built_in();
        assert_eq!(table.meant(ErrorCode(942_583_688)), ErrorCode(-942_583_688));
        assert_eq!(table.meant(ErrorCode(7)), ErrorCode(7));
    }

    #[test]
    fn a_table_that_repeats_a_code_or_lacks_the_retry_rows_is_refused() {
        let row = "[[sync_page]]\ncode = -5\ndescription = 'd'\nretryable = true\n";
        assert!(matches!(ErrorTable::parse(&row.repeat(2)), Err(BadTable::Twice(ErrorCode(-5)))));
        assert!(matches!(ErrorTable::parse(""), Err(BadTable::NoRetryTable)));
        assert!(matches!(ErrorTable::parse("[[sync_page]]\nretriable = 1"), Err(BadTable::Syntax(_))));
    }
}
