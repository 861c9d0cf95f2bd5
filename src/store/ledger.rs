//! The ledger of the budget that several processes share: one row for each rate, on the database's clock.

use async_trait::async_trait;

use super::query::query;
use super::row::Row;
use super::{Error, Store};
use crate::budget::{Account, Entry, Ledger, LedgerAway};

impl From<Error> for LedgerAway {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

#[async_trait]
impl Ledger for Store {
    async fn look(&self, name: &'static str) -> Result<Entry, LedgerAway> {
        Ok(self.account(name).await?)
    }

    async fn replace(&self, name: &'static str, version: i64, account: Account) -> Result<bool, LedgerAway> {
        Ok(self.replace_account(name, version, account).await?)
    }
}

impl Store {
    async fn account(&self, name: &str) -> Result<Entry, Error> {
        let rows = query(
            "SELECT next_at, paused_until, share, share_at, cut_at, version,
                    CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS now
             FROM (SELECT 1) AS always
             LEFT JOIN graph_budgets ON tenant_id = $1 AND name = $2",
        );
        let row = rows.bind(&self.tenant).bind(name).fetch_one(&self.engine).await?;
        let now = match &self.hand_moved {
            Some(clock) => i64::try_from(clock.steady().as_micros()).unwrap_or(i64::MAX),
            None => row.integer("now")?,
        };
        let version = row.optional_integer("version")?;
        let account = version.map(|_| read(&row)).transpose()?;
        Ok(Entry { account, version: version.unwrap_or(0), now })
    }

    async fn replace_account(&self, name: &str, version: i64, account: Account) -> Result<bool, Error> {
        // A single statement: it takes no turn among the writers, and only one of two that read the same version gets through.
        let statement = if version == 0 {
            "INSERT INTO graph_budgets (tenant_id, name, next_at, paused_until, share, share_at, cut_at, version)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8 + 1) ON CONFLICT (tenant_id, name) DO NOTHING"
        } else {
            "UPDATE graph_budgets SET next_at = $3, paused_until = $4, share = $5, share_at = $6, cut_at = $7, version = $8 + 1
             WHERE tenant_id = $1 AND name = $2 AND version = $8"
        };
        let written = query(statement)
            .bind(&self.tenant)
            .bind(name)
            .bind(account.next_at)
            .bind(account.paused_until)
            .bind(account.share)
            .bind(account.share_at)
            .bind(account.cut_at)
            .bind(version)
            .execute(&self.engine)
            .await?;
        Ok(written == 1)
    }
}

fn read(row: &Row) -> Result<Account, Error> {
    Ok(Account {
        next_at: row.integer("next_at")?,
        paused_until: row.integer("paused_until")?,
        share: row.integer("share")?,
        share_at: row.integer("share_at")?,
        cut_at: row.integer("cut_at")?,
    })
}
