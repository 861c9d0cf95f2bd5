//! SQLite: one file, one process, and no server to look after.
//!
//! It writes one at a time, and whoever finds it writing sleeps and looks again, longer each time. So all writers stand in line for one
//! connection, which goes to the next at once; reads have connections of their own and wait for nobody. Of the work that no person waits
//! for only one writer at a time stands in that line, so a click waits for one of them at the most.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Executor, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::engine::{Engine, Listen, Writing};
use super::query::{Query, Value};
use super::row::Row;
use super::{Error, commits};

/// Connections that read.
const READERS: u32 = 3;

/// How long a write waits for another one: of this process in line, of another one in SQLite.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Between two tries to open a file that somebody else is opening.
const BUSY_AGAIN: Duration = Duration::from_millis(50);

/// The code of `SQLITE_BUSY`.
const BUSY: &str = "5";

/// Takes the lock at once: a read that turns into a write could not wait for it.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// The database.
#[derive(Debug)]
pub(super) struct File {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Who may stand in line though nobody waits for their work.
    patient: Arc<Semaphore>,
}

/// A place in the line of those who write.
type InLine = Option<OwnedSemaphorePermit>;

impl File {
    /// A `SELECT` of the store's never writes, and anything else may.
    fn reads(query: &Query) -> bool {
        query.sql.starts_with("SELECT")
    }

    /// Waits until it may stand in line; the place is given up after the write.
    async fn in_line(&self) -> Result<InLine, Error> {
        if commits::is_watched() {
            return Ok(None);
        }
        let place = tokio::time::timeout(BUSY_TIMEOUT, Arc::clone(&self.patient).acquire_owned()).await;
        place.ok().and_then(Result::ok).map(Some).ok_or(Error::NoAnswer)
    }
}

/// A transaction, and its place in line until its end.
struct Write {
    tx: Transaction<'static, Sqlite>,
    _place: InLine,
}

/// Opens (or creates) the file behind `url` and brings its schema up to date.
pub(super) async fn open(url: &str) -> Result<File, Error> {
    let path = url.strip_prefix("sqlite://").unwrap_or(url);
    if let Some(folder) = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|error| Error::Address(format!("cannot create {}: {error}", folder.display())))?;
    }
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A confirmed Yes must survive a power cut, not only a crash.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    let writer = connect(&options, 1).await?;
    // sqlx takes no lock here, so all migrations are one write: a second process waits, and finds them done.
    let mut tx = writer.begin_with(BEGIN).await?;
    // `run` would say the same, but its future cannot be sent between threads from here.
    sqlx::migrate!("src/store/migrations/sqlite").run_direct(None, &mut *tx, false).await?;
    tx.commit().await?;
    let readers = connect(&options, READERS).await?;
    Ok(File { writer, readers, patient: Arc::new(Semaphore::new(1)) })
}

/// The file behind `url`, where there is none. What else may be wrong with it, opening it says.
pub(super) fn missing_file(url: &str) -> Option<PathBuf> {
    let options = SqliteConnectOptions::from_str(url).ok()?;
    let file = options.get_filename();
    let is_missing = std::fs::metadata(file).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    is_missing.then(|| file.to_owned())
}

/// Turning a new file into one with a log does not wait for another process that does the same, so it is tried again.
async fn connect(options: &SqliteConnectOptions, connections: u32) -> Result<SqlitePool, Error> {
    let mut tries = BUSY_TIMEOUT.as_millis() / BUSY_AGAIN.as_millis();
    loop {
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(BUSY_TIMEOUT)
            .after_release(|connection, _about| Box::pin(is_clean(connection)));
        match pool.connect_with(options.clone()).await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(BUSY) && tries > 0 => {
                tries -= 1;
                tokio::time::sleep(BUSY_AGAIN).await;
            }
            other => return Ok(other?),
        }
    }
}

/// Whether a connection may be used again. When a commit or a statement meets a full or failing disk, SQLite itself rolls the transaction
/// back (<https://www.sqlite.org/lang_transaction.html>), the driver's own rollback fails, and it counts the transaction as open for ever:
/// no other could begin on that connection.
async fn is_clean(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // The rollback of a dropped transaction may still stand in line there.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

fn prepared(query: Query) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
    query.values.into_iter().fold(sqlx::query(query.sql), |statement, value| match value {
        Value::Text(text) => statement.bind(text),
        Value::Integer(number) => statement.bind(number),
        Value::Flag(flag) => statement.bind(flag),
    })
}

async fn execute<'e>(on: impl Executor<'e, Database = Sqlite>, query: Query) -> Result<u64, Error> {
    Ok(prepared(query).execute(on).await?.rows_affected())
}

async fn rows<'e>(on: impl Executor<'e, Database = Sqlite>, query: Query) -> Result<Vec<Row>, Error> {
    Ok(prepared(query).fetch_all(on).await?.into_iter().map(Row::Sqlite).collect())
}

#[async_trait]
impl Engine for File {
    async fn execute(&self, query: Query) -> Result<u64, Error> {
        if Self::reads(&query) {
            return execute(&self.readers, query).await;
        }
        let _place = self.in_line().await?;
        execute(&self.writer, query).await
    }

    async fn rows(&self, query: Query) -> Result<Vec<Row>, Error> {
        if Self::reads(&query) {
            return rows(&self.readers, query).await;
        }
        let _place = self.in_line().await?;
        rows(&self.writer, query).await
    }

    async fn begin(&self) -> Result<Box<dyn Writing>, Error> {
        let place = self.in_line().await?;
        Ok(Box::new(Write { tx: self.writer.begin_with(BEGIN).await?, _place: place }))
    }

    fn is_ours_alone(&self) -> bool {
        true
    }

    async fn listen(&self) -> Result<Option<Box<dyn Listen>>, Error> {
        Ok(None)
    }

    async fn close(&self) {
        // The last connection of all cleans up after the log, so one that may write.
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[async_trait]
impl Writing for Write {
    async fn execute(&mut self, query: Query) -> Result<u64, Error> {
        execute(&mut *self.tx, query).await
    }

    async fn rows(&mut self, query: Query) -> Result<Vec<Row>, Error> {
        rows(&mut *self.tx, query).await
    }

    async fn commit(self: Box<Self>) -> Result<(), Error> {
        Ok(self.tx.commit().await?)
    }

    async fn rollback(self: Box<Self>) -> Result<(), Error> {
        Ok(self.tx.rollback().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::query::query;

    async fn written(file: &File, key: &'static str, value: &str) -> Result<u64, Error> {
        let mut tx = file.begin().await?;
        let insert = query("INSERT INTO meta (tenant_id, key, value) VALUES ('t', $1, $2)").bind(key).bind(value);
        let count = tx.execute(insert).await?;
        tx.commit().await?;
        Ok(count)
    }

    #[tokio::test]
    async fn a_database_that_was_full_takes_writes_again_once_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let file = open(&format!("sqlite://{}", folder.path().join("full.db").display())).await.unwrap();
        // No more pages than it has; that holds for the one connection that writes.
        file.execute(query("PRAGMA max_page_count = 1")).await.unwrap();
        let large = "x".repeat(100_000);
        for _twice in 0..2 {
            let full = written(&file, "large", &large).await.unwrap_err();
            assert!(full.to_string().contains("full"), "{full}");
            file.execute(query("PRAGMA max_page_count = 1")).await.unwrap();
        }
        file.execute(query("PRAGMA max_page_count = 1000000")).await.unwrap();
        assert_eq!(written(&file, "large", &large).await.unwrap(), 1, "nothing of the first ones is there");
        file.close().await;
    }
}
