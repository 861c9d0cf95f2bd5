//! Where accounts are kept: in this process, or where several processes share them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::account::Account;
use crate::clock::Clock;

/// An account as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// `None`: nobody opened it yet.
    pub account: Option<Account>,
    /// Grows with every change.
    pub version: i64,
    /// What the ledger's clock shows, in microseconds.
    pub now: i64,
}

/// The ledger does not answer. Without it nobody knows what others sent, so nothing is sent.
#[derive(Clone, Debug)]
pub struct LedgerAway(pub String);

impl fmt::Display for LedgerAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LedgerAway {}

/// Keeps accounts by name, and has a clock that all who use it go by.
#[async_trait]
pub trait Ledger: fmt::Debug + Send + Sync {
    /// The account of this name.
    async fn look(&self, name: &'static str) -> Result<Entry, LedgerAway>;

    /// Writes it, if nobody did since `version`. `false`: somebody did.
    async fn replace(&self, name: &'static str, version: i64, account: Account) -> Result<bool, LedgerAway>;
}

/// A ledger of this process alone.
#[derive(Debug)]
pub struct Memory {
    clock: Clock,
    accounts: Mutex<HashMap<&'static str, (i64, Account)>>,
}

impl Memory {
    /// An empty one.
    pub fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), accounts: Mutex::default() }
    }
}

#[async_trait]
impl Ledger for Memory {
    async fn look(&self, name: &'static str) -> Result<Entry, LedgerAway> {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let (version, account) = accounts.get(name).map_or((0, None), |(version, account)| (*version, Some(*account)));
        let now = i64::try_from(self.clock.steady().as_micros()).unwrap_or(i64::MAX);
        Ok(Entry { account, version, now })
    }

    async fn replace(&self, name: &'static str, version: i64, account: Account) -> Result<bool, LedgerAway> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = accounts.get(name).map_or(0, |(version, _)| *version);
        if known == version {
            accounts.insert(name, (version + 1, account));
        }
        Ok(known == version)
    }
}
