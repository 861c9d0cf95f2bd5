//! The shared budget toward Graph: a rate for each limit that Graph counts, and a pause of one of them when Graph says so.

use std::ops::Add;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::budget::{Figures, Ledger, NoTurn, Pace, Place, Turns, Urgency};
use crate::clock::Clock;
use crate::settings::{Limits, Rate};

/// Resource units of Entra's users, groups and devices for one app. Graph gives 3,500 in a small tenant (throttling page;
/// larger ones have more); what is taken a moment before it is sent needs some room below that.
const IDENTITY: Rate = Rate { count: 3_300, per: SignedDuration::from_secs(10) };

/// Reports for one app. Observed, not published: about 48 in a minute.
const REPORTS: Rate = Rate { count: 44, per: SignedDuration::from_mins(1) };

/// Slack of writes, as a part of their window: the job that writes as fast as it may loses two of these.
const TIGHT: u32 = 100;

/// Slack of reads: what is read at a start, or for several people at once, need not wait.
const LOOSE: u32 = 16;

/// Slack of reports, which are few and rarely needed many at a time.
const RARE: u32 = 4;

/// The first pause after throttling without a word on how long; Graph's windows are 20 s long.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// Up to so much longer, by chance, so that several apps do not come back in step.
const JITTER_MILLIS: i64 = 3_000;

/// What one HTTP request is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Requests as Graph counts them: a batch is as many as it has items.
    pub(super) requests: u32,
    /// Of these, writes.
    pub(super) writes: u32,
    /// Of these, reports.
    pub(super) reports: u32,
    /// Entra's resource units.
    pub(super) identity_units: u32,
}

impl Load {
    /// The one write.
    pub(super) const WRITE: Self = Self { requests: 1, writes: 1, reports: 0, identity_units: 0 };

    /// What it takes of each limit, the scarcest first.
    fn needs(self) -> [(Limit, u32); 4] {
        [
            (Limit::Writes, self.writes),
            (Limit::Reports, self.reports),
            (Limit::Identity, self.identity_units),
            (Limit::Requests, self.requests),
        ]
    }
}

impl Add for Load {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            writes: self.writes + other.writes,
            reports: self.reports + other.reports,
            identity_units: self.identity_units + other.identity_units,
        }
    }
}

/// Taken turns of one request.
#[derive(Debug)]
pub(super) struct Turn {
    /// Of each limit that it counts against.
    places: Vec<(Limit, Place)>,
}

impl Turn {
    /// Whether each of its places may still be used.
    pub(super) fn is_good(&self, clock: &Clock) -> bool {
        self.places.iter().all(|(_, place)| place.is_good(clock))
    }
}

/// What Graph counts by itself; a write is a request as well, and so is the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Writes,
    Reports,
    Identity,
    Requests,
}

#[derive(Debug)]
pub(super) struct Throttle {
    clock: Clock,
    writes: Turns,
    reports: Turns,
    identity: Turns,
    requests: Turns,
}

impl Throttle {
    pub(super) fn new(limits: &Limits, ledger: &Arc<dyn Ledger>, clock: &Clock) -> Self {
        let turns = |name, rate, part| Turns::new(name, Pace::new(rate, part), Arc::clone(ledger), clock);
        Self {
            clock: clock.clone(),
            writes: turns("writes", limits.graph_writes, TIGHT),
            reports: turns("reports", REPORTS, RARE),
            identity: turns("identity", IDENTITY, LOOSE),
            requests: turns("requests", limits.graph_reads, LOOSE),
        }
    }

    fn turns(&self, limit: Limit) -> &Turns {
        match limit {
            Limit::Writes => &self.writes,
            Limit::Reports => &self.reports,
            Limit::Identity => &self.identity,
            Limit::Requests => &self.requests,
        }
    }

    /// Graph throttled a request of this load that was sent in this turn: the limit that it most likely passed rests for as long as
    /// Graph says, or for long enough, and goes on more slowly.
    pub(super) async fn throttled(&self, turn: &Turn, load: Load, after: Option<SignedDuration>) {
        let passed = load.needs().into_iter().find_map(|(limit, count)| (count > 0).then_some(limit));
        let Some((limit, place)) = turn.places.iter().find(|(limit, _)| Some(*limit) == passed) else { return };
        let by_chance = || PAUSE + SignedDuration::from_millis(fastrand::i64(0..JITTER_MILLIS));
        self.turns(*limit).throttled(place, after.unwrap_or_else(by_chance)).await;
    }

    /// The most that one batch may hold: all of them take their turn in one go.
    pub(super) fn at_once(&self) -> usize {
        usize::try_from(self.requests.at_once()).unwrap_or(usize::MAX)
    }

    /// Waits for the turn of a request of this load, at most until `deadline` (steady time).
    pub(super) async fn turn(
        &self,
        load: Load,
        urgency: Urgency,
        deadline: Option<SignedDuration>,
    ) -> Result<Turn, NoTurn> {
        let mut places: Vec<(Limit, Place)> = Vec::with_capacity(2);
        loop {
            // A place does not keep for ever: one that went stale while another one was waited for is taken anew.
            places.retain(|(_, place)| place.is_good(&self.clock));
            let held = |limit| places.iter().any(|(of, _)| *of == limit);
            let needed = load.needs().into_iter().find(|(limit, count)| *count > 0 && !held(*limit));
            let Some((limit, count)) = needed else { return Ok(Turn { places }) };
            // Whoever holds a place of another limit stood in line already.
            let urgency = if places.is_empty() { urgency } else { Urgency::Person };
            places.push((limit, self.turns(limit).take(urgency, count, deadline).await?));
        }
    }

    /// What is known of each limit.
    pub(super) fn figures(&self) -> [Figures; 4] {
        [&self.writes, &self.requests, &self.identity, &self.reports].map(Turns::figures)
    }
}
