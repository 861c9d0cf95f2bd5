//! Reading typed values out of the merged table; every error names its key and says what to write.

use std::net::SocketAddr;

use jiff::SignedDuration;
use toml::{Table, Value};
use url::{Host, Url};
use uuid::fmt::Hyphenated;

use super::load::BadSettings;
use super::measure::{Rate, parse_duration};
use crate::intune::Platform;

/// Longest name of a rule, in characters: it stands on cards.
pub(super) const NAME_MAX: usize = 40;

/// Reads typed values out of the merged table; the errors name the key.
pub(super) struct Reader<'a>(pub(super) &'a Table);

impl Reader<'_> {
    pub(super) fn get(&self, section: &str, key: &str) -> Option<&Value> {
        self.0.get(section).and_then(|section| section.get(key))
    }

    pub(super) fn text(&self, section: &str, key: &str) -> Result<&str, BadSettings> {
        let value = self.get(section, key).and_then(Value::as_str);
        value.ok_or_else(|| BadSettings::value(format!("{section}.{key}"), "write a text in quotes"))
    }

    pub(super) fn filled(&self, section: &str, key: &str, hint: &str) -> Result<&str, BadSettings> {
        let text = self.text(section, key)?;
        if text.is_empty() { Err(BadSettings::value(format!("{section}.{key}"), hint)) } else { Ok(text) }
    }

    pub(super) fn parsed<T: std::str::FromStr<Err: ToString>>(
        &self,
        section: &str,
        key: &str,
        hint: &str,
    ) -> Result<T, BadSettings> {
        let text = self.filled(section, key, hint)?;
        text.parse().map_err(|error: T::Err| BadSettings::value(format!("{section}.{key}"), error))
    }

    pub(super) fn optional<T: std::str::FromStr<Err: ToString>>(
        &self,
        section: &str,
        key: &str,
    ) -> Result<Option<T>, BadSettings> {
        let text = self.text(section, key)?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|error: T::Err| BadSettings::value(format!("{section}.{key}"), error))
    }

    pub(super) fn list<T: std::str::FromStr<Err: ToString>>(
        &self,
        section: &str,
        key: &str,
    ) -> Result<Vec<T>, BadSettings> {
        let name = format!("{section}.{key}");
        let items = self.get(section, key).and_then(Value::as_array);
        let items = items.ok_or_else(|| BadSettings::value(&name, "write a list such as [\"…\", \"…\"]"))?;
        items.iter().map(|item| list_item(item, &name)).collect()
    }

    pub(super) fn flag(&self, section: &str, key: &str) -> Result<bool, BadSettings> {
        let value = self.get(section, key).and_then(Value::as_bool);
        value.ok_or_else(|| BadSettings::value(format!("{section}.{key}"), "write true or false"))
    }

    pub(super) fn number(&self, section: &str, key: &str) -> Result<usize, BadSettings> {
        let value = self.get(section, key).and_then(Value::as_integer).and_then(|number| usize::try_from(number).ok());
        value.ok_or_else(|| BadSettings::value(format!("{section}.{key}"), "write a whole number, 0 or more"))
    }

    pub(super) fn duration(&self, section: &str, key: &str) -> Result<SignedDuration, BadSettings> {
        parse_duration(self.text(section, key)?).map_err(|bad| BadSettings::value(format!("{section}.{key}"), bad))
    }

    /// A duration that would make no sense at zero.
    pub(super) fn length(&self, section: &str, key: &str) -> Result<SignedDuration, BadSettings> {
        let duration = self.duration(section, key)?;
        if duration.is_positive() {
            return Ok(duration);
        }
        let why = "must be longer than nothing: write a length such as \"10m\"";
        Err(BadSettings::value(format!("{section}.{key}"), why))
    }

    /// The GUID of an app registration, as it was written.
    pub(super) fn app(&self, section: &str, key: &str, hint: &str) -> Result<&str, BadSettings> {
        let text = self.filled(section, key, hint)?;
        if text.parse::<Hyphenated>().is_ok() {
            return Ok(text);
        }
        let why = format!(
            "{text:?} is not a GUID: write the Application (client) ID (Entra admin center > App registrations > Overview)"
        );
        Err(BadSettings::value(format!("{section}.{key}"), why))
    }

    /// Where to listen; `None`: nowhere.
    pub(super) fn listen(&self, section: &str, key: &str) -> Result<Option<SocketAddr>, BadSettings> {
        match self.text(section, key)? {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                let why = format!("{text:?} is no address to listen on: write IP:PORT, such as 127.0.0.1:8080");
                BadSettings::value(format!("{section}.{key}"), why)
            }),
        }
    }

    pub(super) fn rate(&self, section: &str, key: &str) -> Result<Rate, BadSettings> {
        self.text(section, key)?.parse().map_err(|bad| BadSettings::value(format!("{section}.{key}"), bad))
    }

    /// An address: encrypted, unless it never leaves the machine.
    pub(super) fn url(&self, section: &str, key: &str) -> Result<Url, BadSettings> {
        check_address(&format!("{section}.{key}"), self.text(section, key)?)
    }
}

/// The rows of `[[section.key]]`; their form was checked when the files were read.
pub(super) fn rows<'a>(read: &'a Reader<'_>, section: &str, key: &str) -> impl Iterator<Item = &'a Table> + use<'a> {
    let rows = read.get(section, key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    rows.iter().filter_map(Value::as_table)
}

/// Reads an address: encrypted, unless it never leaves the machine.
pub(super) fn check_address(name: &str, text: &str) -> Result<Url, BadSettings> {
    let url: Url = text.parse().map_err(|error| BadSettings::value(name, error))?;
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" | "wss" => Ok(url),
        "http" | "ws" if loopback => Ok(url),
        scheme @ ("http" | "ws") => {
            let why = format!("plain {scheme} is accepted for loopback addresses only; write {scheme}s://");
            Err(BadSettings::value(name, why))
        }
        scheme => Err(BadSettings::value(name, format!("{scheme} is not an address this can use"))),
    }
}

pub(super) fn list_item<T: std::str::FromStr<Err: ToString>>(item: &Value, key: &str) -> Result<T, BadSettings> {
    let text = item.as_str().ok_or_else(|| BadSettings::value(key, "write every item in quotes"))?;
    text.parse().map_err(|error: T::Err| BadSettings::value(key, format!("{text:?} {}", error.to_string())))
}

/// Such a row as an error calls it: by its name, or by its number where that is what is wrong.
pub(super) fn row_called(what: &str, at: usize, row: &Table) -> String {
    let name = row.get("name").and_then(Value::as_str).map(str::trim).unwrap_or_default();
    if (1..=NAME_MAX).contains(&name.chars().count()) {
        format!("{what} {name:?}")
    } else {
        format!("{what} number {}", at + 1)
    }
}

/// A list in one row of a table such as `approval.rule`; empty where it is not there.
pub(super) fn list_in<T: std::str::FromStr<Err: ToString>>(
    row: &Table,
    table: &str,
    name: &str,
) -> Result<Vec<T>, BadSettings> {
    let key = format!("{table}.{name}");
    let Some(value) = row.get(name) else { return Ok(Vec::new()) };
    let items = value.as_array().ok_or_else(|| BadSettings::value(&key, "write a list such as [\"…\", \"…\"]"))?;
    items.iter().map(|item| list_item(item, &key)).collect()
}

/// The `platforms` of such a row.
pub(super) fn platforms_in(row: &Table, table: &str) -> Result<Vec<Platform>, BadSettings> {
    let known = |name: &String| match Platform::read(name) {
        Platform::Other(_) => {
            let why = format!("{name:?} is none of Android, iOS, iPadOS, macOS and Windows");
            Err(BadSettings::value(format!("{table}.platforms"), why))
        }
        known => Ok(known),
    };
    list_in(row, table, "platforms")?.iter().map(known).collect()
}
