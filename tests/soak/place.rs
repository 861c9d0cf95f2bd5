//! Where a soak is played: a large simulated world with real time, a PostgreSQL server that can be stopped, and two replicas of the bot.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use sim::discord::Limits;
use sim::tenant::CheckIn;
use sim::{Clock, Options, Scenario, Sim};
use sqlx::{Executor as _, PgConnection, Row as _};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::bot::Bot;
use super::process::{config, free_port};
use super::replica::Replica;
use super::server::Server;

/// People of the helpdesk, beside the scenario's own.
const HELPERS: usize = 60;

/// The chat role with which they may sync.
const ROLE: &str = "900000000000000201";

/// Between two looks at whether everything has come to rest.
const LOOK: Duration = Duration::from_millis(250);

/// What differs from the defaults: everything is short.
const SETTINGS: &str = r#"
[audit]
key = "a key for the soak"
[sync]
confirm_timeout = "15s"
cooldown = "10s"
give_up = "2m"
[watch]
min_interval = "1s"
max_interval = "3s"
deadline = "15s"
unknown_wait = "4s"
[apps]
settle = "1s"
[limits]
per_person = "100000/1m"
per_guild = "100000/1m"
"#;

/// How interactions come to the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// One replica is connected, and the other stands by.
    Gateway,
    /// Both are posted to, by way of a balancer.
    Http,
}

/// The world of a soak.
pub(crate) struct Place {
    pub(crate) sim: Sim,
    pub(crate) server: Arc<Mutex<Server>>,
    pub(crate) replicas: [Replica; 2],
    /// Usernames of those who ask.
    pub(crate) helpers: Vec<String>,
    /// Names of devices.
    pub(crate) devices: Vec<String>,
    /// Sign-in names of people who have devices.
    pub(crate) owners: Vec<String>,
    folder: TempDir,
}

impl Place {
    /// With so many devices.
    pub(crate) async fn new(seed: u64, transport: Transport, devices: usize) -> Self {
        let mut scenario = Scenario::default();
        scenario.tenant.generate.devices = devices;
        scenario.tenant.generate.people = devices / 4;
        let hanna = scenario.discord.user[0].clone();
        let mut helpers = Vec::new();
        for number in 0..HELPERS {
            let mut user = hanna.clone();
            user.id = format!("9000000000000010{number:02}");
            user.username = format!("helper{number:02}");
            user.display_name = format!("Helper {number:02}");
            user.roles = vec![ROLE.to_owned()];
            user.entra_user = None;
            helpers.push(user.username.clone());
            scenario.discord.user.push(user);
        }
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options { listen, scenario, clock: Clock::real(), traffic_log: None };
        let sim = Sim::start(options).await.expect("the simulated world starts");
        // With Discord's own limits the team's channel alone would take one line a second.
        sim.discord.set_limits(Limits::generous());
        sim.tenant.set_app_lag(SignedDuration::from_secs(1));
        let (devices, owners) = settled(&sim, seed);
        let server = Server::start().await;
        let folder = TempDir::new().expect("a folder");
        let url = server.url();
        let replicas = ["first", "second"].map(|name| {
            let folder = folder.path().join(name);
            std::fs::create_dir(&folder).expect("a folder");
            let (web, ops) = (free_port(), free_port());
            let http = transport == Transport::Http;
            let text = config(&sim, http, url.expose_secret(), ops, web, SETTINGS);
            std::fs::write(folder.join("config.toml"), text).expect("written");
            Replica::new(folder, web, ops)
        });
        Self { sim, server: Arc::new(Mutex::new(server)), replicas, helpers, devices, owners, folder }
    }

    /// Waits until every request has ended and nothing waits to be said.
    pub(crate) async fn comes_to_rest(&self, patience: Duration) -> Result<Duration, String> {
        let began = Instant::now();
        let mut left = "nothing could be asked".to_owned();
        while began.elapsed() < patience {
            if let Ok(mut connection) = self.server.lock().await.connect().await
                && let Ok([requests, syncs, notices]) = under_way(&mut connection).await
            {
                if (requests, syncs, notices) == (0, 0, 0) {
                    return Ok(began.elapsed());
                }
                left = format!("{requests} requests, {syncs} device syncs and {notices} notices were left");
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(format!("it never came to rest: {left}"))
    }

    /// Makes it so that the two minutes are over which the leases of killed processes last. While no process runs, none of them is anybody's.
    pub(crate) async fn leases_end(&self) {
        let mut connection = self.server.lock().await.connect().await.expect("the server answers");
        for table in ["device_syncs", "late_watches", "notices"] {
            let past = format!("UPDATE {table} SET lease_until = 0 WHERE lease_until IS NOT NULL");
            connection.execute(sqlx::AssertSqlSafe(past)).await.expect("the server does it");
        }
    }

    /// What a verb of the bot's own command line says.
    pub(crate) fn says(&self, words: &[&str]) -> Result<String, String> {
        let output = Bot::command(self.replicas[0].folder()).args(words).output().expect("the binary starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(format!("{words:?}: {}{}", text(&output.stdout), text(&output.stderr)))
        }
    }

    /// The errors in the bots' logs, and how often each is there; their times and fields are left out.
    pub(crate) fn errors(&self) -> BTreeMap<String, usize> {
        let logs = self.replicas.iter().filter_map(|it| std::fs::read_to_string(it.folder().join("bot.log")).ok());
        let mut errors = BTreeMap::new();
        for line in logs.flat_map(|log| log.lines().map(str::to_owned).collect::<Vec<_>>()) {
            let panic = line.contains("panicked at").then_some(line.as_str());
            let error = line.split_once(" ERROR ").map(|(_, said)| said);
            // Fields are `name=value`, after the words.
            let words =
                |said: &str| said.split(' ').take_while(|word| !word.contains('=')).collect::<Vec<_>>().join(" ");
            if let Some(said) = panic.or(error) {
                *errors.entry(words(said)).or_default() += 1;
            }
        }
        errors
    }

    /// Keeps the configs and the logs, and says where they are.
    pub(crate) fn kept(self) -> std::path::PathBuf {
        self.folder.keep()
    }
}

/// Requests, device syncs and notices that have not come to their end.
async fn under_way(connection: &mut PgConnection) -> Result<[i64; 3], sqlx::Error> {
    let row = connection
        .fetch_one(
            "SELECT (SELECT COUNT(*) FROM requests WHERE state IN ('awaiting_confirmation', 'awaiting_approval', 'running')),
                    (SELECT COUNT(*) FROM device_syncs WHERE due_at IS NOT NULL),
                    (SELECT COUNT(*) FROM notices WHERE state = 'waiting')",
        )
        .await?;
    Ok([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?])
}

/// Says when devices check in; which devices and which owners there are.
fn settled(sim: &Sim, seed: u64) -> (Vec<String>, Vec<String>) {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x4);
    let (mut names, mut owners) = (Vec::new(), BTreeSet::new());
    // The scenario's own devices have ways of their own; those made up beside them end in four digits.
    let made_up = |name: &str| name.rsplit('-').next().is_some_and(|end| end.len() == 4);
    for device in sim.tenant.devices().into_iter().filter(|device| made_up(&device.name)) {
        let plan = match rng.u32(..100) {
            0..=6 => CheckIn::Never,
            7..=9 => CheckIn::Crossed { before: SignedDuration::from_secs(90), after: SignedDuration::from_secs(4) },
            _ => CheckIn::After(SignedDuration::from_secs(rng.i64(1..8))),
        };
        sim.tenant.plan_check_in(&device.id, plan).expect("there is such a device");
        owners.extend(device.user_upn);
        names.push(device.name);
    }
    (names, owners.into_iter().collect())
}
