//! Turns while the ledger is away, slow, or shared; and who loses what when they stop waiting.
#![expect(clippy::disallowed_methods, reason = "tests start their own tasks")]

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tokio::task::JoinHandle;

use super::*;
use crate::budget::{Entry, Memory};

/// A ledger that may be away.
#[derive(Debug)]
struct Shaky {
    memory: Memory,
    away: AtomicBool,
}

#[async_trait]
impl Ledger for Shaky {
    async fn look(&self, name: &'static str) -> Result<Entry, LedgerAway> {
        if self.away.load(Ordering::SeqCst) {
            return Err(LedgerAway("gone".to_owned()));
        }
        self.memory.look(name).await
    }

    async fn replace(&self, name: &'static str, version: i64, account: Account) -> Result<bool, LedgerAway> {
        self.memory.replace(name, version, account).await
    }
}

struct World {
    clock: Clock,
    ledger: Arc<Shaky>,
}

impl World {
    fn new() -> Self {
        let clock = Clock::manual("2026-11-23T10:00:00Z".parse().unwrap());
        let ledger = Arc::new(Shaky { memory: Memory::new(&clock), away: AtomicBool::new(false) });
        Self { clock, ledger }
    }

    /// Ten in ten seconds, one at a time.
    fn turns(&self) -> Arc<Turns> {
        let pace = Pace::new("10/10s".parse().unwrap(), 20);
        Arc::new(Turns::new("writes", pace, Arc::clone(&self.ledger) as Arc<dyn Ledger>, &self.clock))
    }

    fn wait(&self, turns: &Arc<Turns>, urgency: Urgency, patience: Option<i64>) -> JoinHandle<Result<i64, NoTurn>> {
        let (turns, clock, busy) = (Arc::clone(turns), self.clock.clone(), self.clock.busy());
        let deadline = patience.map(|seconds| self.clock.steady() + SignedDuration::from_secs(seconds));
        tokio::spawn(async move {
            let taken = turns.take(urgency, 1, deadline).await.map(|_| micros(clock.steady()) / 1_000);
            drop(busy);
            taken
        })
    }

    async fn settle(&self) {
        let (mut agreeing, mut epoch) = (0, self.clock.epoch());
        while agreeing < 50 {
            tokio::task::yield_now().await;
            agreeing = if self.clock.is_quiet() && self.clock.epoch() == epoch { agreeing + 1 } else { 0 };
            epoch = self.clock.epoch();
        }
    }

    async fn advance(&self, millis: i64) {
        let end = self.clock.now() + SignedDuration::from_millis(millis);
        while self.clock.now() < end {
            self.settle().await;
            self.clock.advance_to(self.clock.next_wake().unwrap_or(end).min(end));
        }
        self.settle().await;
    }
}

#[tokio::test]
async fn while_the_ledger_is_away_nobody_has_a_turn_and_then_everybody() {
    let world = World::new();
    let turns = world.turns();
    world.ledger.away.store(true, Ordering::SeqCst);
    let impatient = world.wait(&turns, Urgency::Person, Some(20));
    let patient = world.wait(&turns, Urgency::Single, None);
    world.advance(60_000).await;
    assert_eq!(impatient.await.unwrap(), Err(NoTurn));
    assert!(!patient.is_finished());
    world.ledger.away.store(false, Ordering::SeqCst);
    world.advance(2_500).await;
    assert!((60_000..=62_500).contains(&patient.await.unwrap().unwrap()));
}

#[tokio::test]
async fn a_turn_that_nobody_waits_for_any_more_goes_to_the_next() {
    let world = World::new();
    let turns = world.turns();
    let first = world.wait(&turns, Urgency::Person, None);
    let second = world.wait(&turns, Urgency::Single, None);
    world.settle().await;
    first.abort();
    world.advance(1_100).await;
    assert!(second.await.unwrap().unwrap() <= 1_100);
    assert_eq!(turns.figures().waiting, [0; 4]);
}

#[tokio::test]
async fn the_urgent_one_goes_next_though_it_came_last_and_to_another_replica() {
    let world = World::new();
    let (one, other) = (world.turns(), world.turns());
    let mut bulk: Vec<_> = (0..30).map(|_| world.wait(&one, Urgency::Bulk(1), None)).collect();
    world.advance(5_000).await;
    let (here, there) = (world.wait(&one, Urgency::Single, None), world.wait(&other, Urgency::Person, None));
    world.advance(2_500).await;
    let (here, there) = (here.await.unwrap().unwrap(), there.await.unwrap().unwrap());
    assert!(here <= 7_500 && there <= 7_500 && here.abs_diff(there) >= 1_100, "{here} and {there} ms");
    world.advance(40_000).await;
    let mut times = vec![here, there];
    for turn in bulk.drain(..) {
        times.push(turn.await.unwrap().unwrap());
    }
    times.sort_unstable();
    assert!(times.windows(11).all(|eleven| eleven[10] - eleven[0] >= 10_000), "{times:?}");
}

#[tokio::test]
async fn a_pause_holds_for_every_replica_and_for_what_was_reserved_before_it() {
    let world = World::new();
    let (one, other) = (world.turns(), world.turns());
    let place = one.take(Urgency::Single, 1, Some(SignedDuration::from_secs(5)));
    let busy = world.clock.busy();
    let place = {
        let mut place = std::pin::pin!(place);
        loop {
            tokio::select! {
                biased;
                taken = &mut place => break taken.unwrap(),
                () = world.advance(100) => {}
            }
        }
    };
    drop(busy);
    let before = micros(world.clock.steady()) / 1_000;
    one.throttled(&place, SignedDuration::from_secs(7)).await;
    let (here, there) = (world.wait(&one, Urgency::Single, None), world.wait(&other, Urgency::Single, None));
    world.advance(12_000).await;
    let times = [here.await.unwrap().unwrap(), there.await.unwrap().unwrap()];
    assert!(times.iter().all(|at| at - before >= 7_000), "{times:?} after {before}");
    assert_eq!((one.figures().throttled, one.figures().share < WHOLE), (1, true));
}
