//! The soak: many requests to two replicas on one PostgreSQL database, while processes are killed and Graph, Discord and the database fail at random.
//!
//! At the end the faults stop, everything comes to rest, and the exported audit is judged by itself; then the tenant's log and the chat are asked
//! whether they agree. docs/reliability.md says what was seen. `make soak` runs the long form, which `SOAK_REQUESTS`, `SOAK_SEED`,
//! `SOAK_PACE_MS` (between two requests), `SOAK_MINUTES` (nobody begins after them) and `SOAK_TRANSPORT=http` change.

#![expect(clippy::print_stdout, reason = "the suite prints its table")]
#![expect(clippy::disallowed_methods, reason = "processes live in real time")]

#[path = "../bed/balancer.rs"]
mod balancer;
#[expect(dead_code, reason = "a supervisor looks by itself whether a process has ended")]
#[path = "../crash/bot.rs"]
mod bot;
#[expect(dead_code, reason = "processes are those of the crash suite")]
#[path = "../process/mod.rs"]
mod process;

mod figures;
mod people;
mod place;
mod plan;
mod replica;
mod run;
mod server;
mod storm;
mod trail;
mod witness;

use std::time::Duration;

use place::Transport;
use run::Soak;
use storm::Weather;

/// A number from the environment.
fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text:?}")))
}

/// The weather of the short form: there is little time, so it is rough.
const ROUGH: Weather = Weather {
    processes: Duration::from_millis(4_500),
    database: Duration::from_secs(9),
    wire: Duration::from_millis(400),
};

/// The weather of the long form.
const LONG: Weather = Weather {
    processes: Duration::from_secs(20),
    database: Duration::from_mins(1),
    wire: Duration::from_millis(1_200),
};

fn short(transport: Transport) -> Soak {
    Soak {
        seed: given("SOAK_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000)),
        requests: 70,
        pace: Duration::from_millis(160),
        most: Duration::MAX,
        devices: 160,
        transport,
        weather: ROUGH,
        waits_for_leases: false,
    }
}

/// Both transports side by side: most of the time is waiting.
#[tokio::test(flavor = "multi_thread")]
async fn a_short_soak_over_the_gateway_and_one_over_http_lose_nothing_and_do_nothing_twice() {
    let (gateway, http) = (short(Transport::Gateway).played(), short(Transport::Http).played());
    assert_eq!(tokio::join!(Box::pin(gateway), Box::pin(http)), (0, 0), "flaws, which are printed above");
}

/// The long form: `make soak`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes half an hour; `make soak` runs it"]
async fn a_long_soak_loses_nothing_and_does_nothing_twice() {
    let http = std::env::var("SOAK_TRANSPORT").is_ok_and(|transport| transport == "http");
    let soak = Soak {
        requests: given("SOAK_REQUESTS").and_then(|count| usize::try_from(count).ok()).unwrap_or(10_000),
        pace: Duration::from_millis(given("SOAK_PACE_MS").unwrap_or(140)),
        most: given("SOAK_MINUTES").map_or(Duration::MAX, Duration::from_mins),
        devices: 900,
        weather: LONG,
        waits_for_leases: true,
        ..short(if http { Transport::Http } else { Transport::Gateway })
    };
    assert_eq!(Box::pin(soak.played()).await, 0, "flaws, which are printed above");
}
