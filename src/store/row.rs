//! A row of either engine with typed columns, and what times and JSON look like in them.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Decode, Postgres, Row as _, Sqlite, Type};

use super::Error;

/// A row.
pub(super) enum Row {
    /// Of SQLite.
    Sqlite(SqliteRow),
    /// Of PostgreSQL.
    Postgres(PgRow),
}

impl Row {
    fn get<T>(&self, column: &str) -> Result<T, Error>
    where
        T: for<'a> Decode<'a, Sqlite> + Type<Sqlite> + for<'a> Decode<'a, Postgres> + Type<Postgres>,
        for<'a> &'a str: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(super) fn text(&self, column: &str) -> Result<String, Error> {
        self.get(column)
    }

    pub(super) fn optional_text(&self, column: &str) -> Result<Option<String>, Error> {
        self.get(column)
    }

    pub(super) fn integer(&self, column: &str) -> Result<i64, Error> {
        self.get(column)
    }

    pub(super) fn optional_integer(&self, column: &str) -> Result<Option<i64>, Error> {
        self.get(column)
    }

    pub(super) fn flag(&self, column: &str) -> Result<bool, Error> {
        self.get(column)
    }

    /// A number that is never negative and never large.
    pub(super) fn count(&self, column: &'static str) -> Result<u32, Error> {
        u32::try_from(self.integer(column)?).map_err(|error| Error::row(column, error))
    }

    pub(super) fn parsed<T: std::str::FromStr<Err: ToString>>(&self, column: &'static str) -> Result<T, Error> {
        self.text(column)?.parse().map_err(|error: T::Err| Error::row(column, error.to_string()))
    }

    pub(super) fn at(&self, column: &str) -> Result<Timestamp, Error> {
        time(self.get(column)?)
    }

    pub(super) fn optional_at(&self, column: &str) -> Result<Option<Timestamp>, Error> {
        self.get::<Option<i64>>(column)?.map(time).transpose()
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Error> {
        serde_json::from_str(&self.text(column)?).map_err(|error| Error::row(column, error))
    }
}

pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

fn time(millis: i64) -> Result<Timestamp, Error> {
    Timestamp::from_millisecond(millis).map_err(|error| Error::row("time", error))
}

pub(super) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("stored values have string keys and no failing serialiser")
}
