//! `links import`: many links from a CSV file, all of them or none, every bad line by its number.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::links::open_or_make;
use super::print::say;
use crate::chat::ChatUserId;
use crate::clock::Clock;
use crate::graph::{Graph, Patience};
use crate::intune::EntraUserId;
use crate::settings::{Source, load};
use crate::store::EntraPerson;

/// The header that the file must have.
const HEADER: [&str; 2] = ["chat_user_id", "entra_object_id"];

/// Largest file read, in bytes: tens of thousands of links.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A line of the file.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    line: u64,
    user: ChatUserId,
    person: EntraUserId,
}

pub(super) async fn import(source: &Source, file: &Path, offline: bool) -> anyhow::Result<()> {
    let settings = load(source)?;
    let place = || format!("while reading {}", file.display());
    if std::fs::metadata(file).with_context(place)?.len() > LARGEST {
        bail!("{} is larger than {LARGEST} bytes: split it", file.display());
    }
    let text = std::fs::read_to_string(file).with_context(place)?;
    let rows = parse(&text).map_err(|bad| nothing(file, &bad))?;
    let clock = Clock::real();
    let store = open_or_make(&settings).await?;
    let links = if offline {
        rows.iter().map(|row| (row.user, nameless(row.person))).collect()
    } else {
        let graph = crate::app::graph(&settings, &crate::app::ledger(&store, &clock), &clock)?;
        look_up(&graph, &rows).await?.map_err(|bad| nothing(file, &bad))?
    };
    if let Err(taken) = store.import_links(clock.now(), &links).await? {
        let taken = rows.iter().filter(|row| taken.contains(&row.user)).map(|row| {
            format!(
                "line {}: the Entra person {} is linked to another chat account; find it with `links list` and take it away with `links remove` first",
                row.line, row.person
            )
        });
        return Err(nothing(file, &taken.collect::<Vec<_>>()));
    }
    say(&format!("{} chat account(s) linked.", links.len()));
    Ok(())
}

fn nothing(file: &Path, bad: &[String]) -> anyhow::Error {
    anyhow::anyhow!("nothing of {} was imported:\n  {}", file.display(), bad.join("\n  "))
}

fn nameless(id: EntraUserId) -> EntraPerson {
    EntraPerson { id, name: String::new(), sign_in: String::new(), guest: false }
}

/// Reads the file, or says what to mend in every line that cannot be used.
fn parse(text: &str) -> Result<Vec<Row>, Vec<String>> {
    // Spreadsheets write a byte order mark and two characters at the end of a line, which would miscount the lines.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    if !reader.headers().is_ok_and(|header| header.iter().eq(HEADER)) {
        return Err(vec![format!("line 1: must be `{}`", HEADER.join(","))]);
    }
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    let (mut users, mut people) = (HashMap::new(), HashMap::new());
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                bad.push(format!("{error}: save the file as UTF-8 text"));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        match row(line, &record) {
            Err(why) => bad.push(format!("line {line}: {why}")),
            Ok(row) => {
                if let Some(first) = users.insert(row.user, line) {
                    bad.push(format!("line {line}: chat account {} stands in line {first} already", row.user));
                }
                if let Some(first) = people.insert(row.person, line) {
                    bad.push(format!(
                        "line {line}: Entra person {} stands in line {first} already, and one person acts through one chat account",
                        row.person
                    ));
                }
                rows.push(row);
            }
        }
    }
    if bad.is_empty() && rows.is_empty() {
        bad.push("line 2: there is nobody to link".to_owned());
    }
    if bad.is_empty() { Ok(rows) } else { Err(bad) }
}

fn row(line: u64, record: &csv::StringRecord) -> Result<Row, String> {
    let [user, person] = record.iter().collect::<Vec<_>>()[..] else {
        return Err(format!("write two values, as in `{}`", HEADER.join(",")));
    };
    let user = user.parse().map_err(|error| format!("{user:?} {error}"))?;
    let person: EntraUserId = person.parse().map_err(|_| {
        format!("{person:?} is not an Entra object id: copy it from the person's page in the Entra admin center")
    })?;
    if person.is_nil() {
        return Err("the object id is all zeros, which is nobody".to_owned());
    }
    Ok(Row { line, user, person })
}

/// Looks everyone up with the bot's own credential; the inner error names the lines of those who cannot be linked.
async fn look_up(graph: &Graph, rows: &[Row]) -> anyhow::Result<Result<Vec<(ChatUserId, EntraPerson)>, Vec<String>>> {
    let (mut links, mut bad) = (Vec::new(), Vec::new());
    for row in rows {
        let found = graph
            .user(row.person, Patience::Interactive)
            .await
            .context("while looking people up in Entra; nothing was imported (--offline does without)")?;
        match found {
            None => bad.push(format!("line {}: the tenant has no person with the object id {}", row.line, row.person)),
            Some(user) if !user.enabled => {
                bad.push(format!("line {}: the account of {} is disabled", row.line, row.person));
            }
            Some(user) => {
                let person = EntraPerson { id: user.id, name: user.name, sign_in: user.sign_in, guest: user.guest };
                links.push((row.user, person));
            }
        }
    }
    Ok(if bad.is_empty() { Ok(links) } else { Err(bad) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "00000000-0000-4000-8000-000000000301";
    const TWO: &str = "00000000-0000-4000-8000-000000000302";

    #[test]
    fn a_file_of_a_spreadsheet_is_read() {
        let text = format!("\u{feff}chat_user_id,entra_object_id\r\n 301 ,\"{ONE}\"\r\n302,{TWO}\r\n");
        let rows = parse(&text).unwrap();
        let read: Vec<_> = rows.iter().map(|row| (row.line, row.user.0, row.person.to_string())).collect();
        assert_eq!(read, [(2, 301, ONE.to_owned()), (3, 302, TWO.to_owned())]);
    }

    #[test]
    fn every_bad_line_is_named() {
        let text = format!(
            "chat_user_id,entra_object_id\nhanna,{ONE}\n301,hanna@contoso.example\n302\n303,{ONE}\n304,{ONE}\n303,{TWO}\n0,{TWO}\n305,00000000-0000-0000-0000-000000000000\n"
        );
        insta::assert_snapshot!(parse(&text).unwrap_err().join("\n"));
    }

    #[test]
    fn another_header_and_an_empty_file_are_refused() {
        for text in ["", "user,person\n1,2\n", "chat_user_id;entra_object_id\n"] {
            assert_eq!(parse(text), Err(vec!["line 1: must be `chat_user_id,entra_object_id`".to_owned()]), "{text:?}");
        }
        assert_eq!(parse("chat_user_id,entra_object_id\n").unwrap_err(), ["line 2: there is nobody to link"]);
    }
}
