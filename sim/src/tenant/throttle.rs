//! Graph's published request limits, as sliding windows on the simulated clock.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::scenario::tenant::Throttling;

/// Which limits a call counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Intune devices: 200 writes and 2 000 calls in 20 s.
    Devices,
    /// Intune apps and app troubleshooting: 100 writes and 1 000 calls in 20 s.
    Apps,
    /// Intune roles: 100 writes and 1 000 calls in 20 s.
    Roles,
    /// Entra users, groups and devices: 3 500 resource units in 10 s (a small tenant).
    Identity,
    /// Reports: 48 in a minute.
    Reports,
    /// Nothing of its own (the envelope of a batch).
    Free,
}

/// One limit: at most `most` units in any `span`; of all apps of the tenant together, twice as many (throttling page).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Limit {
    class: Class,
    writes_only: bool,
    most: u32,
    span: SignedDuration,
}

/// Why a call is too much, and how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMuch {
    /// The application passed a limit of its own, which it can know.
    pub(crate) own: bool,
    pub(crate) wait: SignedDuration,
}

const LIMITS: &[Limit] = &[
    limit(Class::Devices, true, 200, 20),
    limit(Class::Devices, false, 2000, 20),
    limit(Class::Apps, true, 100, 20),
    limit(Class::Apps, false, 1000, 20),
    limit(Class::Roles, true, 100, 20),
    limit(Class::Roles, false, 1000, 20),
    limit(Class::Identity, false, 3500, 10),
    limit(Class::Reports, false, 48, 60),
];

const fn limit(class: Class, writes_only: bool, most: u32, seconds: i64) -> Limit {
    Limit { class, writes_only, most, span: SignedDuration::from_secs(seconds) }
}

/// What was used of each limit.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) settings: Throttling,
    used: HashMap<Limit, VecDeque<(Timestamp, u32)>>,
}

impl Limits {
    pub(crate) fn new(settings: Throttling) -> Self {
        Self { settings, used: HashMap::new() }
    }

    /// Counts a call. Over a limit it is not counted, and the answer is how long to wait.
    pub(crate) fn count(&mut self, class: Class, write: bool, units: u32, now: Timestamp) -> Result<(), TooMuch> {
        if self.settings.multiplier <= 0.0 {
            return Ok(());
        }
        let concerned = || LIMITS.iter().filter(|l| l.class == class && (write || !l.writes_only));
        for limit in concerned() {
            let used = self.used.entry(*limit).or_default();
            while used.front().is_some_and(|(at, _)| now.duration_since(*at) >= limit.span) {
                used.pop_front();
            }
            let sum: u32 = used.iter().map(|(_, units)| units).sum();
            let over = |most: u32| f64::from(sum + units) > f64::from(most) * self.settings.multiplier;
            // What other apps write is spread evenly, so in any span it is the same.
            let others =
                if limit.class == Class::Devices && limit.writes_only { self.settings.other_writes } else { 0 };
            let own = over(limit.most);
            if own || over((2 * limit.most).saturating_sub(others)) {
                let oldest = used.front().map_or(now, |(at, _)| *at);
                return Err(TooMuch { own, wait: limit.span - now.duration_since(oldest) });
            }
        }
        for limit in concerned() {
            self.used.entry(*limit).or_default().push_back((now, units));
        }
        Ok(())
    }

    /// Drops what left every window.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        for (limit, used) in &mut self.used {
            used.retain(|(at, _)| now.duration_since(*at) < limit.span);
        }
    }
}

/// What an identity call costs in resource units.
pub(crate) fn identity_units(path: &str, query: &[(String, String)]) -> u32 {
    let mut units: i32 = if path.ends_with("/checkMemberGroups") { 4 } else { 2 };
    for (name, value) in query {
        match name.as_str() {
            "$select" => units -= 1,
            "$expand" => units += 1,
            "$top" if value.parse().is_ok_and(|top: u32| top < 20) => units -= 1,
            _ => {}
        }
    }
    units.max(1).unsigned_abs()
}
