//! Reading settings: the compiled defaults, over them a file, over that the environment; then the types.
//!
//! `config/default.toml` is the list of known keys: a key that is not in it is an error that names the nearest one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{Settings, approval, notify};

/// Every key with its default.
const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Prefix of the environment variables that are settings.
const ENV_PREFIX: &str = "SYNC_BOT_";

/// Keys whose value is a secret, so that each may stand in a file of its own.
const SECRETS: [(&str, &str); 7] = [
    ("discord", "token"),
    ("entra", "client_secret"),
    ("entra", "certificate"),
    ("entra", "certificate_password"),
    ("audit", "key"),
    ("link", "client_secret"),
    ("store", "url"),
];

/// Keys of one `[[access.chat_role]]`.
const CHAT_ROLE_KEYS: &[&str] = &["discord_role", "intune_role", "scope_groups"];

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The operator's file.
    pub file: Option<PathBuf>,
    /// The environment; variables without our prefix are ignored.
    pub env: BTreeMap<String, String>,
}

impl Source {
    /// A file and the process's environment.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        Self { file, env: std::env::vars().collect() }
    }
}

/// Why the settings cannot be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BadSettings {
    /// A file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        reason: std::io::Error,
    },
    /// The file is not TOML. The line itself is not shown: it may hold a secret.
    #[error("{path} is not valid TOML: line {line}: {reason}")]
    Syntax {
        /// Which file.
        path: String,
        /// In which line, counted from 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// A key nobody knows.
    #[error("unknown setting `{key}` in {place}{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// The key as written.
        key: String,
        /// The file, or the environment.
        place: String,
        /// The nearest known key.
        nearest: Option<String>,
    },
    /// A secret is given twice.
    #[error("both `{section}.{key}` and `{section}.{key}_file` are set; keep one of them")]
    Twice {
        /// Section.
        section: &'static str,
        /// Key.
        key: &'static str,
    },
    /// A value of the wrong form or out of range.
    #[error("`{key}`: {why}")]
    Value {
        /// Which key.
        key: String,
        /// What is wrong, and what to write.
        why: String,
    },
    /// The same in one of several tables.
    #[error("`{key}` ({row}): {why}")]
    InRow {
        /// Which key.
        key: String,
        /// Which of the tables.
        row: String,
        /// What is wrong, and what to write.
        why: String,
    },
}

impl BadSettings {
    /// Says which of several tables it is about.
    pub(super) fn in_row(self, row: String) -> Self {
        match self {
            Self::Value { key, why } => Self::InRow { key, row, why },
            other => other,
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers pass errors and literals alike")]
    pub(super) fn value(key: impl Into<String>, why: impl ToString) -> Self {
        Self::Value { key: key.into(), why: why.to_string() }
    }
}

/// Reads, merges, checks and types the settings.
pub fn load(source: &Source) -> Result<Settings, BadSettings> {
    let defaults = defaults();
    let mut merged = defaults.clone();
    if let Some(path) = &source.file {
        let place = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|reason| BadSettings::Unreadable { path: place.clone(), reason })?;
        let table: Table = text.parse().map_err(|reason| syntax(&place, &text, &reason))?;
        overlay(&mut merged, table, &defaults, &place)?;
    }
    overlay(&mut merged, environment(&source.env, &defaults)?, &defaults, "the environment")?;
    resolve_secret_files(&mut merged)?;
    Settings::from_table(&merged)
}

fn syntax(place: &str, text: &str, reason: &toml::de::Error) -> BadSettings {
    let line = reason.span().and_then(|span| text.get(..span.start)).map_or(1, |before| before.split('\n').count());
    BadSettings::Syntax { path: place.to_owned(), line, reason: reason.message().replace('\n', ", ") }
}

/// All keys of the reference, dotted, for the documentation's tests.
pub fn reference_keys() -> Vec<String> {
    let mut keys = Vec::new();
    for (section, value) in &defaults() {
        let Value::Table(table) = value else { continue };
        keys.extend(table.keys().map(|key| format!("{section}.{key}")));
    }
    keys
}

fn defaults() -> Table {
    DEFAULTS.parse().expect("config/default.toml is checked by a test")
}

fn is_known(defaults: &Table, section: &str, key: &str) -> bool {
    let known =
        |key: &str| defaults.get(section).and_then(Value::as_table).is_some_and(|table| table.contains_key(key));
    known(key)
        || (section == "access" && key == "chat_role")
        || (section == "approval" && key == "rule")
        || (section == "notify" && matches!(key, "rule" | "webhook"))
        || SECRETS.iter().any(|&(of, secret)| of == section && key.strip_suffix("_file") == Some(secret))
}

fn overlay(merged: &mut Table, over: Table, defaults: &Table, place: &str) -> Result<(), BadSettings> {
    for (section, value) in over {
        let Some(into) = merged.get_mut(&section).and_then(Value::as_table_mut) else {
            return Err(unknown(&section, place, defaults.keys().cloned()));
        };
        let Value::Table(table) = value else {
            return Err(BadSettings::value(&section, "is a section: write it as [section] with keys below"));
        };
        for (key, value) in table {
            if !is_known(defaults, &section, &key) {
                return Err(unknown(&format!("{section}.{key}"), place, reference_keys().into_iter()));
            }
            if section == "access" && key == "chat_role" {
                check_rows("access.chat_role", CHAT_ROLE_KEYS, &value, place)?;
            }
            if section == "approval" && key == "rule" {
                check_rows("approval.rule", approval::KEYS, &value, place)?;
            }
            if section == "notify" && key == "rule" {
                check_rows("notify.rule", notify::RULE_KEYS, &value, place)?;
            }
            if section == "notify" && key == "webhook" {
                check_rows("notify.webhook", notify::WEBHOOK_KEYS, &value, place)?;
            }
            // A file's `token_file` replaces a default `token`, and the environment's the file's.
            into.insert(key, value);
        }
    }
    Ok(())
}

/// Rows of tables: each key must be a known one.
fn check_rows(name: &str, keys: &[&str], value: &Value, place: &str) -> Result<(), BadSettings> {
    let hint = || BadSettings::value(name, format!("write [[{name}]]"));
    let rows = value.as_array().ok_or_else(hint)?;
    for row in rows {
        for key in row.as_table().ok_or_else(hint)?.keys() {
            if !keys.contains(&key.as_str()) {
                let known = keys.iter().map(|known| format!("{name}.{known}"));
                return Err(unknown(&format!("{name}.{key}"), place, known));
            }
        }
    }
    Ok(())
}

/// A key counts as a slip of another one when at least this share of it agrees.
const NEAR: f64 = 0.6;

fn unknown(key: &str, place: &str, known: impl Iterator<Item = String>) -> BadSettings {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |known: &str| {
        strsim::normalized_damerau_levenshtein(key, known)
            .max(strsim::normalized_damerau_levenshtein(&last(key), &last(known)) - 0.05)
    };
    let nearest = known
        .map(|known| (likeness(&known), known))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known);
    BadSettings::Unknown { key: key.to_owned(), place: place.to_owned(), nearest }
}

/// Turns `SYNC_BOT_WATCH__DEADLINE=2h` into `[watch] deadline = "2h"`, typed as its default is.
fn environment(env: &BTreeMap<String, String>, defaults: &Table) -> Result<Table, BadSettings> {
    let mut table = Table::new();
    for (name, text) in env {
        let Some(rest) = name.strip_prefix(ENV_PREFIX) else { continue };
        let Some((section, key)) = rest.split_once("__") else {
            return Err(unknown(name, "the environment", env_names()));
        };
        let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
        if !is_known(defaults, &section, &key) {
            return Err(unknown(name, "the environment", env_names()));
        }
        if matches!(key.as_str(), "chat_role" | "rule" | "webhook") {
            let why = format!("tables can stand in the file only: write [[{section}.{key}]] there");
            return Err(BadSettings::value(name, why));
        }
        let default = defaults.get(&section).and_then(|section| section.get(&key));
        let value = like(default, text).map_err(|why| BadSettings::value(name, why))?;
        let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = section {
            section.insert(key, value);
        }
    }
    Ok(table)
}

fn env_names() -> impl Iterator<Item = String> {
    reference_keys().into_iter().map(|key| format!("{ENV_PREFIX}{}", key.replacen('.', "__", 1).to_ascii_uppercase()))
}

fn like(default: Option<&Value>, text: &str) -> Result<Value, &'static str> {
    Ok(match default {
        Some(Value::Boolean(_)) => Value::Boolean(text.parse().map_err(|_| "write true or false")?),
        Some(Value::Integer(_)) => Value::Integer(text.parse().map_err(|_| "write a whole number")?),
        Some(Value::Array(_)) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
        _ => Value::String(text.to_owned()),
    })
}

fn resolve_secret_files(merged: &mut Table) -> Result<(), BadSettings> {
    let defaults = defaults();
    for (section, key) in SECRETS {
        let default =
            defaults.get(section).and_then(|table| table.get(key)).and_then(Value::as_str).unwrap_or_default();
        let Some(table) = merged.get_mut(section).and_then(Value::as_table_mut) else { continue };
        let Some(path) = table.remove(&format!("{key}_file")) else { continue };
        let path = path.as_str().map(str::to_owned).unwrap_or_default();
        if path.is_empty() {
            continue;
        }
        if table.get(key).and_then(Value::as_str).is_some_and(|value| value != default) {
            return Err(BadSettings::Twice { section, key });
        }
        let secret = read_secret(Path::new(&path), key)
            .map_err(|reason| BadSettings::Unreadable { path: path.clone(), reason })?;
        table.insert(key.to_owned(), Value::String(secret));
    }
    Ok(())
}

/// A certificate's file holds its bytes; every other secret's file holds text, often with a newline at its end.
fn read_secret(path: &Path, key: &str) -> std::io::Result<String> {
    if key == "certificate" {
        let bytes = std::fs::read(path)?;
        return Ok(azure_core::base64::encode(bytes));
    }
    std::fs::read_to_string(path).map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests;
