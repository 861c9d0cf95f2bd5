//! What the store asks of a database: a trait, which the modules of the two engines fulfil.
//!
//! Whoever writes holds the engine's one writing lock from the beginning of the transaction to its commit. So what is read in it
//! stays true until its end, transactions cannot wait for each other in a circle, and the audit's order is that of the commits.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::audit_chain::ChainKey;
use super::query::Query;
use super::row::Row;
use super::{Error, commits};
use crate::crash_points::Trail;

/// A database.
#[async_trait]
pub(super) trait Engine: fmt::Debug + Send + Sync {
    /// Runs one statement by itself; how many rows it changed.
    async fn execute(&self, query: Query) -> Result<u64, Error>;

    /// Runs one statement by itself; its rows.
    async fn rows(&self, query: Query) -> Result<Vec<Row>, Error>;

    /// Begins to write, when it is our turn.
    async fn begin(&self) -> Result<Box<dyn Writing>, Error>;

    /// Whether this process alone uses the database, so that nobody can hold the leases of an earlier start.
    fn is_ours_alone(&self) -> bool;

    /// Word of what other processes commit, where there can be others.
    async fn listen(&self) -> Result<Option<Box<dyn Listen>>, Error>;

    /// Closes it after the last statement.
    async fn close(&self);
}

/// A transaction that writes. Dropped without a commit, nothing of it was.
#[async_trait]
pub(super) trait Writing: Send {
    /// Runs one statement; how many rows it changed.
    async fn execute(&mut self, query: Query) -> Result<u64, Error>;

    /// Runs one statement; its rows.
    async fn rows(&mut self, query: Query) -> Result<Vec<Row>, Error>;

    /// Makes it count.
    async fn commit(self: Box<Self>) -> Result<(), Error>;

    /// Undoes it.
    async fn rollback(self: Box<Self>) -> Result<(), Error>;
}

/// Word of what others commit.
#[async_trait]
pub(super) trait Listen: Send {
    /// Completes when another process committed something that makes work due, or may have.
    async fn heard(&mut self) -> Result<(), Error>;
}

/// The engine in use.
#[derive(Clone, Debug)]
pub(super) struct Pool(pub(super) Arc<dyn Engine>);

/// A transaction of it, with what its audit rows are sealed with, and what it did so far.
pub(super) struct Tx(pub(super) Box<dyn Writing>, pub(super) ChainKey, pub(super) Trail);

impl Tx {
    /// Makes it count.
    pub(super) async fn commit(self) -> Result<(), Error> {
        commits::begin();
        self.2.before();
        self.0.commit().await.map_err(commits::failed)?;
        self.2.after();
        Ok(())
    }

    /// Undoes it.
    pub(super) async fn rollback(self) -> Result<(), Error> {
        self.0.rollback().await
    }
}

/// What a statement runs on: any connection, or a transaction.
pub(super) enum On<'a> {
    /// Any connection.
    Pool(&'a Pool),
    /// A transaction.
    Tx(&'a mut Tx),
}

impl<'a> From<&'a Pool> for On<'a> {
    fn from(pool: &'a Pool) -> Self {
        Self::Pool(pool)
    }
}

impl<'a> From<&'a mut Tx> for On<'a> {
    fn from(tx: &'a mut Tx) -> Self {
        Self::Tx(tx)
    }
}
