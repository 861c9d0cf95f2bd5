//! The SQLite database: opening it, and the small conversions that every statement needs.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous};
use sqlx::{Row as _, Sqlite, SqlitePool, Transaction};

use super::Error;
use crate::intune::TenantId;

/// Connections held. SQLite writes one at a time; the others read.
const CONNECTIONS: u32 = 4;

/// How long a write waits for another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The store. Cloning gives another handle to the same database.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) pool: SqlitePool,
    pub(super) tenant: String,
}

pub(super) type Tx<'a> = Transaction<'a, Sqlite>;

impl Store {
    /// Opens (or creates) the database of `url` and brings its schema up to date.
    pub async fn open(url: &SecretString, tenant: TenantId) -> Result<Self, Error> {
        let url = url.expose_secret();
        let Some(path) = url.strip_prefix("sqlite://") else {
            return Err(Error::Address("write sqlite://PATH".to_owned()));
        };
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
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await?;
        sqlx::migrate!("src/store/migrations/sqlite").run(&pool).await?;
        Ok(Self { pool, tenant: tenant.to_string() })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes it after the last statement.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A write. It takes the lock at once: a read that turns into a write could not wait for it.
    pub(super) async fn begin(&self) -> Result<Tx<'static>, Error> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// A remembered value.
    pub async fn meta(&self, key: &str) -> Result<Option<String>, Error> {
        let row = sqlx::query("SELECT value FROM meta WHERE tenant_id = $1 AND key = $2")
            .bind(&self.tenant)
            .bind(key)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get("value")).transpose()?)
    }

    /// Remembers a value.
    pub async fn set_meta(&self, key: &str, value: &str) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO meta (tenant_id, key, value) VALUES ($1, $2, $3)
             ON CONFLICT (tenant_id, key) DO UPDATE SET value = excluded.value",
        )
        .bind(&self.tenant)
        .bind(key)
        .bind(value)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

pub(super) fn time(millis: i64) -> Result<Timestamp, Error> {
    Timestamp::from_millisecond(millis).map_err(|error| Error::row("time", error))
}

pub(super) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("stored values have string keys and no failing serialiser")
}

/// Typed columns of a row.
pub(super) trait Columns {
    fn text(&self, column: &str) -> Result<String, Error>;
    fn parsed<T: std::str::FromStr<Err: ToString>>(&self, column: &'static str) -> Result<T, Error>;
    fn optional_text(&self, column: &str) -> Result<Option<String>, Error>;
    fn at(&self, column: &str) -> Result<Timestamp, Error>;
    fn optional_at(&self, column: &str) -> Result<Option<Timestamp>, Error>;
    fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Error>;
}

impl Columns for SqliteRow {
    fn text(&self, column: &str) -> Result<String, Error> {
        Ok(self.try_get(column)?)
    }

    fn parsed<T: std::str::FromStr<Err: ToString>>(&self, column: &'static str) -> Result<T, Error> {
        self.text(column)?.parse().map_err(|error: T::Err| Error::row(column, error.to_string()))
    }

    fn optional_text(&self, column: &str) -> Result<Option<String>, Error> {
        Ok(self.try_get(column)?)
    }

    fn at(&self, column: &str) -> Result<Timestamp, Error> {
        time(self.try_get(column)?)
    }

    fn optional_at(&self, column: &str) -> Result<Option<Timestamp>, Error> {
        self.try_get::<Option<i64>, _>(column)?.map(time).transpose()
    }

    fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Error> {
        serde_json::from_str(&self.text(column)?).map_err(|error| Error::row(column, error))
    }
}
