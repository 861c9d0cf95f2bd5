//! The gate against a slow, obvious reading of the rules, in generated tenants; and what its decisions cost.

mod reference;
mod world;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use intune_sync_bot::app;
use intune_sync_bot::budget::{Ledger, Memory};
use intune_sync_bot::chat::{Actor, ChannelId, ChatUserId, GuildId};
use intune_sync_bot::clock::Clock;
use intune_sync_bot::demo::config_for;
use intune_sync_bot::graph::{Graph, Patience};
use intune_sync_bot::identity::Gate;
use intune_sync_bot::intune::{Authority, Decision, Denial, Device, Task};
use intune_sync_bot::settings::{Access, Settings, Source, load};
use intune_sync_bot::store::{EntraPerson, LinkSource, Linked, Store};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sim::{Clock as SimClock, Options, Scenario, Sim};
use tempfile::TempDir;

use reference::{Verdict, may_sync};
use world::{PEOPLE, World, world};

/// Tenants generated.
const TENANTS: u32 = 220;

/// A simulated tenant, and a gate in front of it.
struct Bench {
    sim: Sim,
    gate: Gate,
    graph: Arc<Graph>,
    store: Store,
    access: Access,
    clock: Clock,
    _folder: TempDir,
}

impl Bench {
    async fn new(scenario: Scenario) -> Self {
        Self::at(scenario, (SimClock::real(), Clock::real())).await
    }

    /// Time stands still, until [`Bench::moving_time`] moves it.
    async fn still(scenario: Scenario) -> Self {
        let start = "2026-11-23T10:00:00Z".parse().expect("a time");
        Self::at(scenario, (SimClock::manual(start), Clock::manual(start))).await
    }

    async fn at(scenario: Scenario, clocks: (SimClock, Clock)) -> Self {
        let listen = ([127, 0, 0, 1], 0).into();
        let (sim_clock, clock) = clocks;
        let sim = Sim::start(Options { listen, scenario, clock: sim_clock, traffic_log: None })
            .await
            .expect("the simulated tenant starts");
        let folder = TempDir::new().expect("a folder");
        let settings = settings(&sim, &folder);
        let store = Store::open(&settings.store.url, settings.entra.tenant_id).await.expect("a new database");
        let graph = Arc::new(
            app::graph(&settings, &(Arc::new(Memory::new(&clock)) as Arc<dyn Ledger>), &clock).expect("a client"),
        );
        let gate = Gate::new(Arc::clone(&graph), store.clone(), settings.access.clone(), &clock);
        Self { sim, gate, graph, store, access: settings.access, clock, _folder: folder }
    }

    /// Lets `work` go on while time is moved past every wait of it.
    async fn moving_time<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
            if let Some(next) = self.clock.next_wake().filter(|_| self.sim.traffic.in_flight() == 0) {
                self.sim.clock.advance(next.duration_since(self.clock.now()));
                self.clock.advance_to(next);
            }
        }
    }

    /// Every device of the tenant.
    async fn devices(&self) -> Vec<Device> {
        let mut devices = Vec::new();
        let read = self.graph.devices(|device| devices.push(device));
        self.moving_time(read).await.expect("the devices can be read");
        devices
    }

    /// Links a chat user to the person of this key, and gives the actor.
    async fn actor(&self, number: u64, key: &str) -> Actor {
        let id = self.sim.tenant.object_id(key).expect("there is such a person").parse().expect("an object id");
        let person = EntraPerson { id, name: key.to_owned(), sign_in: String::new(), guest: false };
        let user = ChatUserId(number + 1);
        let linked = self.store.link(self.clock.now(), user, &person, LinkSource::Import, None).await;
        assert_eq!(linked.expect("the store answers"), Linked::Done);
        let (guild, channel) = (GuildId(1), ChannelId(1));
        Actor { user, name: key.to_owned(), roles: Vec::new(), guild, channel }
    }
}

fn settings(sim: &Sim, folder: &TempDir) -> Settings {
    let database = folder.path().join("gate.db");
    let own = format!("[store]\nurl = \"sqlite://{}\"\n[access]\nrequire_link = true\n", database.display());
    let file = folder.path().join("config.toml");
    std::fs::write(&file, config_for(sim, &[&own]).expect("both are TOML")).expect("the config is written");
    load(&Source { file: Some(file), ..Source::default() }).expect("the config is valid")
}

fn verdict(decision: &Decision) -> Option<Verdict> {
    Some(match decision {
        Decision::Allowed { by: Authority::EntraAdmin { .. } } => Verdict::AllowedAsAdmin,
        Decision::Allowed { by: Authority::Assignment { .. } } => Verdict::AllowedByAssignment,
        Decision::Denied(Denial::AccountEnded) => Verdict::AccountEnded,
        Decision::Denied(Denial::NoAssignment) => Verdict::NoAssignment,
        Decision::Denied(Denial::RoleWithoutTask { .. }) => Verdict::RoleWithoutSync,
        Decision::Denied(Denial::OutOfScope { .. }) => Verdict::OutOfScope,
        Decision::Denied(Denial::ScopeTag { .. }) => Verdict::ScopeTag,
        Decision::Allowed { by: Authority::ChatRole { .. } } | Decision::Denied(_) => return None,
    })
}

/// Asks the gate about everybody and every device, all at once and one by one, and compares.
async fn compare(bench: &Bench, world: &World) {
    let tenant = toml::from_str(&world.tenant()).expect("the generated scenario is valid");
    bench.sim.tenant.replace(&Scenario { tenant, ..Scenario::default() }).expect("the tenant is built");
    let access = Access {
        seed_roles_grant_sync: world.seed_roles_grant_sync,
        entra_admins: world.entra_admins.iter().map(|name| name.parse().expect("a known role")).collect(),
        ..bench.access.clone()
    };
    let gate = Gate::new(Arc::clone(&bench.graph), bench.store.clone(), access, &bench.clock);
    let mut devices = bench.devices().await;
    devices.sort_by(|a, b| a.name.cmp(&b.name));
    let all: Vec<&Device> = devices.iter().collect();
    for person in 0..PEOPLE {
        let actor = bench.actor(person as u64, &format!("p{person}")).await;
        let now = bench.clock.now();
        let rulings = bench.moving_time(gate.rule_many(Task::SyncDevice, &actor, &all, now, Patience::Once)).await;
        for (number, ruling) in rulings.expect("everything can be read").into_iter().enumerate() {
            let ruling = ruling.expect("every device can be read");
            let expected = may_sync(world, person, number);
            assert_eq!(verdict(&ruling.decision), Some(expected), "p{person} on D{number}: {:?}", ruling.decision);
            let asked = gate.rule(Task::SyncDevice, &actor, all[number], now, Patience::Once);
            let alone = bench.moving_time(asked).await.expect("everything can be read");
            assert_eq!(alone, ruling, "alone and among others, p{person} on D{number}");
        }
    }
}

#[test]
fn the_gate_agrees_with_a_slow_and_obvious_reading_of_the_rules() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let bench = runtime.block_on(Bench::still(Scenario::default()));
    let seen = RefCell::new(BTreeMap::<String, usize>::new());
    let mut runner = TestRunner::new(ProptestConfig { cases: TENANTS, ..ProptestConfig::default() });
    runner
        .run(&world(), |world| {
            for person in 0..PEOPLE {
                for device in 0..world.devices.len() {
                    *seen.borrow_mut().entry(format!("{:?}", may_sync(&world, person, device))).or_default() += 1;
                }
            }
            runtime.block_on(compare(&bench, &world));
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    let seen = seen.into_inner();
    // A generator that never comes to a rule proves nothing about it.
    assert_eq!(seen.len(), 7, "every verdict occurs: {seen:?}");
    assert!(seen.values().all(|&times| times >= 10), "and none is rare: {seen:?}");
}

/// HTTP requests that reached Graph: a batch is one.
fn requests(sim: &Sim, from: usize) -> usize {
    sim.tenant.graph_calls()[from..].iter().filter(|call| !call.in_batch).count()
}

#[tokio::test]
async fn a_decision_costs_at_most_four_requests_when_roles_are_in_memory() {
    let bench = Bench::new(Scenario::default()).await;
    let sam = bench.actor(1, "sam").await;
    let tomas = bench.actor(2, "tomas").await;
    let hanna = bench.actor(3, "hanna").await;
    let devices = bench.devices().await;
    let device = |name: &str| devices.iter().find(|device| device.name == name).expect("there is such a device");
    let now = bench.clock.now();
    // Warm: what Intune's roles are.
    bench.gate.rule(Task::SyncDevice, &hanna, device("LT-042"), now, Patience::Once).await.expect("readable");
    // Whole tenant; scope groups by device, by user and by neither; scope tags.
    for (actor, name, most) in [
        (&hanna, "LT-042", 1),
        (&sam, "SCHOOL-IPAD-3", 4),
        (&sam, "TEACHER-MAC-5", 4),
        (&sam, "LT-042", 4),
        (&sam, "NO-ENTRA-1", 4),
        (&tomas, "FIELD-LT-1", 4),
        (&tomas, "LT-042", 4),
    ] {
        let now = bench.gate.begin(actor);
        let from = bench.sim.tenant.graph_calls().len();
        bench.gate.rule(Task::SyncDevice, actor, device(name), now, Patience::Once).await.expect("readable");
        let cost = requests(&bench.sim, from);
        assert!((1..=most).contains(&cost), "{} on {name}: {cost} requests", actor.name);
    }
}

#[tokio::test]
async fn a_thousand_devices_are_decided_inside_the_read_budget() {
    let mut scenario = Scenario::default();
    scenario.tenant.generate.devices = 1_000;
    let bench = Bench::still(scenario).await;
    let sam = bench.actor(1, "sam").await;
    let devices = bench.devices().await;
    let all: Vec<&Device> = devices.iter().take(1_000).collect();
    let from = bench.sim.tenant.graph_calls().len();
    let now = bench.clock.now();
    let rulings = bench.moving_time(bench.gate.rule_many(Task::SyncDevice, &sam, &all, now, Patience::Once)).await;
    let failed = rulings.expect("readable").into_iter().find_map(Result::err);
    assert!(failed.is_none(), "{failed:?}, over the limits: {}", bench.sim.tenant.over_limit());
    let calls = bench.sim.tenant.graph_calls();
    let (items, requests) = (calls[from..].iter().filter(|call| call.in_batch).count(), requests(&bench.sim, from));
    // Users and directory objects of each device, then a check for each object and each person: at most four each.
    assert!(items <= 4 * all.len() + 40, "{items} reads");
    assert!(requests <= items / 20 + 20, "{requests} requests for {items} reads");
    assert_eq!(bench.sim.tenant.over_limit(), 0, "no limit of Graph's is passed");
    assert_eq!(bench.sim.tenant.throttled(), 0);
}
