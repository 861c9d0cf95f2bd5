//! No statement of the store looks at the whole history: what SQLite says that it would do for each of them.
//!
//! SQLite takes the index of which it can use the most columns, and knows nothing of how many rows it finds there. So an index that
//! begins with the tenant alone draws statements to it that meant another one, and then each of them reads every row there ever was.

mod repo;

use intune_sync_bot::intune::TenantId;
use intune_sync_bot::store::Store;
use repo::{files, text};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use tempfile::TempDir;

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
    let folder = TempDir::new().expect("a folder");
    let url = SecretString::from(format!("sqlite://{}", folder.path().join("bot.db").display()));
    let store = Store::open(&url, TenantId(uuid::Uuid::from_u128(1))).await.expect("the store opens");
    let mut connection = SqliteConnection::connect(url.expose_secret()).await.expect("a connection");
    let (mut asked, mut wrong) = (0, Vec::new());
    for path in files("src/store") {
        if OTHERS.contains(&path.as_str()) {
            continue;
        }
        for statement in statements(&text(&path).unwrap_or_default()) {
            asked += 1;
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
    }
    assert!(asked > 100, "{asked} statements found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    store.close().await;
}
