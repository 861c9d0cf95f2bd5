//! The second witnesses, who know nothing of the audit: the tenant's log of calls, and what stands in the chat.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sim::Sim;

use super::trail::{Trail, counted, id};

/// So long Discord holds back a message with the nonce of an earlier one, as the simulator plays it.
const NONCE_LASTS: SignedDuration = SignedDuration::from_mins(5);

/// What they saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Calls that reached Graph, and those that it took.
    pub(crate) calls: usize,
    pub(crate) taken: usize,
    /// Calls beside them that were refused for the token.
    pub(crate) old_tokens: usize,
    /// Outcomes and summaries that an asker was told again, and lines that the team was.
    pub(crate) askers_twice: usize,
    pub(crate) team_twice: usize,
}

/// Asks both; what does not fit the audit is added to `flaws`.
pub(crate) fn heard(sim: &Sim, trail: &Trail, flaws: &mut Vec<String>) -> Seen {
    let mut seen = Seen::default();
    calls(sim, trail, &mut seen, flaws);
    if sim.tenant.over_limit() > 0 {
        flaws.push(format!("{} calls passed a limit that Graph publishes", sim.tenant.over_limit()));
    }
    if !sim.tenant.unexpected_writes().is_empty() {
        flaws.push(format!("other writes than Sync: {:?}", sim.tenant.unexpected_writes()));
    }
    askers(sim, trail, &mut seen, flaws);
    team(sim, trail, &mut seen, flaws);
    seen
}

/// Each call has an attempt of its own that was written down before it.
fn calls(sim: &Sim, trail: &Trail, seen: &mut Seen, flaws: &mut Vec<String>) {
    let mut attempts: BTreeMap<&str, Vec<Timestamp>> = BTreeMap::new();
    for row in trail.of("attempt") {
        let at = id(row, "at").parse().expect("a moment");
        attempts.entry(id(row, "device_id")).or_default().push(at);
    }
    let answered = counted(trail.of("answer").map(|row| (id(row, "device_id"), id(&row["detail"], "answer"))));
    // With a token that Graph does not take any more, a call is refused unread, and the same attempt sends it again with a fresh one.
    let (refused, calls): (Vec<_>, Vec<_>) = sim.tenant.sync_calls().into_iter().partition(|call| call.status == 401);
    let mut number: BTreeMap<&str, usize> = BTreeMap::new();
    for call in &calls {
        let number = number.entry(&call.device_id).or_default();
        let attempt = attempts.get(call.device_id.as_str()).and_then(|attempts| attempts.get(*number));
        if attempt.is_none_or(|attempt| *attempt > call.at) {
            flaws.push(format!(
                "call {number} of {} at {} has no attempt before it: {attempt:?}",
                call.device_id, call.at
            ));
        }
        *number += 1;
    }
    seen.calls = calls.len();
    seen.old_tokens = refused.len();
    seen.taken = calls.iter().filter(|call| call.status == 204).count();
    for (device, taken) in counted(calls.iter().filter(|call| call.status == 204).map(|call| call.device_id.as_str())) {
        let answers = |answer| answered.get(&(device, answer)).copied().unwrap_or_default();
        let attempts = attempts.get(device).map_or(0, Vec::len);
        // Whatever was neither accepted nor refused may have been taken.
        let uncertain = attempts - answers("accepted") - answers("refused") - answers("not_taken");
        if answers("accepted") > taken || taken > answers("accepted") + uncertain {
            flaws.push(format!(
                "{taken} calls for {device} were taken; {} answers say so, and {uncertain} are not known",
                answers("accepted")
            ));
        }
    }
}

/// Each asker reads each outcome: in the reply, or in the channel with a mention.
fn askers(sim: &Sim, trail: &Trail, seen: &mut Seen, flaws: &mut Vec<String>) {
    let (names, devices) = (names(sim), devices(sim));
    let mut read: BTreeMap<(String, String), Vec<Timestamp>> = BTreeMap::new();
    let mut summaries: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    for message in sim.discord.messages("helpdesk").iter().filter(|message| message.from_bot) {
        let mentioned = message.content.strip_prefix("<@").and_then(|rest| rest.split('>').next()).map(str::to_owned);
        let title = message.embeds.first().and_then(|embed| embed.title.clone()).unwrap_or_default();
        let owner = message.ephemeral_for.as_ref().and_then(|name| names.get(name).cloned());
        if let (Some(asker), true) = (&mentioned, title.ends_with(" checked in") && title.contains(" of ")) {
            summaries.entry(asker.clone()).or_default().push(message.created);
        } else if let (Some(asker), Some(device)) = (owner.or(mentioned), of_an_outcome(&title)) {
            read.entry((asker, device)).or_default().push(message.created);
        }
    }
    let bulk: BTreeMap<_, _> = trail
        .of("confirmed")
        .filter(|row| row["detail"]["devices"].is_u64())
        .map(|row| (id(row, "request_id"), id(row, "actor_user")))
        .collect();
    let askers: BTreeMap<_, _> = trail
        .of("confirmed")
        .chain(trail.of("joined"))
        .map(|row| (id(row, "request_id"), id(row, "actor_user")))
        .collect();
    let single = trail.of("outcome").filter(|row| !bulk.contains_key(id(row, "request_id")));
    let due = counted(single.filter_map(|row| {
        let asker = (*askers.get(id(row, "request_id"))?).to_owned();
        Some((asker, devices.get(id(row, "device_id"))?.clone()))
    }));
    seen.askers_twice += compared("outcomes", (&due, &due), &read, flaws);
    let due = counted(bulk.values().map(|asker| (*asker).to_owned()));
    seen.askers_twice += compared("summaries", (&due, &due), &summaries, flaws);
}

/// The team reads one line for each call's outcome, and one for each request about many devices.
fn team(sim: &Sim, trail: &Trail, seen: &mut Seen, flaws: &mut Vec<String>) {
    let devices = devices(sim);
    let mut read: BTreeMap<(String, String), Vec<Timestamp>> = BTreeMap::new();
    let messages = sim.discord.messages("device-team");
    // Lines that had to wait stand below each other in one message.
    let lines = messages.iter().filter(|message| message.from_bot);
    for (line, at) in lines.flat_map(|message| message.content.lines().map(|line| (line, message.created))) {
        let Some(asker) = line.split("asked by <@").nth(1).and_then(|rest| rest.split('>').next()) else {
            flaws.push(format!("a line that names nobody: {line}"));
            continue;
        };
        read.entry((asker.to_owned(), subject(line))).or_default().push(at);
    }
    // Of those who share a call, the one in front is told of; at the end who that was is not to be seen. Whoever joined may have been:
    // the one before may have ended without a call, or be one of many, who have a line together.
    let line = |row: &Value| {
        let device = devices.get(id(row, "device_id")).cloned();
        (id(row, "actor_user").to_owned(), device.unwrap_or_else(|| "📦".to_owned()))
    };
    let heads =
        trail.of("confirmed").filter(|row| row["detail"]["joined"] != true || row["detail"]["devices"].is_u64());
    let due = counted(heads.map(line));
    let at_most = counted(trail.of("confirmed").chain(trail.of("joined")).map(line));
    seen.team_twice += compared("lines of the team", (&due, &at_most), &read, flaws);
}

/// The device of a line, or a parcel.
fn subject(line: &str) -> String {
    let mut parts = line.split('`');
    let before = parts.next().unwrap_or_default();
    if before.starts_with('📦') { "📦".to_owned() } else { parts.next().unwrap_or_default().to_owned() }
}

/// What is due at least and at most against when it was read; returns how much was read again. That may only be where the nonce could
/// not prevent it.
fn compared<K: Ord + std::fmt::Debug>(
    what: &str,
    (due, at_most): (&BTreeMap<K, usize>, &BTreeMap<K, usize>),
    read: &BTreeMap<K, Vec<Timestamp>>,
    flaws: &mut Vec<String>,
) -> usize {
    for (key, due) in due {
        let read = read.get(key).map_or(0, Vec::len);
        if read < *due {
            flaws.push(format!("{what}: {key:?} was told {read} of {due}"));
        }
    }
    let mut again = 0;
    for (key, times) in read {
        let more = times.len().saturating_sub(at_most.get(key).copied().unwrap_or_default());
        let mut times = times.clone();
        times.sort_unstable();
        let apart = times.windows(2).filter(|two| two[1].duration_since(two[0]) > NONCE_LASTS).count();
        if more > apart {
            flaws.push(format!("{what}: {key:?} was told {more} too many, and not only after the nonce: {times:?}"));
        }
        again += more;
    }
    again
}

/// The device in the title of an outcome's card; nothing for a state on the way.
fn of_an_outcome(title: &str) -> Option<String> {
    let mut parts = title.split('`');
    let (before, device, after) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    let ends = [
        ("", " checked in"),
        ("No check-in of ", " seen yet"),
        ("", " was not synced"),
        ("Sync of ", " was not watched to its end"),
        ("Nobody knows what became of the sync of ", ""),
        ("", " is gone"),
        ("Sync of ", " ended"),
    ];
    ends.contains(&(before, after)).then(|| device.to_owned())
}

/// Ids of the chat's people, by username.
fn names(sim: &Sim) -> BTreeMap<String, String> {
    sim.discord.people().into_iter().map(|person| (person.username, person.id)).collect()
}

/// Names of devices, by id.
fn devices(sim: &Sim) -> BTreeMap<String, String> {
    sim.tenant.devices().into_iter().map(|device| (device.id, device.name)).collect()
}
