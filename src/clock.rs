//! Time, injected: the machine's own, or time that a test moves. It also knows who is busy and who waits.
//!
//! Every loop and every handler holds a [`Busy`] guard and waits through [`Clock::sleep`] or a [`Bell`], so
//! [`Clock::is_quiet`] can tell that all that could be done at this moment has been done. A test moves a manual
//! clock only then; in production the same count tells a graceful stop when to stop.
//!
//! There are two scales. The *time of day* is what is stored and shown, and it may jump: somebody sets the clock, or NTP does. The
//! *steady* time only counts how long this process has run, and never jumps: waits and paces are measured by it. Long because the
//! manual clock, its waiters and their tests belong together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

/// A handle to the one clock of the process.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    /// Wakes the sleepers when time is moved.
    moved: Notify,
    busy: AtomicUsize,
    /// Grows with every start of work, so that two looks can tell whether something happened in between.
    epoch: AtomicU64,
    /// Where the machine's steady time began to count.
    began: Instant,
}

#[derive(Debug)]
struct State {
    /// `Some`: the hand-moved present. `None`: the machine's time.
    manual: Option<Manual>,
    /// What has passed beside the machine's time.
    skipped: SignedDuration,
    next_waiter: u64,
    waiters: BTreeMap<u64, Waiter>,
}

#[derive(Clone, Copy, Debug)]
struct Manual {
    /// The time of day.
    day: Timestamp,
    steady: SignedDuration,
}

/// What somebody waits for.
#[derive(Clone, Copy, Debug)]
enum Until {
    Steady(SignedDuration),
    /// For no time at all: only the bell ends it.
    Bell,
    /// That the time of day is set.
    Jump,
}

#[derive(Debug)]
struct Waiter {
    until: Until,
    rung: bool,
}

/// One moment on both scales.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    day: Timestamp,
    steady: SignedDuration,
}

impl Moment {
    /// Its time of day, as it was thought to be then.
    pub fn day(self) -> Timestamp {
        self.day
    }

    /// By how much the time of day was set between an earlier moment and this one; less than [`JUMP`] is how clocks drift.
    fn jump_since(self, earlier: Self) -> Option<SignedDuration> {
        let by = self.day.duration_since(earlier.day) - (self.steady - earlier.steady);
        (by.abs() >= JUMP).then_some(by)
    }

    /// How long until that.
    fn rest(self, until: Until) -> SignedDuration {
        match until {
            Until::Bell | Until::Jump => SignedDuration::MAX,
            Until::Steady(steady) => steady - self.steady,
        }
    }

    fn is_past(self, until: Until) -> bool {
        !self.rest(until).is_positive()
    }
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
        Self::new(Some(Manual { day: start, steady: SignedDuration::ZERO }))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn new(manual: Option<Manual>) -> Self {
        let state =
            Mutex::new(State { manual, skipped: SignedDuration::ZERO, next_waiter: 0, waiters: BTreeMap::new() });
        let (busy, epoch) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self(Arc::new(Inner { state, moved: Notify::new(), busy, epoch, began: Instant::now() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present time of day.
    pub fn now(&self) -> Timestamp {
        self.moment().day
    }

    /// The present on both scales.
    pub fn moment(&self) -> Moment {
        self.present(&self.state())
    }

    /// How long ago that was. `None`: the time of day was set meanwhile, so that nobody can tell what was before what.
    pub fn age(&self, of: Moment) -> Option<SignedDuration> {
        let now = self.moment();
        now.jump_since(of).is_none().then(|| now.steady - of.steady)
    }

    /// How long this clock has run. It never jumps, whatever becomes of the time of day.
    pub fn steady(&self) -> SignedDuration {
        self.moment().steady
    }

    /// Whether it is moved by hand.
    pub fn is_manual(&self) -> bool {
        self.state().manual.is_some()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn present(&self, state: &State) -> Moment {
        if let Some(Manual { day, steady }) = state.manual {
            return Moment { day, steady };
        }
        let (run, now) = (SignedDuration::try_from(self.0.began.elapsed()), Timestamp::now());
        let day = now.saturating_add(state.skipped).unwrap_or(now);
        Moment { day, steady: run.unwrap_or(SignedDuration::MAX).saturating_add(state.skipped) }
    }

    /// Counts the caller as busy until the guard is dropped.
    pub fn busy(&self) -> Busy {
        self.0.epoch.fetch_add(1, Ordering::SeqCst);
        self.0.busy.fetch_add(1, Ordering::SeqCst);
        Busy(self.clone())
    }

    /// Waits for `duration`.
    pub async fn sleep(&self, duration: SignedDuration) {
        let until = Until::Steady(self.steady().saturating_add(duration));
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
        let state = self.state();
        let present = self.present(&state);
        let waiting = state.waiters.values().filter(|waiter| !waiter.rung && !present.is_past(waiter.until)).count();
        waiting == self.0.busy.load(Ordering::SeqCst)
    }

    /// How often work has started; unchanged between two quiet looks, nothing happened.
    pub fn epoch(&self) -> u64 {
        self.0.epoch.load(Ordering::SeqCst)
    }

    /// The earliest moment someone waits for.
    pub fn next_wake(&self) -> Option<Timestamp> {
        let state = self.state();
        let present = self.present(&state);
        let timed = state.waiters.values().filter(|waiter| matches!(waiter.until, Until::Steady(_)));
        let soonest = timed.map(|waiter| present.rest(waiter.until)).min()?;
        Some(present.day.saturating_add(soonest).unwrap_or(Timestamp::MAX))
    }

    /// Moves a manual clock forward; a real one, and time already past, stay as they are.
    pub fn advance_to(&self, at: Timestamp) {
        if let Some(manual) = self.state().manual.as_mut() {
            let by = at.duration_since(manual.day).max(SignedDuration::ZERO);
            manual.day = at.max(manual.day);
            manual.steady += by;
        }
        self.0.moved.notify_waiters();
    }

    /// Lets so much time pass at once where time runs, as when somebody moves the time of the demo.
    pub fn skip(&self, by: SignedDuration) {
        let mut state = self.state();
        state.skipped = state.skipped.saturating_add(by.max(SignedDuration::ZERO));
        drop(state);
        self.0.moved.notify_waiters();
    }

    /// Sets the time of day of a manual clock forward or back, as an administrator or NTP sets a machine's. No time passes.
    pub fn jump(&self, by: SignedDuration) {
        let mut state = self.state();
        if let Some(manual) = state.manual.as_mut() {
            manual.day = manual.day.saturating_add(by).unwrap_or(manual.day);
            // Whoever waits for this has something to do now.
            let watchers = state.waiters.values_mut().filter(|waiter| matches!(waiter.until, Until::Jump));
            watchers.for_each(|waiter| waiter.rung = true);
        }
        drop(state);
        self.0.moved.notify_waiters();
    }

    /// Waits until the time of day is set forward or back from what it was after `known`, and says by how much. The caller counts as busy.
    pub async fn is_set(&self, known: &mut Moment) -> SignedDuration {
        let waiting = self.start_waiting(Until::Jump);
        loop {
            let moved = self.0.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            let now = self.moment();
            let jump = now.jump_since(std::mem::replace(known, now));
            if let Some(by) = jump {
                drop(waiting);
                return by;
            }
            if self.is_manual() {
                moved.await;
            } else {
                tokio::time::sleep(LOOK_FOR_JUMPS).await;
            }
        }
    }

    fn start_waiting(&self, until: Until) -> Waiting {
        let mut state = self.state();
        let id = state.next_waiter;
        state.next_waiter += 1;
        state.waiters.insert(id, Waiter { until, rung: false });
        Waiting { clock: self.clone(), id }
    }

    /// Completes when the present has reached `until`.
    async fn pass(&self, until: Until) {
        loop {
            let moved = self.0.moved.notified();
            tokio::pin!(moved);
            // Listen first, look second: a move between the two must not be missed.
            moved.as_mut().enable();
            let (rest, manual) = {
                let state = self.state();
                (self.present(&state).rest(until), state.manual.is_some())
            };
            if !rest.is_positive() {
                return;
            }
            if manual {
                moved.await;
            } else {
                let rest = Duration::try_from(rest).unwrap_or_default();
                tokio::select! {
                    () = moved => {}
                    () = tokio::time::sleep(rest.min(LONGEST_SLEEP)) => {}
                }
            }
        }
    }
}

/// Longest single sleep on the machine's clock.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// A difference between the two scales that is no drift: somebody set the time, or the machine was suspended.
const JUMP: SignedDuration = SignedDuration::from_secs(5);

/// Between two looks for such a difference on the machine's clock.
const LOOK_FOR_JUMPS: Duration = Duration::from_secs(5);

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

    /// Waits until the bell rings.
    pub async fn wait(&self) {
        self.wait_or(Until::Bell).await;
    }

    /// Waits for `duration`, or until the bell rings.
    pub async fn wait_for(&self, duration: SignedDuration) {
        self.wait_or(Until::Steady(self.0.clock.steady().saturating_add(duration))).await;
    }

    async fn wait_or(&self, until: Until) {
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
    async fn an_hour_that_is_skipped_is_over_for_whoever_waits() {
        let clock = Clock::real();
        let (before, long) = (clock.moment(), SignedDuration::from_hours(1));
        let sleeper = tokio::spawn({
            let (clock, busy) = (clock.clone(), clock.busy());
            async move {
                clock.sleep(SignedDuration::from_mins(59)).await;
                drop(busy);
            }
        });
        settle(&clock).await;
        clock.skip(long);
        sleeper.await.unwrap();
        assert!(clock.age(before).is_some_and(|age| age >= long), "it passed, nobody set the time");
    }

    #[tokio::test]
    async fn a_bell_rung_while_nobody_listens_is_not_lost() {
        let clock = Clock::manual(start());
        let bell = clock.bell();
        bell.ring();
        bell.wait().await;
    }

    #[tokio::test]
    async fn a_rung_bell_makes_its_loop_busy_at_once() {
        let clock = Clock::manual(start());
        let bell = clock.bell();
        let waiter = tokio::spawn({
            let (bell, busy) = (bell.clone(), clock.busy());
            async move {
                bell.wait().await;
                drop(busy);
            }
        });
        settle(&clock).await;
        bell.ring();
        waiter.await.unwrap();
        assert!(clock.is_quiet());
    }

    #[tokio::test]
    async fn time_is_never_moved_back() {
        let clock = Clock::manual(start());
        clock.advance_to(start() - SignedDuration::from_secs(1));
        assert_eq!((clock.now(), clock.steady()), (start(), SignedDuration::ZERO));
    }

    #[tokio::test]
    async fn a_wait_lasts_as_long_as_it_was_meant_to_though_the_time_of_day_jumps() {
        let clock = Clock::manual(start());
        let (minute, hour) = (SignedDuration::from_mins(1), SignedDuration::from_hours(1));
        for jump in [hour, -hour] {
            let (sleeper, busy) = (clock.clone(), clock.busy());
            let sleeper = tokio::spawn(async move {
                sleeper.sleep(minute).await;
                drop(busy);
            });
            settle(&clock).await;
            clock.jump(jump);
            settle(&clock).await;
            assert!(!sleeper.is_finished());
            assert_eq!(clock.next_wake(), Some(clock.now() + minute));
            clock.advance_to(clock.now() + minute);
            sleeper.await.unwrap();
        }
        assert_eq!((clock.now(), clock.steady()), (start() + minute + minute, minute + minute));
    }

    #[tokio::test]
    async fn whoever_watches_the_time_of_day_is_told_by_how_much_it_was_set() {
        let clock = Clock::manual(start());
        let mut known = clock.moment();
        for by in [SignedDuration::from_hours(1), -SignedDuration::from_mins(20)] {
            let watcher = tokio::spawn({
                let (clock, busy) = (clock.clone(), clock.busy());
                async move {
                    let by = clock.is_set(&mut known).await;
                    drop(busy);
                    (by, known)
                }
            });
            settle(&clock).await;
            assert_eq!(clock.next_wake(), None);
            clock.advance_to(clock.now() + SignedDuration::from_hours(3));
            settle(&clock).await;
            clock.jump(SignedDuration::from_secs(2));
            clock.jump(by);
            assert!(!clock.is_quiet(), "it is about to be told");
            let (told, after) = watcher.await.unwrap();
            assert!((told - by).abs() <= SignedDuration::from_secs(2), "{told:?}");
            known = after;
        }
    }

    #[test]
    fn no_age_is_told_across_a_jump() {
        let clock = Clock::manual(start());
        let before = clock.moment();
        clock.advance_to(start() + SignedDuration::from_mins(10));
        assert_eq!(clock.age(before), Some(SignedDuration::from_mins(10)));
        clock.jump(-SignedDuration::from_mins(10));
        assert_eq!(clock.age(before), None);
    }
}
