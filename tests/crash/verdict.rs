//! What is asked after a crash: of the audit, of the chat and of the tenant's log, none of which believes the others.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sim::discord::MessageView;

use super::bot::Bot;
use super::place::Place;

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Requests that somebody confirmed, or that joined one.
    pub(crate) confirmed: usize,
    /// Their device syncs; each has one outcome.
    pub(crate) outcomes: usize,
    /// Calls that Graph took.
    pub(crate) taken: usize,
    /// Attempts that the bot wrote down.
    pub(crate) attempts: usize,
    /// Messages that say again what another one said.
    pub(crate) twice: usize,
}

/// Judges what is left after everything came to its end.
pub(crate) fn judge(place: &Place) -> Result<Seen, String> {
    let verified = Bot::command(place.folder.path()).args(["audit", "verify"]).output().expect("the binary starts");
    if !verified.status.success() {
        return Err(format!("the audit has flaws: {}", String::from_utf8_lossy(&verified.stdout)));
    }
    let rows = audit(place);
    let confirmed: BTreeSet<_> =
        of(&rows, "confirmed").chain(of(&rows, "joined")).map(|row| id(row, "request_id")).collect();
    let outcomes = counted(of(&rows, "outcome").map(|row| id(row, "device_sync_id")));
    if let Some((sync, times)) = outcomes.iter().find(|(_, times)| **times != 1) {
        return Err(format!("device sync {sync} has {times} outcomes"));
    }
    let ended: BTreeSet<_> = of(&rows, "outcome").map(|row| id(row, "request_id")).collect();
    // Of what was refused nothing is left to be told but that.
    let refused: BTreeSet<_> = of(&rows, "rejected").map(|row| id(row, "request_id")).collect();
    let confirmed: BTreeSet<_> = confirmed.difference(&refused).copied().collect();
    if ended != confirmed {
        return Err(format!("confirmed were {confirmed:?}, and an outcome have {ended:?}"));
    }
    let attempts = calls_were_right(place, &rows)?;
    let taken = place.sim.tenant.sync_calls().iter().filter(|call| call.status == 204).count();
    // Who joined is told too, and the team hears of a sync once.
    let heads = of(&rows, "confirmed").filter(|row| row["detail"]["joined"] != true);
    let heads: BTreeSet<_> = heads.map(|row| id(row, "request_id")).filter(|id| !refused.contains(id)).collect();
    let twice = told_once(place, "helpdesk", confirmed.len())? + told_once(place, "device-team", heads.len())?;
    Ok(Seen { confirmed: confirmed.len(), outcomes: outcomes.len(), taken, attempts, twice })
}

/// One write for each device, and another one only after one whose fate was not known. Returns how many attempts there were.
fn calls_were_right(place: &Place, rows: &[Value]) -> Result<usize, String> {
    let calls = place.sim.tenant.sync_calls();
    let (attempts, answers): (Vec<_>, Vec<_>) = (of(rows, "attempt").collect(), of(rows, "answer").collect());
    let made = counted(calls.iter().map(|call| call.device_id.as_str()));
    let taken = counted(calls.iter().filter(|call| call.status == 204).map(|call| call.device_id.as_str()));
    let written = counted(attempts.iter().map(|row| id(row, "device_id")));
    let unknown =
        counted(answers.iter().filter(|row| row["detail"]["answer"] == "unknown").map(|row| id(row, "device_id")));
    for (device, calls) in &made {
        if calls > written.get(device).unwrap_or(&0) {
            return Err(format!(
                "{device} was called {calls} times, and {written:?} attempts were written down before"
            ));
        }
    }
    for (device, calls) in &taken {
        if *calls > 1 + unknown.get(device).unwrap_or(&0) {
            return Err(format!("{calls} calls for {device} were taken, and {unknown:?} answers were not known"));
        }
    }
    for (index, attempt) in attempts.iter().enumerate() {
        let is_same = |row: &&&Value| {
            row["device_sync_id"] == attempt["device_sync_id"] && row["detail"]["number"] == attempt["detail"]["number"]
        };
        let answer = answers.iter().find(is_same).and_then(|row| row["detail"]["answer"].as_str());
        let again = attempts[index + 1..].iter().any(|later| later["device_sync_id"] == attempt["device_sync_id"]);
        if again && !matches!(answer, Some("unknown" | "not_taken")) {
            return Err(format!("a call was made again after the answer {answer:?}"));
        }
    }
    Ok(attempts.len())
}

/// Whether a channel's readers were told this many outcomes; returns how many they were told again.
fn told_once(place: &Place, channel: &str, outcomes: usize) -> Result<usize, String> {
    let says = |message: &MessageView| {
        let text = message.text();
        match (place.flow.is_bulk(), channel) {
            (true, "helpdesk") => message.content.starts_with("<@") && text.contains("devices checked in"),
            // Freezes are announced there too.
            (true, _) => message.from_bot && !text.contains("rozen"),
            (false, "helpdesk") => text.contains("Checked in at"),
            (false, _) => text.contains("checked in after"),
        }
    };
    let messages = place.sim.discord.messages(channel);
    let told = messages.iter().filter(|message| message.from_bot && says(message)).count();
    told.checked_sub(outcomes).ok_or_else(|| format!("#{channel} was told {told} of {outcomes} outcomes"))
}

fn of<'a>(rows: &'a [Value], event: &'a str) -> impl Iterator<Item = &'a Value> {
    rows.iter().filter(move |row| row["event"] == event)
}

fn id<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

fn counted<'a>(all: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    counts
}

/// The audit as an auditor reads it.
fn audit(place: &Place) -> Vec<Value> {
    let exported = Bot::command(place.folder.path()).args(["audit", "export"]).output().expect("the binary starts");
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let text = String::from_utf8(exported.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}
