//! Several replicas on one PostgreSQL database draw from one budget: in real time, while some of them die and others start.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use intune_sync_bot::budget::{Ledger, Pace, Turns, Urgency};
use intune_sync_bot::clock::Clock;
use intune_sync_bot::intune::TenantId;
use intune_sync_bot::settings::Rate;
use intune_sync_bot::store::Store;
use tokio::task::JoinSet;

use crate::engines::{Database, Engine};

/// Twenty in a second, so that the test sees many windows in little time.
const RATE: &str = "40/2s";

/// How long it is watched.
const WATCHED: Duration = Duration::from_secs(8);

type Sent = Arc<Mutex<Vec<Instant>>>;

/// A process: eight tasks that send as fast as they are let.
async fn replica(database: &Database, sent: &Sent) -> JoinSet<()> {
    let store = Store::open(database.url(), TenantId(uuid::Uuid::from_u128(1))).await.expect("the store opens");
    let (rate, clock): (Rate, _) = (RATE.parse().expect("a rate"), Clock::real());
    // A tenth, because a shared machine may be late by more than a hundredth of two seconds.
    let ledger: Arc<dyn Ledger> = Arc::new(store);
    let turns = Arc::new(Turns::new("writes", Pace::new(rate, 10), ledger, &clock));
    let mut tasks = JoinSet::new();
    for job in 0..8 {
        let (turns, sent, clock) = (Arc::clone(&turns), Arc::clone(sent), clock.clone());
        tasks.spawn(async move {
            loop {
                let place = turns.take(Urgency::Bulk(job), 1, None).await.expect("no deadline");
                if place.is_good(&clock) {
                    sent.lock().expect("nobody panicked").push(Instant::now());
                }
            }
        });
    }
    tasks
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_stay_inside_one_budget_while_they_die_and_start() {
    let database = Database::new(Engine::Postgres).await;
    let sent = Sent::default();
    let began = Instant::now();
    let mut replicas = vec![replica(&database, &sent).await, replica(&database, &sent).await];
    while began.elapsed() < WATCHED {
        replicas.push(replica(&database, &sent).await);
        tokio::time::sleep(Duration::from_millis(700)).await;
        // Where it stands, as by kill -9: with whatever it has reserved.
        replicas.remove(0).abort_all();
    }
    drop(replicas);
    let mut times = sent.lock().expect("nobody panicked").clone();
    times.sort_unstable();
    let rate: Rate = RATE.parse().expect("a rate");
    let window = Duration::try_from(rate.per).expect("a duration");
    for (first, &at) in times.iter().enumerate() {
        let within = times[first..].iter().take_while(|&&later| later - at < window).count();
        assert!(within <= rate.count as usize, "{within} in one window");
    }
    let floor = began.elapsed().as_secs_f64() * f64::from(rate.count) / rate.per.as_secs_f64();
    let part = f64::from(u32::try_from(times.len()).expect("few")) / floor;
    assert!(part > 0.4, "{} sent, {part:.2} of the rate", times.len());
    database.remove().await;
}
