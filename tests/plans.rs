//! What the databases say of the store's statements and tables before any of them runs: no statement looks at the whole history, each is
//! one for both engines, and the tables are the same in both.
//!
//! SQLite takes the index of which it can use the most columns, and knows nothing of how many rows it finds there. So an index that
//! begins with the tenant alone draws statements to it that meant another one, and then each of them reads every row there ever was.

mod engines;
mod repo;

use std::collections::BTreeMap;

use engines::{Database, Engine};
use intune_sync_bot::intune::TenantId;
use intune_sync_bot::store::Store;
use repo::{files, text};
use secrecy::ExposeSecret as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row, SqlSafeStr as _, SqliteConnection};

/// Indexes over all rows there ever were. To know no more than the tenant there is to read them all.
const HISTORY: [&str; 6] = [
    "audit_by_time",
    "device_syncs_by_end",
    "device_syncs_of_device",
    "requests_by_actor",
    "requests_by_time",
    "requests_of_actor",
];

/// Indexes that hold few rows at any time: to read one of them from end to end is cheap.
const SHORT: [&str; 3] = ["late_watches_leased", "notices_leased", "requests_to_approve"];

/// Statements that may read a whole table, by their beginnings: why.
const MAY: [(&str, &str); 6] = [
    ("SELECT event, detail FROM audit", "for tests and for support"),
    ("SELECT event, entra_user FROM audit", "for tests and for support"),
    ("DELETE FROM choices", "the table holds what waits for an answer"),
    ("SELECT COUNT(*) AS n FROM late_watches", "the table holds a row for each press of a button that few see"),
    (
        "SELECT r.actor, r.created_at, r.reason, r.state, d.device, d.state AS sync_state, d.outcome FROM requests r \
         JOIN device_syncs d ON d.request_id = r.id WHERE r.tenant_id = $1 ORDER BY",
        "it begins at the newest and ends after a few",
    ),
    ("SELECT position, seal FROM audit WHERE tenant_id = $1 AND position IS NOT NULL", "once a day"),
];

/// Modules whose statements are not SQLite's, or are put together from parts.
const OTHERS: [&str; 3] = ["src/store/duties.rs", "src/store/ledger.rs", "src/store/postgres.rs"];

/// The statements in a source file, each on one line.
fn statements(source: &str) -> Vec<String> {
    let begins = ["\"SELECT ", "\"UPDATE ", "\"DELETE "];
    let mut starts: Vec<usize> =
        begins.iter().flat_map(|begin| source.match_indices(begin)).map(|(at, _)| at + 1).collect();
    starts.sort_unstable();
    let mut found = Vec::new();
    for start in starts {
        let (mut text, mut escaped) = (String::new(), false);
        for c in source[start..].chars() {
            match (c, escaped) {
                ('"', false) => break,
                ('\\', false) => escaped = true,
                (c, _) => {
                    escaped = false;
                    text.push(c);
                }
            }
        }
        found.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    found
}

/// Whether a step of a plan reads what grows for ever.
fn reads_everything(step: &str) -> bool {
    let names = |index: &str| step.contains(&format!("INDEX {index} "));
    let by_tenant_alone = step.contains("(tenant_id=?)") && HISTORY.iter().any(|index| names(index));
    let ends_with = |index: &str| step.ends_with(&format!("INDEX {index}"));
    let whole = step.starts_with("SCAN ") && step != "SCAN CONSTANT ROW" && !SHORT.iter().any(|index| ends_with(index));
    by_tenant_alone || whole
}

#[tokio::test]
async fn no_statement_looks_at_the_whole_history() {
    let database = migrated(Engine::Sqlite).await;
    let mut connection = SqliteConnection::connect(database.url().expose_secret()).await.expect("a connection");
    let mut wrong = Vec::new();
    for (path, statement) in all() {
        let plan = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let plan = sqlx::query(plan).fetch_all(&mut connection).await;
        let plan = plan.unwrap_or_else(|error| panic!("{path}: {statement}: {error}"));
        if MAY.iter().any(|(begin, _why)| statement.starts_with(begin)) {
            continue;
        }
        let steps: Vec<String> = plan.iter().map(|step| step.get("detail")).collect();
        if steps.iter().any(|step| reads_everything(step)) {
            wrong.push(format!("{path}: {statement}\n    {}", steps.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    drop(connection);
    database.remove().await;
}

#[tokio::test]
async fn postgresql_understands_every_statement() {
    let database = migrated(Engine::Postgres).await;
    let mut connection = PgConnection::connect(database.url().expose_secret()).await.expect("a connection");
    let mut wrong = Vec::new();
    for (path, statement) in all() {
        let asked = AssertSqlSafe(statement.clone()).into_sql_str();
        if let Err(error) = connection.prepare(asked).await {
            wrong.push(format!("{path}: {statement}\n    {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    drop(connection);
    database.remove().await;
}

/// The store reads numbers of 64 bits only. PostgreSQL tells them from shorter ones, and SQLite does not.
#[tokio::test]
async fn the_tables_are_the_same_in_both_and_their_numbers_have_64_bits() {
    let (sqlite, postgres) = (migrated(Engine::Sqlite).await, migrated(Engine::Postgres).await);
    let mut connection = SqliteConnection::connect(sqlite.url().expose_secret()).await.expect("a connection");
    let rows = sqlx::query(
        "SELECT t.name || '.' || c.name AS name, c.type AS type FROM sqlite_schema t, pragma_table_info(t.name) c
          WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY name",
    );
    let in_sqlite = columns(&rows.fetch_all(&mut connection).await.expect("SQLite answers"));
    let mut connection = PgConnection::connect(postgres.url().expose_secret()).await.expect("a connection");
    let rows = sqlx::query(
        "SELECT table_name || '.' || column_name AS name, data_type AS type FROM information_schema.columns
          WHERE table_schema = 'public'",
    );
    let in_postgres = columns(&rows.fetch_all(&mut connection).await.expect("PostgreSQL answers"));
    // SQLite knows no truth values.
    let same = |name: &str, kind: &str| match (name, kind) {
        ("links.guest", "INTEGER") => "boolean",
        (_, "INTEGER") => "bigint",
        _ => "text",
    };
    let expected = in_sqlite.into_iter().map(|(name, kind)| (name.clone(), same(&name, &kind).to_owned()));
    let expected: BTreeMap<_, _> = expected.collect();
    assert!(expected.len() > 100, "{} columns", expected.len());
    let differ = |(name, kind): &(&String, &String)| expected.get(*name) != Some(*kind);
    let wrong: Vec<_> = in_postgres.iter().filter(differ).collect();
    let missing: Vec<_> = expected.keys().filter(|name| !in_postgres.contains_key(*name)).collect();
    assert!(
        wrong.is_empty() && missing.is_empty(),
        "only there or otherwise in PostgreSQL: {wrong:?}; not there: {missing:?}"
    );
    drop(connection);
    sqlite.remove().await;
    postgres.remove().await;
}

/// Columns by their tables' and their own names, with their types; sqlx's own table is left out.
fn columns<R: Row>(rows: &[R]) -> BTreeMap<String, String>
where
    for<'a> &'a str: sqlx::ColumnIndex<R>,
    for<'a> String: sqlx::Decode<'a, R::Database> + sqlx::Type<R::Database>,
{
    let columns = rows.iter().map(|row| (row.get::<String, _>("name"), row.get::<String, _>("type")));
    columns.filter(|(name, _)| !name.starts_with("_sqlx")).collect()
}

/// A database with the store's tables in it.
async fn migrated(engine: Engine) -> Database {
    let database = Database::new(engine).await;
    let store = Store::open(database.url(), TenantId(uuid::Uuid::from_u128(1))).await.expect("the store opens");
    store.close().await;
    database
}

/// Every statement of the store, with its file.
fn all() -> Vec<(String, String)> {
    let ours = files("src/store").into_iter().filter(|path| !OTHERS.contains(&path.as_str()));
    let all: Vec<_> = ours
        .flat_map(|path| {
            let statements = statements(&text(&path).unwrap_or_default());
            statements.into_iter().map(move |statement| (path.clone(), statement))
        })
        .collect();
    assert!(all.len() > 100, "{} statements found", all.len());
    all
}
