//! A person waits, so their writes are given up when the database takes too long. What is given up in the middle disturbs no other.
#![expect(clippy::disallowed_methods, reason = "a database lives in real time")]

mod engines;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engines::{Database, Engine};
use intune_sync_bot::chat::InteractionId;
use intune_sync_bot::intune::TenantId;
use intune_sync_bot::store::{AuditRow, Event, Store};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::RwLock;
use url::Url;

/// Where a server listens in its folder.
const SOCKET: &str = ".s.PGSQL.5432";

/// What begins a transaction.
const BEGIN: &[u8] = b"BEGIN";

/// Long enough to be in the middle.
const A_MOMENT: Duration = Duration::from_millis(300);

fn tenant() -> TenantId {
    TenantId(uuid::Uuid::from_u128(1))
}

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().expect("a time")
}

async fn open(url: &SecretString) -> Store {
    Store::open(url, tenant()).await.expect("the store opens")
}

/// A write of several statements that waits for the database, and is dropped.
async fn given_up(store: &Store) {
    let row = AuditRow::new(Event::Refused);
    let written = tokio::time::timeout(A_MOMENT, store.audit(now(), &row)).await;
    assert!(written.is_err(), "it was not held up: {written:?}");
}

/// Each kind of write, often enough to meet every connection; another process sees them all.
async fn writes_count(store: &Store, url: &SecretString) {
    let other = open(url).await;
    for number in 1..=5 {
        let id = InteractionId(number);
        assert!(store.claim_interaction(now(), id).await.expect("the store answers"));
        let seen = tokio::time::timeout(Duration::from_secs(5), other.claim_interaction(now(), id)).await;
        assert!(matches!(seen, Ok(Ok(false))), "what was written is not there: {seen:?}");
    }
    for _number in 1..=5 {
        store.audit(now(), &AuditRow::new(Event::Refused)).await.expect("the store answers");
    }
    let rows = other.audit_trail().await.expect("the store answers");
    assert_eq!(rows.len(), 5, "of what was given up there is nothing");
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_given_up_while_it_begins_disturbs_no_other_on_sqlite() {
    let database = Database::new(Engine::Sqlite).await;
    let store = open(database.url()).await;
    let mut other = SqliteConnection::connect(database.url().expose_secret()).await.expect("the same file");
    other.execute("BEGIN IMMEDIATE").await.expect("the file is ours");
    given_up(&store).await;
    other.execute("ROLLBACK").await.expect("and is given back");
    other.close().await.expect("it closes");
    writes_count(&store, database.url()).await;
    store.close().await;
    database.remove().await;
}

/// A way to a server on which no transaction begins while somebody holds it.
struct Way {
    url: SecretString,
    open: Arc<RwLock<()>>,
    _folder: TempDir,
}

impl Way {
    fn to(server: &SecretString) -> Self {
        let mut url: Url = server.expose_secret().parse().expect("an address");
        let there = url.query_pairs().find(|(key, _)| key == "host").expect("a folder").1.into_owned();
        let folder = TempDir::new().expect("a folder");
        let listener = UnixListener::bind(folder.path().join(SOCKET)).expect("a socket");
        url.query_pairs_mut().clear().append_pair("host", folder.path().to_str().expect("a plain path"));
        let open = Arc::new(RwLock::new(()));
        let held = Arc::clone(&open);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = UnixStream::connect(Path::new(&there).join(SOCKET)).await.expect("the server is there");
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::spawn(carry(near_in, far_out, Arc::clone(&held)));
                tokio::spawn(carry(far_in, near_out, Arc::default()));
            }
        });
        Self { url: SecretString::from(url.to_string()), open, _folder: folder }
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, open: Arc<RwLock<()>>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        // What goes before it, as the driver's look whether the connection lives, is let through.
        if bytes[..count].windows(BEGIN.len()).any(|window| window == BEGIN) {
            drop(open.read().await);
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_given_up_while_it_begins_disturbs_no_other_on_postgresql() {
    let database = Database::new(Engine::Postgres).await;
    let way = Way::to(database.url());
    let store = open(&way.url).await;
    store.ping().await.expect("the store answers");
    let held = way.open.write().await;
    given_up(&store).await;
    drop(held);
    tokio::time::sleep(A_MOMENT).await;
    writes_count(&store, database.url()).await;
    store.close().await;
    database.remove().await;
}
