//! The exported audit, judged by itself: every request ended once, every confirmed device sync has one outcome, and no call was made again for nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The audit's rows, in their order.
pub(crate) struct Trail(Vec<Value>);

/// What the audit says, in figures.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Requests by how they ended.
    pub(crate) requests: BTreeMap<String, usize>,
    /// Device syncs by how they ended.
    pub(crate) outcomes: BTreeMap<String, usize>,
    /// Answers of Graph that were written down.
    pub(crate) answers: BTreeMap<String, usize>,
    /// Attempts in all, and those that were not a device sync's first.
    pub(crate) attempts: usize,
    pub(crate) again: usize,
    /// Attempts without an answer: the process died, or the database was away.
    pub(crate) unanswered: usize,
    /// Other events that say how rough it was.
    pub(crate) events: BTreeMap<String, usize>,
}

/// How a request ended, unless it was confirmed.
const UNSENT: [&str; 3] = ["cancelled", "expired", "refused"];

impl Trail {
    /// Reads what `audit export` wrote.
    pub(crate) fn read(text: &str) -> Self {
        Self(text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect())
    }

    /// Rows of an event, in their order.
    pub(crate) fn of<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |row| row["event"] == event)
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Requests that were confirmed, or joined one.
    pub(crate) fn confirmed(&self) -> BTreeSet<&str> {
        self.of("confirmed").chain(self.of("joined")).map(|row| id(row, "request_id")).collect()
    }

    /// Judges it; what is wrong is added to `flaws`.
    pub(crate) fn judged(&self, flaws: &mut Vec<String>) -> Told {
        let mut told = Told::default();
        self.requests(&mut told, flaws);
        self.outcomes(&mut told, flaws);
        self.attempts(&mut told, flaws);
        for row in &self.0 {
            let event = id(row, "event");
            *told.events.entry(event.to_owned()).or_default() += 1;
            if ["notice_dropped", "given_up"].contains(&event) {
                flaws.push(format!("{event}: {row}"));
            }
        }
        told
    }

    /// Each request was made once and ended once.
    fn requests(&self, told: &mut Told, flaws: &mut Vec<String>) {
        let made = counted(self.of("asked").chain(self.of("joined")).map(|row| id(row, "request_id")));
        let confirmed = counted(self.of("confirmed").chain(self.of("joined")).map(|row| id(row, "request_id")));
        let mut ends: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for event in UNSENT {
            for row in self.of(event).filter(|row| row["request_id"].is_string()) {
                ends.entry(id(row, "request_id")).or_default().push(event);
            }
        }
        for request in confirmed.keys().chain(ends.keys()).filter(|request| !made.contains_key(*request)) {
            flaws.push(format!("request {request} was never made"));
        }
        let outcomes: BTreeSet<_> = self.of("outcome").map(|row| id(row, "request_id")).collect();
        for (request, times) in made {
            let ends = ends.get(request).map(Vec::as_slice).unwrap_or_default();
            let confirmed = confirmed.get(request).copied().unwrap_or_default();
            let how = match (confirmed, ends) {
                (1, []) => "finished",
                (0, [end]) => end,
                _ => {
                    flaws.push(format!("request {request} was confirmed {confirmed} times and ended so: {ends:?}"));
                    "flawed"
                }
            };
            if times != 1 {
                flaws.push(format!("request {request} was made {times} times"));
            }
            if outcomes.contains(request) != (confirmed > 0) {
                flaws.push(format!("request {request}: {how}, and it has outcomes: {}", outcomes.contains(request)));
            }
            *told.requests.entry(how.to_owned()).or_default() += 1;
        }
    }

    /// Each device sync of a confirmed request has one outcome.
    fn outcomes(&self, told: &mut Told, flaws: &mut Vec<String>) {
        for (sync, times) in counted(self.of("outcome").map(|row| id(row, "device_sync_id"))) {
            if times != 1 {
                flaws.push(format!("device sync {sync} has {times} outcomes"));
            }
        }
        let ended = counted(self.of("outcome").map(|row| id(row, "request_id")));
        for row in self.of("confirmed").chain(self.of("joined")) {
            let devices = row["detail"]["devices"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(1);
            let request = id(row, "request_id");
            let outcomes = ended.get(request).copied().unwrap_or_default();
            if outcomes != devices {
                flaws.push(format!("request {request} is about {devices} devices and has {outcomes} outcomes"));
            }
        }
        for row in self.of("outcome") {
            *told.outcomes.entry(id(&row["detail"], "kind").to_owned()).or_default() += 1;
        }
    }

    /// A second attempt comes only after one that was not taken, or whose fate is not known.
    fn attempts(&self, told: &mut Told, flaws: &mut Vec<String>) {
        let mut answers: BTreeMap<(&str, u64), &str> = BTreeMap::new();
        for row in self.of("answer") {
            let answer = row["detail"]["answer"].as_str().unwrap_or("?");
            *told.answers.entry(answer.to_owned()).or_default() += 1;
            if let Some(before) = answers.insert(numbered(row), answer) {
                flaws.push(format!("two answers, {before} and {answer}: {row}"));
            }
        }
        let mut seen = BTreeSet::new();
        for row in self.of("attempt") {
            let (sync, number) = numbered(row);
            told.attempts += 1;
            told.unanswered += usize::from(!answers.contains_key(&(sync, number)));
            if !seen.insert((sync, number)) {
                flaws.push(format!("attempt {number} of {sync} was written down twice"));
            }
            let Some(before) = number.checked_sub(1).filter(|before| *before > 0) else { continue };
            told.again += 1;
            if !seen.contains(&(sync, before)) {
                flaws.push(format!("attempt {number} of {sync} came before the one before it"));
            }
            let answer = answers.get(&(sync, before)).copied();
            if !matches!(answer, None | Some("unknown" | "not_taken")) {
                flaws.push(format!("attempt {number} of {sync} was made after the answer {answer:?}"));
            }
        }
        for (sync, number) in answers.keys().filter(|key| !seen.contains(*key)) {
            flaws.push(format!("an answer to attempt {number} of {sync}, which was never written down"));
        }
    }
}

/// Which attempt of which device sync a row is about.
fn numbered(row: &Value) -> (&str, u64) {
    (id(row, "device_sync_id"), row["detail"]["number"].as_u64().unwrap_or_default())
}

pub(crate) fn id<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

pub(crate) fn counted<K: Ord>(all: impl Iterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    counts
}
