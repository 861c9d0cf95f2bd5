//! Which devices have an app failure that a sync may mend: read in the background, off by default, and honest about its gaps.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::directory::Directory;
use super::report::read_failures;
use crate::budget::Urgency;
use crate::clock::Clock;
use crate::graph::{Graph, Patience};
use crate::intune::{Advice, DeviceId, ErrorTable};
use crate::settings::Apps;

/// What is known of one device.
#[derive(Clone, Copy, Debug)]
struct Entry {
    read_at: Timestamp,
    /// How many retryable failures; `None`: Graph did not say.
    retryable: Option<usize>,
}

/// What is known of all.
#[derive(Debug, Default)]
pub struct Known {
    entries: HashMap<DeviceId, Entry>,
    off: bool,
    /// Whether it was read once since the start.
    read: bool,
}

/// How old the index is, and what is missing in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexAge {
    /// Devices whose apps were read.
    pub read: usize,
    /// Devices of platforms with the retry rule whose apps could not be read, or were not read yet.
    pub missing: usize,
    /// The oldest reading.
    pub oldest: Option<Timestamp>,
}

/// The index.
#[derive(Debug)]
pub struct FailureIndex(ArcSwap<Known>);

impl Known {
    /// Whether nobody asked for it.
    pub fn is_off(&self) -> bool {
        self.off
    }

    /// Whether it has not been read since the start.
    pub fn is_unread(&self) -> bool {
        !self.read
    }

    /// Whether a device is known to have a retryable failure.
    pub fn is_retryable(&self, device: DeviceId) -> bool {
        self.entries.get(&device).is_some_and(|entry| entry.retryable.is_some_and(|count| count > 0))
    }
}

impl FailureIndex {
    /// An index that is empty; `off`: it stays so.
    pub fn new(off: bool) -> Self {
        Self(ArcSwap::from_pointee(Known { entries: HashMap::new(), off, read: false }))
    }

    /// What is known.
    pub fn known(&self) -> Arc<Known> {
        self.0.load_full()
    }

    /// How old it is, over the devices of `directory`.
    pub fn age(&self, directory: &Directory) -> IndexAge {
        let known = self.known();
        let all = directory.all(|device| device.platform.is_in_retry_rule());
        let read =
            all.iter().filter_map(|device| known.entries.get(&device.id)).filter(|entry| entry.retryable.is_some());
        let (count, oldest) = read.fold((0, None::<Timestamp>), |(count, oldest), entry| {
            (count + 1, Some(oldest.map_or(entry.read_at, |oldest| oldest.min(entry.read_at))))
        });
        IndexAge { read: count, missing: all.len() - count, oldest }
    }

    /// Reads the apps of every device that the retry rule speaks of, one after the other, behind all other traffic.
    pub async fn refresh(
        &self,
        graph: &Graph,
        directory: &Directory,
        apps: &Apps,
        table: &ErrorTable,
        clock: &Clock,
        is_stopping: impl Fn() -> bool,
    ) -> usize {
        let devices = directory.all(|device| device.platform.is_in_retry_rule());
        let before = self.known();
        let mut entries = HashMap::with_capacity(devices.len());
        for device in &devices {
            if is_stopping() {
                return 0;
            }
            let now = read_failures(graph, apps, table, device, None, Patience::OnceAs(Urgency::Background)).await;
            let retryable = now
                .failures
                .map(|(failures, _)| failures.iter().filter(|failure| failure.advice == Advice::Retryable).count());
            let entry = Entry { read_at: clock.now(), retryable };
            // What was known of it before is better than nothing, and says how old it is.
            let kept = before.entries.get(&device.id).filter(|_| retryable.is_none()).copied();
            entries.insert(device.id, kept.unwrap_or(entry));
        }
        let read = entries.len();
        self.0.store(Arc::new(Known { entries, off: false, read: true }));
        read
    }
}
