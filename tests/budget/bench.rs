//! A simulated tenant with a client of Graph before it, in time that is moved by hand.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use intune_sync_bot::app;
use intune_sync_bot::budget::{Ledger, Memory};
use intune_sync_bot::clock::Clock;
use intune_sync_bot::demo::config_for;
use intune_sync_bot::graph::Graph;
use intune_sync_bot::intune::DeviceId;
use intune_sync_bot::settings::{Settings, Source, load};
use jiff::SignedDuration;
use sim::{Clock as SimClock, Options, Scenario, Sim};
use tempfile::TempDir;

/// Looks that must agree before time is moved.
const LOOKS: u32 = 2;

pub(crate) struct Bench {
    pub(crate) sim: Sim,
    pub(crate) graph: Arc<Graph>,
    pub(crate) clock: Clock,
    _folder: TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let start = "2026-11-23T10:00:00Z".parse().expect("a time");
        let (sim_clock, clock) = (SimClock::manual(start), Clock::manual(start));
        let listen = ([127, 0, 0, 1], 0).into();
        let options = Options { listen, scenario: Scenario::default(), clock: sim_clock, traffic_log: None };
        let sim = Sim::start(options).await.expect("the simulated tenant starts");
        let folder = TempDir::new().expect("a folder");
        let ledger: Arc<dyn Ledger> = Arc::new(Memory::new(&clock));
        let graph = Arc::new(app::graph(&settings(&sim, &folder), &ledger, &clock).expect("a client"));
        Self { sim, graph, clock, _folder: folder }
    }

    pub(crate) fn device(&self, name: &str) -> DeviceId {
        self.sim.tenant.device(name).expect("there is such a device").id.parse().expect("an id")
    }

    /// Waits until all that can happen now has happened.
    pub(crate) async fn settle(&self) {
        let (mut agreeing, mut epoch) = (0, self.clock.epoch());
        while agreeing < LOOKS {
            tokio::time::sleep(Duration::from_micros(300)).await;
            let quiet = self.clock.is_quiet() && self.sim.is_idle() && self.clock.epoch() == epoch;
            agreeing = if quiet { agreeing + 1 } else { 0 };
            epoch = self.clock.epoch();
        }
    }

    /// Moves time to the next moment that somebody waits for, `limit` at the most.
    async fn move_on(&self, limit: SignedDuration) {
        self.settle().await;
        let now = self.clock.now();
        let latest = now + limit;
        let next = self.clock.next_wake().unwrap_or(latest).clamp(now, latest);
        self.sim.clock.advance(next.duration_since(now));
        self.clock.advance_to(next);
    }

    /// Moves time by `by`.
    pub(crate) async fn advance(&self, by: SignedDuration) {
        let end = self.clock.steady() + by;
        while self.clock.steady() < end {
            self.move_on(end - self.clock.steady()).await;
        }
        self.settle().await;
    }

    /// Lets `work` go on while time is moved past every wait.
    pub(crate) async fn moving_time<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.move_on(SignedDuration::from_secs(10)) => {}
            }
        }
    }
}

fn settings(sim: &Sim, folder: &TempDir) -> Settings {
    let file = folder.path().join("config.toml");
    let text = config_for(sim, &["[access]\nrequire_link = true\n"]).expect("both are TOML");
    std::fs::write(&file, text).expect("the config is written");
    load(&Source { file: Some(file), ..Source::default() }).expect("the config is valid")
}
