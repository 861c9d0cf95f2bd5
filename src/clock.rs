//! Time, injected: the machine's own, or time that a test moves. It also knows who is busy and who waits.
//!
//! Every loop and every handler holds a [`Busy`] guard and waits through [`Clock::sleep`] or a [`Bell`], so
//! [`Clock::is_quiet`] can tell that all that could be done at this moment has been done. A test moves a manual
//! clock only then; in production the same count tells a graceful stop when to stop.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

/// A handle to the one clock of the process.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    /// Wakes the sleepers of a manual clock.
    moved: Notify,
    busy: AtomicUsize,
    /// Grows with every start of work, so that two looks can tell whether something happened in between.
    epoch: AtomicU64,
}

#[derive(Debug)]
struct State {
    /// `Some`: the hand-moved present. `None`: the machine's time.
    manual: Option<Timestamp>,
    next_waiter: u64,
    waiters: BTreeMap<u64, Waiter>,
}

#[derive(Debug)]
struct Waiter {
    until: Timestamp,
    rung: bool,
}

/// Counts its holder as busy.
#[derive(Debug)]
pub struct Busy(Clock);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Clock {
    /// The machine's time.
    pub fn real() -> Self {
        Self::new(None)
    }

    /// Time that stands at `start` until [`Clock::advance_to`].
    pub fn manual(start: Timestamp) -> Self {
        Self::new(Some(start))
    }

    fn new(manual: Option<Timestamp>) -> Self {
        let state = Mutex::new(State { manual, next_waiter: 0, waiters: BTreeMap::new() });
        let (busy, epoch) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self(Arc::new(Inner { state, moved: Notify::new(), busy, epoch }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present moment.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    pub fn now(&self) -> Timestamp {
        self.state().manual.unwrap_or_else(Timestamp::now)
    }

    /// Counts the caller as busy until the guard is dropped.
    pub fn busy(&self) -> Busy {
        self.0.epoch.fetch_add(1, Ordering::SeqCst);
        self.0.busy.fetch_add(1, Ordering::SeqCst);
        Busy(self.clone())
    }

    /// Waits for `duration`.
    pub async fn sleep(&self, duration: SignedDuration) {
        let until = self.now().saturating_add(duration).unwrap_or(Timestamp::MAX);
        let waiting = self.start_waiting(until);
        self.pass(until).await;
        drop(waiting);
    }

    /// A bell that wakes one loop before its time.
    pub fn bell(&self) -> Bell {
        Bell(Arc::new(BellInner { clock: self.clone(), notify: Notify::new(), state: Mutex::default() }))
    }

    /// Whether everyone who is busy waits for a later moment.
    pub fn is_quiet(&self) -> bool {
        let now = self.now();
        let state = self.state();
        let waiting = state.waiters.values().filter(|waiter| !waiter.rung && waiter.until > now).count();
        waiting == self.0.busy.load(Ordering::SeqCst)
    }

    /// How often work has started; unchanged between two quiet looks, nothing happened.
    pub fn epoch(&self) -> u64 {
        self.0.epoch.load(Ordering::SeqCst)
    }

    /// The earliest moment someone waits for.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.state().waiters.values().map(|waiter| waiter.until).min()
    }

    /// Moves a manual clock forward; a real one, and time already past, stay as they are.
    pub fn advance_to(&self, at: Timestamp) {
        if let Some(now) = self.state().manual.as_mut() {
            *now = at.max(*now);
        }
        self.0.moved.notify_waiters();
    }

    fn start_waiting(&self, until: Timestamp) -> Waiting {
        let mut state = self.state();
        let id = state.next_waiter;
        state.next_waiter += 1;
        state.waiters.insert(id, Waiter { until, rung: false });
        Waiting { clock: self.clone(), id }
    }

    /// Completes when the present has reached `until`.
    async fn pass(&self, until: Timestamp) {
        loop {
            let moved = self.0.moved.notified();
            tokio::pin!(moved);
            // Listen first, look second: a move between the two must not be missed.
            moved.as_mut().enable();
            let now = self.now();
            if now >= until {
                return;
            }
            if self.state().manual.is_some() {
                moved.await;
            } else {
                let rest = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                tokio::time::sleep(rest.min(LONGEST_SLEEP)).await;
            }
        }
    }
}

/// Longest single sleep on the machine's clock: after it the time is looked at again, so that a clock that was
/// set (or a machine that was suspended) is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Takes its entry off the list of waiters when dropped.
struct Waiting {
    clock: Clock,
    id: u64,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.clock.state();
        state.waiters.remove(&self.id);
        drop(state);
        self.clock.0.epoch.fetch_add(1, Ordering::SeqCst);
    }
}

/// Wakes one loop before its time. Cloning gives another handle to the same bell.
#[derive(Clone, Debug)]
pub struct Bell(Arc<BellInner>);

#[derive(Debug)]
struct BellInner {
    clock: Clock,
    notify: Notify,
    state: Mutex<BellState>,
}

#[derive(Debug, Default)]
struct BellState {
    /// Rung while nobody was listening.
    pending: bool,
    waiter: Option<u64>,
}

impl Bell {
    /// Wakes the loop, now or the moment it next waits.
    pub fn ring(&self) {
        let mut bell = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        match bell.waiter {
            Some(id) => {
                if let Some(waiter) = self.0.clock.state().waiters.get_mut(&id) {
                    waiter.rung = true;
                }
                self.0.notify.notify_one();
            }
            None => bell.pending = true,
        }
    }

    /// Waits until `until`, or until the bell rings.
    pub async fn wait_until(&self, until: Timestamp) {
        let waiting = {
            let mut bell = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            if std::mem::take(&mut bell.pending) {
                return;
            }
            let waiting = self.0.clock.start_waiting(until);
            bell.waiter = Some(waiting.id);
            waiting
        };
        tokio::select! {
            () = self.0.notify.notified() => {}
            () = self.0.clock.pass(until) => {}
        }
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).waiter = None;
        drop(waiting);
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests start their own tasks")]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    async fn settle(clock: &Clock) {
        while !clock.is_quiet() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_sleeper_is_quiet_until_its_moment_has_come() {
        let clock = Clock::manual(start());
        let sleeper = tokio::spawn({
            let (clock, busy) = (clock.clone(), clock.busy());
            async move {
                clock.sleep(SignedDuration::from_secs(60)).await;
                drop(busy);
            }
        });
        settle(&clock).await;
        assert_eq!(clock.next_wake(), Some(start() + SignedDuration::from_secs(60)));
        clock.advance_to(start() + SignedDuration::from_secs(60));
        assert!(!clock.is_quiet(), "its moment has come, so it is about to run");
        sleeper.await.unwrap();
        assert!(clock.is_quiet());
    }

    #[tokio::test]
    async fn a_bell_rung_while_nobody_listens_is_not_lost() {
        let clock = Clock::manual(start());
        let bell = clock.bell();
        bell.ring();
        bell.wait_until(Timestamp::MAX).await;
    }

    #[tokio::test]
    async fn a_rung_bell_makes_its_loop_busy_at_once() {
        let clock = Clock::manual(start());
        let bell = clock.bell();
        let waiter = tokio::spawn({
            let (bell, busy) = (bell.clone(), clock.busy());
            async move {
                bell.wait_until(Timestamp::MAX).await;
                drop(busy);
            }
        });
        settle(&clock).await;
        bell.ring();
        waiter.await.unwrap();
        assert!(clock.is_quiet());
    }

    #[tokio::test]
    async fn time_never_goes_back() {
        let clock = Clock::manual(start());
        clock.advance_to(start() - SignedDuration::from_secs(1));
        assert_eq!(clock.now(), start());
    }
}
