//! Builds every part once, and owns the order in which they start and stop. The only place that starts tasks.

mod duty;
mod loops;
mod servers;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::loops::AUDIT_HEAD;
use self::loops::{IndexParts, LoopEnv};
use crate::budget::{Ledger, Memory};
use crate::clock::Clock;
use crate::discord::{Delivery, Handler, Outbound, register};
use crate::graph::{Graph, SignIn, Token};
use crate::identity::{ChatRoles, Gate, LinkPage, Linking};
use crate::intune::ErrorTable;
use crate::settings::Settings;
use crate::store::Store;
use crate::sync::{Bells, Desk, Directory, FailureIndex, Worker};
use crate::web::OpsParts;
use transport::{Parts, Transport};

/// Device syncs that are worked on at the same time.
const WORKERS: usize = 4;

/// One more of them only looks at devices that were called: while Graph throttles, all others may be waiting for their turn to write.
const WATCHERS: usize = 1;

/// Groups of a bulk request's devices that are worked on at the same time: one is made ready while the other is sent.
const SENDERS: usize = 2;

/// How long everything may take to stop; with the two below and the runtime's own second, less than ten.
const STOP: Duration = Duration::from_secs(6);

/// How long giving leases back may take after that.
const HAND_BACK: Duration = Duration::from_millis(1_500);

/// How long the store may take to close after that.
const CLOSE: Duration = Duration::from_millis(500);

/// For how long a process has the gateway at a time: so long, and a moment, it is away after its process died.
const TERM: SignedDuration = SignedDuration::from_secs(12);

/// How long the endpoint is still served after `/readyz` has said that it stops, so that a load balancer notices.
const DRAIN: Duration = Duration::from_secs(3);

/// What the surroundings decide.
#[derive(Clone, Debug)]
pub struct Options {
    /// Time.
    pub clock: Clock,
    /// How long the store may take before a click is answered.
    pub store_budget: Duration,
    /// For how long one of several processes is connected to the gateway before it has to say so again.
    pub gateway_term: SignedDuration,
    /// How long the interactions endpoint is still served at a stop, where other processes can take over.
    pub drain: Duration,
}

impl Options {
    /// As in production.
    pub fn production() -> Self {
        Self { clock: Clock::real(), store_budget: Duration::from_secs(1), gateway_term: TERM, drain: DRAIN }
    }
}

/// The running bot.
pub struct App {
    clock: Clock,
    store: Store,
    desk: Arc<Desk>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Cancelled when a load balancer is to look elsewhere.
    leaving: CancellationToken,
    /// How long to go on after that.
    drain: Duration,
    /// Set when the gateway ended by itself, or a task panicked.
    ended: watch::Receiver<Option<String>>,
    ops: Option<std::net::SocketAddr>,
    web: Option<std::net::SocketAddr>,
}

impl App {
    /// Starts everything. An error says what to mend; then nothing runs.
    pub async fn start(settings: Settings, options: Options) -> anyhow::Result<Self> {
        let Options { clock, store_budget, gateway_term, drain } = options;
        warn_about(&settings);
        let settings = Arc::new(settings);
        let store = Store::sealed(&settings).await.context("while opening the store")?.timed_by(&clock);
        store.release_leases().await.context("while taking over the store")?;
        let error_table = Arc::new(error_table(&settings)?);
        // One for every far end: each would read the system's certificates anew.
        let http = http_client()?;
        let graph = Arc::new(graph_over(&settings, http.clone(), &ledger(&store, &clock), &clock)?);
        let gate = Arc::new(Gate::new(Arc::clone(&graph), store.clone(), settings.access.clone(), &clock));
        let directory = Arc::new(Directory::default());
        let bells = Bells::new(&clock, WORKERS + WATCHERS, SENDERS);
        let failures = Arc::new(FailureIndex::new(!settings.apps.index));
        let desk = Arc::new(Desk::new(
            Arc::clone(&graph),
            Arc::clone(&gate),
            store.clone(),
            Arc::clone(&directory),
            Arc::clone(&failures),
            Arc::clone(&error_table),
            Arc::clone(&settings),
            clock.clone(),
            bells.clone(),
        ));
        let outbound = Outbound::new(&settings.discord, http.clone());
        register(&outbound, &store, &settings.discord.guild_ids, false)
            .await
            .context("while registering the slash commands; is the bot's token right, and is it in every server of discord.guild_ids?")?;
        let linking = Arc::new(linking(&settings, http.clone(), &graph, &store, &clock));
        let handler = Arc::new(Handler::new(
            Arc::clone(&desk),
            Arc::clone(&linking),
            outbound.clone(),
            Arc::clone(&settings),
            &clock,
            store_budget,
        ));
        let (tasks, stop, leaving) = (TaskTracker::new(), CancellationToken::new(), CancellationToken::new());
        let parts = Parts {
            settings: &settings.discord,
            outbound: &outbound,
            handler,
            store: &store,
            tasks: &tasks,
            stop: &stop,
            clock: &clock,
            term: gateway_term,
        };
        let transport = Transport::new(parts).await?;
        let worker = Arc::new(Worker::new(Arc::clone(&desk), Arc::new(outbound.clone()) as Arc<dyn ChatRoles>));
        let delivery =
            Arc::new(Delivery::new(store.clone(), Arc::clone(&graph), outbound, &settings, http, clock.clone()));

        let env = LoopEnv { clock: clock.clone(), stop: stop.clone(), store: store.clone() };
        let (ended_tx, ended) = watch::channel(None);
        let ops_parts = OpsParts {
            store: store.clone(),
            graph: Arc::clone(&graph),
            directory: Arc::clone(&directory),
            status: transport.status(),
            delivery: Arc::clone(delivery.status()),
            clock: clock.clone(),
            leaving: leaving.clone(),
        };
        let starter = Starter { tasks: tasks.clone(), ended: ended_tx };
        let ops = servers::ops(&starter, &stop, settings.web.ops_listen, ops_parts).await?;
        let web = servers::public(&starter, &stop, &settings, linking, transport.endpoint(), &clock).await?;
        starter.start_work(&env, &worker, &bells);
        starter.start(loops::delivery(env.clone(), delivery, bells.notices.clone()));
        starter.start(loops::timers(env.clone(), worker, bells.timers.clone()));
        starter.start(loops::jumps(env.clone(), store.clone(), bells.clone()));
        starter.start(loops::listen(env.clone(), store.clone(), bells));
        starter.start(loops::audit(env.clone(), store.clone(), settings.audit.publish, settings.audit.keep));
        if let Some(every) = settings.apps.index_refresh.filter(|_| settings.apps.index) {
            let parts =
                IndexParts { graph: Arc::clone(&graph), directory: Arc::clone(&directory), failures, error_table };
            starter.start(loops::index(env.clone(), parts, settings.apps.clone(), every));
        }
        starter.start(loops::directory(env.clone(), graph, directory, settings.directory.refresh));
        starter.start(loops::display(env, gate));
        // Only where somebody else can answer, and somebody looks who can.
        let drain = if transport.endpoint().is_some() && store.is_shared() { drain } else { Duration::ZERO };
        transport.start(&starter);
        tasks.close();
        Ok(Self { clock, store, desk, tasks, stop, leaving, drain, ended, ops, web })
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
    ///
    /// It ends in time whatever Discord, Graph and the database do meanwhile.
    pub async fn stop(self) {
        self.leaving.cancel();
        let all = async {
            tokio::time::sleep(self.drain).await;
            self.stop.cancel();
            self.tasks.wait().await;
        };
        if tokio::time::timeout(STOP, all).await.is_err() {
            tracing::warn!("some work did not end in time; it goes on from the store after the next start");
        }
        // What did not end in time is fenced off by this, and need not be waited for by whoever takes it up.
        if !matches!(tokio::time::timeout(HAND_BACK, self.store.hand_back()).await, Ok(Ok(()))) {
            tracing::warn!("leases could not be given back; they end by themselves");
        }
        if tokio::time::timeout(CLOSE, self.store.close()).await.is_err() {
            tracing::warn!("the database did not let go in time");
        }
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
    if settings.audit.key.expose_secret().is_empty() {
        tracing::warn!("[audit] key is not set: the audit's chain shows accidents only");
    }
}

fn error_table(settings: &Settings) -> anyhow::Result<ErrorTable> {
    let Some(path) = &settings.apps.error_codes_file else { return Ok(ErrorTable::built_in()) };
    let text = std::fs::read_to_string(path).with_context(|| format!("while reading {}", path.display()))?;
    ErrorTable::parse(&text).with_context(|| format!("in {}", path.display()))
}

/// Builds the client for Graph, with the budget counted where `ledger` says.
pub fn graph(settings: &Settings, ledger: &Arc<dyn Ledger>, clock: &Clock) -> anyhow::Result<Graph> {
    graph_over(settings, http_client()?, ledger, clock)
}

/// Where the budget toward Graph is counted: in the database where other processes may use it, and else in this one.
pub fn ledger(store: &Store, clock: &Clock) -> Arc<dyn Ledger> {
    if store.is_shared() { Arc::new(store.clone()) } else { Arc::new(Memory::new(clock)) }
}

fn graph_over(
    settings: &Settings,
    http: reqwest::Client,
    ledger: &Arc<dyn Ledger>,
    clock: &Clock,
) -> anyhow::Result<Graph> {
    let token = Token::new(&settings.entra, &settings.graph.url)?;
    Ok(Graph::new(settings, token, http, ledger, clock))
}

/// Builds what links chat accounts to Entra people; with `[link]`, by signing in.
fn linking(settings: &Settings, http: reqwest::Client, graph: &Arc<Graph>, store: &Store, clock: &Clock) -> Linking {
    let page = settings.link.as_ref().map(|link| LinkPage {
        sign_in: SignIn::new(settings, link, http, clock),
        public_url: link.public_url.clone(),
    });
    Linking::new(Arc::clone(graph), store.clone(), page, clock.clone())
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

    /// Everything that syncs devices.
    fn start_work(&self, env: &LoopEnv, worker: &Arc<Worker>, bells: &Bells) {
        let (workers, watchers) = bells.work.split_at(WORKERS);
        for bell in workers {
            self.start(loops::work(env.clone(), Arc::clone(worker), bell.clone()));
        }
        for bell in watchers {
            self.start(loops::look(env.clone(), Arc::clone(worker), bell.clone()));
        }
        for bell in &bells.bulk {
            self.start(loops::send_bulk(env.clone(), Arc::clone(worker), bell.clone()));
        }
        self.start(loops::look_bulk(env.clone(), Arc::clone(worker), bells.looks.clone()));
    }
}
