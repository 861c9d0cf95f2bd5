//! Request states: whatever people do, and in whatever order, what the store promises holds.

mod asked;
mod engines;
mod samples;

use std::collections::{HashMap, HashSet};

use asked::request;
use engines::{Database, Engine};
use intune_sync_bot::chat::{Actor, ChannelId, ChatRoleId, ChatUserId, GuildId};
use intune_sync_bot::intune::{Denial, TenantId};
use intune_sync_bot::store::{
    Answer, Confirmed, DeviceSyncState, Ending, Notice, Outcome, RefusedWhy, Reply, RequestId, Store, Tell, Yes,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use samples::device;
use secrecy::SecretString;
use serde_json::json;

/// People and devices in a run.
const PEOPLE: u64 = 3;
const DEVICES: u128 = 2;

/// How long Yes can be pressed.
const CONFIRM: SignedDuration = SignedDuration::from_mins(10);

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Ask {
        person: u64,
        device: u128,
    },
    Confirm {
        request: usize,
        person: u64,
    },
    Cancel {
        request: usize,
        person: u64,
    },
    Refuse {
        request: usize,
        person: u64,
    },
    Pass {
        seconds: i64,
    },
    Expire,
    /// A worker takes what is due, and calls.
    Work {
        accepted: bool,
    },
    /// A worker takes what is due, and ends it.
    End {
        how: u8,
    },
    Deliver,
    /// The process dies and another one takes over.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let person = 0..PEOPLE;
    prop_oneof![
        4 => (person.clone(), 0..DEVICES).prop_map(|(person, device)| Step::Ask { person, device }),
        5 => (0..12_usize, person.clone()).prop_map(|(request, person)| Step::Confirm { request, person }),
        1 => (0..12_usize, person.clone()).prop_map(|(request, person)| Step::Cancel { request, person }),
        1 => (0..12_usize, person).prop_map(|(request, person)| Step::Refuse { request, person }),
        2 => (1..400_i64).prop_map(|seconds| Step::Pass { seconds }),
        1 => Just(Step::Expire),
        3 => any::<bool>().prop_map(|accepted| Step::Work { accepted }),
        3 => (0..4_u8).prop_map(|how| Step::End { how }),
        2 => Just(Step::Deliver),
        1 => Just(Step::Restart),
    ]
}

fn actor(person: u64) -> Actor {
    Actor {
        user: ChatUserId(300 + person),
        name: format!("person {person}"),
        roles: vec![ChatRoleId(201)],
        guild: GuildId(1),
        channel: ChannelId(101),
    }
}

/// What the world knows of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waiting,
    Confirmed,
    Ended,
}

struct Known {
    asker: u64,
    device: u128,
    asked_at: Timestamp,
    fate: Fate,
}

struct World {
    store: Store,
    now: Timestamp,
    requests: Vec<(RequestId, Known)>,
    /// Outcomes said, by request.
    said: HashMap<RequestId, usize>,
    audit: usize,
}

impl World {
    fn reply(&self) -> Reply {
        Reply { token: SecretString::from("a token"), until: self.now + SignedDuration::from_mins(14) }
    }

    async fn take(&mut self, step: &Step) {
        match *step {
            Step::Ask { person, device } => self.ask(person, device).await,
            Step::Confirm { request, person } => self.confirm(request, person).await,
            Step::Cancel { request, person } => self.end_waiting(request, person, false).await,
            Step::Refuse { request, person } => self.end_waiting(request, person, true).await,
            Step::Pass { seconds } => self.now += SignedDuration::from_secs(seconds),
            Step::Expire => self.expire().await,
            Step::Work { accepted } => self.work(accepted).await,
            Step::End { how } => self.end(how).await,
            Step::Deliver => while self.deliver().await {},
            Step::Restart => self.store.release_leases().await.expect("the store answers"),
        }
        self.check().await;
    }

    async fn ask(&mut self, person: u64, number: u128) {
        let (actor, device, reply) = (actor(person), device(number), self.reply());
        let expires_at = self.now + CONFIRM;
        let new = request(&actor, &device, &reply, expires_at);
        let (id, joined) = self.store.create_request(self.now, &new).await.expect("the store answers");
        let fate = if joined { Fate::Confirmed } else { Fate::Waiting };
        self.requests.push((id, Known { asker: person, device: number, asked_at: self.now, fate }));
    }

    fn picked(&self, index: usize) -> Option<usize> {
        (!self.requests.is_empty()).then(|| index % self.requests.len())
    }

    /// Whether a click by `person` on this request must count now.
    fn counts(&self, at: usize, person: u64) -> bool {
        let known = &self.requests[at].1;
        known.asker == person && known.fate == Fate::Waiting && self.now < known.asked_at + CONFIRM
    }

    async fn confirm(&mut self, index: usize, person: u64) {
        let Some(at) = self.picked(index) else { return };
        let counts = self.counts(at, person);
        let (id, reply) = (self.requests[at].0, self.reply());
        let done = self
            .store
            .confirm(
                self.now,
                id,
                &actor(person),
                &Yes { reply: &reply, decision: serde_json::Value::Null, rules: &[], approval: None },
            )
            .await
            .expect("the store answers");
        assert_eq!(matches!(done, Confirmed::Done { .. }), counts, "{done:?}");
        assert_eq!(matches!(done, Confirmed::NotYours), self.requests[at].1.asker != person, "{done:?}");
        if counts {
            self.requests[at].1.fate = Fate::Confirmed;
        }
    }

    async fn end_waiting(&mut self, index: usize, person: u64, refuse: bool) {
        let Some(at) = self.picked(index) else { return };
        let counts = self.counts(at, person);
        let (id, actor) = (self.requests[at].0, actor(person));
        let done = if refuse {
            self.store.refuse(self.now, id, &actor, json!({})).await.expect("the store answers")
        } else {
            self.store.cancel(self.now, id, &actor).await.expect("the store answers")
        };
        assert_eq!(matches!(done, Confirmed::Done { .. }), counts, "{done:?}");
        if counts {
            self.requests[at].1.fate = Fate::Ended;
        }
    }

    async fn expire(&mut self) {
        self.store.expire_requests(self.now).await.expect("the store answers");
        for (_, known) in &mut self.requests {
            if known.fate == Fate::Waiting && known.asked_at + CONFIRM <= self.now {
                known.fate = Fate::Ended;
            }
        }
    }

    async fn work(&mut self, accepted: bool) {
        let Some(mut claimed) = self.store.claim_device_sync(self.now).await.expect("the store answers") else {
            return;
        };
        if claimed.state == DeviceSyncState::Queued {
            let device = claimed.device.clone();
            self.store
                .begin_attempt(self.now, &mut claimed, &device, self.now, json!({}))
                .await
                .expect("the store answers");
        }
        let (answer, state) = if accepted {
            (Answer::Accepted, DeviceSyncState::Accepted)
        } else {
            (Answer::NotTaken, DeviceSyncState::Queued)
        };
        let again_at = self.now + SignedDuration::from_secs(20);
        self.store.record_answer(self.now, &claimed, answer, None, (state, again_at)).await.expect("the store answers");
    }

    async fn end(&mut self, how: u8) {
        let Some(claimed) = self.store.claim_device_sync(self.now).await.expect("the store answers") else { return };
        let outcome = match how {
            0 => Outcome::NoCheckInSeen { accepted: true, last_check_in: None },
            1 => Outcome::Gone,
            2 => Outcome::failed(true),
            _ => Outcome::Refused(RefusedWhy::Rights(Denial::NoRole)),
        };
        let ending = Ending { outcome: &outcome, answer: None, tell: Tell::default() };
        let handed_over = self.store.finish(self.now, &claimed, &ending).await.expect("the store answers");
        // Somebody's missing rights are theirs alone; every other outcome is that of all who wait for the device.
        let own_alone = how > 2;
        let (id, number) = (claimed.request.id, claimed.device.id.0.as_u128());
        let mut followers = 0;
        for (other, known) in &mut self.requests {
            let same = known.device == number && known.fate == Fate::Confirmed;
            if *other == id || (same && !own_alone) {
                known.fate = Fate::Ended;
            } else if same {
                followers += 1;
            }
        }
        assert_eq!(handed_over, own_alone && followers > 0, "{followers} wait for it still");
    }

    async fn deliver(&mut self) -> bool {
        let Some(claimed) = self.store.claim_notice(self.now).await.expect("the store answers") else { return false };
        if matches!(claimed.body, Notice::Outcome { .. }) {
            *self.said.entry(claimed.request.id).or_default() += 1;
        }
        self.store.notice_done(self.now, &claimed, None).await.expect("the store answers");
        true
    }

    async fn check(&mut self) {
        let under_way = self.store.under_way().await.expect("the store answers");
        let busy: HashSet<_> = self.confirmed().map(|(_, known)| known.device).collect();
        let leaders = usize::try_from(under_way).expect("it is well formed");
        assert_eq!(leaders, busy.len(), "one leader for each device that somebody waits for, and no other");
        let audit = self.store.audit_trail().await.expect("the store answers").len();
        assert!(audit >= self.audit, "the audit only grows");
        self.audit = audit;
        assert!(self.said.values().all(|&times| times == 1), "{:?}", self.said);
    }

    fn confirmed(&self) -> impl Iterator<Item = &(RequestId, Known)> {
        self.requests.iter().filter(|(_, known)| known.fate == Fate::Confirmed)
    }

    /// Lets everything come to its end.
    async fn wind_up(&mut self) {
        while self.confirmed().next().is_some() {
            self.now += SignedDuration::from_mins(11);
            self.take(&Step::End { how: 0 }).await;
        }
        self.now += CONFIRM;
        self.take(&Step::Expire).await;
        self.take(&Step::Deliver).await;
    }
}

async fn play(engine: Engine, steps: &[Step]) {
    let database = Database::new(engine).await;
    let tenant = TenantId(uuid::Uuid::from_u128(1));
    let store = Store::open(database.url(), tenant).await.expect("the store answers");
    let now = "2026-11-23T10:00:00Z".parse().expect("it is well formed");
    let mut world = World { store, now, requests: Vec::new(), said: HashMap::new(), audit: 0 };
    let mut confirmed = HashSet::new();
    for step in steps {
        world.take(step).await;
        confirmed.extend(world.confirmed().map(|(id, _)| *id));
    }
    world.wind_up().await;
    let said: HashSet<_> = world.said.keys().copied().collect();
    assert_eq!(said, confirmed, "each confirmed request was told its outcome, and no other");
    world.store.close().await;
    database.remove().await;
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it is well formed")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_confirmed_request_ends_once_and_no_other_is_done(
        steps in prop::collection::vec(step(), 1..60)
    ) {
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
