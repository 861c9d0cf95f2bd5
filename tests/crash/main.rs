//! The crash suite: the real binary, killed with SIGKILL at every point where something is committed, called or delivered, and started again.
//!
//! Nothing confirmed is lost: each confirmed request ends in one outcome that its asker reads, whatever dies when. docs/reliability.md says
//! what is proved by it. `CRASH_ONLY=words` plays only the points whose name holds these words.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the suite prints its table")]

#[path = "../engines/mod.rs"]
mod engines;

mod bot;
mod flow;
mod people;
mod place;
mod points;
mod verdict;

use std::collections::BTreeSet;
use std::sync::Arc;

use engines::Engine;
use flow::Flow;
use place::{NEVER_REACHED, Place};
use points::{ON_SQLITE_ALONE, PRESSED_AGAIN, Point, all_points, points_of};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use verdict::Seen;

/// Points that are played side by side: most of their time is waiting.
const SIDE_BY_SIDE: u32 = 8;

/// On a busy machine a word may be overtaken by the next one, so that its point is not reached; then it is played again, alone.
const TRIES: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_point_on_sqlite_nothing_confirmed_is_lost() {
    play_all(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_point_on_postgresql_nothing_confirmed_is_lost() {
    play_all(Engine::Postgres).await;
}

/// Every commit that the flows of the suite make has its two points in the table; a new one has to be added to it.
#[tokio::test(flavor = "multi_thread")]
async fn every_commit_of_these_flows_is_a_point_of_the_suite() {
    let mut known = BTreeSet::from([ON_SQLITE_ALONE, PRESSED_AGAIN].map(str::to_owned));
    for (_, point) in all_points() {
        if let Point::Commit { name, .. } = point {
            known.insert(name.to_owned());
        }
    }
    let mut seen = BTreeSet::new();
    let mut runs = JoinSet::new();
    for flow in Flow::ALL {
        runs.spawn(async move {
            let committed = Box::pin(Place::new(Engine::Sqlite, flow).await.played_without_a_crash()).await;
            (flow, committed)
        });
    }
    for (flow, committed) in runs.join_all().await {
        seen.extend(committed.into_iter().filter(|name| !known.contains(name)).map(|name| format!("{flow}: {name}")));
    }
    let new: Vec<_> = seen.iter().collect();
    assert!(new.is_empty(), "commits that no point of the suite is about: {new:?}");
}

/// A panic in the middle of a step, a delivery or an answer takes nothing else down, and nothing is lost by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_at_any_of_these_points_is_survived() {
    let mut runs = JoinSet::new();
    for (flow, at) in PANICS {
        runs.spawn(async move {
            let place = Place::new(Engine::Sqlite, flow).await;
            (flow, at, Box::pin(place.played_with_a_panic(at)).await)
        });
    }
    for (flow, at, seen) in runs.join_all().await {
        println!("{flow}: a panic {at}: {seen:?}");
        let seen = seen.unwrap_or_else(|why| panic!("{flow}: after a panic {at}: {why}"));
        assert_eq!(seen.twice, 0, "{flow}: a panic {at}");
    }
}

/// In an answer to a command and to a click, in the steps of a worker, alone and of many, and in a delivery.
const PANICS: [(Flow, &str); 11] = [
    (Flow::Plain, "before asked 1"),
    (Flow::Plain, "before confirmed 1"),
    (Flow::Plain, "after confirmed 1"),
    (Flow::Plain, "before attempt 1"),
    (Flow::Plain, "after attempt 1"),
    (Flow::Plain, "before answer 1"),
    (Flow::Plain, "before outcome 1"),
    (Flow::Plain, "before UPDATE notices SET state 2"),
    (Flow::Plain, "after UPDATE notices SET state 2"),
    (Flow::Bulk, "before answer 2"),
    (Flow::Bulk, "after attempt 2"),
];

async fn play_all(engine: Engine) {
    let only = std::env::var("CRASH_ONLY").unwrap_or_default();
    let turns = Arc::new(Semaphore::new(SIDE_BY_SIDE as usize));
    let mut runs = JoinSet::new();
    for (number, (flow, point)) in points_of(engine).into_iter().enumerate() {
        if !format!("{flow}: {point}").contains(&only) {
            continue;
        }
        let turns = Arc::clone(&turns);
        runs.spawn(async move {
            let mut seen = Err(NEVER_REACHED.to_owned());
            for attempt in 0..TRIES {
                let room = if attempt == 0 { 1 } else { SIDE_BY_SIDE };
                let _turn = Arc::clone(&turns).acquire_many_owned(room).await.expect("it is never closed");
                seen = Box::pin(Place::new(engine, flow).await.played_with_a_crash(&point)).await;
                if seen.as_ref().err().is_none_or(|why| why != NEVER_REACHED) {
                    break;
                }
            }
            (number, flow, point, seen)
        });
    }
    let mut rows = runs.join_all().await;
    rows.sort_by_key(|(number, ..)| *number);
    let failed = rows.iter().filter(|(.., seen)| seen.is_err()).count();
    println!("\n{engine:?}: {} points\n", rows.len());
    println!(
        "| Flow | Killed | Confirmed | Outcomes | Calls taken | Attempts | Told twice |\n| --- | --- | --- | --- | --- | --- | --- |"
    );
    let mut twice = 0;
    for (_, flow, point, seen) in &rows {
        match seen {
            Ok(Seen { confirmed, outcomes, taken, attempts, twice: again }) => {
                twice += again;
                println!("| {flow} | {point} | {confirmed} | {outcomes} | {taken} | {attempts} | {again} |");
            }
            Err(why) => println!("| {flow} | {point} | FAILED: {why} |"),
        }
    }
    println!("\n{} points, {failed} failed, {twice} notices told twice", rows.len());
    assert!(rows.len() >= 40 || !only.is_empty(), "{} points", rows.len());
    assert_eq!(failed, 0, "points after which something was lost or done twice; see the table");
    assert_eq!(twice, 0, "Discord's nonce holds back every message that a crash repeats within minutes");
}
