//! Rules that let a number of devices through by themselves, and how many they have.

use jiff::Timestamp;

use super::approvals::{RuleAsked, RuleDue};
use super::engine::{On, Tx};
use super::query::query;
use super::row::millis;
use super::{Error, RequestId, Store};

impl Store {
    /// Sorts rules into those that let so many devices through by themselves, which is noted, and those that ask. What a rule lets through
    /// counts for it also where another rule asks.
    pub(super) async fn sort_rules(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: RequestId,
        rules: &[RuleDue],
        devices: u32,
    ) -> Result<(Vec<RuleAsked>, Vec<String>), Error> {
        let (mut asked, mut allowed) = (Vec::new(), Vec::new());
        for rule in rules {
            let fits = match rule.allowance {
                None => false,
                Some((most, since)) => {
                    let used = self.allowance_used(&mut *tx, &rule.asked.name, since).await?;
                    used.saturating_add(devices) <= most
                }
            };
            if fits { allowed.push(rule.asked.name.clone()) } else { asked.push(rule.asked.clone()) }
        }
        self.note_allowances(tx, now, id, &allowed, devices).await?;
        Ok((asked, allowed))
    }

    /// How many devices a rule has let through by itself since then.
    pub async fn allowance(&self, rule: &str, since: Timestamp) -> Result<u32, Error> {
        self.allowance_used(&self.engine, rule, since).await
    }

    async fn allowance_used(&self, on: impl Into<On<'_>> + Send, rule: &str, since: Timestamp) -> Result<u32, Error> {
        query("SELECT CAST(COALESCE(SUM(devices), 0) AS BIGINT) AS n FROM approval_allowances WHERE tenant_id = $1 AND rule = $2 AND at > $3")
            .bind(&self.tenant)
            .bind(rule)
            .bind(millis(since))
            .fetch_one(on)
            .await?
            .count("n")
    }

    async fn note_allowances(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: RequestId,
        rules: &[String],
        devices: u32,
    ) -> Result<(), Error> {
        for rule in rules {
            query("INSERT INTO approval_allowances (request_id, rule, tenant_id, devices, at) VALUES ($1, $2, $3, $4, $5)")
                .bind(id.to_string())
                .bind(rule)
                .bind(&self.tenant)
                .bind(devices)
                .bind(millis(now))
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }
}

/// Of a request that is not sent, or not as it was: nothing was let through.
pub(super) async fn forget_allowances(tx: &mut Tx, id: RequestId) -> Result<(), Error> {
    query("DELETE FROM approval_allowances WHERE request_id = $1").bind(id.to_string()).execute(tx).await?;
    Ok(())
}
