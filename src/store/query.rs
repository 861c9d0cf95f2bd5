//! A statement with its values, the same for both engines.
//!
//! The text is SQL that both understand, and names its columns: a `*` would break when a newer version adds one while we run.
//! What only PostgreSQL needs stands in a comment that begins with `/*postgres`.

use super::Error;
use super::engine::On;
use super::row::Row;
use crate::crash_points::Trail;

/// A statement that only waits for a connection.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
}

/// A value of a statement. Nothing else is stored: times are milliseconds, ids and JSON are text.
#[derive(Debug)]
pub(super) enum Value {
    /// Text, or NULL.
    Text(Option<String>),
    /// A whole number, or NULL.
    Integer(Option<i64>),
    /// Yes or no.
    Flag(bool),
}

/// A statement. Its text is part of the program, so nothing from outside can get into it.
pub(super) fn query(sql: &'static str) -> Query {
    Query { sql, values: Vec::new() }
}

impl Query {
    /// The next value: `$1`, `$2`, …
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it; how many rows it changed.
    pub(super) async fn execute(self, on: impl Into<On<'_>>) -> Result<u64, Error> {
        match on.into() {
            On::Pool(pool) => alone(self.sql, pool.0.execute(self)).await,
            On::Tx(tx) => {
                tx.2.saw(self.sql);
                tx.0.execute(self).await
            }
        }
    }

    /// Runs it; its rows.
    pub(super) async fn fetch_all(self, on: impl Into<On<'_>>) -> Result<Vec<Row>, Error> {
        match on.into() {
            On::Pool(pool) => alone(self.sql, pool.0.rows(self)).await,
            On::Tx(tx) => {
                tx.2.saw(self.sql);
                tx.0.rows(self).await
            }
        }
    }

    /// Runs it; its first row, if there is one.
    pub(super) async fn fetch_optional(self, on: impl Into<On<'_>>) -> Result<Option<Row>, Error> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    /// Runs it; its first row, which must be there.
    pub(super) async fn fetch_one(self, on: impl Into<On<'_>>) -> Result<Row, Error> {
        self.fetch_optional(on).await?.ok_or(Error::Database(sqlx::Error::RowNotFound))
    }
}

/// Runs a statement that is its own transaction.
async fn alone<T>(sql: &str, running: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let mut trail = Trail::default();
    trail.saw(sql);
    trail.before();
    let done = running.await?;
    trail.after();
    Ok(done)
}

macro_rules! values {
    ($($from:ty => |$name:ident| $value:expr),+ $(,)?) => {$(
        impl From<$from> for Value {
            fn from($name: $from) -> Self {
                $value
            }
        }
    )+};
}

values! {
    String => |text| Self::Text(Some(text)),
    &String => |text| Self::Text(Some(text.clone())),
    &str => |text| Self::Text(Some(text.to_owned())),
    Option<String> => |text| Self::Text(text),
    &Option<String> => |text| Self::Text(text.clone()),
    Option<&str> => |text| Self::Text(text.map(str::to_owned)),
    i64 => |number| Self::Integer(Some(number)),
    Option<i64> => |number| Self::Integer(number),
    u32 => |number| Self::Integer(Some(number.into())),
    bool => |flag| Self::Flag(flag),
}
