//! Builds every part once, and owns the order in which they start and stop. The only place that starts tasks.

mod servers;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Bell, Clock};
use crate::discord::{Delivery, Goodbye, Handler, Outbound, register};
use crate::graph::{Graph, SignIn, Token};
use crate::identity::{ChatRoles, Gate, LinkPage, Linking};
use crate::intune::ErrorTable;
use crate::settings::Settings;
use crate::store::Store;
use crate::sync::{Bells, Desk, Directory, Worker};
use crate::web::OpsParts;
use transport::Transport;

/// Device syncs that are worked on at the same time.
const WORKERS: usize = 4;

/// Longest idle wait of a loop: a fallback should a bell ever not ring.
const LONGEST_IDLE: SignedDuration = SignedDuration::from_mins(10);

/// Wait of a loop after the store failed, and of the directory after Graph did.
const AFTER_TROUBLE: SignedDuration = SignedDuration::from_secs(5);

/// Shortest wait of a loop that found nothing to do although something is due.
const SHORTEST_IDLE: SignedDuration = SignedDuration::from_secs(1);

/// What suggestions know of roles and scope groups is read again after this; five minutes is the most.
const DISPLAY_FRESH: SignedDuration = SignedDuration::from_mins(4);

/// How long everything may take to stop.
const STOP: Duration = Duration::from_secs(8);

/// What the surroundings decide.
#[derive(Clone, Debug)]
pub struct Options {
    /// Time.
    pub clock: Clock,
    /// How long the store may take before a click is answered.
    pub store_budget: Duration,
}

impl Options {
    /// As in production.
    pub fn production() -> Self {
        Self { clock: Clock::real(), store_budget: Duration::from_secs(1) }
    }
}

/// The running bot.
pub struct App {
    clock: Clock,
    store: Store,
    desk: Arc<Desk>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Closes the gateway, where there is one.
    goodbye: Option<Goodbye>,
    /// Set when the gateway ended by itself, or a task panicked.
    ended: watch::Receiver<Option<String>>,
    ops: Option<std::net::SocketAddr>,
    web: Option<std::net::SocketAddr>,
}

/// What every loop holds.
#[derive(Clone)]
struct LoopEnv {
    clock: Clock,
    stop: CancellationToken,
}

impl App {
    /// Starts everything. An error says what to mend; then nothing runs.
    pub async fn start(settings: Settings, options: Options) -> anyhow::Result<Self> {
        let Options { clock, store_budget } = options;
        warn_about(&settings);
        let settings = Arc::new(settings);
        let store =
            Store::open(&settings.store.url, settings.entra.tenant_id).await.context("while opening the store")?;
        store.release_leases().await.context("while taking over the store")?;
        let error_table = Arc::new(error_table(&settings)?);
        let graph = Arc::new(graph(&settings, &clock)?);
        let gate = Arc::new(Gate::new(Arc::clone(&graph), store.clone(), settings.access.clone(), &clock));
        let directory = Arc::new(Directory::default());
        let bells = Bells::new(&clock, WORKERS);
        let desk = Arc::new(Desk::new(
            Arc::clone(&graph),
            Arc::clone(&gate),
            store.clone(),
            Arc::clone(&directory),
            Arc::clone(&error_table),
            Arc::clone(&settings),
            clock.clone(),
            bells.clone(),
        ));
        let outbound = Outbound::new(&settings.discord, http_client()?);
        register(&outbound, &store, &settings.discord.guild_ids, false)
            .await
            .context("while registering the slash commands; is the bot's token right, and is it in every server of discord.guild_ids?")?;
        let linking = Arc::new(linking(&settings, &graph, &store, &clock)?);
        let handler = Arc::new(Handler::new(
            Arc::clone(&desk),
            Arc::clone(&linking),
            outbound.clone(),
            Arc::clone(&settings),
            &clock,
            store_budget,
        ));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let transport = Transport::new(&settings.discord, &outbound, handler, &tasks, &clock).await?;
        let worker = Arc::new(Worker::new(
            Arc::clone(&graph),
            Arc::clone(&gate),
            store.clone(),
            error_table,
            Arc::clone(&settings),
            Arc::new(outbound.clone()) as Arc<dyn ChatRoles>,
            clock.clone(),
            bells.clone(),
        ));
        let delivery = Arc::new(Delivery::new(store.clone(), outbound, clock.clone()));

        let env = LoopEnv { clock: clock.clone(), stop: stop.clone() };
        let (ended_tx, ended) = watch::channel(None);
        let ops_parts = OpsParts {
            store: store.clone(),
            directory: Arc::clone(&directory),
            status: transport.status(),
            clock: clock.clone(),
        };
        let starter = Starter { tasks: tasks.clone(), ended: ended_tx };
        let ops = servers::ops(&starter, &stop, settings.web.ops_listen, ops_parts).await?;
        let web = servers::public(&starter, &stop, &settings, linking, transport.endpoint(), &clock).await?;
        for bell in &bells.work {
            starter.start(work_loop(env.clone(), Arc::clone(&worker), bell.clone()));
        }
        starter.start(delivery_loop(env.clone(), delivery, bells.notices.clone()));
        starter.start(timers_loop(env.clone(), worker, bells.timers.clone()));
        starter.start(directory_loop(env.clone(), graph, directory, settings.directory.refresh));
        starter.start(display_loop(env, gate));
        let goodbye = transport.start(&starter);
        tasks.close();
        Ok(Self { clock, store, desk, tasks, stop, goodbye, ended, ops, web })
    }

    /// The bot's time.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The desk.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Where health and metrics are served.
    pub fn ops(&self) -> Option<std::net::SocketAddr> {
        self.ops
    }

    /// Where the link page and the interactions endpoint are served.
    pub fn web(&self) -> Option<std::net::SocketAddr> {
        self.web
    }

    /// Completes with the reason when the gateway ends by itself or a task panicked.
    pub async fn ended(&self) -> String {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_closed) => "every task ended".to_owned(),
        }
    }

    /// Stops everything: no new work, the gateway or the endpoint closed, what is under way finished, the store closed.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Some(goodbye) = &self.goodbye {
            goodbye.say().await;
        }
        if tokio::time::timeout(STOP, self.tasks.wait()).await.is_err() {
            tracing::warn!("some work did not end in time; it goes on from the store after the next start");
        }
        self.store.close().await;
    }
}

fn warn_about(settings: &Settings) {
    let access = &settings.access;
    if access.require_link && !access.chat_roles.is_empty() {
        tracing::warn!("[[access.chat_role]] counts for nothing while [access] require_link is on");
    }
    if access.require_link && settings.link.is_none() {
        tracing::warn!("people must be linked, and there is no link page: only imported links count");
    }
    if !access.require_link && access.chat_roles.is_empty() {
        tracing::warn!("no [[access.chat_role]] is set, so only linked people may do anything");
    }
    for row in access.chat_roles.iter().filter(|row| !access.require_link && row.scope_groups.is_none()) {
        tracing::warn!(chat_role = %row.discord_role, intune_role = row.intune_role, "this chat role covers every device: it has no scope_groups");
    }
    if settings.sync.observe {
        tracing::warn!("[sync] observe is on: nothing is written to Graph");
    }
}

fn error_table(settings: &Settings) -> anyhow::Result<ErrorTable> {
    let Some(path) = &settings.apps.error_codes_file else { return Ok(ErrorTable::built_in()) };
    let text = std::fs::read_to_string(path).with_context(|| format!("while reading {}", path.display()))?;
    ErrorTable::parse(&text).with_context(|| format!("in {}", path.display()))
}

/// Builds the client for Graph.
pub fn graph(settings: &Settings, clock: &Clock) -> anyhow::Result<Graph> {
    let token = Token::new(&settings.entra, &settings.graph.url)?;
    Ok(Graph::new(settings, token, http_client()?, clock))
}

/// Builds what links chat accounts to Entra people; with `[link]`, by signing in.
fn linking(settings: &Settings, graph: &Arc<Graph>, store: &Store, clock: &Clock) -> anyhow::Result<Linking> {
    let page = match &settings.link {
        None => None,
        Some(link) => {
            let sign_in = SignIn::new(settings, link, http_client()?, clock);
            Some(LinkPage { sign_in, public_url: link.public_url.clone() })
        }
    };
    Ok(Linking::new(Arc::clone(graph), store.clone(), page, clock.clone()))
}

/// An HTTP client with deadlines, which follows no redirect: a token must not be led elsewhere.
pub fn http_client() -> anyhow::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_mins(1))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("intune-sync-bot/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("while building the HTTP client")
}

/// Starts tasks, and tells the app when one panicked: a supervisor starts a whole bot again, not half of one.
#[derive(Clone)]
struct Starter {
    tasks: TaskTracker,
    ended: watch::Sender<Option<String>>,
}

impl Starter {
    fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        let running = self.tasks.spawn(task);
        let ended = self.ended.clone();
        self.tasks.spawn(async move {
            if let Err(error) = running.await
                && error.is_panic()
            {
                tracing::error!("a task panicked; the bot stops, and goes on from the store after its next start");
                ended.send_replace(Some("a task panicked".to_owned()));
            }
        });
    }
}

impl LoopEnv {
    fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    fn after(&self, wait: SignedDuration) -> Timestamp {
        self.clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX)
    }

    /// Waits until something is due, the bell rings, or the bot stops.
    async fn idle(&self, bell: &Bell, due: Option<Timestamp>) {
        let latest = self.after(LONGEST_IDLE);
        let until = due.unwrap_or(latest).min(latest).max(self.after(SHORTEST_IDLE));
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = bell.wait_until(until) => {}
        }
    }

    async fn rest(&self, wait: SignedDuration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.clock.sleep(wait) => {}
        }
    }
}

async fn work_loop(env: LoopEnv, worker: Arc<Worker>, bell: Bell) {
    let _busy = env.clock.busy();
    while !env.is_stopping() {
        match worker.step().await {
            Ok(true) => {}
            Ok(false) => match worker.next_due().await {
                Ok(due) => env.idle(&bell, due).await,
                Err(error) => after_trouble(&env, &error).await,
            },
            Err(error) => after_trouble(&env, &error).await,
        }
    }
}

async fn after_trouble(env: &LoopEnv, error: &impl std::fmt::Display) {
    if !env.is_stopping() {
        tracing::error!(%error, "the store did not answer; the work waits");
        env.rest(AFTER_TROUBLE).await;
    }
}

async fn delivery_loop(env: LoopEnv, delivery: Arc<Delivery>, bell: Bell) {
    let _busy = env.clock.busy();
    while !env.is_stopping() {
        match delivery.step().await {
            Ok(true) => {}
            Ok(false) => match delivery.next_due().await {
                Ok(due) => env.idle(&bell, due).await,
                Err(error) => after_trouble(&env, &error).await,
            },
            Err(error) => after_trouble(&env, &error).await,
        }
    }
}

async fn timers_loop(env: LoopEnv, worker: Arc<Worker>, bell: Bell) {
    let _busy = env.clock.busy();
    while !env.is_stopping() {
        match worker.timers_step().await {
            Ok(due) => env.idle(&bell, due).await,
            Err(error) => after_trouble(&env, &error).await,
        }
    }
}

async fn directory_loop(env: LoopEnv, graph: Arc<Graph>, directory: Arc<Directory>, refresh: SignedDuration) {
    let _busy = env.clock.busy();
    while !env.is_stopping() {
        match directory.refresh(&graph, env.clock.now()).await {
            Ok(devices) => {
                tracing::info!(devices, "read the list of devices");
                env.rest(refresh).await;
            }
            Err(error) => {
                tracing::warn!(%error, "the list of devices could not be read; the old one stays");
                env.rest(AFTER_TROUBLE.saturating_mul(6)).await;
            }
        }
    }
}

async fn display_loop(env: LoopEnv, gate: Arc<Gate>) {
    let _busy = env.clock.busy();
    while !env.is_stopping() {
        gate.refresh_display().await;
        env.idle(gate.display_bell(), Some(env.after(DISPLAY_FRESH))).await;
    }
}
