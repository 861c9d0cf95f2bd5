//! What was asked, and how it ended.

use std::collections::HashSet;

use jiff::Timestamp;

use super::model::{DeviceSyncState, Outcome, RequestState};
use super::query::query;
use super::row::millis;
use super::{DeviceSyncId, Error, Store};
use crate::chat::{Actor, ChatUserId};
use crate::intune::{Device, DeviceId};

/// One line of `/history`.
#[derive(Clone, Debug)]
pub struct HistoryRow {
    /// Who asked.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// For which device.
    pub device: Device,
    /// The ticket.
    pub reason: Option<String>,
    /// Where the request stands.
    pub state: RequestState,
    /// Where the device sync stands.
    pub sync_state: DeviceSyncState,
    /// How it ended, if it did.
    pub outcome: Option<Outcome>,
}

/// The last time a device was synced.
#[derive(Clone, Debug)]
pub struct RecentSync {
    /// When it ended.
    pub ended_at: Timestamp,
    /// Who asked.
    pub actor: ChatUserId,
}

impl Store {
    /// The newest requests of `of`, or of everyone.
    pub async fn history(&self, of: Option<ChatUserId>, limit: u32) -> Result<Vec<HistoryRow>, Error> {
        // Two statements, so that each can begin at the newest.
        let statement = match of {
            Some(user) => query(
                "SELECT r.actor, r.created_at, r.reason, r.state, d.device, d.state AS sync_state, d.outcome
                   FROM requests r JOIN device_syncs d ON d.request_id = r.id
                  WHERE r.tenant_id = $1 AND r.actor_user = $2
                  ORDER BY r.created_at DESC, r.id DESC LIMIT $3",
            )
            .bind(&self.tenant)
            .bind(user.to_string()),
            None => query(
                "SELECT r.actor, r.created_at, r.reason, r.state, d.device, d.state AS sync_state, d.outcome
                   FROM requests r JOIN device_syncs d ON d.request_id = r.id
                  WHERE r.tenant_id = $1
                  ORDER BY r.created_at DESC, r.id DESC LIMIT $2",
            )
            .bind(&self.tenant),
        };
        let rows = statement.bind(limit).fetch_all(&self.engine).await?;
        rows.iter()
            .map(|row| {
                let outcome = row.optional_text("outcome")?;
                Ok(HistoryRow {
                    actor: row.json("actor")?,
                    at: row.at("created_at")?,
                    device: row.json("device")?,
                    reason: row.optional_text("reason")?,
                    state: RequestState::read(&row.text("state")?)?,
                    sync_state: DeviceSyncState::read(&row.text("sync_state")?)?,
                    outcome: outcome.map(|_| row.json("outcome")).transpose()?,
                })
            })
            .collect()
    }

    /// A sync of `device` that ended after `since` and for which a call was taken, or may have been.
    pub async fn recent_sync(&self, device: DeviceId, since: Timestamp) -> Result<Option<RecentSync>, Error> {
        let row = query(
            "SELECT d.ended_at, r.actor_user FROM device_syncs d JOIN requests r ON r.id = d.request_id
              WHERE d.tenant_id = $1 AND d.device_id = $2 AND d.ended_at > $3
                AND EXISTS (SELECT 1 FROM attempts a WHERE a.device_sync_id = d.id AND a.answer IN ('accepted', 'unknown'))
              ORDER BY d.ended_at DESC LIMIT 1",
        )
        .bind(&self.tenant)
        .bind(device.to_string())
        .bind(millis(since))
        .fetch_optional(&self.engine)
        .await?;
        row.map(|row| Ok(RecentSync { ended_at: row.at("ended_at")?, actor: row.parsed("actor_user")? })).transpose()
    }

    /// Every device with a sync that ended after `since` and for which a call was taken, or may have been.
    pub async fn recently_synced(&self, since: Timestamp) -> Result<HashSet<DeviceId>, Error> {
        let rows = query(
            "SELECT d.device_id FROM device_syncs d
              WHERE d.tenant_id = $1 AND d.ended_at > $2
                AND EXISTS (SELECT 1 FROM attempts a WHERE a.device_sync_id = d.id AND a.answer IN ('accepted', 'unknown'))",
        )
        .bind(&self.tenant)
        .bind(millis(since))
        .fetch_all(&self.engine)
        .await?;
        rows.iter().map(|row| row.parsed("device_id")).collect()
    }

    /// The device and asker of a device sync that has ended.
    pub async fn ended_sync(&self, id: DeviceSyncId) -> Result<Option<(ChatUserId, DeviceId)>, Error> {
        let row = query(
            "SELECT r.actor_user, d.device_id FROM device_syncs d JOIN requests r ON r.id = d.request_id
              WHERE d.id = $1 AND d.tenant_id = $2 AND d.state = 'ended'",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .fetch_optional(&self.engine)
        .await?;
        row.map(|row| Ok((row.parsed("actor_user")?, row.parsed("device_id")?))).transpose()
    }
}
