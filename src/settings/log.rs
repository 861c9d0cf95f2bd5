//! `[log]`: how much is written, and in which form.

use tracing_subscriber::EnvFilter;

use super::load::BadSettings;
use super::reader::Reader;

/// `[log]`
#[derive(Clone, Debug)]
pub struct Log {
    /// Level or filter.
    pub level: String,
    /// Form of a line.
    pub format: LogFormat,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// The words that are levels. A filter reads any other word as the name of a part of the program, and then writes of that one only.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// What `[log] level` takes.
const LEVEL: &str = "write error, warn, info, debug, trace, or a filter such as \"info,intune_sync_bot=debug\"";

pub(super) fn log(read: &Reader<'_>) -> Result<Log, BadSettings> {
    let format = match read.text("log", "format")? {
        "text" => LogFormat::Text,
        "json" => LogFormat::Json,
        _ => return Err(BadSettings::value("log.format", "write \"text\" or \"json\"")),
    };
    Ok(Log { level: level(read.text("log", "level")?)?, format })
}

fn level(text: &str) -> Result<String, BadSettings> {
    // A space after a comma would count as a part of the name.
    let parts: Vec<_> = text.split(',').map(str::trim).collect();
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    if let Some(word) = parts.iter().find(|part| !part.contains(['=', '[']) && !is_level(part)) {
        return Err(BadSettings::value("log.level", format!("{word:?} is not a level; {LEVEL}")));
    }
    let text = parts.join(",");
    if EnvFilter::try_new(&text).is_err() {
        return Err(BadSettings::value("log.level", format!("{text:?} is not a filter; {LEVEL}")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_one_of_six_words_or_a_filter() {
        for good in [
            "off",
            "error",
            "warn",
            "info",
            "debug",
            "trace",
            "INFO",
            " warn ",
            "info,intune_sync_bot=debug",
            "sqlx=off",
        ] {
            assert_eq!(level(good).expect(good), good.trim());
        }
        assert_eq!(level("info, sqlx=off").expect("it is a filter"), "info,sqlx=off");
    }

    #[test]
    fn a_word_that_would_silence_the_log_is_refused() {
        for (bad, what) in [
            ("warning", "is not a level"),
            ("loud", "is not a level"),
            ("intune_sync_bot::store", "is not a level"),
            ("3", "is not a level"),
            ("", "is not a level"),
            ("info,intune_sync_bot=loud", "is not a filter"),
        ] {
            let said = level(bad).expect_err(bad).to_string();
            let hint = "write error, warn, info, debug, trace, or a filter such as \"info,intune_sync_bot=debug\"";
            assert_eq!(said, format!("`log.level`: {bad:?} {what}; {hint}"));
        }
        // Nor among others.
        let said = level("sqlx=off, warning").expect_err("it is no level").to_string();
        assert!(said.starts_with("`log.level`: \"warning\" is not a level; "), "{said}");
    }
}
