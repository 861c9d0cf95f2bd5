//! The gate against a slow, obvious reading of the rules, in generated tenants; and what its decisions cost.

mod reference;
mod world;

use std::sync::Arc;

use intune_sync_bot::app;
use intune_sync_bot::chat::{Actor, ChannelId, ChatUserId, GuildId};
use intune_sync_bot::clock::Clock;
use intune_sync_bot::graph::{Graph, Patience};
use intune_sync_bot::identity::Gate;
use intune_sync_bot::intune::{Authority, Decision, Denial, Device, Task};
use intune_sync_bot::settings::{Settings, Source, load};
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
    clock: Clock,
    _folder: TempDir,
}

impl Bench {
    async fn new(scenario: Scenario, access: &str, limits: &str) -> Self {
        let listen = ([127, 0, 0, 1], 0).into();
        let sim = Sim::start(Options { listen, scenario, clock: SimClock::real(), traffic_log: None })
            .await
            .expect("the simulated tenant starts");
        let folder = TempDir::new().expect("a folder");
        let settings = settings(&sim, &folder, access, limits);
        let clock = Clock::real();
        let store = Store::open(&settings.store.url, settings.entra.tenant_id).await.expect("a new database");
        let graph = Arc::new(app::graph(&settings, &clock).expect("a client"));
        let gate = Gate::new(Arc::clone(&graph), store.clone(), settings.access.clone(), &clock);
        Self { sim, gate, graph, store, clock, _folder: folder }
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

fn settings(sim: &Sim, folder: &TempDir, access: &str, limits: &str) -> Settings {
    let (url, gateway) = (sim.url(), sim.gateway_url());
    let database = folder.path().join("gate.db");
    let text = format!(
        r#"
        [discord]
        token = "sim-bot-token"
        application_id = "900000000000000010"
        guild_ids = ["900000000000000001"]
        api_url = "{url}"
        gateway_url = "{gateway}"
        [entra]
        tenant_id = "11111111-2222-4333-8444-555555555555"
        client_id = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
        client_secret = "sim-client-secret"
        authority_url = "{url}"
        [graph]
        url = "{url}"
        [store]
        url = "sqlite://{}"
        [limits]
        {limits}
        [access]
        require_link = true
        {access}
        "#,
        database.display()
    );
    let file = folder.path().join("config.toml");
    std::fs::write(&file, text).expect("the config is written");
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
async fn compare(world: &World) {
    let tenant = toml::from_str(&world.tenant()).expect("the generated scenario is valid");
    let access = format!(
        "seed_roles_grant_sync = {}\nentra_admins = {:?}",
        world.seed_roles_grant_sync, world.entra_admins
    );
    // The tenant is a new one each time, so its limits have nothing to say.
    let scenario = Scenario { tenant, ..Scenario::default() };
    let bench = Bench::new(scenario, &access, "graph_reads = \"100000/20s\"").await;
    let mut devices = bench.graph.devices().await.expect("the devices can be read");
    devices.sort_by(|a, b| a.name.cmp(&b.name));
    let all: Vec<&Device> = devices.iter().collect();
    for person in 0..PEOPLE {
        let actor = bench.actor(person as u64, &format!("p{person}")).await;
        let now = bench.clock.now();
        let rulings = bench.gate.rule_many(Task::SyncDevice, &actor, &all, now, Patience::Once).await;
        for (number, ruling) in rulings.expect("everything can be read").into_iter().enumerate() {
            let ruling = ruling.expect("every device can be read");
            let expected = may_sync(world, person, number);
            assert_eq!(verdict(&ruling.decision), Some(expected), "p{person} on D{number}: {:?}", ruling.decision);
            let alone = bench.gate.rule(Task::SyncDevice, &actor, all[number], now, Patience::Once).await;
            assert_eq!(alone.expect("everything can be read"), ruling, "alone and among others, p{person} on D{number}");
        }
    }
}

#[test]
fn the_gate_agrees_with_a_slow_and_obvious_reading_of_the_rules() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    let seen_in = std::cell::RefCell::new(&mut seen);
    let mut runner = TestRunner::new(ProptestConfig { cases: TENANTS, ..ProptestConfig::default() });
    runner
        .run(&world(), |world| {
            for person in 0..PEOPLE {
                for device in 0..world.devices.len() {
                    *seen_in.borrow_mut().entry(format!("{:?}", may_sync(&world, person, device))).or_default() += 1;
                }
            }
            runtime.block_on(compare(&world));
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
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
    let bench = Bench::new(Scenario::default(), "", "").await;
    let sam = bench.actor(1, "sam").await;
    let tomas = bench.actor(2, "tomas").await;
    let hanna = bench.actor(3, "hanna").await;
    let devices = bench.graph.devices().await.expect("the devices can be read");
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
        bench.gate.forget(actor);
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
    let bench = Bench::new(scenario, "", "").await;
    let sam = bench.actor(1, "sam").await;
    let devices = bench.graph.devices().await.expect("the devices can be read");
    let all: Vec<&Device> = devices.iter().take(1_000).collect();
    let from = bench.sim.tenant.graph_calls().len();
    let rulings = bench.gate.rule_many(Task::SyncDevice, &sam, &all, bench.clock.now(), Patience::Once).await;
    assert!(rulings.expect("readable").iter().all(Result::is_ok));
    let calls = bench.sim.tenant.graph_calls();
    let (items, requests) = (calls[from..].iter().filter(|call| call.in_batch).count(), requests(&bench.sim, from));
    // Users and directory objects of each device, then a check for each object and each person: at most four each.
    assert!(items <= 4 * all.len() + 40, "{items} reads");
    assert!(requests <= items / 20 + 20, "{requests} requests for {items} reads");
    assert_eq!(bench.sim.tenant.over_limit(), 0, "no limit of Graph's is passed");
    assert_eq!(bench.sim.tenant.throttled(), 0);
}
