//! `audit verify`, `audit head` and `audit export`: proving who did what, also while the bot runs.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use jiff::Timestamp;

use super::links::open_as_it_is;
use super::print::{complain, say};
use crate::clock::Clock;
use crate::settings::{Source, load};
use crate::store::{AuditEntry, ChainKey, Head, Store, Verified};

/// How `audit export` writes.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Format {
    /// One JSON object on each line
    #[default]
    Jsonl,
    /// Comma-separated values, with a header
    Csv,
}

/// A published head, `POSITION:SEAL`, as the log has it.
pub(super) fn head(text: &str) -> Result<Head, String> {
    let wrong = || format!("{text:?} is not a head: write POSITION:SEAL, as in the log's \"audit head\"");
    let (position, seal) = text.split_once(':').ok_or_else(wrong)?;
    let position = position.parse().ok().filter(|&position: &i64| position > 0).ok_or_else(wrong)?;
    Ok(Head { position, seal: seal.to_owned() })
}

/// A moment of `audit export`.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write a moment, with its time and zone, such as 2026-11-01T00:00:00Z".to_owned())
}

pub(super) async fn verify(source: &Source, heads: &[Head]) -> anyhow::Result<()> {
    let settings = load(source)?;
    let key = ChainKey::new(settings.audit.key.clone());
    let found = open_as_it_is(&settings).await?.verify_audit(&key, heads).await.context("while reading the audit")?;
    say(&summary(&found, key.is_set(), heads.len()));
    for flaw in &found.flaws {
        complain(&format!("  {flaw}"));
    }
    if !found.flaws.is_empty() {
        bail!("the audit is not what was written: {} flaw(s)", found.flaws.len());
    }
    Ok(())
}

fn summary(found: &Verified, is_keyed: bool, heads: usize) -> String {
    let mut lines = vec![format!("{} row(s) in the chain.", found.rows)];
    if let Some(head) = &found.head {
        lines.push(format!("head {}:{}", head.position, head.seal));
    }
    if found.removed > 0 {
        lines.push(format!(
            "{} row(s) were removed by retention; a signed checkpoint stands in their place.",
            found.removed
        ));
    }
    if found.unchained > 0 {
        lines.push(format!("{} row(s) have no seal.", found.unchained));
    }
    if heads == 0 {
        lines.push(
            "No --head was given, so a cut-off end would not show; the log has them as \"audit head\".".to_owned(),
        );
    }
    if !is_keyed {
        lines.push("[audit] key is not set: whoever can write the database can write the chain anew.".to_owned());
    }
    lines.join("\n")
}

pub(super) async fn show_head(source: &Source) -> anyhow::Result<()> {
    let settings = load(source)?;
    match open_as_it_is(&settings).await?.audit_head().await? {
        Some(head) => say(&format!("{}:{}", head.position, head.seal)),
        None => say("The audit is empty."),
    }
    Ok(())
}

/// Seals the audit with the key of the config. The store is opened without a key: its present one is the old one.
pub(super) async fn rekey(source: &Source, old_key_file: Option<&Path>) -> anyhow::Result<()> {
    let settings = load(source)?;
    let old = match old_key_file {
        None => ChainKey::none(),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("while reading {}", path.display()))?;
            ChainKey::new(text.trim_end_matches(['\r', '\n']).to_owned().into())
        }
    };
    let new = ChainKey::new(settings.audit.key.clone());
    let store = open_as_it_is(&settings).await?;
    match store.reseal_audit(Clock::real().now(), &old, &new).await? {
        Ok(head) => say(&format!("Every row is sealed anew. head {}:{}", head.position, head.seal)),
        Err(flaws) => {
            for flaw in &flaws {
                complain(&format!("  {flaw}"));
            }
            bail!("nothing was changed: by the old key the audit has {} flaw(s)", flaws.len());
        }
    }
    Ok(())
}

pub(super) async fn export(
    source: &Source,
    format: Format,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> anyhow::Result<()> {
    let settings = load(source)?;
    let store = open_as_it_is(&settings).await?;
    let span = (from.unwrap_or(Timestamp::MIN), to.unwrap_or(Timestamp::MAX));
    let mut out = std::io::stdout().lock();
    match format {
        Format::Jsonl => each(&store, span, |entry| Ok(writeln!(out, "{}", serde_json::to_string(entry)?)?)).await,
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(HEADER)?;
            each(&store, span, |entry| Ok(csv.write_record(record(entry))?)).await?;
            Ok(csv.flush()?)
        }
    }
}

/// Does something with every row of a span of time, oldest first.
async fn each(
    store: &Store,
    (from, to): (Timestamp, Timestamp),
    mut act: impl FnMut(&AuditEntry) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = i64::MIN;
    while let Some((entries, last)) = store.audit_page(after, from, to).await? {
        entries.iter().try_for_each(&mut act)?;
        after = last;
    }
    Ok(())
}

const HEADER: [&str; 11] = [
    "position",
    "at",
    "event",
    "actor_user",
    "actor_name",
    "entra_user",
    "request_id",
    "device_sync_id",
    "device_id",
    "detail",
    "seal",
];

fn record(entry: &AuditEntry) -> [String; 11] {
    let text = |text: &Option<String>| tame(text.as_deref().unwrap_or_default());
    [
        entry.position.map(|position| position.to_string()).unwrap_or_default(),
        entry.at.to_string(),
        entry.event.clone(),
        text(&entry.actor_user),
        text(&entry.actor_name),
        text(&entry.entra_user),
        text(&entry.request_id),
        text(&entry.device_sync_id),
        text(&entry.device_id),
        entry.detail.to_string(),
        // A seal may begin with "-".
        text(&entry.seal),
    ]
}

/// A cell that a spreadsheet does not take for a formula; names come from outside.
fn tame(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_a_position_and_a_seal() {
        assert_eq!(head("12:abc"), Ok(Head { position: 12, seal: "abc".to_owned() }));
        for bad in ["", "12", "0:abc", "-1:abc", "x:abc"] {
            assert!(head(bad).unwrap_err().contains("POSITION:SEAL"), "{bad}");
        }
    }

    #[test]
    fn a_moment_has_a_time_and_a_zone() {
        assert_eq!(moment("2026-11-01T01:00:00+01:00"), Ok("2026-11-01T00:00:00Z".parse().unwrap()));
        for bad in ["", "yesterday", "2026-11-01", "2026-11-01T00:00:00"] {
            assert!(moment(bad).unwrap_err().contains("such as 2026-11-01T00:00:00Z"), "{bad}");
        }
    }

    #[test]
    fn a_name_is_no_formula() {
        assert_eq!(tame("=HYPERLINK(\"http://x\")"), "'=HYPERLINK(\"http://x\")");
        assert_eq!(tame("Hanna"), "Hanna");
    }
}
