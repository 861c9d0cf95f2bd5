//! The audit's chain: whoever touches the rows without the key is found, in a store that people used.

use intune_sync_bot::chat::{Actor, ChannelId, ChatUserId, GuildId};
use intune_sync_bot::intune::TenantId;
use intune_sync_bot::store::{AuditRow, ChainKey, Event, Flaw, Head, Store, Verified};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::json;
use tempfile::TempDir;

/// Rows in a chain under test.
const ROWS: i64 = 12;

struct Log {
    folder: TempDir,
    store: Store,
    now: Timestamp,
}

fn key(text: &str) -> ChainKey {
    ChainKey::new(SecretString::from(text.to_owned()))
}

async fn open(folder: &TempDir) -> Store {
    let url = SecretString::from(format!("sqlite://{}", folder.path().join("audit.db").display()));
    Store::open(&url, TenantId(uuid::Uuid::from_u128(7))).await.expect("the database opens")
}

impl Log {
    async fn new(rows: i64) -> Self {
        let folder = TempDir::new().expect("a folder");
        let store = open(&folder).await.sealed_by(key("secret")).await.expect("a new database takes any key");
        let log = Self { folder, store, now: "2026-11-23T10:00:00Z".parse().expect("a time") };
        for number in 0..rows {
            log.append(number).await;
        }
        log
    }

    async fn append(&self, number: i64) {
        let actor = Actor {
            user: ChatUserId(301),
            name: "Hanna, \"the\" `Agent`".to_owned(),
            roles: Vec::new(),
            guild: GuildId(1),
            channel: ChannelId(1),
        };
        let row = AuditRow::new(Event::Read).by(&actor).detail(json!({ "number": number }));
        self.store.audit(self.now + SignedDuration::from_hours(number), &row).await.expect("the row is appended");
    }

    async fn verify(&self, heads: &[Head]) -> Verified {
        self.store.verify_audit(&key("secret"), heads).await.expect("the audit can be read")
    }

    /// What somebody does who can write the file and does not know the key.
    async fn tampers(&self, sql: &str) {
        let file = self.folder.path().join("audit.db");
        let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.expect("the file opens");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&pool).await.expect("SQL that SQLite understands");
        pool.close().await;
    }
}

#[tokio::test]
async fn an_untouched_chain_is_whole_and_its_heads_are_in_it() {
    let log = Log::new(0).await;
    assert_eq!(log.verify(&[]).await.head, None);
    let mut heads = Vec::new();
    for number in 0..ROWS {
        log.append(number).await;
        heads.push(log.store.audit_head().await.expect("readable").expect("a head"));
    }
    let found = log.verify(&heads).await;
    assert_eq!((found.rows, found.unchained, found.removed, &found.flaws[..]), (12, 0, 0, &[][..]));
    assert_eq!(found.head.as_ref(), heads.last());
}

#[tokio::test]
async fn every_way_of_touching_the_rows_is_found() {
    for (sql, flaw) in [
        ("UPDATE audit SET detail = '{\"number\":99}' WHERE position = 5", Flaw::Changed { position: 5 }),
        ("UPDATE audit SET actor_user = '999' WHERE position = 5", Flaw::Changed { position: 5 }),
        ("UPDATE audit SET at = at + 1 WHERE position = 5", Flaw::Changed { position: 5 }),
        ("UPDATE audit SET entra_user = 'x' WHERE position = 1", Flaw::Changed { position: 1 }),
        ("UPDATE audit SET seal = 'x' WHERE position = 12", Flaw::Changed { position: 12 }),
        ("DELETE FROM audit WHERE position = 5", Flaw::Missing { after: 4, before: 6 }),
        ("DELETE FROM audit WHERE position < 4", Flaw::Missing { after: 0, before: 4 }),
        (
            "UPDATE audit SET position = -5 WHERE position = 5; UPDATE audit SET position = 5 WHERE position = 6;
             UPDATE audit SET position = 6 WHERE position = -5;",
            Flaw::Missing { after: 4, before: 6 },
        ),
        (
            "INSERT INTO audit (tenant_id, at, event, detail) SELECT tenant_id, at, 'read', '{}' FROM audit WHERE position = 3",
            Flaw::Unsealed { after: 12 },
        ),
        (
            "INSERT INTO audit (tenant_id, at, event, detail, position, seal)
             SELECT tenant_id, at, event, detail, 13, seal FROM audit WHERE position = 12",
            Flaw::Changed { position: 13 },
        ),
    ] {
        let log = Log::new(ROWS).await;
        log.tampers(sql).await;
        let found = log.verify(&[]).await;
        assert_eq!(found.flaws.first(), Some(&flaw), "{sql}: {:?}", found.flaws);
    }
}

#[tokio::test]
async fn a_cut_off_end_shows_by_a_published_head() {
    let log = Log::new(ROWS).await;
    let published = log.store.audit_head().await.expect("readable").expect("a head");
    log.append(ROWS).await;
    log.tampers("DELETE FROM audit WHERE position > 7").await;
    assert!(log.verify(&[]).await.flaws.is_empty(), "the chain alone is whole");
    assert_eq!(log.verify(std::slice::from_ref(&published)).await.flaws, [Flaw::Head { position: 12 }]);
    // Nor does it help to write other rows in their place, even through the bot.
    for number in 0..6 {
        log.append(100 + number).await;
    }
    assert_eq!(log.verify(&[published]).await.flaws, [Flaw::Head { position: 12 }]);
}

#[tokio::test]
async fn retention_removes_a_beginning_and_signs_for_it() {
    let log = Log::new(ROWS).await;
    let (early, late) = (log.verify(&[]).await, log.now + SignedDuration::from_hours(5));
    assert_eq!(log.store.prune_audit(log.now, late).await.expect("prunes"), 5);
    assert_eq!(log.store.prune_audit(log.now, late).await.expect("prunes"), 0);
    let found = log.verify(&[early.head.expect("a head")]).await;
    assert_eq!((found.rows, found.removed, &found.flaws[..]), (7, 5, &[][..]));
    log.append(ROWS).await;
    assert_eq!(log.store.prune_audit(log.now, late + SignedDuration::from_hours(1)).await.expect("prunes"), 1);
    let found = log.verify(&[]).await;
    assert_eq!((found.rows, found.removed, &found.flaws[..]), (7, 6, &[][..]));
    // Everything may go, and the chain goes on.
    assert_eq!(log.store.prune_audit(log.now, log.now + SignedDuration::from_hours(900)).await.expect("prunes"), 7);
    log.append(ROWS + 1).await;
    let found = log.verify(&[]).await;
    assert_eq!(
        (found.rows, found.removed, found.head.map(|head| head.position), found.flaws.len()),
        (1, 13, Some(14), 0)
    );
    // A checkpoint that covers more than was removed is not signed.
    log.tampers("DELETE FROM audit; UPDATE audit_checkpoints SET position = 14 WHERE position = 13").await;
    assert!(matches!(log.verify(&[]).await.flaws[..], [Flaw::Checkpoint { position: 14 }]));
}

#[tokio::test]
async fn another_key_is_refused_until_the_audit_is_sealed_anew() {
    let log = Log::new(ROWS).await;
    let refused = open(&log.folder).await.sealed_by(key("other")).await.expect_err("the key is another one");
    assert!(refused.to_string().starts_with("audit.key is not the key"), "{refused}");
    let wrong = log.store.reseal_audit(log.now, &key("wrong"), &key("other")).await.expect("readable");
    assert_eq!(wrong.map_err(|flaws| flaws.len()), Err(12), "by a wrong old key every row is wrong");
    let end =
        log.store.reseal_audit(log.now, &key("secret"), &key("other")).await.expect("readable").expect("no flaws");
    assert_eq!(end.position, 13, "and a row tells of it");
    let found = log.store.verify_audit(&key("other"), &[end]).await.expect("readable");
    assert_eq!((found.rows, found.flaws.len()), (13, 0));
    open(&log.folder).await.sealed_by(key("other")).await.expect("the new key fits");
}

#[tokio::test]
async fn rows_from_before_the_chain_are_counted_and_not_vouched_for() {
    let log = Log::new(0).await;
    log.tampers(
        "INSERT INTO audit (tenant_id, at, event, detail) VALUES ('00000000-0000-0000-0000-000000000007', 0, 'read', '{}')",
    )
    .await;
    log.append(1).await;
    let found = log.verify(&[]).await;
    assert_eq!((found.rows, found.unchained, found.flaws.len()), (1, 1, 0));
}

#[tokio::test]
async fn a_backup_is_whole_while_others_write_and_overwrites_nothing() {
    let log = Log::new(ROWS).await;
    let copy = log.folder.path().join("copy.db");
    let (backup, ()) = tokio::join!(log.store.backup(&copy), async {
        for number in 0..20 {
            log.append(ROWS + number).await;
        }
    });
    backup.expect("the copy is made");
    let url = SecretString::from(format!("sqlite://{}", copy.display()));
    let restored = Store::open(&url, TenantId(uuid::Uuid::from_u128(7))).await.expect("the copy opens");
    let found = restored.verify_audit(&key("secret"), &[]).await.expect("readable");
    assert!(found.rows >= 12 && found.flaws.is_empty(), "{found:?}");
    log.store.backup(&copy).await.expect_err("a backup overwrites nothing");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_change_of_any_column_of_any_row_is_found(
        position in 1..=ROWS,
        column in prop::sample::select(vec!["at", "event", "actor_user", "actor_name", "entra_user", "request_id",
            "device_sync_id", "device_id", "detail"]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let log = Log::new(ROWS).await;
            let value = match column {
                "at" => "at + 1".to_owned(),
                "detail" => "'{\"number\":-1}'".to_owned(),
                _ => format!("COALESCE({column}, '') || 'x'"),
            };
            log.tampers(&format!("UPDATE audit SET {column} = {value} WHERE position = {position}")).await;
            assert_eq!(log.verify(&[]).await.flaws, [Flaw::Changed { position }]);
        });
    }
}
