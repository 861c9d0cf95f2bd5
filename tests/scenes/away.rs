//! The database is away for a minute, or takes nothing: the chat says so, nothing is lost, and nothing is done twice.
//!
//! PostgreSQL, whatever the run is about: a server can go away while the bot stays.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use sim::discord::InteractionState;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::bed::pipe::{Flow, Pipe};
use crate::bed::{Answer, Bed, Database, Engine, Spans as _};

/// A bed whose database is at the other end of a pipe, and who is allowed to do what to it.
struct Far {
    bed: Bed,
    pipe: Pipe,
    database: Database,
}

impl Far {
    async fn new(name: &str) -> Self {
        let database = Database::new(Engine::Postgres).await;
        let pipe = Pipe::to(database.url()).await;
        let config = format!("[store]\nurl = \"{}\"\n", pipe.url().expose_secret());
        let bed = Bed::on_its_own_store(name, &config, |options| options.store_budget = Duration::from_secs(1)).await;
        Self { bed, pipe, database }
    }

    async fn finish(self) {
        self.bed.finish().await;
        self.database.remove().await;
    }
}

/// What is asked meanwhile is answered with what is true.
fn is_told(asked: &Answer<'_>) {
    asked.says("My database does not answer at the moment. Nothing was recorded and nothing was sent");
}

/// Before it fails: one sync is under way, and one card waits for its Yes.
async fn one_watched_and_one_asked(bed: &Bed) -> [Answer<'_>; 2] {
    bed.expects_error("a question could not be answered");
    bed.expects_error("the store did not answer; the work waits");
    [bed.user("hanna").syncs("LT-042").await, bed.user("omar").runs("/sync device:IPAD-017").await]
}

/// After it is back: the one ends, and the other can be confirmed.
async fn both_end_well(bed: &Bed, watched: Answer<'_>, waiting: Answer<'_>) {
    bed.advance(10.seconds()).await;
    assert_eq!(bed.readiness().await, "ready");
    waiting.clicks("Yes").await;
    bed.advance(5.minutes()).await;
    watched.says("`LT-042` checked in");
    waiting.says("`IPAD-017` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (2, 2));
}

#[tokio::test]
async fn a_database_that_is_away_for_a_minute_delays_and_loses_nothing() {
    let far = Far::new("a minute without the database").await;
    let bed = &far.bed;
    let [watched, waiting] = one_watched_and_one_asked(bed).await;
    far.pipe.set(Flow::Cut);
    bed.advance(20.seconds()).await;
    assert_eq!(bed.readiness().await, "the database does not answer");
    is_told(&waiting.clicks("Yes").await);
    is_told(&bed.user("hanna").runs("/sync device:PIX-009").await);
    assert!(bed.discord.connected(), "people are told only as long as it is connected");
    bed.advance(40.seconds()).await;
    assert_eq!(bed.calls().len(), 1, "nothing is sent that cannot be written down before");
    far.pipe.set(Flow::Open);
    both_end_well(bed, watched, waiting).await;
    far.finish().await;
}

#[tokio::test]
async fn a_database_that_hangs_for_a_minute_is_no_different() {
    let far = Far::new("a database that hangs").await;
    let bed = &far.bed;
    bed.expects_error("the database did not take a click in time");
    let waiting = bed.user("omar").runs("/sync device:IPAD-017").await;
    far.pipe.set(Flow::Stuck);
    let pressed = waiting.presses("Yes");
    bed.wait_for("an answer", || pressed.state() != InteractionState::Waiting).await;
    far.pipe.set(Flow::Open);
    bed.advance(30.seconds()).await;
    is_told(&pressed);
    waiting.clicks("Yes").await;
    bed.advance(5.minutes()).await;
    waiting.says("`IPAD-017` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    far.finish().await;
}

#[tokio::test]
async fn a_database_that_can_only_be_read_takes_nothing_and_is_said_to() {
    let far = Far::new("a read-only database").await;
    let bed = &far.bed;
    let [watched, waiting] = one_watched_and_one_asked(bed).await;
    let mut admin = PgConnection::connect(far.database.url().expose_secret()).await.expect("the server answers");
    // As after a failover to a server that only follows.
    let turn = |to: &str| {
        format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {to}', current_database()); END $$;
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    };
    admin.execute(AssertSqlSafe(turn("on"))).await.expect("it is done");
    bed.advance(20.seconds()).await;
    assert_eq!(bed.readiness().await, "the database takes nothing: it can only be read, or its disk is full");
    is_told(&waiting.clicks("Yes").await);
    bed.advance(40.seconds()).await;
    assert_eq!(bed.calls().len(), 1, "nothing is sent that cannot be written down before");
    admin.execute(AssertSqlSafe(turn("off"))).await.expect("it is done");
    both_end_well(bed, watched, waiting).await;
    drop(admin);
    far.finish().await;
}
