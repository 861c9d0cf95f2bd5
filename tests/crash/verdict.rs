//! What is asked after a crash: of the audit, of the chat and of the tenant's log, none of which believes the others.

use std::collections::BTreeMap;

use serde_json::Value;
use sim::discord::MessageView;

use super::bot::Bot;
use super::flow::DEVICE;
use super::place::Place;

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Requests that somebody confirmed, or that joined one.
    pub(crate) confirmed: usize,
    /// Those whose asker reads the outcome.
    pub(crate) told: usize,
    /// Calls that Graph took.
    pub(crate) taken: usize,
    /// Attempts that the bot wrote down.
    pub(crate) attempts: usize,
    /// Messages that say again what another one said.
    pub(crate) twice: usize,
}

/// Judges what is left after everything came to its end.
pub(crate) async fn judge(place: &Place) -> Result<Seen, String> {
    let verified = Bot::command(place.folder.path()).args(["audit", "verify"]).output().expect("the binary starts");
    if !verified.status.success() {
        return Err(format!("the audit has flaws: {}", String::from_utf8_lossy(&verified.stdout)));
    }
    let rows = audit(place);
    let of = |event: &'static str| rows.iter().filter(move |row| row["event"] == event);
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut confirmed = Vec::new();
    for row in of("confirmed").chain(of("joined")) {
        confirmed.push(row["request_id"].as_str().unwrap_or_default());
    }
    for row in of("outcome") {
        *outcomes.entry(row["request_id"].as_str().unwrap_or_default()).or_default() += 1;
    }
    for request in &confirmed {
        match outcomes.remove(request) {
            Some(1) => {}
            other => return Err(format!("request {request} has {} outcomes", other.unwrap_or(0))),
        }
    }
    if let Some((request, _)) = outcomes.first_key_value() {
        return Err(format!("request {request} has an outcome and was not confirmed"));
    }
    let seen = calls(place, &rows)?;
    let (told, team) = (said(place, "helpdesk"), said(place, "device-team"));
    if told < confirmed.len() {
        return Err(format!("{told} of {} outcomes were told", confirmed.len()));
    }
    // Who joined is told, and the team hears of the one sync once.
    let syncs =
        of("outcome").filter(|row| of("attempt").any(|one| one["device_sync_id"] == row["device_sync_id"])).count();
    if team < syncs {
        return Err(format!("the team heard of {team} of {syncs} syncs"));
    }
    let twice = (told - confirmed.len()) + (team - syncs);
    Ok(Seen { confirmed: confirmed.len(), told: confirmed.len(), twice, ..seen })
}

/// One write for each sync, and another one only after one whose fate was not known.
fn calls(place: &Place, rows: &[Value]) -> Result<Seen, String> {
    let calls = place.sim.tenant.sync_calls();
    let taken = calls.iter().filter(|call| call.status == 204).count();
    let of = |event: &str| rows.iter().filter(|row| row["event"] == event).collect::<Vec<_>>();
    let (attempts, answers) = (of("attempt"), of("answer"));
    if calls.len() > attempts.len() {
        return Err(format!("{} calls, and {} attempts written down before one", calls.len(), attempts.len()));
    }
    for (index, attempt) in attempts.iter().enumerate() {
        let same = |row: &&&Value| {
            row["device_sync_id"] == attempt["device_sync_id"] && row["detail"]["number"] == attempt["detail"]["number"]
        };
        let answer = answers.iter().find(same).map(|row| row["detail"]["answer"].as_str().unwrap_or_default());
        let again = attempts[index + 1..].iter().any(|later| later["device_sync_id"] == attempt["device_sync_id"]);
        if again && !matches!(answer, Some("unknown" | "not_taken")) {
            return Err(format!("a call was made again after the answer {answer:?}"));
        }
    }
    let unknown = answers.iter().filter(|row| row["detail"]["answer"] == "unknown").count();
    let syncs: std::collections::BTreeSet<_> = attempts.iter().map(|row| row["device_sync_id"].to_string()).collect();
    if taken > syncs.len() + unknown {
        return Err(format!(
            "{taken} calls were taken, {} syncs were made and {unknown} answers were not known",
            syncs.len()
        ));
    }
    Ok(Seen { taken, attempts: attempts.len(), ..Seen::default() })
}

/// How many messages of the bot's in a channel say that the device checked in, whoever can see them.
fn said(place: &Place, channel: &str) -> usize {
    let says = |message: &MessageView| {
        let text = message.text();
        message.from_bot && text.contains(&format!("`{DEVICE}`")) && text.contains("checked in at")
            || text.contains("✅ checked in after")
    };
    place.sim.discord.messages(channel).iter().filter(|message| says(message)).count()
}

/// The audit as an auditor reads it.
fn audit(place: &Place) -> Vec<Value> {
    let exported = Bot::command(place.folder.path()).args(["audit", "export"]).output().expect("the binary starts");
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let text = String::from_utf8(exported.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}
