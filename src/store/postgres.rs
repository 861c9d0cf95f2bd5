//! PostgreSQL: a server that several processes may use at once.

use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgListener, PgPoolOptions, PgSslMode};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor, PgConnection, PgPool, Postgres, Row as _,
    Transaction,
};
use url::Url;

use super::Error;
use super::engine::{Engine, Listen, Writing};
use super::leases::Owner;
use super::query::{Query, Value, query};
use super::row::Row;
use crate::intune::TenantId;

/// Connections held: the loops, a few clicks at once, and the one that listens.
const CONNECTIONS: u32 = 12;

/// How long to wait for one of them.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the server may take to answer at all, when it cannot even say that it gave up; longer than its own timeouts.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// What each connection asks of the server. None of our statements takes long, and a process that hangs in the middle of a
/// write must not stop the others for ever.
const SESSION: [(&str, &str); 4] = [
    ("statement_timeout", "10s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("default_transaction_isolation", "read committed"),
];

/// Where commits are told of; `0003_lease_owner.sql` names it too.
const CHANNEL: &str = "intune_sync_bot";

/// Tells our advisory locks from those of others in the same database: "sync" in ASCII.
const LOCK: u64 = 0x7379_6e63;

/// A pool, and whose.
pub(super) struct Server {
    pool: PgPool,
    /// The key of the advisory lock that writers of this tenant hold.
    lock: i64,
    /// What a notification ends with: the tenant and the process that committed.
    tenant: String,
    ours: String,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the pool, whose options hold the password.
        f.debug_struct("Server").field("ours", &self.ours).finish_non_exhaustive()
    }
}

/// Opens the database of `url` and brings its schema up to date.
pub(super) async fn open(url: &str, tenant: TenantId, owner: &Owner) -> Result<Server, Error> {
    let ours = format!("intune-sync-bot {owner}");
    let options = options(url)?.application_name(&ours);
    // By itself, without the timeouts: a migration may take its time, and so may waiting for another process's. sqlx holds a lock.
    let mut migrating = in_time(options.connect()).await?;
    // As with SQLite.
    sqlx::migrate!("src/store/migrations/postgres").run_direct(None, &mut migrating, false).await?;
    migrating.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // Tells a dead connection, too.
        .test_before_acquire(false)
        .before_acquire(|connection, _about| Box::pin(is_clean(connection)))
        .connect_with(options.options(SESSION))
        .await?;
    Ok(Server { pool, lock: lock_of(tenant), tenant: tenant.to_string(), ours })
}

/// Waits no longer than [`ANSWER_TIMEOUT`].
async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    match tokio::time::timeout(ANSWER_TIMEOUT, work).await {
        Ok(done) => Ok(done?),
        Err(_elapsed) => Err(Error::NoAnswer),
    }
}

/// Reads the address. What is wrong with it is said without repeating it, for it holds a password.
fn options(url: &str) -> Result<PgConnectOptions, Error> {
    let bad = || Error::Address("write postgres://USER:PASSWORD@HOST/DATABASE".to_owned());
    let parsed = Url::parse(url).map_err(|_repeats_it| bad())?;
    let options = PgConnectOptions::from_str(url).map_err(|_repeats_it| bad())?;
    let chosen = parsed.query_pairs().any(|(key, _)| matches!(&*key, "sslmode" | "ssl-mode"));
    if chosen || is_local(&options) {
        return Ok(options);
    }
    Ok(options.ssl_mode(PgSslMode::VerifyFull))
}

/// Whether what is sent stays on this machine.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let loopback = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    loopback || host == "localhost" || host.starts_with('/') || options.get_socket().is_some()
}

/// A key of its own for each tenant.
fn lock_of(tenant: TenantId) -> i64 {
    let (high, low) = tenant.0.as_u64_pair();
    (high ^ low ^ LOCK).cast_signed()
}

/// Whether a connection lives and is in no transaction. A write may be given up while its `BEGIN` is on its way: the driver takes the
/// connection back and does not know that the server has begun, and what others write on it would never be committed.
/// Outside of a transaction, each statement begins one of its own at its own time.
async fn is_clean(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    connection.fetch_one("SELECT now() = statement_timestamp()").await?.try_get(0)
}

fn prepared(query: Query) -> sqlx::query::Query<'static, Postgres, PgArguments> {
    // Only the program's own text is changed: what stands in a comment for this engine comes out of it.
    let sql = query.sql.replace("/*postgres", "").replace("*/", "");
    query.values.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), |statement, value| match value {
        Value::Text(text) => statement.bind(text),
        Value::Integer(number) => statement.bind(number),
        Value::Flag(flag) => statement.bind(flag),
    })
}

async fn execute<'e>(on: impl Executor<'e, Database = Postgres>, query: Query) -> Result<u64, Error> {
    Ok(in_time(prepared(query).execute(on)).await?.rows_affected())
}

async fn rows<'e>(on: impl Executor<'e, Database = Postgres>, query: Query) -> Result<Vec<Row>, Error> {
    Ok(in_time(prepared(query).fetch_all(on)).await?.into_iter().map(Row::Postgres).collect())
}

#[async_trait]
impl Engine for Server {
    async fn execute(&self, query: Query) -> Result<u64, Error> {
        execute(&self.pool, query).await
    }

    async fn rows(&self, query: Query) -> Result<Vec<Row>, Error> {
        rows(&self.pool, query).await
    }

    async fn begin(&self) -> Result<Box<dyn Writing>, Error> {
        let mut tx = in_time(self.pool.begin()).await?;
        execute(&mut *tx, query("SELECT pg_advisory_xact_lock($1)").bind(self.lock)).await?;
        Ok(Box::new(tx))
    }

    fn is_ours_alone(&self) -> bool {
        false
    }

    async fn listen(&self) -> Result<Option<Box<dyn Listen>>, Error> {
        let mut listener = in_time(PgListener::connect_with(&self.pool)).await?;
        in_time(listener.listen(CHANNEL)).await?;
        let (tenant, ours) = (self.tenant.clone(), self.ours.clone());
        Ok(Some(Box::new(Ear { listener, tenant, ours })))
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

#[async_trait]
impl Writing for Transaction<'static, Postgres> {
    async fn execute(&mut self, query: Query) -> Result<u64, Error> {
        execute(&mut **self, query).await
    }

    async fn rows(&mut self, query: Query) -> Result<Vec<Row>, Error> {
        rows(&mut **self, query).await
    }

    async fn commit(self: Box<Self>) -> Result<(), Error> {
        in_time(Transaction::commit(*self)).await
    }

    async fn rollback(self: Box<Self>) -> Result<(), Error> {
        in_time(Transaction::rollback(*self)).await
    }
}

/// A connection that listens.
struct Ear {
    listener: PgListener,
    tenant: String,
    ours: String,
}

#[async_trait]
impl Listen for Ear {
    async fn heard(&mut self) -> Result<(), Error> {
        loop {
            // Nothing: the connection was lost and is made again, and what was said in between was missed.
            let Some(word) = self.listener.try_recv().await? else { return Ok(()) };
            let (tenant, from) = word.payload().split_once(' ').unwrap_or_default();
            if tenant == self.tenant && from != self.ours {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> PgSslMode {
        options(url).unwrap().get_ssl_mode()
    }

    #[test]
    fn another_machine_must_prove_who_it_is_unless_the_address_says_otherwise() {
        for far in ["postgres://bot:pw@db.contoso.example/bot", "postgresql://bot:pw@10.0.0.7:5433/bot"] {
            assert!(matches!(mode(far), PgSslMode::VerifyFull), "{far}");
            assert!(matches!(mode(&format!("{far}?sslmode=disable")), PgSslMode::Disable));
            assert!(matches!(mode(&format!("{far}?sslmode=require")), PgSslMode::Require));
        }
        for near in [
            "postgres://bot@localhost/bot",
            "postgres://bot@127.0.0.1/bot",
            "postgres://bot@[::1]/bot",
            "postgres://bot@localhost/bot?host=/run/postgresql",
        ] {
            assert!(!matches!(mode(near), PgSslMode::VerifyFull), "{near}");
        }
    }

    #[test]
    fn only_what_is_meant_for_this_engine_comes_out_of_its_comment() {
        use sqlx::Execute as _;
        let claim = query("SELECT id FROM notices LIMIT 1 /*postgres FOR UPDATE SKIP LOCKED */");
        assert_eq!(prepared(claim).sql().as_str(), "SELECT id FROM notices LIMIT 1  FOR UPDATE SKIP LOCKED ");
    }

    #[test]
    fn tenants_do_not_wait_for_each_other() {
        let [one, other] = [1, 2].map(|number| lock_of(TenantId(uuid::Uuid::from_u128(number))));
        assert_ne!(one, other);
    }
}
