//! The budget toward Graph: who goes first, how near to the limit a job runs, and what becomes of it when others use the tenant too.
#![expect(clippy::disallowed_methods, reason = "tests start their own tasks")]

mod bench;
#[expect(dead_code, reason = "there is no budget to share on SQLite")]
#[path = "../engines/mod.rs"]
mod engines;
mod replicas;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bench::Bench;
use intune_sync_bot::budget::Urgency;
use intune_sync_bot::graph::{Error, Graph, Kind, Retry};
use intune_sync_bot::intune::DeviceId;
use jiff::SignedDuration;
use tokio::task::JoinSet;

/// The device that jobs are about, and the one that a person is about.
const MANY: &str = "LT-042";
const ONE: &str = "FIELD-LT-1";

/// What waits before its next call when Graph says no more than that it is too much.
const BACKOFF: SignedDuration = SignedDuration::from_secs(10);

/// A turn and its call, as a worker makes them.
async fn call(graph: &Graph, device: DeviceId, urgency: Urgency) -> Result<Option<String>, Error> {
    let turn = graph.sync_turn(urgency).await?;
    graph.sync_device(device, turn).await
}

/// One call for each of `calls`, all of them waiting at once.
fn crowd(bench: &Bench, urgency: Urgency, device: &str, calls: usize, into: &mut JoinSet<()>) {
    for _ in 0..calls {
        let (graph, busy, device) = (Arc::clone(&bench.graph), bench.clock.busy(), bench.device(device));
        into.spawn(async move {
            let error = call(&graph, device, urgency).await.err();
            assert!(error.is_none_or(|error| error.kind == Kind::NoTurn), "Graph takes what is sent");
            drop(busy);
        });
    }
}

/// A bulk job as workers do it: four at a time, and what was not taken comes back when Graph says.
async fn job(bench: &Bench, calls: usize) {
    let queue = Arc::new(Mutex::new((0..calls).collect::<VecDeque<_>>()));
    let mut workers = JoinSet::new();
    for _ in 0..4 {
        let (graph, clock, device) = (Arc::clone(&bench.graph), bench.clock.clone(), bench.device(MANY));
        let (queue, busy) = (Arc::clone(&queue), bench.clock.busy());
        workers.spawn(async move {
            loop {
                let Some(number) = queue.lock().expect("nobody panicked").pop_front() else { break };
                let Err(error) = call(&graph, device, Urgency::Bulk(1)).await else { continue };
                assert!(matches!(error.kind, Kind::Throttled { .. } | Kind::NoTurn), "{error}");
                let wait = if let Retry::After(wait) = error.retry() { wait } else { BACKOFF };
                queue.lock().expect("nobody panicked").push_back(number);
                clock.sleep(wait).await;
            }
            drop(busy);
        });
    }
    bench.moving_time(workers.join_all()).await;
}

/// How many seconds the calls that Graph took are apart, the first from the last.
fn span(bench: &Bench) -> f64 {
    let taken: Vec<_> = bench.sim.tenant.sync_calls().into_iter().filter(|call| call.status == 204).collect();
    let [first, .., last] = &taken[..] else { panic!("{} calls", taken.len()) };
    last.at.duration_since(first.at).as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_sync_goes_within_a_second_while_five_thousand_wait() {
    let bench = Bench::new().await;
    let mut tasks = JoinSet::new();
    crowd(&bench, Urgency::Bulk(1), MANY, 5_000, &mut tasks);
    bench.advance(SignedDuration::from_secs(12)).await;
    let asked = bench.clock.now();
    crowd(&bench, Urgency::Single, ONE, 1, &mut tasks);
    bench.advance(SignedDuration::from_secs(2)).await;
    let calls = bench.sim.tenant.sync_calls();
    let single = calls.iter().find(|call| call.device_name.as_deref() == Some(ONE)).expect("it was sent");
    assert!(single.at.duration_since(asked) <= SignedDuration::from_secs(1), "asked {asked}, sent {}", single.at);
    let writes = &bench.graph.budget()[0];
    assert_eq!((writes.name, writes.taken[1]), ("writes", 1));
    assert!(writes.waiting[2] > 4_500 && writes.taken[2] > 100, "{writes:?}");
    assert_eq!(bench.sim.tenant.throttled(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_job_is_not_kept_waiting_by_a_large_one() {
    let bench = Bench::new().await;
    let mut large = JoinSet::new();
    crowd(&bench, Urgency::Bulk(1), MANY, 200, &mut large);
    bench.advance(SignedDuration::from_secs(2)).await;
    let before = bench.sim.tenant.sync_calls().len();
    let mut small = JoinSet::new();
    crowd(&bench, Urgency::Bulk(2), ONE, 20, &mut small);
    bench.moving_time(small.join_all()).await;
    let between = bench.sim.tenant.sync_calls().len() - before;
    assert!((40..=43).contains(&between), "{between} calls while the small job's 20 were made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_thousand_runs_at_the_limit_and_is_never_throttled() {
    let bench = Bench::new().await;
    job(&bench, 1_000).await;
    let ratio = span(&bench) / 100.0;
    assert!(ratio < 1.03, "{ratio:.3} times the floor");
    assert_eq!((bench.sim.tenant.throttled(), bench.sim.tenant.over_limit()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_other_apps_use_most_of_the_tenants_limit_the_job_finds_what_is_left() {
    let bench = Bench::new().await;
    bench.sim.tenant.set_other_writes(300);
    job(&bench, 1_000).await;
    let (ratio, throttled) = (span(&bench) / 200.0, bench.sim.tenant.throttled());
    assert!(ratio < 1.25, "{ratio:.3} times the floor of what is left");
    assert!(throttled <= 15, "{throttled} calls throttled");
    assert_eq!(bench.sim.tenant.over_limit(), 0);
    // The others stop, and the rate comes back.
    bench.sim.tenant.set_other_writes(0);
    bench.advance(SignedDuration::from_mins(16)).await;
    let before = bench.clock.now();
    job(&bench, 100).await;
    assert!(bench.clock.now().duration_since(before) < SignedDuration::from_millis(10_500));
}
