//! The handle that every room holds, and how it finds its engine.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::audit_chain::ChainKey;
use super::engine::{Listen, On, Pool, Tx};
use super::leases::{Owed, Owner, token};
use super::query::query;
use super::{Error, postgres, sqlite};
use crate::clock::Clock;
use crate::crash_points::Trail;
use crate::intune::TenantId;
use crate::settings::Settings;

/// How the address of a SQLite database begins.
const SQLITE: &str = "sqlite://";

/// Under which the fingerprint of the chain's key is remembered.
pub(super) const CHAIN_KEY: &str = "audit_key";

/// Under which each look whether the database can be written to is remembered.
const LAST_CHECK: &str = "last_check";

/// The store. Cloning gives another handle to the same database.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) engine: Pool,
    pub(super) tenant: String,
    pub(super) owner: Owner,
    /// Where time is moved by hand, it is the database's time too.
    pub(super) hand_moved: Option<Clock>,
    /// Leases on work that the database failed.
    pub(super) owed: Owed,
    chain_key: ChainKey,
}

/// Word of what other processes commit.
pub struct Wakes(Box<dyn Listen>);

impl Wakes {
    /// Completes when another process committed something that makes work due, or may have. An error: listen anew.
    pub async fn next(&mut self) -> Result<(), Error> {
        self.0.heard().await
    }
}

impl Store {
    /// Opens the database of `url` (a file that is not there yet is made) and brings its schema up to date.
    pub async fn open(url: &SecretString, tenant: TenantId) -> Result<Self, Error> {
        let (url, owner) = (url.expose_secret(), Owner::new());
        let engine = if url.starts_with(SQLITE) {
            Pool(Arc::new(sqlite::open(url).await?))
        } else if ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            Pool(Arc::new(postgres::open(url, tenant, &owner).await?))
        } else {
            return Err(Error::Address("write sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned()));
        };
        Ok(Self {
            engine,
            tenant: tenant.to_string(),
            owner,
            hand_moved: None,
            owed: Owed::default(),
            chain_key: ChainKey::none(),
        })
    }

    /// The file of this address, where it is one of SQLite's and no file is there: [`Self::open`] would make an empty one.
    pub fn missing_file(url: &SecretString) -> Option<PathBuf> {
        let url = url.expose_secret();
        url.starts_with(SQLITE).then(|| sqlite::missing_file(url)).flatten()
    }

    /// The same store in a world whose time is moved by hand: what is timed by the database's clock goes by that one.
    #[must_use]
    pub fn timed_by(mut self, clock: &Clock) -> Self {
        self.hand_moved = clock.is_manual().then(|| clock.clone());
        self
    }

    /// The time that is moved by hand, in microseconds, if it is.
    pub(super) fn hand_moved_now(&self) -> Option<i64> {
        let steady = self.hand_moved.as_ref()?.steady();
        Some(i64::try_from(steady.as_micros()).unwrap_or(i64::MAX))
    }

    /// Whether other processes may use this database too.
    pub fn is_shared(&self) -> bool {
        !self.engine.0.is_ours_alone()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        query("SELECT 1").execute(&self.engine).await?;
        Ok(())
    }

    /// Whether the database takes what is written: it may be there and be read-only, or its disk may be full.
    pub async fn takes_writes(&self) -> Result<(), Error> {
        // Something new each time: SQLite does not write what is there already.
        self.set_meta(LAST_CHECK, &token()).await
    }

    /// Word of what other processes commit; `None` where there can be no others. Missing it costs time only: whoever waits
    /// for work looks again by itself.
    pub async fn listen(&self) -> Result<Option<Wakes>, Error> {
        Ok(self.engine.0.listen().await?.map(Wakes))
    }

    /// Closes it after the last statement.
    pub async fn close(&self) {
        self.engine.0.close().await;
    }

    /// Begins to write.
    pub(super) async fn begin(&self) -> Result<Tx, Error> {
        Ok(Tx(self.engine.0.begin().await?, self.chain_key.clone(), Trail::default()))
    }

    /// The store of these settings, with the key of its audit.
    pub async fn sealed(settings: &Settings) -> Result<Self, Error> {
        let store = Self::open(&settings.store.url, settings.entra.tenant_id).await?;
        store.sealed_by(ChainKey::new(settings.audit.key.clone())).await
    }

    /// The same store, whose audit rows are sealed with this key from now on. A database that was sealed with another one is
    /// refused: nobody could follow its chain.
    pub async fn sealed_by(mut self, key: ChainKey) -> Result<Self, Error> {
        let fingerprint = key.fingerprint(&self.tenant);
        match self.meta(CHAIN_KEY).await? {
            Some(known) if known == fingerprint => {}
            Some(_) => return Err(Error::ChainKey),
            None => self.set_meta(CHAIN_KEY, &fingerprint).await?,
        }
        self.chain_key = key;
        Ok(self)
    }

    /// Copies the whole database, as it is at this moment, into a new file. SQLite only.
    pub async fn backup(&self, file: &std::path::Path) -> Result<(), Error> {
        if !self.engine.0.is_ours_alone() {
            return Err(Error::Address("only a SQLite database is copied this way; use pg_dump".to_owned()));
        }
        let Some(path) = file.to_str() else {
            return Err(Error::Address(format!("{} is not a path that SQLite can take", file.display())));
        };
        query("VACUUM INTO $1").bind(path).execute(&self.engine).await?;
        Ok(())
    }

    /// A remembered value.
    pub async fn meta(&self, key: &str) -> Result<Option<String>, Error> {
        let row = query("SELECT value FROM meta WHERE tenant_id = $1 AND key = $2")
            .bind(&self.tenant)
            .bind(key)
            .fetch_optional(&self.engine)
            .await?;
        row.map(|row| row.text("value")).transpose()
    }

    /// Remembers a value.
    pub async fn set_meta(&self, key: &str, value: &str) -> Result<(), Error> {
        set_meta(&self.engine, &self.tenant, key, value).await
    }
}

/// Remembers a value, in a transaction that does more or by itself.
pub(super) async fn set_meta(on: impl Into<On<'_>>, tenant: &str, key: &str, value: &str) -> Result<(), Error> {
    query(
        "INSERT INTO meta (tenant_id, key, value) VALUES ($1, $2, $3)
         ON CONFLICT (tenant_id, key) DO UPDATE SET value = excluded.value",
    )
    .bind(tenant)
    .bind(key)
    .bind(value)
    .execute(on)
    .await?;
    Ok(())
}
