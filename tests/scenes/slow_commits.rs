//! A database that is slow at the very end: what a click came to is never told wrongly.
//!
//! PostgreSQL, whatever the run is about: there a trigger that waits for the commit makes just that slow.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::bed::{Bed, Database, Engine, Spans as _};

/// Commits that confirm a request take as long as the one row of `patience` says.
const SLOW: &str = "
    CREATE TABLE patience (seconds DOUBLE PRECISION);
    INSERT INTO patience VALUES (0);
    CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_sleep(seconds) FROM patience;
        RETURN NULL;
    END
    $$;
    CREATE CONSTRAINT TRIGGER slow_commit AFTER UPDATE ON requests
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'running' AND OLD.state <> 'running')
        EXECUTE FUNCTION slow_commit();";

/// A bed on a database of its own, whose commits of a Yes take so long.
async fn bed(name: &str) -> (Bed, Database, PgConnection) {
    let database = Database::new(Engine::Postgres).await;
    let config = format!("[store]\nurl = \"{}\"", database.url().expose_secret());
    let bed = Bed::on_its_own_store(name, &config, |options| options.store_budget = Duration::from_secs(1)).await;
    let mut admin = PgConnection::connect(database.url().expose_secret()).await.expect("the server answers");
    admin.execute(SLOW).await.expect("it is done");
    (bed, database, admin)
}

async fn takes(admin: &mut PgConnection, seconds: f64) {
    sqlx::query("UPDATE patience SET seconds = $1").bind(seconds).execute(admin).await.expect("it is done");
}

#[tokio::test]
async fn a_commit_that_comes_a_little_late_is_waited_for() {
    let (bed, database, mut admin) = bed("a late commit").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    takes(&mut admin, 1.2).await;
    let yes = asked.clicks("Yes").await;
    takes(&mut admin, 0.0).await;
    yes.never_says("not certain").never_says("Nothing was");
    bed.advance(4.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
    drop(admin);
    database.remove().await;
}

#[tokio::test]
async fn a_yes_whose_commit_comes_too_late_is_never_told_that_nothing_was_sent() {
    let (bed, database, mut admin) = bed("a commit that is too late").await;
    bed.expects_error("the database did not say in time whether it took a click");
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    takes(&mut admin, 4.0).await;
    let yes = asked.presses("Yes");
    bed.discord.wait_until(|_| bed.has_logged("did not say in time")).await;
    bed.settle().await;
    yes.says("it is not certain that this was recorded").never_says("Nothing was");
    let slowest = bed.discord.ack_latencies().into_iter().max().expect("answers");
    assert!(slowest < Duration::from_millis(2_800), "it took {slowest:?}");
    let recorded = async {
        while !bed.events().await.contains(&"confirmed".to_owned()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), recorded).await.expect("it was recorded");
    bed.advance(15.minutes()).await;
    yes.says("`LT-042` checked in").never_says("not certain");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
    drop(admin);
    database.remove().await;
}
