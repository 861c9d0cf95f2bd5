//! What can go wrong with the store.

/// A store operation that did not happen: nothing of it was recorded, unless it is [`Error::Uncertain`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not one that this program can use.
    #[error("store.url: {0}")]
    Address(String),
    /// The database could not be reached, or refused.
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
    /// It did not answer in time.
    #[error("the database did not answer in time")]
    NoAnswer,
    /// A commit was sent, and the database did not say whether it took place.
    #[error("it is not known whether the database recorded it")]
    Uncertain,
    /// The schema could not be brought up to date.
    #[error("the database's schema could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row that this version cannot read.
    #[error("a stored {what} cannot be read: {why}")]
    Row {
        /// What it is.
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// The audit was sealed with another key.
    #[error(
        "audit.key is not the key that this database's audit was sealed with; put that one back, or change it with `audit rekey`"
    )]
    ChainKey,
    /// Somebody else holds the work by now; what was done in between does not count.
    #[error("the lease was lost")]
    LeaseLost,
}

impl Error {
    /// Whether it lies in the row that was worked on: the same work would fail again, and other work would not.
    pub fn is_of_the_row(&self) -> bool {
        match self {
            Self::Row { .. } => true,
            Self::Database(error) => match error {
                sqlx::Error::Database(said) => !matches!(said.kind(), sqlx::error::ErrorKind::Other),
                sqlx::Error::RowNotFound | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => true,
                _ => false,
            },
            _ => false,
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers pass errors and literals alike")]
    pub(crate) fn row(what: &'static str, why: impl ToString) -> Self {
        Self::Row { what, why: why.to_string() }
    }
}
