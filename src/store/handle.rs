//! The handle that every room holds, and how it finds its engine.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::engine::{Listen, Pool, Tx};
use super::leases::Owner;
use super::query::query;
use super::{Error, postgres, sqlite};
use crate::intune::TenantId;

/// The store. Cloning gives another handle to the same database.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) engine: Pool,
    pub(super) tenant: String,
    pub(super) owner: Owner,
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
        let engine = if url.starts_with("sqlite://") {
            Pool(Arc::new(sqlite::open(url).await?))
        } else if ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            Pool(Arc::new(postgres::open(url, tenant, &owner).await?))
        } else {
            return Err(Error::Address("write sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned()));
        };
        Ok(Self { engine, tenant: tenant.to_string(), owner })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        query("SELECT 1").execute(&self.engine).await?;
        Ok(())
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
        self.engine.0.begin().await
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
        query(
            "INSERT INTO meta (tenant_id, key, value) VALUES ($1, $2, $3)
             ON CONFLICT (tenant_id, key) DO UPDATE SET value = excluded.value",
        )
        .bind(&self.tenant)
        .bind(key)
        .bind(value)
        .execute(&self.engine)
        .await?;
        Ok(())
    }
}
