//! The stage: a simulated world, the real bot in it, and (on a manual clock) the means to move time in both.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use sim::{Clock as SimClock, Options as SimOptions, Scenario, Sim};
use tempfile::TempDir;

use super::config_for;
use crate::app::{App, Options};
use crate::clock::Clock;
use crate::settings::{Mode, Settings, Source, load};

/// How the stage is set up.
#[derive(Clone, Debug)]
pub struct StageOptions {
    /// Where the simulated world listens.
    pub listen: SocketAddr,
    /// Who and what there is.
    pub scenario: Scenario,
    /// `None`: time runs. `Some`: it stands there and is moved by [`Stage::advance`].
    pub start: Option<Timestamp>,
    /// TOML laid over the stage's own config.
    pub config: String,
    /// Where every exchange is recorded.
    pub traffic_log: Option<PathBuf>,
    /// Discord posts interactions to the bot, instead of sending them over the gateway.
    pub http: bool,
    /// How long the store may take before a click is answered.
    pub store_budget: Duration,
    /// For how long one of several bots is connected to the gateway before it has to say so again.
    pub gateway_term: SignedDuration,
    /// How long a bot that stops goes on answering what is posted to it, where others can take over.
    pub drain: Duration,
    /// How long (in real time) the worlds may take to come to rest.
    pub rest: Duration,
}

impl StageOptions {
    /// Time that runs, as in the demo.
    pub fn live() -> Self {
        // Whoever tries it out clicks faster than a helpdesk works.
        let quick = "[watch]\nmin_interval = \"2s\"\n[apps]\nsettle = \"30s\"\n[limits]\nper_person = \"60/1m\"\n";
        let config = format!("{quick}{}", super::scenes::LARGE);
        Self { start: None, config, ..Self::still() }
    }

    /// Time that stands still.
    pub fn still() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            scenario: Scenario::default(),
            start: Some(STILL.parse().expect("a fixed time")),
            config: String::new(),
            traffic_log: None,
            http: false,
            // The machine may be slow and shared; the real budget is tested by itself.
            store_budget: Duration::from_secs(20),
            // Longer than any scene, so that hours can pass in one without thousands of renewals.
            gateway_term: SignedDuration::from_hours(24 * 365),
            drain: Duration::ZERO,
            rest: REST,
        }
    }
}

/// When a still stage begins: a Monday morning in the helpdesk.
const STILL: &str = "2026-11-23T10:00:00Z";

/// How long the worlds may take to come to rest, where nothing is large.
const REST: Duration = Duration::from_mins(1);

/// Between two looks at whether they have.
const LOOK: Duration = Duration::from_millis(1);

/// How often the bot's time is set by the simulated world's, where that runs.
const FOLLOWS: Duration = Duration::from_millis(50);

/// Looks that must agree.
const LOOKS: usize = 3;

/// The bot in its simulated world.
pub struct Stage {
    /// The simulated world.
    pub sim: Sim,
    app: Option<App>,
    clock: Clock,
    settings: Settings,
    /// Where the outside reaches the bot.
    public: SocketAddr,
    http: bool,
    store_budget: Duration,
    gateway_term: SignedDuration,
    drain: Duration,
    rest: Duration,
    folder: TempDir,
}

impl Stage {
    /// Sets everything up and waits until the bot is connected.
    pub async fn start(options: StageOptions) -> anyhow::Result<Self> {
        let StageOptions { listen, scenario, start, config, traffic_log, http, store_budget, gateway_term, .. } =
            options;
        let (drain, rest) = (options.drain, options.rest);
        let (sim_clock, clock) = match start {
            Some(start) => (SimClock::manual(start), Clock::manual(start)),
            None => (SimClock::real(), Clock::real()),
        };
        let sim = Sim::start(SimOptions { listen, scenario, clock: sim_clock, traffic_log })
            .await
            .with_context(|| format!("while starting the simulated world on {listen}"))?;
        let folder = TempDir::new().context("while making a folder for the database")?;
        let public = free_port()?;
        let settings = settings(&sim, &folder, public, http, &config)?;
        let mut stage =
            Self { sim, app: None, clock, settings, public, http, store_budget, gateway_term, drain, rest, folder };
        let mut left = AGAIN;
        loop {
            match stage.launch().await {
                // Somebody else took the port between the look and the start.
                Err(error) if left > 0 && is_taken(&error) => {
                    left -= 1;
                    stage.public = free_port()?;
                    stage.settings = self::settings(&stage.sim, &stage.folder, stage.public, http, &config)?;
                }
                launched => return launched.map(|()| stage),
            }
        }
    }

    async fn launch(&mut self) -> anyhow::Result<()> {
        self.app = Some(App::start(self.settings.clone(), self.options()).await?);
        let discord = &self.sim.discord;
        match self.settings.discord.mode {
            Mode::Gateway => {
                tokio::time::timeout(self.rest, discord.wait_connected()).await.context("the bot did not connect")?;
            }
            Mode::Http(_) => discord.set_endpoint(Some(&format!("http://{}/interactions", self.public))).await?,
        }
        Ok(())
    }

    fn options(&self) -> Options {
        Options {
            clock: self.clock.clone(),
            store_budget: self.store_budget,
            gateway_term: self.gateway_term,
            drain: self.drain,
        }
    }

    /// What another bot of the same application is started with: `config` is laid over this stage's own and names the database that
    /// both use. What is posted to it has an address of its own.
    pub fn for_another(&self, config: &str) -> anyhow::Result<(Settings, Options)> {
        Ok((settings(&self.sim, &self.folder, free_port()?, self.http, config)?, self.options()))
    }

    /// Stops the bot; [`Stage::restart`] starts it again.
    pub async fn leave(&mut self) {
        if let Some(app) = self.app.take() {
            app.stop().await;
        }
    }

    /// The running bot.
    pub fn app(&self) -> &App {
        self.app.as_ref().expect("the bot runs except inside restart")
    }

    /// The bot's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Stops the bot wherever it is and starts it again on what is stored.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.leave().await;
        self.launch().await
    }

    /// The same with another config laid over the stage's own.
    pub async fn restart_with(&mut self, config: &str) -> anyhow::Result<()> {
        self.settings = settings(&self.sim, &self.folder, self.public, self.http, config)?;
        self.restart().await
    }

    /// Stops the bot.
    pub async fn stop(mut self) {
        self.leave().await;
    }

    /// Where time runs: whenever somebody moves the simulated world's on the page, so much passes for the bot too.
    pub async fn keeps_time(&self) -> Infallible {
        let mut known = self.sim.clock.moved();
        loop {
            tokio::time::sleep(FOLLOWS).await;
            let moved = self.sim.clock.moved();
            self.clock.skip(moved - std::mem::replace(&mut known, moved));
        }
    }

    /// Waits until all that can happen at this moment has happened.
    pub async fn settle(&self) -> anyhow::Result<()> {
        let rest = async {
            let mut agreeing = 0;
            let mut epoch = self.clock.epoch();
            while agreeing < LOOKS {
                tokio::time::sleep(LOOK).await;
                let quiet = self.clock.is_quiet() && self.sim.is_idle();
                let same = self.clock.epoch() == epoch;
                agreeing = if quiet && same { agreeing + 1 } else { 0 };
                epoch = self.clock.epoch();
            }
        };
        if tokio::time::timeout(self.rest, rest).await.is_err() {
            bail!("the worlds did not come to rest within {:?}", self.rest);
        }
        Ok(())
    }

    /// Moves time by `by` in both worlds, stopping at every moment someone waits for.
    pub async fn advance(&self, by: SignedDuration) -> anyhow::Result<()> {
        let target = self.clock.now().saturating_add(by)?;
        loop {
            self.settle().await?;
            let now = self.clock.now();
            let next = self.clock.next_wake().filter(|&next| next < target).unwrap_or(target).max(now);
            self.sim.clock.advance(next.duration_since(now));
            self.clock.advance_to(next);
            if next >= target {
                return self.settle().await;
            }
        }
    }
}

/// Where a free port is looked for: below those that systems give to outgoing connections, so that none of them takes
/// it between the look and the bot's start.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// Ports that are looked at before giving up.
const TRIES: usize = 100;

/// Starts with other ports before giving up.
const AGAIN: usize = 3;

/// Whether an address was taken by somebody else.
fn is_taken(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.any(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}

/// An address on loopback that nobody listens on. It stands in the link page's links, so it must be known before the bot
/// starts, and stay the same when it starts again.
fn free_port() -> anyhow::Result<SocketAddr> {
    let drawn = (0..TRIES).map(|_| SocketAddr::from(([127, 0, 0, 1], fastrand::u16(PORTS))));
    let free = |addr: &SocketAddr| std::net::TcpListener::bind(addr).is_ok();
    drawn.into_iter().find(free).context("while looking for a free port on loopback")
}

/// The stage's config: what an operator would write for this world.
fn settings(sim: &Sim, folder: &TempDir, public: SocketAddr, http: bool, over: &str) -> anyhow::Result<Settings> {
    let mode = if http { "http" } else { "gateway" };
    let database = folder.path().join("bot.db");
    let (link_client_id, link_client_secret) = sim.tenant.sign_in_credentials();
    let own = format!(
        r#"
        [discord]
        team_channel_id = "900000000000000102"
        mode = "{mode}"
        [graph]
        timeout = "5s"
        [link]
        client_id = "{link_client_id}"
        client_secret = "{link_client_secret}"
        [store]
        url = "sqlite://{database}"
        [web]
        listen = "{public}"
        public_url = "http://{public}"
        ops_listen = "127.0.0.1:0"
        [access]
        # People here act by their chat roles until they link themselves.
        require_link = false
        admin_roles = ["900000000000000206"]
        [[access.chat_role]]
        discord_role = "900000000000000201"
        intune_role = "Help Desk Operator"
        [[access.chat_role]]
        discord_role = "900000000000000202"
        intune_role = "School Administrator"
        scope_groups = ["00000000-0000-4000-8000-00000000a001"]
        [[access.chat_role]]
        discord_role = "900000000000000203"
        intune_role = "Endpoint Security Manager"
        [[access.chat_role]]
        discord_role = "900000000000000204"
        intune_role = "Device Care"
        [[access.chat_role]]
        discord_role = "900000000000000205"
        intune_role = "Read Only Operator"
        "#,
        database = database.display(),
    );
    let file = folder.path().join("config.toml");
    std::fs::write(&file, config_for(sim, &[&own, over])?)?;
    Ok(load(&Source { file: Some(file), ..Source::default() })?)
}
