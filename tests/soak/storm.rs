//! What goes wrong meanwhile, at random: processes, the database, Graph, Discord and its gateway.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use jiff::SignedDuration;
use sim::discord::Fault as DiscordFault;
use sim::tenant::{Fault, FaultKind, RetryAfter};
use sim::{Discord, Tenant};
use sqlx::Executor as _;
use tokio::sync::Mutex as AsyncMutex;

use super::replica::Replica;
use super::server::{End, Server};

/// How often things go wrong: the mean time between two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// A process is killed or stopped.
    pub(crate) processes: Duration,
    /// The database goes away.
    pub(crate) database: Duration,
    /// A fault of Graph, of Discord or of the gateway.
    pub(crate) wire: Duration,
}

/// What happened, and how often.
pub(crate) type Tally = Arc<Mutex<BTreeMap<&'static str, usize>>>;

fn count(tally: &Tally, what: &'static str) {
    *tally.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
}

/// Sleeps for about so long: between half of it and one and a half.
async fn about(rng: &mut Rng, mean: Duration) {
    tokio::time::sleep(mean.mul_f64(0.5 + rng.f64())).await;
}

/// Kills and stops processes, without end.
pub(crate) async fn of_processes(seed: u64, mean: Duration, replicas: [Replica; 2], server: Arc<AsyncMutex<Server>>) {
    let mut rng = Rng::with_seed(seed ^ 0x1);
    loop {
        about(&mut rng, mean).await;
        let replica = &replicas[rng.usize(..replicas.len())];
        if rng.u32(..100) < 60 {
            replica.kill();
        } else {
            replica.stop();
        }
        allow_logins(&server).await;
    }
}

/// The bot logs in ever more slowly when it is started again and again, so that a crash loop does not use up the day's logins. A soak is such a
/// loop, and nobody would be connected in it for minutes: so these starts are forgotten.
async fn allow_logins(server: &AsyncMutex<Server>) {
    let server = server.lock().await;
    let Ok(mut connection) = server.connect().await else { return };
    // Before the first migration there is nothing to forget.
    let _no_such_table = connection.execute("UPDATE meta SET value = '' WHERE key = 'gateway_starts'").await;
}

/// Takes the database away for a while, without end.
pub(crate) async fn of_the_database(seed: u64, mean: Duration, server: Arc<AsyncMutex<Server>>, tally: Tally) {
    let mut rng = Rng::with_seed(seed ^ 0x2);
    loop {
        about(&mut rng, mean).await;
        let (end, what) = match rng.u32(..2) {
            0 => (End::Immediate, "the database crashed (immediate stop) and recovered"),
            _ => (End::Fast, "the database was restarted (fast stop)"),
        };
        let away = rng.u32(..3) == 0;
        let mut server = server.lock().await;
        server.stop(end).await;
        count(&tally, what);
        if away {
            count(&tally, "of these, it stayed away for 3 to 8 s");
            tokio::time::sleep(Duration::from_millis(rng.u64(3_000..8_000))).await;
        }
        server.resume().await;
    }
}

/// Faults of Graph, of Discord and of the gateway, without end.
pub(crate) async fn of_the_wire(seed: u64, mean: Duration, tenant: Tenant, discord: Discord, tally: Tally) {
    let mut rng = Rng::with_seed(seed ^ 0x3);
    loop {
        about(&mut rng, mean).await;
        match rng.u32(..10) {
            0..=4 => graph(&mut rng, &tenant, &tally),
            5..=7 => rest(&mut rng, &discord),
            _ => gateway(&mut rng, &discord, &tally).await,
        }
    }
}

fn graph(rng: &mut Rng, tenant: &Tenant, tally: &Tally) {
    let seconds = rng.u32(1..4);
    // After each throttling the bot takes a fifth less of its budget for minutes, so that with many of them hardly anything would be sent.
    let kind = match rng.u32(..100) {
        0 => FaultKind::TooManyRequests(RetryAfter::Seconds(seconds)),
        1 => FaultKind::TooManyRequests(RetryAfter::Date(seconds)),
        2 => FaultKind::TooManyRequests(RetryAfter::Absent),
        3 => FaultKind::QueryBroker,
        4..16 => FaultKind::Unavailable,
        16..26 => FaultKind::GatewayTimeout,
        26..36 => FaultKind::Status(500),
        36..46 => FaultKind::Slow(Duration::from_millis(rng.u64(500..3_000))),
        // Longer than the bot waits.
        46..56 => FaultKind::Slow(Duration::from_millis(rng.u64(5_500..8_000))),
        56..68 => FaultKind::LostAnswer,
        68..80 => FaultKind::LostRequest,
        80..92 => FaultKind::MalformedJson,
        _ => {
            count(tally, "Graph's tokens were revoked");
            return tenant.revoke_tokens();
        }
    };
    let times = rng.u32(1..8);
    // Half of them hit the call itself, of which there are fewer than of reads.
    let fault = if rng.bool() { Fault::on_sync(kind) } else { Fault::new(kind).path("/v1.0") };
    let until = tenant.now() + SignedDuration::from_secs(rng.i64(1..6));
    tenant.push_fault(fault.times(times).until(until));
}

fn rest(rng: &mut Rng, discord: &Discord) {
    let retry_after = Duration::from_millis(rng.u64(200..1_500));
    let fault = match rng.u32(..8) {
        0 => DiscordFault::RateLimited { retry_after, global: false },
        1 => DiscordFault::RateLimited { retry_after, global: true },
        2 => DiscordFault::ChannelWriteLimit { retry_after },
        3 => DiscordFault::Status(500),
        4 => DiscordFault::Status(502),
        5 => DiscordFault::Slow(Duration::from_millis(rng.u64(300..4_000))),
        6 => DiscordFault::LostRequest,
        _ => DiscordFault::LostAnswer,
    };
    let on = ["", "/callback", "/messages/@original", "POST /channels", "PATCH /channels"][rng.usize(..5)];
    discord.fault(on, fault, rng.usize(1..8));
}

async fn gateway(rng: &mut Rng, discord: &Discord, tally: &Tally) {
    match rng.u32(..8) {
        0..=2 => {
            count(tally, "the gateway's connections broke");
            discord.drop_gateway();
        }
        3 => {
            count(tally, "the gateway closed its connections");
            discord.close_gateway(4_000);
        }
        4 => {
            count(tally, "the gateway asked to reconnect");
            discord.ask_to_reconnect();
        }
        5 => {
            count(tally, "the gateway's sessions became invalid");
            discord.invalidate_sessions(rng.bool());
        }
        6 => {
            count(tally, "heartbeats were not answered for a while");
            discord.silence_gateway(true);
            tokio::time::sleep(Duration::from_millis(rng.u64(1_000..4_000))).await;
            discord.silence_gateway(false);
        }
        _ => {
            count(tally, "the gateway took no connections for 2 to 6 s");
            discord.shut_gateway(true);
            discord.drop_gateway();
            tokio::time::sleep(Duration::from_millis(rng.u64(2_000..6_000))).await;
            discord.shut_gateway(false);
        }
    }
}
