//! Where a crash is played: a simulated world with real time, a database, and the bot's config with short durations.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use intune_sync_bot::demo::config_for;
use intune_sync_bot::intune::TenantId;
use intune_sync_bot::store::Store;
use secrecy::ExposeSecret as _;
use sim::{Clock, Options, Scenario, Sim};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

use super::bot::Bot;
use super::engines::{Database, Engine};
use super::flow::Flow;
use super::people;
use super::points::Point;
use super::verdict::{Seen, judge};

/// How long it may take until everything has come to its end.
const PATIENCE: Duration = Duration::from_mins(3);

/// How long it may take until the point is reached.
const REACHED: Duration = Duration::from_secs(90);

/// Why a point was not played: what leads there happened in another order.
pub(crate) const NEVER_REACHED: &str = "the point was never reached";

/// The signal that nothing survives.
const SIGKILL: i32 = 9;

/// One flow's world.
pub(crate) struct Place {
    pub(crate) sim: Sim,
    pub(crate) folder: TempDir,
    pub(crate) flow: Flow,
    database: Database,
    engine: Engine,
}

impl Place {
    pub(crate) async fn new(engine: Engine, flow: Flow) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options { listen, scenario: Scenario::default(), clock: Clock::real(), traffic_log: None };
        let sim = Sim::start(options).await.expect("the simulated world starts");
        sim.discord.set_limits(sim::discord::Limits::generous());
        flow.arrange(&sim);
        let folder = TempDir::new().expect("a folder");
        let database = Database::new(engine).await;
        let place = Self { sim, folder, flow, database, engine };
        std::fs::write(place.folder.path().join("config.toml"), place.config()).expect("written");
        place
    }

    fn config(&self) -> String {
        let store = self.database.url().expose_secret();
        let (confirm_timeout, pace) = (self.flow.confirm_timeout(), self.flow.pace());
        let own = format!(
            r#"
            [discord]
            team_channel_id = "900000000000000102"
            [graph]
            timeout = "10s"
            [store]
            url = "{store}"
            [audit]
            key = "a key for the crash suite"
            [access]
            require_link = false
            [[access.chat_role]]
            discord_role = "900000000000000201"
            intune_role = "Help Desk Operator"
            [[access.chat_role]]
            discord_role = "900000000000000203"
            intune_role = "Endpoint Security Manager"
            [sync]
            confirm_timeout = "{confirm_timeout}"
            [watch]
            min_interval = "1s"
            max_interval = "1s"
            deadline = "60s"
            unknown_wait = "3s"
            [apps]
            settle = "2s"
            [limits]
            per_person = "1000/1m"
            per_guild = "1000/1m"
            graph_writes = "{pace}/1s"
            [web]
            ops_listen = ""
            "#
        );
        let needed = self.flow.needed();
        let rules = format!(
            r#"
            [discord]
            approvals_channel_id = "900000000000000103"
            [access]
            admin_roles = ["900000000000000206"]
            [[approval.rule]]
            name = "large"
            min_devices = 3
            approver_roles = ["900000000000000207", "900000000000000203"]
            needed = {needed}
            "#
        );
        let rules = if self.flow.is_approved() { rules } else { String::new() };
        config_for(&self.sim, &[&own, &rules]).expect("both are TOML")
    }

    /// Plays the flow to its end; what was committed in it.
    pub(crate) async fn played_without_a_crash(self) -> BTreeSet<String> {
        let log = self.folder.path().join("commits.log");
        let bot = Bot::start(self.folder.path(), &[("CRASH_LOG", log.to_str().expect("a path"))]);
        people::act(&self).await;
        self.comes_to_rest().await.expect("the flow ends");
        drop(bot);
        let log = std::fs::read_to_string(log).expect("commits");
        self.database.remove().await;
        log.lines().filter_map(|line| line.strip_prefix("after ")).map(str::to_owned).collect()
    }

    /// Plays the flow with a panic in it, which the bot has to survive.
    pub(crate) async fn played_with_a_panic(self, at: &str) -> Result<Seen, String> {
        let mut bot = Bot::start(self.folder.path(), &[("PANIC_AT", at)]);
        let seen = async {
            let acting = tokio::time::timeout(PATIENCE, people::act(&self));
            acting.await.map_err(|_elapsed| "people never got their answers".to_owned())?;
            self.comes_to_rest().await?;
            bot.stop();
            let ended = bot.ended().await;
            let log = self.log();
            if !ended.success() || !log.contains("a panic that the crash suite asked for") {
                return Err(format!("the bot did not survive a panic, or had none: {ended}\n{log}"));
            }
            judge(&self)
        };
        let seen = seen.await;
        self.database.remove().await;
        seen
    }

    /// Plays the flow, kills the bot at the point, starts it again, and lets everything come to its end.
    pub(crate) async fn played_with_a_crash(self, point: &Point) -> Result<Seen, String> {
        let seen = Box::pin(self.crash(point)).await;
        if seen.is_err() || seen.as_ref().is_ok_and(|seen| seen.twice > 0) {
            let log = self.log();
            eprintln!("=== {}: {point}: {seen:?}\n{log}\n{}", self.flow, self.sim.discord.transcript("helpdesk"));
        }
        self.database.remove().await;
        seen
    }

    async fn crash(&self, point: &Point) -> Result<Seen, String> {
        let at = point.in_environment();
        if let Point::Wire { hold, .. } = point {
            self.sim.traffic.holds().set(hold.clone());
        }
        let env: Vec<_> = at.iter().map(|at| ("CRASH_AT", at.as_str())).collect();
        let mut bot = Bot::start(self.folder.path(), &env);
        let crash_and_restart = async {
            tokio::select! {
                ended = bot.ended() => {
                    if ended.signal() != Some(SIGKILL) {
                        return Err(format!("the bot ended by itself: {ended}"));
                    }
                }
                () = self.sim.traffic.holds().held() => {
                    bot.kill();
                    bot.ended().await;
                    self.sim.traffic.holds().release();
                }
                () = tokio::time::sleep(REACHED) => return Err(NEVER_REACHED.to_owned()),
            }
            self.leases_end().await;
            let before = self.log().len();
            Ok((Bot::start(self.folder.path(), &[]), before))
        };
        let acting = tokio::time::timeout(PATIENCE, people::act(self));
        let (restarted, acted) = tokio::join!(crash_and_restart, acting);
        let (mut bot, before) = restarted?;
        acted.map_err(|_elapsed| "people never got their answers".to_owned())?;
        self.comes_to_rest().await?;
        // Where nothing was left to do, it may not even have got so far that it knows how to stop.
        let started = async {
            while !self.log().get(before..).is_some_and(|log| log.contains("started version")) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, started).await.map_err(|_elapsed| "it does not start again")?;
        bot.stop();
        let ended = tokio::time::timeout(PATIENCE, bot.ended()).await.map_err(|_elapsed| "it does not stop")?;
        if !ended.success() {
            return Err(format!("its stop went wrong: {ended}"));
        }
        judge(self)
    }

    /// What all its processes have logged.
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("bot.log")).unwrap_or_default()
    }

    /// On a server leases are waited for. The two minutes that takes are made to have passed; what else the dead process left is as it was.
    async fn leases_end(&self) {
        if self.engine == Engine::Sqlite {
            return;
        }
        let mut admin = PgConnection::connect(self.database.url().expose_secret()).await.expect("the server answers");
        for table in ["device_syncs", "late_watches", "notices"] {
            let past = format!("UPDATE {table} SET lease_until = 0 WHERE lease_until IS NOT NULL");
            // Before the first migration there is nothing to wait for.
            let _no_such_table = admin.execute(AssertSqlSafe(past)).await;
        }
        admin.close().await.expect("the server answers");
    }

    /// Makes it long ago that somebody agreed.
    pub(crate) async fn approvals_age(&self) {
        let url = self.database.url().expose_secret();
        let aged = "UPDATE approvals SET agreed_at = 0";
        match self.engine {
            Engine::Sqlite => {
                let mut file = SqliteConnection::connect(url).await.expect("the file opens");
                file.execute(aged).await.expect("it can be written");
                file.close().await.expect("it closes");
            }
            Engine::Postgres => {
                let mut server = PgConnection::connect(url).await.expect("the server answers");
                server.execute(aged).await.expect("it can be written");
                server.close().await.expect("it closes");
            }
        }
    }

    pub(crate) async fn store(&self) -> Store {
        let tenant: TenantId = self.sim.tenant.tenant_id().parse().expect("a tenant id");
        Store::open(self.database.url(), tenant).await.expect("the store opens")
    }

    /// Waits until nothing is under way and nothing waits to be said.
    async fn comes_to_rest(&self) -> Result<(), String> {
        let store = self.store().await;
        let rest = async {
            loop {
                let under_way = store.under_way().await.expect("the store answers");
                let notices = store.next_due_notice().await.expect("the store answers");
                let expired = self.flow == Flow::Expired && !has_expired(&store).await;
                if under_way == 0 && notices.is_none() && !expired {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let rested = tokio::time::timeout(PATIENCE, rest).await;
        store.close().await;
        rested.map_err(|_elapsed| "it never came to rest".to_owned())
    }
}

async fn has_expired(store: &Store) -> bool {
    store.audit_trail().await.expect("the store answers").iter().any(|(event, _)| event == "expired")
}
