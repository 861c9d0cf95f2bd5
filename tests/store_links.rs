//! Attempts to link: whatever browsers and people do, and in whatever order, only the whole way in time makes a link.

mod engines;

use std::collections::HashMap;

use engines::{Database, Engine};
use intune_sync_bot::chat::{Actor, ChannelId, ChatUserId, GuildId};
use intune_sync_bot::intune::{EntraUserId, TenantId};
use intune_sync_bot::store::{
    Accepted, AttemptPhase, CodeTried, EntraPerson, Handshake, LinkAttemptId, NotTaken, Store,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

/// Chat accounts in a run; each has two browsers and two Entra people to try.
const ACCOUNTS: u64 = 2;

/// How long an attempt lives.
const TIME: SignedDuration = SignedDuration::from_mins(10);

/// One thing that somebody does; attempts are counted from the newest, 0.
#[derive(Clone, Debug)]
enum Step {
    Link { who: u64 },
    Start { attempt: usize, browser: u8 },
    Return { attempt: usize, browser: u8 },
    Found { attempt: usize, person: u128 },
    Code { attempt: usize, who: u64, right: bool },
    Accept { attempt: usize, who: u64 },
    Decline { attempt: usize, who: u64 },
    Pass { minutes: i64 },
    Unlink { who: u64 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    // Mostly the newest attempt, so that whole ways happen.
    let attempt = prop_oneof![6 => Just(0_usize), 1 => 1_usize..3];
    let who = 1..=ACCOUNTS;
    let browser = prop_oneof![4 => Just(0_u8), 1 => Just(1)];
    prop_oneof![
        2 => who.clone().prop_map(|who| Step::Link { who }),
        3 => (attempt.clone(), browser.clone()).prop_map(|(attempt, browser)| Step::Start { attempt, browser }),
        3 => (attempt.clone(), browser).prop_map(|(attempt, browser)| Step::Return { attempt, browser }),
        3 => (attempt.clone(), 1_u128..3).prop_map(|(attempt, person)| Step::Found { attempt, person }),
        4 => (attempt.clone(), who.clone(), prop::bool::weighted(0.7))
            .prop_map(|(attempt, who, right)| Step::Code { attempt, who, right }),
        3 => (attempt.clone(), who.clone()).prop_map(|(attempt, who)| Step::Accept { attempt, who }),
        1 => (attempt, who.clone()).prop_map(|(attempt, who)| Step::Decline { attempt, who }),
        1 => (0_i64..6).prop_map(|minutes| Step::Pass { minutes }),
        1 => who.prop_map(|who| Step::Unlink { who }),
        1 => Just(Step::Restart),
    ]
}

/// What an attempt should be.
#[derive(Clone, Debug)]
struct Expected {
    id: LinkAttemptId,
    who: u64,
    until: Timestamp,
    phase: AttemptPhase,
    browser: Option<u8>,
    person: Option<EntraPerson>,
    wrong: u32,
}

struct World {
    store: Store,
    now: Timestamp,
    attempts: Vec<Expected>,
    /// Chat account to Entra person.
    links: HashMap<u64, EntraUserId>,
    database: Database,
}

fn tenant() -> TenantId {
    TenantId(uuid::Uuid::from_u128(7))
}

fn actor(who: u64) -> Actor {
    let (guild, channel) = (GuildId(1), ChannelId(1));
    Actor { user: ChatUserId(who), name: format!("person {who}"), roles: Vec::new(), guild, channel }
}

fn entra(person: u128) -> EntraPerson {
    let id = EntraUserId(uuid::Uuid::from_u128(person));
    EntraPerson { id, name: format!("Person {person}"), sign_in: format!("{person}@contoso.example"), guest: false }
}

impl World {
    async fn new(engine: Engine) -> Self {
        let database = Database::new(engine).await;
        let store = Store::open(database.url(), tenant()).await.expect("the store answers");
        let now = "2026-11-23T10:00:00Z".parse().expect("a time");
        Self { store, now, attempts: Vec::new(), links: HashMap::new(), database }
    }

    fn place(&self, back: usize) -> Option<usize> {
        self.attempts.len().checked_sub(back + 1)
    }

    async fn takes(&mut self, step: &Step) {
        match *step {
            Step::Link { who } => self.link(who).await,
            Step::Start { attempt, browser } => {
                let Some(at) = self.place(attempt) else { return };
                let expected = &mut self.attempts[at];
                let open = matches!(expected.phase, AttemptPhase::Open | AttemptPhase::Started);
                let may = open && expected.until > self.now && expected.browser.is_none_or(|bound| bound == browser);
                let (nonce, verifier) = ("nonce".to_owned(), "verifier".to_owned());
                let (browser_hash, state_hash) = (format!("browser {browser}"), format!("state {at}"));
                let handshake = Handshake { browser_hash, state_hash, nonce, verifier };
                let done =
                    self.store.start_link_attempt(self.now, expected.id, &handshake).await.expect("the store answers");
                assert_eq!(done, may, "{step:?} {expected:?}");
                if done {
                    (expected.phase, expected.browser) = (AttemptPhase::Started, Some(browser));
                }
            }
            Step::Return { attempt, browser } => {
                let Some(at) = self.place(attempt) else { return };
                let expected = &mut self.attempts[at];
                let browser_hash = format!("browser {browser}");
                let taken = self.store.take_link_state(self.now, &format!("state {at}"), Some(&browser_hash)).await;
                match taken.expect("the store answers") {
                    Ok((attempt, handshake)) => {
                        assert_eq!((expected.phase, expected.browser), (AttemptPhase::Started, Some(browser)));
                        assert!(attempt.id == expected.id && expected.until > self.now);
                        assert_eq!((handshake.nonce.as_str(), handshake.verifier.as_str()), ("nonce", "verifier"));
                        expected.phase = AttemptPhase::SigningIn;
                    }
                    Err(NotTaken::Unknown) => assert!(expected.browser.is_none()),
                    Err(NotTaken::WrongBrowser(_)) => assert_ne!(expected.browser, Some(browser)),
                    Err(NotTaken::Expired(_)) => assert!(expected.until <= self.now),
                    Err(NotTaken::Replayed(_)) => assert_ne!(expected.phase, AttemptPhase::Started),
                }
            }
            Step::Found { attempt, person } => {
                let Some(at) = self.place(attempt) else { return };
                let expected = &mut self.attempts[at];
                let may = expected.phase == AttemptPhase::SigningIn && expected.until > self.now;
                let done = self
                    .store
                    .found_person(self.now, expected.id, &entra(person), "right")
                    .await
                    .expect("the store answers");
                assert_eq!(done, may, "{step:?} {expected:?}");
                if done {
                    (expected.phase, expected.person) = (AttemptPhase::Found, Some(entra(person)));
                }
            }
            Step::Code { attempt, who, right } => self.code(attempt, who, right).await,
            Step::Accept { attempt, who } => self.accept(attempt, who).await,
            Step::Decline { attempt, who } => {
                let Some(at) = self.place(attempt) else { return };
                let expected = &mut self.attempts[at];
                let may = expected.phase == AttemptPhase::Confirmed && expected.who == who && expected.until > self.now;
                let not = self.store.decline_link(self.now, expected.id, &actor(who)).await.expect("the store answers");
                assert_eq!(not.is_none(), may, "{step:?} {expected:?}");
                if may {
                    expected.phase = AttemptPhase::Ended;
                }
            }
            Step::Pass { minutes } => self.now += SignedDuration::from_mins(minutes),
            Step::Unlink { who } => {
                let done = self.store.end_link(self.now, &actor(who)).await.expect("the store answers");
                assert_eq!(done, self.links.remove(&who).is_some());
            }
            Step::Restart => {
                self.store.close().await;
                self.store = Store::open(self.database.url(), tenant()).await.expect("the store answers");
            }
        }
    }

    async fn link(&mut self, who: u64) {
        for older in self.attempts.iter_mut().filter(|older| older.who == who && older.phase != AttemptPhase::Linked) {
            older.phase = AttemptPhase::Ended;
        }
        let until = self.now + TIME;
        let ticket = format!("ticket {}", self.attempts.len());
        let id = self
            .store
            .create_link_attempt(self.now, &actor(who), &ticket, until, None)
            .await
            .expect("the store answers");
        let (phase, browser, person) = (AttemptPhase::Open, None, None);
        self.attempts.push(Expected { id, who, until, phase, browser, person, wrong: 0 });
    }

    async fn code(&mut self, attempt: usize, who: u64, right: bool) {
        let Some(at) = self.place(attempt) else { return };
        let expected = &mut self.attempts[at];
        let hash = if right { "right" } else { "wrong" };
        let tried =
            self.store.try_link_code(self.now, expected.id, &actor(who), hash).await.expect("the store answers");
        let waits = matches!(expected.phase, AttemptPhase::Found | AttemptPhase::Confirmed);
        let may = waits && expected.who == who && expected.until > self.now;
        match tried {
            CodeTried::Right(person) => {
                assert!(may && right, "{expected:?}");
                assert_eq!(Some(&person), expected.person.as_ref());
                expected.phase = AttemptPhase::Confirmed;
            }
            CodeTried::Wrong { left } => {
                assert!(may && !right, "{expected:?}");
                expected.wrong += 1;
                assert_eq!(left, 5 - expected.wrong);
                if left == 0 {
                    expected.phase = AttemptPhase::Ended;
                }
            }
            CodeTried::NotYours => assert_ne!(expected.who, who),
            CodeTried::Expired => assert!(expected.until <= self.now),
            CodeTried::Ended => assert!(matches!(expected.phase, AttemptPhase::Ended | AttemptPhase::Linked)),
            CodeTried::NotSignedIn => assert!(!may && expected.person.is_none()),
        }
    }

    async fn accept(&mut self, attempt: usize, who: u64) {
        let Some(at) = self.place(attempt) else { return };
        let expected = &mut self.attempts[at];
        let may = expected.phase == AttemptPhase::Confirmed && expected.who == who && expected.until > self.now;
        let accepted = self.store.accept_link(self.now, expected.id, &actor(who)).await.expect("the store answers");
        match accepted {
            Accepted::Linked(person) => {
                assert!(may, "{expected:?}");
                assert!(!self.links.iter().any(|(other, taken)| *other != who && *taken == person.id));
                self.links.insert(who, person.id);
                expected.phase = AttemptPhase::Linked;
            }
            Accepted::PersonTaken(person) => {
                assert!(may && self.links.iter().any(|(other, taken)| *other != who && *taken == person.id));
                expected.phase = AttemptPhase::Ended;
            }
            Accepted::NotYours => assert_ne!(expected.who, who),
            Accepted::Expired => assert!(expected.until <= self.now),
            Accepted::Ended => assert!(!may),
        }
    }

    async fn end(self) {
        self.store.close().await;
        self.database.remove().await;
    }

    async fn holds(&self) {
        let stored = self.store.links().await.expect("the store answers");
        let standing = stored.iter().filter(|link| link.ended_at.is_none());
        let standing: HashMap<_, _> = standing.map(|link| (link.chat_user.0, link.person.id)).collect();
        assert_eq!(standing, self.links);
        for expected in &self.attempts {
            let attempt =
                self.store.link_attempt(expected.id).await.expect("the store answers").expect("kept for a day");
            assert_eq!(attempt.phase, expected.phase, "{expected:?}");
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn play(engine: Engine, steps: &[Step]) {
    let mut world = World::new(engine).await;
    world.link(1).await;
    for step in steps {
        world.takes(step).await;
    }
    world.holds().await;
    world.end().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn only_the_whole_way_in_time_makes_a_link(steps in prop::collection::vec(step(), 1..60)) {
        runtime().block_on(play(Engine::Sqlite, &steps));
    }
}

proptest! {
    // Each case makes a database of its own, which takes longer here; the statements are the same.
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn the_same_holds_on_postgresql(steps in prop::collection::vec(step(), 1..60)) {
        runtime().block_on(play(Engine::Postgres, &steps));
    }
}

async fn one_return_takes_the_state(engine: Engine) {
    let mut world = World::new(engine).await;
    world.link(1).await;
    world.takes(&Step::Start { attempt: 0, browser: 0 }).await;
    let (store, now) = (&world.store, world.now);
    let take = || async move {
        store.take_link_state(now, "state 0", Some("browser 0")).await.expect("the store answers").is_ok()
    };
    let taken = tokio::join!(take(), take(), take(), take());
    let count = [taken.0, taken.1, taken.2, taken.3].into_iter().filter(|&taken| taken).count();
    assert_eq!(count, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_returns_at_once_one_takes_the_state() {
    one_return_takes_the_state(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_returns_at_once_one_takes_the_state_on_postgresql() {
    one_return_takes_the_state(Engine::Postgres).await;
}

async fn forgets_after_a_day(engine: Engine) {
    let mut world = World::new(engine).await;
    world.link(1).await;
    let id = world.attempts[0].id;
    world.now += SignedDuration::from_hours(23);
    world.link(2).await;
    assert!(world.store.link_attempt(id).await.expect("the store answers").is_some());
    world.now += SignedDuration::from_hours(2);
    world.link(2).await;
    assert!(world.store.link_attempt(id).await.expect("the store answers").is_none());
    world.end().await;
}

#[tokio::test]
async fn after_a_day_an_attempt_is_forgotten() {
    forgets_after_a_day(Engine::Sqlite).await;
}

#[tokio::test]
async fn after_a_day_an_attempt_is_forgotten_on_postgresql() {
    forgets_after_a_day(Engine::Postgres).await;
}
