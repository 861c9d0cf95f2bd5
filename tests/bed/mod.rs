//! The bed of a scene: the whole bot in a simulated world, people to act in it, and what must hold at the end.

mod approving;
pub(crate) mod balancer;
mod browser;
mod ending;
#[path = "../engines/mod.rs"]
mod engines;
mod log;
mod metrics;
mod person;
pub(crate) mod pipe;
pub(crate) mod receiver;
pub(crate) mod replica;
pub(crate) mod show;
mod span;
mod surroundings;
pub(crate) mod table;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use intune_sync_bot::demo::{Stage, StageOptions};
use intune_sync_bot::store::{EntraPerson, LinkSource, Linked, Store};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sim::discord::{Limits, MessageId, MessageView};
use sim::tenant::{Fault, FaultId, SyncCall};
use tokio::sync::RwLock;

pub(crate) use approving::{BULK, LARGE, SHORT};
pub(crate) use browser::{Browser, Page};
pub(crate) use engines::{Database, Engine};
pub(crate) use person::{Answer, Person};
pub(crate) use span::Spans;
use surroundings::{database, lay_database, over_http};

/// Where the helpdesk asks.
pub(crate) const HELPDESK: &str = "helpdesk";

/// Where a second person is asked for.
pub(crate) const APPROVALS: &str = "sync-approvals";

/// Where outcomes are announced.
pub(crate) const TEAM: &str = "device-team";

/// One scene's world.
pub(crate) struct Bed {
    /// The simulated tenant.
    pub(crate) tenant: sim::Tenant,
    /// The simulated Discord.
    pub(crate) discord: sim::Discord,
    stage: RwLock<Stage>,
    /// Where the bot stores, if it is not the stage's own file.
    database: Option<Database>,
    /// What is laid over the stage's config.
    config: String,
    log: log::Log,
    read: RefCell<BTreeSet<MessageId>>,
    errors: RefCell<Vec<String>>,
    /// Tickets, states, codes and cookies that the scene has seen.
    carried: RefCell<BTreeSet<String>>,
    allowed: RefCell<BTreeSet<Allowed>>,
    finished: Cell<bool>,
}

/// What a scene may leave behind, if it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Allowed {
    /// Somebody saw "the application did not respond".
    NoResponse,
    /// A sync that is still under way.
    WorkUnderWay,
    /// Answers of Discord's that count as invalid requests (401, 403, 429).
    InvalidRequests,
}

impl Bed {
    /// The world as it comes, with the bot as an operator would set it up. `name` names the record of its traffic.
    pub(crate) async fn new(name: &str) -> Self {
        Self::with(name, "").await
    }

    /// The same with `config` (TOML) laid over the bot's.
    pub(crate) async fn with(name: &str, config: &str) -> Self {
        Self::in_world(name, config, |_| {}).await
    }

    /// The same in a world that was changed before it began.
    pub(crate) async fn in_world(name: &str, config: &str, change: impl FnOnce(&mut sim::Scenario)) -> Self {
        Self::on_stage(name, config, |options| change(&mut options.scenario)).await
    }

    /// The same with interactions over the gateway, whatever the run is about.
    pub(crate) async fn over_gateway(name: &str) -> Self {
        Self::on_stage(name, "", |options| options.http = false).await
    }

    /// The same with interactions posted to the bot, and `config` laid over the bot's.
    pub(crate) async fn over_http(name: &str, config: &str) -> Self {
        Self::on_stage(name, config, |options| options.http = true).await
    }

    /// The same on a stage that is set up otherwise.
    pub(crate) async fn on_stage(name: &str, config: &str, change: impl FnOnce(&mut StageOptions)) -> Self {
        Self::on(database().await, name, config, change).await
    }

    /// The same on PostgreSQL, where several bots can be.
    pub(crate) async fn for_several(name: &str, config: &str, change: impl FnOnce(&mut StageOptions)) -> Self {
        let database = Database::new(Engine::Postgres).await;
        Self::on(Some(database), name, config, change).await
    }

    /// The same on the store that `config` names, whatever the run is about.
    pub(crate) async fn on_its_own_store(name: &str, config: &str, change: impl FnOnce(&mut StageOptions)) -> Self {
        Self::on(None, name, config, change).await
    }

    async fn on(database: Option<Database>, name: &str, config: &str, change: impl FnOnce(&mut StageOptions)) -> Self {
        let log = log::start();
        let mut config: toml::Table = config.parse().expect("the scene's config is TOML");
        // People in scenes act faster than people do.
        config.entry("limits").or_insert_with(|| toml::Value::Table(unhurried()));
        // Hours pass in some scenes, and hundreds of devices need not be read every quarter of one.
        config.entry("directory").or_insert_with(|| toml::Value::Table(toml::toml! { refresh = "24h" }));
        lay_database(&mut config, database.as_ref());
        let laid = config.to_string();
        let mut options = StageOptions { config: config.to_string(), http: over_http(), ..StageOptions::still() };
        change(&mut options);
        options.traffic_log = std::env::var_os("TRAFFIC_DIR").map(|folder| {
            let transport = if options.http { "-over-http" } else { "" };
            let engine = if database.is_some() { "-on-another-engine" } else { "" };
            let file = PathBuf::from(folder).join(format!("{}{transport}{engine}.jsonl", name.replace(' ', "-")));
            // A record is of one run; an older one is in the way.
            let _may_not_exist = std::fs::remove_file(&file);
            file
        });
        let stage = Box::pin(Stage::start(options)).await.expect("the stage starts");
        stage.sim.discord.set_limits(Limits::generous());
        Box::pin(stage.settle()).await.expect("the bot comes to rest after its start");
        Self {
            tenant: stage.sim.tenant.clone(),
            discord: stage.sim.discord.clone(),
            stage: RwLock::new(stage),
            database,
            config: laid,
            log,
            read: RefCell::default(),
            errors: RefCell::default(),
            carried: RefCell::default(),
            allowed: RefCell::default(),
            finished: Cell::new(false),
        }
    }

    /// The database that the scene's bots share.
    pub(crate) fn database(&self) -> &Database {
        self.database.as_ref().expect("the scene is on PostgreSQL")
    }

    /// Somebody in the chat.
    pub(crate) fn user(&self, name: &'static str) -> Person<'_> {
        Person::new(self, name)
    }

    /// A browser that has never been anywhere.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser::new(self)
    }

    /// Why steps of linking were refused so far, by the audit.
    pub(crate) async fn link_refusals(&self) -> Vec<String> {
        let refused = self.audit().await.into_iter().filter(|(event, _)| event == "link_refused");
        refused.map(|(_, detail)| detail["why"].as_str().expect("a word").to_owned()).collect()
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.tenant.now()
    }

    /// Waits until all that can happen now has happened.
    pub(crate) async fn settle(&self) {
        Box::pin(self.stage.read().await.settle()).await.expect("the worlds come to rest");
    }

    /// Moves time.
    pub(crate) async fn advance(&self, by: SignedDuration) {
        Box::pin(self.stage.read().await.advance(by)).await.expect("time moves");
    }

    /// Sets the time of day of the bot's machine forward or back; the worlds around it go on as they were.
    pub(crate) async fn sets_the_clock(&self, by: SignedDuration) {
        self.settle().await;
        self.stage.read().await.app().clock().jump(by);
        self.settle().await;
    }

    /// Moves time, a second at a time, until something is done that waits for it.
    pub(crate) async fn while_time_passes<T>(&self, something: impl Future<Output = T>) -> T {
        let mut something = std::pin::pin!(something);
        loop {
            tokio::select! {
                biased;
                done = &mut something => return done,
                () = self.advance(SignedDuration::from_secs(1)) => {}
            }
        }
    }

    /// Stops the bot and starts it again on what is stored.
    pub(crate) async fn restart(&self) {
        let mut stage = self.stage.write().await;
        Box::pin(stage.restart()).await.expect("the bot starts again");
        drop(stage);
        self.settle().await;
    }

    /// Stops the bot, and leaves it so until [`Bed::restart`].
    pub(crate) async fn leave(&self) {
        let mut stage = self.stage.write().await;
        Box::pin(stage.leave()).await;
        drop(stage);
        self.settle().await;
    }

    /// Completes with the reason when the bot ends by itself.
    pub(crate) async fn ended(&self) -> String {
        let ended = async { self.stage.read().await.app().ended().await };
        tokio::time::timeout(Duration::from_secs(40), ended).await.expect("the bot ends by itself")
    }

    /// The same with another config laid over the bot's.
    pub(crate) async fn restart_with(&self, config: &str) {
        let mut stage = self.stage.write().await;
        let mut config: toml::Table = config.parse().expect("the scene's config is TOML");
        lay_database(&mut config, self.database.as_ref());
        Box::pin(stage.restart_with(&config.to_string())).await.expect("the bot starts again");
        drop(stage);
        self.settle().await;
    }

    /// Links a chat user to the Entra person of the scenario, as an admin's import does.
    pub(crate) async fn link(&self, who: &str) {
        self.link_to(who, who).await;
    }

    /// Links a chat account to the Entra person of another one.
    pub(crate) async fn link_to(&self, account: &str, who: &str) {
        let user = |name: &str| self.discord.people().into_iter().find(|user| user.username == name).expect("a user");
        let chat_user = user(account).id.parse().expect("a chat id");
        let user = user(who);
        let id = user.entra_user.expect("the user is somebody in Entra").parse().expect("an object id");
        let person =
            EntraPerson { id, name: user.display_name, sign_in: format!("{who}@contoso.example"), guest: false };
        let store = self.store().await;
        let linked = store.link(self.now(), chat_user, &person, LinkSource::Import, None).await;
        assert_eq!(linked.expect("the store answers"), Linked::Done);
        self.stage.read().await.app().desk().link_changed();
        self.settle().await;
    }

    /// Links everybody in the chat.
    pub(crate) async fn link_everyone(&self) {
        for user in self.discord.people() {
            if user.entra_user.is_some() {
                self.link(&user.username).await;
            }
        }
    }

    /// The bot's database.
    pub(crate) async fn store(&self) -> Store {
        self.stage.read().await.app().store().clone()
    }

    /// Has the bot look for work that the scene put into its store.
    pub(crate) async fn wakes(&self) {
        self.stage.read().await.app().desk().wake();
    }

    /// Where the bot serves health and metrics.
    pub(crate) async fn ops(&self) -> String {
        let addr = self.stage.read().await.app().ops().expect("the stage serves health");
        format!("http://{addr}")
    }

    /// What its `/readyz` says.
    pub(crate) async fn readiness(&self) -> String {
        let answer = reqwest::get(format!("{}/readyz", self.ops().await)).await.expect("health answers");
        answer.text().await.expect("in text").trim_end().to_owned()
    }

    /// Puts the bot behind a balancer: where it takes interactions, and where it tells whether it is ready.
    pub(crate) async fn balanced(&self, balancer: &balancer::Balancer) {
        let (web, ops) = {
            let stage = self.stage.read().await;
            (stage.app().web().expect("it serves the endpoint"), stage.app().ops().expect("it serves health"))
        };
        balancer.add(web, ops).await;
        self.discord.set_endpoint(Some(&balancer.url())).await.expect("Discord verifies the balancer");
    }

    /// Something goes wrong in Graph from now on.
    pub(crate) fn graph_fails(&self, fault: Fault) -> FaultId {
        self.tenant.push_fault(fault)
    }

    /// The calls that asked Intune for a sync.
    pub(crate) fn calls(&self) -> Vec<SyncCall> {
        self.tenant.sync_calls()
    }

    /// What the bot said for all to read in a channel, as cards. They count as read.
    pub(crate) fn channel(&self, name: &str) -> Vec<String> {
        self.channel_messages(name).iter().map(show::card).collect()
    }

    /// The same as messages.
    pub(crate) fn channel_messages(&self, name: &str) -> Vec<MessageView> {
        let mut messages = self.discord.messages(name);
        messages.retain(|message| message.from_bot && !message.is_ephemeral());
        self.read.borrow_mut().extend(messages.iter().map(|message| message.id));
        messages
    }

    /// The lines in the team's channel.
    pub(crate) fn team(&self) -> Vec<String> {
        self.channel(TEAM)
    }

    /// Every audit row so far: its event and its details.
    pub(crate) async fn audit(&self) -> Vec<(String, Value)> {
        self.store().await.audit_trail().await.expect("the audit can be read")
    }

    /// Only the events.
    pub(crate) async fn events(&self) -> Vec<String> {
        self.audit().await.into_iter().map(|(event, _)| event).collect()
    }

    /// Declares an ERROR line that the scene brings about.
    pub(crate) fn expects_error(&self, words: &str) {
        self.errors.borrow_mut().push(words.to_owned());
    }

    /// Declares what the scene leaves behind.
    pub(crate) fn allows(&self, what: Allowed) {
        self.allowed.borrow_mut().insert(what);
    }

    /// Whether a line of the log holds these words.
    pub(crate) fn has_logged(&self, words: &str) -> bool {
        self.log.lines().iter().any(|line| line.text.contains(words))
    }

    /// How many lines of the log hold these words.
    pub(crate) fn times_logged(&self, words: &str) -> usize {
        self.log.lines().iter().filter(|line| line.text.contains(words)).count()
    }

    /// Waits (in real time) for something that no clock of ours governs: serenity's connection.
    pub(crate) async fn wait_for(&self, what: &str, holds: impl Fn() -> bool) {
        let waiting = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("{what}"));
    }
}

/// Limits that nobody in a scene reaches, unless the scene is about them.
fn unhurried() -> toml::Table {
    toml::toml! {
        per_person = "1000/1m"
        per_guild = "1000/1m"
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.finished.get(), "the scene did not call finish()");
    }
}
