//! Many at once on one database, as several workers and several processes are: nothing is done twice, nothing is lost.
//!
//! Each test runs on both engines; two stores stand for two processes. Long because each race needs its own few lines, and all need the same world.

mod asked;
mod engines;
mod samples;
mod together;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use engines::{Database, Engine};
use intune_sync_bot::chat::{ChatUserId, InteractionId};
use intune_sync_bot::clock::Clock;
use intune_sync_bot::intune::{EntraUserId, TenantId};
use intune_sync_bot::store::{
    Accepted, AuditRow, ClaimedSync, Confirmed, DeviceSyncState, Ending, EntraPerson, Error, Event, Handshake,
    LinkSource, Linked, Outcome, RequestId, RequestState, Store, Tell, Yes,
};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};
use together::{Both, LONG, ROUNDS, actor, tenant};
use tokio::task::JoinSet;

on_both_engines! {
    eight_workers_claim_five_hundred_device_syncs_and_none_twice,
    of_two_presses_of_yes_one_counts,
    of_two_requests_for_one_device_one_leads,
    who_joins_while_the_sync_ends_is_not_forgotten,
    of_many_deliveries_of_one_interaction_one_is_handled,
    the_audit_grows_at_its_end_only,
    a_lost_lease_fences_off_what_was_done_under_it,
    a_renewed_lease_is_not_taken,
    a_start_takes_over_only_what_nobody_can_hold,
    a_stop_gives_back_what_it_holds,
    four_processes_may_open_a_new_database_at_once,
    one_person_gets_one_chat_account,
    a_process_hears_of_the_commits_of_others,
    work_that_takes_long_keeps_its_lease,
    a_schema_that_grows_does_not_disturb_who_runs,
}

impl Both {
    async fn confirm(&self, on: &Store, person: u64, id: RequestId) -> Confirmed {
        let reply = self.reply();
        let yes = Yes { reply: &reply, decision: Value::Null, rules: &[], approval: None };
        on.confirm(self.now, id, &actor(person), &yes).await.expect("the store answers")
    }

    async fn claim(&self, on: &Store, now: Timestamp) -> Option<ClaimedSync> {
        on.claim_device_sync(now).await.expect("the store answers")
    }

    async fn finish(&self, on: &Store, claimed: &ClaimedSync) -> Result<bool, Error> {
        let ending = Ending { outcome: &Outcome::Gone, answer: None, tell: Tell::default() };
        on.finish(self.now, claimed, &ending).await
    }
}

fn is_done(confirmed: &Confirmed) -> bool {
    matches!(confirmed, Confirmed::Done { .. })
}

async fn eight_workers_claim_five_hundred_device_syncs_and_none_twice(engine: Engine) {
    let both = Both::new(engine).await;
    for number in 0..500 {
        let id = both.ask(1, number).await;
        assert!(is_done(&both.confirm(&both.one, 1, id).await));
    }
    let mut workers = JoinSet::new();
    for worker in 0..8 {
        let (store, now) = (if worker % 2 == 0 { both.one.clone() } else { both.other.clone() }, both.now);
        workers.spawn(async move {
            let mut claimed = Vec::new();
            while let Some(sync) = store.claim_device_sync(now).await.expect("the store answers") {
                claimed.push(sync.id);
            }
            claimed
        });
    }
    let claimed = workers.join_all().await.concat();
    assert_eq!(claimed.len(), 500);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), 500, "one of them was claimed twice");
    both.end().await;
}

async fn of_two_presses_of_yes_one_counts(engine: Engine) {
    let both = Both::new(engine).await;
    for number in 0..ROUNDS {
        let id = both.ask(1, number).await;
        let (a, b) = tokio::join!(both.confirm(&both.one, 1, id), both.confirm(&both.other, 1, id));
        assert_ne!(is_done(&a), is_done(&b), "{a:?} {b:?}");
        let late = if is_done(&a) { b } else { a };
        assert!(matches!(late, Confirmed::AlreadyHandled(RequestState::Running)), "{late:?}");
    }
    let confirmed = both.one.audit_trail().await.expect("the store answers");
    let confirmed = confirmed.iter().filter(|(event, _)| event == "confirmed").count();
    assert_eq!(confirmed as u128, ROUNDS);
    both.end().await;
}

async fn of_two_requests_for_one_device_one_leads(engine: Engine) {
    let both = Both::new(engine).await;
    for number in 0..ROUNDS {
        let (first, second) = (both.ask(1, number).await, both.ask(2, number).await);
        let (a, b) = tokio::join!(both.confirm(&both.one, 1, first), both.confirm(&both.other, 2, second));
        let joined = [&a, &b].map(|one| matches!(one, Confirmed::Done { joined: true, .. }));
        assert!(is_done(&a) && is_done(&b), "{a:?} {b:?}");
        assert_eq!(joined.iter().filter(|&&joined| joined).count(), 1, "{a:?} {b:?}");
    }
    let under_way = both.one.under_way().await.expect("the store answers");
    assert_eq!(u128::try_from(under_way), Ok(ROUNDS));
    both.end().await;
}

async fn who_joins_while_the_sync_ends_is_not_forgotten(engine: Engine) {
    let both = Both::new(engine).await;
    for number in 0..ROUNDS {
        let first = both.ask(1, number).await;
        let second = both.ask(2, number).await;
        both.confirm(&both.one, 1, first).await;
        let claimed = both.claim(&both.one, both.now).await.expect("it is due");
        let (ended, confirmed) = tokio::join!(both.finish(&both.one, &claimed), both.confirm(&both.other, 2, second));
        ended.expect("the lease is held");
        assert!(is_done(&confirmed));
        // Either it ended with the first, or it leads now.
        if let Some(next) = both.claim(&both.other, both.now).await {
            assert_eq!(next.request.id, second);
            both.finish(&both.other, &next).await.expect("the lease is held");
        }
    }
    let states = both.one.history(None, 1000).await.expect("the store answers");
    assert!(states.iter().all(|row| row.state == RequestState::Finished), "{states:?}");
    both.end().await;
}

async fn of_many_deliveries_of_one_interaction_one_is_handled(engine: Engine) {
    let both = Both::new(engine).await;
    for id in 1..20 {
        let mut deliveries = JoinSet::new();
        for delivery in 0..8 {
            let (store, now) = (if delivery % 2 == 0 { both.one.clone() } else { both.other.clone() }, both.now);
            deliveries.spawn(async move {
                store.claim_interaction(now, InteractionId(id)).await.expect("the store answers")
            });
        }
        let handled = deliveries.join_all().await.into_iter().filter(|&handled| handled).count();
        assert_eq!(handled, 1);
    }
    both.end().await;
}

/// Whatever somebody has read is the beginning of what anybody reads later: no row appears in front of one already seen.
async fn the_audit_grows_at_its_end_only(engine: Engine) {
    let both = Both::new(engine).await;
    let mut writers = JoinSet::new();
    for writer in 0..6 {
        let (store, now) = (if writer % 2 == 0 { both.one.clone() } else { both.other.clone() }, both.now);
        writers.spawn(async move {
            for number in 0..20 {
                let row = AuditRow::new(Event::Read).detail(json!([writer, number]));
                store.audit(now, &row).await.expect("the store answers");
            }
        });
    }
    let mut seen: Vec<(String, Value)> = Vec::new();
    while seen.len() < 120 {
        let read = both.one.audit_trail().await.expect("the store answers");
        assert!(read.starts_with(&seen), "rows came in front of others");
        seen = read;
        tokio::task::yield_now().await;
    }
    writers.join_all().await;
    both.end().await;
}

async fn a_lost_lease_fences_off_what_was_done_under_it(engine: Engine) {
    let both = Both::new(engine).await;
    let id = both.ask(1, 1).await;
    both.confirm(&both.one, 1, id).await;
    let mut slow = both.claim(&both.one, both.now).await.expect("it is due");
    let later = both.now + SignedDuration::from_mins(3);
    let taken = both.claim(&both.other, later).await.expect("the lease is over");
    assert!(!both.one.renew(later, &slow.lease()).await.expect("the store answers"), "it is somebody else's");
    let device = slow.device.clone();
    let begun = both.one.begin_attempt(later, &mut slow, &device, later, json!({})).await;
    assert!(matches!(begun, Err(Error::LeaseLost)), "{begun:?}");
    let back = both.one.come_back(later, &slow, DeviceSyncState::Queued, later, 1, None).await;
    assert!(matches!(back, Err(Error::LeaseLost)), "{back:?}");
    assert!(matches!(both.finish(&both.one, &slow).await, Err(Error::LeaseLost)));
    both.finish(&both.other, &taken).await.expect("the lease is held");
    let trail = both.one.audit_trail().await.expect("the store answers");
    assert_eq!(trail.iter().filter(|(event, _)| event == "outcome").count(), 1);
    both.end().await;
}

async fn a_renewed_lease_is_not_taken(engine: Engine) {
    let both = Both::new(engine).await;
    let id = both.ask(1, 1).await;
    both.confirm(&both.one, 1, id).await;
    let held = both.claim(&both.one, both.now).await.expect("it is due");
    let mut now = both.now;
    for _ in 0..10 {
        now += SignedDuration::from_mins(1);
        assert!(both.one.renew(now, &held.lease()).await.expect("the store answers"));
        assert!(both.claim(&both.other, now).await.is_none());
    }
    let over = now + SignedDuration::from_mins(3);
    assert!(both.claim(&both.other, over).await.is_some(), "its holder has died");
    both.end().await;
}

async fn a_start_takes_over_only_what_nobody_can_hold(engine: Engine) {
    let both = Both::new(engine).await;
    let id = both.ask(1, 1).await;
    both.confirm(&both.one, 1, id).await;
    let held = both.claim(&both.one, both.now).await.expect("it is due");
    both.other.release_leases().await.expect("the store answers");
    let taken = both.claim(&both.other, both.now).await;
    match engine {
        // One file, one process: whoever held it is dead.
        Engine::Sqlite => assert!(taken.is_some()),
        Engine::Postgres => {
            assert!(taken.is_none(), "its holder may be alive");
            both.finish(&both.one, &held).await.expect("the lease is still held");
        }
    }
    both.end().await;
}

async fn a_stop_gives_back_what_it_holds(engine: Engine) {
    let both = Both::new(engine).await;
    for number in 0..2 {
        let id = both.ask(1, number).await;
        both.confirm(&both.one, 1, id).await;
    }
    let stopped = both.claim(&both.one, both.now).await.expect("it is due");
    let alive = both.claim(&both.other, both.now).await.expect("it is due");
    both.one.hand_back().await.expect("the store answers");
    let taken = both.claim(&both.other, both.now).await.expect("it was given back");
    assert_eq!(taken.id, stopped.id);
    assert!(matches!(both.finish(&both.one, &stopped).await, Err(Error::LeaseLost)));
    both.finish(&both.other, &alive).await.expect("the lease is still held");
    both.end().await;
}

async fn four_processes_may_open_a_new_database_at_once(engine: Engine) {
    for _ in 0..5 {
        let database = Database::new(engine).await;
        let url = Arc::new(database.url().clone());
        let mut openers = JoinSet::new();
        for _ in 0..4 {
            let url = Arc::clone(&url);
            openers.spawn(async move { Store::open(&url, tenant()).await });
        }
        for store in openers.join_all().await {
            let store = store.expect("it opens");
            store.set_meta("opened", "yes").await.expect("its schema is there");
            store.close().await;
        }
        database.remove().await;
    }
}

async fn one_person_gets_one_chat_account(engine: Engine) {
    let both = Both::new(engine).await;
    for round in 0..ROUNDS {
        let id = EntraUserId(uuid::Uuid::from_u128(round + 1));
        let person = EntraPerson { id, name: "Hanna".to_owned(), sign_in: "hanna".to_owned(), guest: false };
        let mut attempts = Vec::new();
        for account in [1, 2] {
            let actor = actor(account);
            let ticket = format!("ticket {round} {account}");
            let until = both.now + LONG;
            let id =
                both.one.create_link_attempt(both.now, &actor, &ticket, until, None).await.expect("the store answers");
            let hash = |what: &str| format!("{what} {round} {account}");
            let (nonce, verifier) = ("nonce".to_owned(), "verifier".to_owned());
            let shake = Handshake { browser_hash: hash("browser"), state_hash: hash("state"), nonce, verifier };
            assert!(both.one.start_link_attempt(both.now, id, &shake).await.expect("the store answers"));
            let taken = both.one.take_link_state(both.now, &hash("state"), Some(&hash("browser"))).await;
            taken.expect("the store answers").expect("it is taken");
            assert!(both.one.found_person(both.now, id, &person, "code").await.expect("the store answers"));
            both.one.try_link_code(both.now, id, &actor, "code").await.expect("the store answers");
            attempts.push((id, actor));
        }
        let (a, b) = tokio::join!(
            both.one.accept_link(both.now, attempts[0].0, &attempts[0].1),
            both.other.accept_link(both.now, attempts[1].0, &attempts[1].1),
        );
        let both_ways = [a.expect("the store answers"), b.expect("the store answers")];
        assert_eq!(both_ways.iter().filter(|way| matches!(way, Accepted::Linked(_))).count(), 1, "{both_ways:?}");
        assert_eq!(both_ways.iter().filter(|way| matches!(way, Accepted::PersonTaken(_))).count(), 1, "{both_ways:?}");
    }
    both.end().await;
}

async fn a_process_hears_of_the_commits_of_others(engine: Engine) {
    let both = Both::new(engine).await;
    let Some(mut wakes) = both.other.listen().await.expect("the store answers") else {
        assert_eq!(engine, Engine::Sqlite, "there are no others on one file");
        return both.end().await;
    };
    let a_moment = Duration::from_millis(300);
    let id = both.ask(1, 1).await;
    tokio::time::timeout(a_moment, wakes.next()).await.expect("a request was made").expect("it listens");
    both.confirm(&both.one, 1, id).await;
    tokio::time::timeout(a_moment, wakes.next()).await.expect("a sync became due").expect("it listens");
    // A claim makes nothing due, an own commit rings its bells by itself, and another tenant's is none of ours.
    let claimed = both.claim(&both.one, both.now).await.expect("it is due");
    both.finish(&both.other, &claimed).await.expect("the token is right");
    let stranger = Store::open(both.database.url(), TenantId(uuid::Uuid::from_u128(2))).await.expect("it opens");
    let person =
        EntraPerson { id: EntraUserId(uuid::Uuid::nil()), name: String::new(), sign_in: String::new(), guest: false };
    let linked = stranger.link(both.now, ChatUserId(9), &person, LinkSource::Import, None).await;
    assert_eq!(linked.expect("the store answers"), Linked::Done);
    let theirs = Both { one: stranger, other: both.other.clone(), now: both.now, database: both.database };
    theirs.ask(1, 1).await;
    assert!(tokio::time::timeout(a_moment, wakes.next()).await.is_err(), "nothing was said to us");
    drop(wakes);
    both.one.close().await;
    theirs.end().await;
}

async fn work_that_takes_long_keeps_its_lease(engine: Engine) {
    let both = Both::new(engine).await;
    let id = both.ask(1, 1).await;
    both.confirm(&both.one, 1, id).await;
    let held = both.claim(&both.one, both.now).await.expect("it is due");
    let clock = Clock::manual(both.now);
    let work = async {
        for _ in 0..10 {
            // Until the renewal of this minute is done, and the next is waited for.
            while clock.next_wake().is_none_or(|at| at <= clock.now()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            clock.advance_to(clock.next_wake().expect("the next renewal"));
            while clock.next_wake().is_none_or(|at| at <= clock.now()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert!(both.claim(&both.other, clock.now()).await.is_none(), "at {}", clock.now());
        }
    };
    both.one.holding(&clock, held.lease(), work).await;
    assert!(clock.now() >= both.now + SignedDuration::from_mins(10));
    both.finish(&both.one, &held).await.expect("the lease is held");
    both.end().await;
}

/// Expand, then contract: a newer version adds to the schema while this one runs.
async fn a_schema_that_grows_does_not_disturb_who_runs(engine: Engine) {
    let both = Both::new(engine).await;
    for grown in [false, true] {
        if grown {
            for table in
                ["requests", "device_syncs", "attempts", "late_watches", "notices", "audit", "links", "link_attempts"]
            {
                grow(both.database.url().expose_secret(), engine, table).await;
            }
        }
        // More often than a statement needs to be prepared for good.
        for number in 0..8 {
            let id = both.ask(1, number).await;
            both.confirm(&both.one, 1, id).await;
            let mut claimed = both.claim(&both.one, both.now).await.expect("it is due");
            let device = claimed.device.clone();
            both.one.begin_attempt(both.now, &mut claimed, &device, both.now, json!({})).await.expect("it is written");
            both.finish(&both.one, &claimed).await.expect("the lease is held");
            while let Some(notice) = both.one.claim_notice(both.now).await.expect("the store answers") {
                both.one.notice_done(both.now, &notice, None).await.expect("the store answers");
            }
            let (actor, until) = (actor(1), both.now + LONG);
            let ticket = format!("ticket {grown} {number}");
            let id =
                both.one.create_link_attempt(both.now, &actor, &ticket, until, None).await.expect("the store answers");
            let hash = |what: &str| format!("{what} {grown} {number}");
            let (nonce, verifier) = ("nonce".to_owned(), "verifier".to_owned());
            let shake = Handshake { browser_hash: hash("browser"), state_hash: hash("state"), nonce, verifier };
            assert!(both.one.start_link_attempt(both.now, id, &shake).await.expect("the store answers"));
            let taken = both.one.take_link_state(both.now, &hash("state"), Some(&hash("browser"))).await;
            taken.expect("the store answers").expect("it is taken");
            both.one.try_link_code(both.now, id, &actor, "code").await.expect("the store answers");
            assert!(both.one.link_attempt(id).await.expect("the store answers").is_some());
            both.one.links().await.expect("the store answers");
            both.one.history(None, 5).await.expect("the store answers");
        }
    }
    both.end().await;
}

async fn grow(url: &str, engine: Engine, table: &str) {
    let statement = AssertSqlSafe(format!("ALTER TABLE {table} ADD COLUMN later TEXT"));
    match engine {
        Engine::Sqlite => SqliteConnection::connect(url).await.expect("it is there").execute(statement).await.map(drop),
        Engine::Postgres => PgConnection::connect(url).await.expect("it is there").execute(statement).await.map(drop),
    }
    .expect("the table grows");
}

#[tokio::test]
async fn an_address_is_never_repeated() {
    for url in [
        "postgres://bot:geheim@127.0.0.1:1/bot",
        "postgres://bot:geheim@127.0.0.1:x/bot",
        "postgres://bot:geheim@[/bot",
        "postgres://bot:geheim@127.0.0.1/bot?sslmode=geheim",
        "mysql://bot:geheim@127.0.0.1/bot",
    ] {
        let error = Store::open(&SecretString::from(url), tenant()).await.expect_err("nobody is there");
        let said = format!("{error} {error:?}");
        assert!(!said.contains("geheim"), "{said}");
    }
}
