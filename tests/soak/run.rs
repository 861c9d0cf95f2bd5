//! One soak, from the first request to the last flaw.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::balancer::Balancer;
use super::figures::Figures;
use super::people::{Person, Seen};
use super::place::{Place, Transport};
use super::plan::{Way, wishes};
use super::storm::{self, Tally, Weather};
use super::trail::Trail;
use super::witness;

/// How many people are busy at a time: with more of them, nobody new begins.
const CROWD: usize = 60;

/// How long the last people may take, once everybody has begun.
const LAST_PEOPLE: Duration = Duration::from_mins(5);

/// How long it may take until everything has come to rest: the leases of killed processes last two minutes, and the team's
/// channel takes a message a second.
const REST: Duration = Duration::from_mins(15);

/// How long it goes on after the last request has begun.
const LAST_GUSTS: Duration = Duration::from_secs(3);

/// Flaws that are printed; more of them say the same.
const SHOWN: usize = 40;

/// What is played.
#[derive(Clone, Debug)]
pub(crate) struct Soak {
    pub(crate) seed: u64,
    pub(crate) requests: usize,
    /// Between two requests.
    pub(crate) pace: Duration,
    /// After this nobody begins any more.
    pub(crate) most: Duration,
    pub(crate) devices: usize,
    pub(crate) transport: Transport,
    pub(crate) weather: Weather,
    /// Whether the two minutes that a killed process's leases last are waited for, or made to have passed.
    pub(crate) waits_for_leases: bool,
}

impl Soak {
    /// Plays it, and prints its table and what is wrong; how much that is.
    pub(crate) async fn played(self) -> usize {
        println!("{self:?}");
        let began = Instant::now();
        let place = Place::new(self.seed, self.transport, self.devices).await;
        let (mut figures, mut flaws) = (Figures::default(), Vec::new());
        figures.row("Seed", self.seed);
        figures.row("Transport", format!("{:?}", self.transport));
        let (seen, tally) = self.through_the_storm(&place, &mut flaws).await;
        let stormed = began.elapsed();
        let rested = self.to_its_end(&place, &mut flaws).await;
        let trail = judged(&place, &seen, &mut figures, &mut flaws);
        for (index, replica) in place.replicas.iter().enumerate() {
            figures.counts(&format!("Processes of replica {}", index + 1), &replica.ends());
            for (end, times) in replica.ends().iter().filter(|(end, _)| end.contains("otherwise")) {
                flaws.push(format!("{times} processes {end}"));
            }
        }
        figures.counts("The database and the gateway", &tally.lock().unwrap_or_else(PoisonError::into_inner));
        figures.counts("Faults that hit a call to Graph", &place.sim.tenant.faults_served());
        figures.counts("Faults that hit a request to Discord", &place.sim.discord.faults_served());
        figures.row("Logins at the gateway", place.sim.discord.identifies());
        figures.row("Rows of the audit", trail.len());
        figures.row(
            "Took",
            format!(
                "{} s, of which {} s of storm, and {} s of coming to rest",
                began.elapsed().as_secs(),
                stormed.as_secs(),
                rested.as_secs()
            ),
        );
        figures.row("Flaws", flaws.len());
        println!("\n{figures}");
        let errors = place.errors();
        println!("{} errors in the logs:", errors.values().sum::<usize>());
        for (line, times) in errors {
            println!("  {times} × {line}");
        }
        flaws.iter().take(SHOWN).for_each(|flaw| println!("FLAW: {flaw}"));
        if !flaws.is_empty() {
            println!("SOAK_SEED={}: configs and logs are kept in {}", self.seed, place.kept().display());
        }
        flaws.len()
    }

    /// Everybody asks while everything fails.
    async fn through_the_storm(&self, place: &Place, flaws: &mut Vec<String>) -> (Seen, Tally) {
        let balancer = Balancer::start().await;
        // It ends when the last replica was told to rest.
        let mut supervisors = JoinSet::new();
        for replica in &place.replicas {
            supervisors.spawn(replica.clone().supervised());
        }
        supervisors.detach_all();
        self.connected(place, &balancer).await;
        let tally = Tally::default();
        let mut storms = JoinSet::new();
        let (server, replicas, sim) = (&place.server, place.replicas.clone(), &place.sim);
        storms.spawn(storm::of_processes(self.seed, self.weather.processes, replicas, Arc::clone(server)));
        storms.spawn(storm::of_the_database(self.seed, self.weather.database, Arc::clone(server), Arc::clone(&tally)));
        let (tenant, discord) = (sim.tenant.clone(), sim.discord.clone());
        storms.spawn(storm::of_the_wire(self.seed, self.weather.wire, tenant, discord, Arc::clone(&tally)));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut acting = self.everybody(place, &seen, flaws).await;
        // Those who have begun last live through some of it too.
        tokio::time::sleep(LAST_GUSTS).await;
        self.calm(place, storms).await;
        let last = tokio::time::timeout(LAST_PEOPLE, async {
            while let Some(acted) = acting.join_next().await {
                flaws.extend(acted.err().as_ref().map(somebody));
            }
        });
        if last.await.is_err() {
            flaws.push("people never got their answers".to_owned());
        }
        drop(balancer);
        let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        (seen, tally)
    }

    async fn connected(&self, place: &Place, balancer: &Balancer) {
        match self.transport {
            Transport::Gateway => place.sim.discord.wait_connected().await,
            Transport::Http => {
                for replica in &place.replicas {
                    let (web, ops) = replica.addresses();
                    balancer.add(web, ops).await;
                }
                let set = place.sim.discord.set_endpoint(Some(&balancer.url())).await;
                set.expect("Discord verifies the balancer");
            }
        }
    }

    /// Lets one after the other begin.
    async fn everybody(&self, place: &Place, seen: &Arc<Mutex<Seen>>, flaws: &mut Vec<String>) -> JoinSet<()> {
        let wishes = wishes(self.seed, self.requests, place.helpers.len(), place.devices.len(), place.owners.len());
        let mut acting = JoinSet::new();
        let mut turn = tokio::time::interval(self.pace);
        let began = Instant::now();
        for (number, wish) in wishes.into_iter().enumerate() {
            turn.tick().await;
            if began.elapsed() > self.most {
                println!("the time is over");
                break;
            }
            seen.lock().unwrap_or_else(PoisonError::into_inner).people += 1;
            if number > 0 && number.is_multiple_of(500) {
                println!("{number} requests begun, {} under way", acting.len());
            }
            let command = match wish.way {
                Way::Bulk => format!("/bulk-sync user user:{}", place.owners[wish.what]),
                _ => format!("/sync device:{}", place.devices[wish.what]),
            };
            let (name, other) = (place.helpers[wish.who].clone(), place.helpers[wish.other].clone());
            let (discord, seen) = (place.sim.discord.clone(), Arc::clone(seen));
            acting.spawn(Person { discord, name, other, command, wish, seen }.acts());
            while let Some(acted) = acting.try_join_next() {
                flaws.extend(acted.err().as_ref().map(somebody));
            }
            while acting.len() >= CROWD
                && let Some(acted) = acting.join_next().await
            {
                flaws.extend(acted.err().as_ref().map(somebody));
            }
        }
        acting
    }

    /// Nothing goes wrong any more.
    async fn calm(&self, place: &Place, mut storms: JoinSet<()>) {
        // Not while the database is away.
        let server = place.server.lock().await;
        storms.abort_all();
        drop(server);
        while storms.join_next().await.is_some() {}
        let (tenant, discord) = (&place.sim.tenant, &place.sim.discord);
        tenant.clear_faults();
        discord.clear_faults();
        discord.shut_gateway(false);
        discord.silence_gateway(false);
    }

    /// Waits until everything has come to rest, and stops both replicas; how long it took.
    async fn to_its_end(&self, place: &Place, flaws: &mut Vec<String>) -> Duration {
        if !self.waits_for_leases {
            let mut supervisors = JoinSet::new();
            for replica in &place.replicas {
                if !replica.rests().await {
                    flaws.push("a replica did not stop in time".to_owned());
                }
            }
            place.leases_end().await;
            for replica in &place.replicas {
                supervisors.spawn(replica.goes_on().supervised());
            }
            supervisors.detach_all();
        }
        let rested = place.comes_to_rest(REST).await.unwrap_or_else(|why| {
            flaws.push(why);
            REST
        });
        for replica in &place.replicas {
            if !replica.rests().await {
                flaws.push("a replica did not stop in time".to_owned());
            }
        }
        rested
    }
}

/// Asks the audit, and then everybody else.
fn judged(place: &Place, seen: &Seen, figures: &mut Figures, flaws: &mut Vec<String>) -> Trail {
    if let Err(why) = place.says(&["audit", "verify"]) {
        flaws.push(why);
    }
    let trail = Trail::read(&place.says(&["audit", "export"]).expect("the audit can be exported"));
    let told = trail.judged(flaws);
    let confirmed = trail.confirmed();
    for request in seen.confirmed.iter().filter(|request| !confirmed.contains(request.as_str())) {
        flaws.push(format!("request {request} was said to be confirmed, and the audit does not know of it"));
    }
    let witnesses = witness::heard(&place.sim, &trail, flaws);
    figures.row("People who wanted something", seen.people);
    figures.row("Requests in the audit", told.requests.values().sum::<usize>());
    figures.counts("How requests ended", &told.requests);
    figures.row("Device syncs with an outcome", told.outcomes.values().sum::<usize>());
    figures.counts("Outcomes", &told.outcomes);
    figures.row("Attempts written down", told.attempts);
    figures.row("of these, second and later ones", told.again);
    figures.row("of these, without a recorded answer", told.unanswered);
    figures.counts("Answers written down", &told.answers);
    figures.row("Calls that reached Graph", witnesses.calls);
    figures.row("beside them, refused for a revoked token", witnesses.old_tokens);
    figures.row("of these, taken (204)", witnesses.taken);
    figures.row("Calls over a limit of Graph", place.sim.tenant.over_limit());
    figures.row("Outcomes told to their askers twice", witnesses.askers_twice);
    figures.row("Lines told to the team twice", witnesses.team_twice);
    figures.row("Confirmations that people saw", seen.confirmed.len());
    figures.counts("What the commands were answered", &seen.answers);
    figures.counts("Events of the audit", &told.events);
    trail
}

/// A person who did not get to the end.
fn somebody(error: &tokio::task::JoinError) -> String {
    format!("somebody: {error}")
}
