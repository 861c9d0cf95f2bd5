//! Faults: what goes wrong, for which calls, and how often.

use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::model::Device;

/// How a 429 says when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// `Retry-After: N`.
    Seconds(u32),
    /// `Retry-After` as an HTTP date, this many seconds from now.
    Date(u32),
    /// No such header.
    Absent,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// 429.
    TooManyRequests(RetryAfter),
    /// 500 with the "query broker" text: throttling in disguise.
    QueryBroker,
    /// 503.
    Unavailable,
    /// 504.
    GatewayTimeout,
    /// 403, as for a missing permission.
    Forbidden,
    /// 403, because Multi Admin Approval stands before the action.
    ApprovalRequired,
    /// Any other status, with a generic error body.
    Status(u16),
    /// The answer comes this much later, in real time (in a scenario file: `"2s"`).
    Slow(#[serde(deserialize_with = "duration")] Duration),
    /// The call is carried out, and the connection closes without an answer.
    LostAnswer,
    /// The call is not carried out, and the connection closes without an answer.
    LostRequest,
    /// The call is carried out, and the answer's JSON is cut short.
    MalformedJson,
}

impl FaultKind {
    /// What faults of this kind are counted as.
    fn name(&self) -> &'static str {
        match self {
            Self::TooManyRequests(RetryAfter::Absent) => "429 without Retry-After",
            Self::TooManyRequests(_) => "429 with Retry-After",
            Self::QueryBroker => "500, throttling in disguise",
            Self::Unavailable => "503",
            Self::GatewayTimeout => "504",
            Self::Forbidden | Self::ApprovalRequired => "403",
            Self::Status(500..) => "500 and others",
            Self::Status(_) => "another status",
            Self::Slow(_) => "slow answer",
            Self::LostAnswer => "lost answer",
            Self::LostRequest => "lost request",
            Self::MalformedJson => "broken JSON",
        }
    }
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let duration = SignedDuration::deserialize(deserializer)?;
    Duration::try_from(duration).map_err(serde::de::Error::custom)
}

/// A fault: which calls it hits, what it does to them, and for how long it holds.
///
/// Every part of the matcher that is left out matches everything. A fault without `times` and `until` holds until it is cleared.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// The HTTP method it hits.
    #[serde(default)]
    pub method: Option<String>,
    /// Part of the path and query, from `/v1.0` or `/beta` on; `*` stands for anything between two parts.
    #[serde(default)]
    pub path: Option<String>,
    /// Name or id of the device whose calls it hits.
    #[serde(default)]
    pub device: Option<String>,
    /// How many calls it hits.
    #[serde(default)]
    pub times: Option<u32>,
    /// How many matching calls pass unharmed before it starts.
    #[serde(default)]
    pub after: u32,
    /// When it ends, in simulated time.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

impl Fault {
    /// A fault that hits every call, until it is cleared.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, method: None, path: None, device: None, times: None, after: 0, until: None }
    }

    /// A fault that hits `syncDevice` calls only.
    pub fn on_sync(kind: FaultKind) -> Self {
        Self::new(kind).method("POST").path("/syncDevice")
    }

    /// Only calls with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only calls whose path and query hold this; `*` stands for anything.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Only calls about this device (name or id).
    #[must_use]
    pub fn device(mut self, name_or_id: &str) -> Self {
        self.device = Some(name_or_id.to_owned());
        self
    }

    /// Only the first `times` matching calls.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets `calls` matching calls pass before it starts.
    #[must_use]
    pub fn after(mut self, calls: u32) -> Self {
        self.after = calls;
        self
    }

    /// Only until this moment of simulated time.
    #[must_use]
    pub fn until(mut self, end: Timestamp) -> Self {
        self.until = Some(end);
        self
    }

    fn hits(&self, method: &str, path: &str, devices: &IndexMap<String, Device>, now: Timestamp) -> bool {
        self.times != Some(0)
            && self.until.is_none_or(|until| now < until)
            && self.method.as_ref().is_none_or(|m| m.eq_ignore_ascii_case(method))
            && self.path.as_ref().is_none_or(|part| holds(path, part))
            && self.device.as_ref().is_none_or(|wanted| {
                devices.values().any(|d| (d.id == *wanted || d.name == *wanted) && path.contains(&d.id))
            })
    }
}

/// Whether `text` holds the parts of `pattern` (split at `*`) one after the other.
fn holds(text: &str, pattern: &str) -> bool {
    let mut rest = text;
    pattern.split('*').all(|part| {
        rest.find(part).is_some_and(|at| {
            rest = &rest[at + part.len()..];
            true
        })
    })
}

/// Names a fault that was set, to clear that one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FaultId(pub u64);

/// The faults that hold now.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    last_id: u64,
    set: Vec<(FaultId, Fault)>,
    served: BTreeMap<&'static str, usize>,
}

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) -> FaultId {
        self.set.retain(|(_, known)| known.times != Some(0));
        self.last_id += 1;
        let id = FaultId(self.last_id);
        self.set.push((id, fault));
        id
    }

    pub(crate) fn clear(&mut self, id: Option<FaultId>) {
        self.set.retain(|(known, _)| id.is_some_and(|id| id != *known));
    }

    /// The first fault that hits this call; it is used up by one.
    pub(crate) fn take(
        &mut self,
        method: &str,
        path: &str,
        devices: &IndexMap<String, Device>,
        now: Timestamp,
    ) -> Option<FaultKind> {
        for (_, fault) in &mut self.set {
            if !fault.hits(method, path, devices, now) {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            if let Some(times) = &mut fault.times {
                *times -= 1;
            }
            *self.served.entry(fault.kind.name()).or_default() += 1;
            return Some(fault.kind.clone());
        }
        None
    }

    /// How many calls each kind has hit so far.
    pub(crate) fn served(&self) -> BTreeMap<&'static str, usize> {
        self.served.clone()
    }
}
