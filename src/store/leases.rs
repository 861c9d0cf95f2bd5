//! Leases: work is in one pair of hands at a time, and what they write counts only while the lease is theirs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::query::query;
use super::row::millis;
use super::{DeviceSyncId, Error, LateWatchId, NoticeId, Store};
use crate::clock::Clock;

/// How long a lease lasts unless it is renewed: so long the work of a process that died lies still.
const LASTS: SignedDuration = SignedDuration::from_mins(2);

/// How often it is renewed while the work lasts.
const RENEWED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// One start of this program, as leases and the database's list of sessions name it.
#[derive(Clone, Debug)]
pub(super) struct Owner(String);

impl Owner {
    pub(super) fn new() -> Self {
        Self(Uuid::new_v4().simple().to_string())
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leased {
    DeviceSync(DeviceSyncId),
    LateWatch(LateWatchId),
    Notice(NoticeId),
    /// Several device syncs under one token.
    DeviceSyncs,
}

/// A lease in somebody's hands.
#[derive(Clone, Debug)]
pub struct Lease {
    of: Leased,
    token: String,
}

impl Lease {
    pub(super) fn new(of: Leased, token: &str) -> Self {
        Self { of, token: token.to_owned() }
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }
}

/// Leases that could not be given back, because the database failed the step that would have. Whatever became of that step, nobody in this
/// process works on it any more.
#[derive(Clone, Debug, Default)]
pub(super) struct Owed(Arc<Mutex<Vec<Lease>>>);

impl Owed {
    fn all(&self) -> MutexGuard<'_, Vec<Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fresh token: the fence between one claim and the next.
pub(super) fn token() -> String {
    Uuid::new_v4().simple().to_string()
}

/// When a lease taken or renewed now ends.
pub(super) fn until(now: Timestamp) -> Timestamp {
    now.saturating_add(LASTS).unwrap_or(Timestamp::MAX)
}

impl Store {
    /// Makes a lease last longer. `false`: somebody else holds the work by now.
    pub async fn renew(&self, now: Timestamp, lease: &Lease) -> Result<bool, Error> {
        let (sql, id) = match lease.of {
            Leased::DeviceSync(id) => {
                ("UPDATE device_syncs SET lease_until = $3 WHERE id = $1 AND lease_token = $2", id.to_string())
            }
            Leased::LateWatch(id) => {
                ("UPDATE late_watches SET lease_until = $3 WHERE id = $1 AND lease_token = $2", id.to_string())
            }
            Leased::DeviceSyncs => {
                ("UPDATE device_syncs SET lease_until = $3 WHERE lease_token = $2 AND $1 = $2", lease.token.clone())
            }
            Leased::Notice(id) => {
                ("UPDATE notices SET lease_until = $3 WHERE id = $1 AND lease_token = $2", id.to_string())
            }
        };
        let held = query(sql).bind(id).bind(&lease.token).bind(millis(until(now))).execute(&self.engine).await?;
        Ok(held > 0)
    }

    /// Does `work`, and renews its lease for as long as that takes.
    pub async fn holding<T>(&self, clock: &Clock, lease: Lease, work: impl Future<Output = T>) -> T {
        let renewing = async {
            // Counted by itself: that somebody waits for the next renewal does not mean that the work rests.
            let busy = clock.busy();
            loop {
                clock.sleep(RENEWED_EVERY).await;
                match self.renew(clock.now(), &lease).await {
                    Ok(true) => {}
                    // What the work writes will not count, and its writing says so.
                    Ok(false) => break,
                    Err(error) => tracing::warn!(%error, "a lease could not be renewed"),
                }
            }
            drop(busy);
            std::future::pending::<std::convert::Infallible>().await
        };
        tokio::select! {
            biased;
            done = work => done,
            never = renewing => match never {},
        }
    }

    /// Remembers a lease whose step the database failed, for [`Store::give_back_owed`].
    pub fn owe(&self, lease: Lease) {
        self.owed.all().push(lease);
    }

    /// When the database is back: gives back what it kept from being given back, so that the work goes on at once and not when the lease ends.
    pub async fn give_back_owed(&self) -> Result<(), Error> {
        let owed = std::mem::take(&mut *self.owed.all());
        for (number, lease) in owed.iter().enumerate() {
            let sql = match lease.of {
                Leased::DeviceSync(_) | Leased::DeviceSyncs => {
                    "UPDATE device_syncs SET lease_token = NULL, lease_until = NULL WHERE lease_token = $1"
                }
                Leased::LateWatch(_) => {
                    "UPDATE late_watches SET lease_token = NULL, lease_until = NULL WHERE lease_token = $1"
                }
                Leased::Notice(_) => "UPDATE notices SET lease_token = NULL, lease_until = NULL WHERE lease_token = $1",
            };
            if let Err(error) = query(sql).bind(&lease.token).execute(&self.engine).await {
                self.owed.all().extend_from_slice(&owed[number..]);
                return Err(error);
            }
        }
        Ok(())
    }

    /// At the start: gives back what nobody can hold any more. Where other processes may be alive, that is only known of leases
    /// whose time is over, and those are taken anyway.
    pub async fn release_leases(&self) -> Result<(), Error> {
        if !self.engine.0.is_ours_alone() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for statement in [
            "UPDATE device_syncs SET lease_token = NULL, lease_until = NULL WHERE lease_token IS NOT NULL",
            "UPDATE notices SET lease_token = NULL, lease_until = NULL WHERE lease_token IS NOT NULL",
            "UPDATE late_watches SET lease_token = NULL, lease_until = NULL WHERE lease_token IS NOT NULL",
        ] {
            query(statement).execute(&mut tx).await?;
        }
        tx.commit().await
    }

    /// After the time of day was set back: what would be due only at a time that had already been is due now, and is looked at early
    /// rather than late. What people or an admin set an end to, such as a card or a freeze, keeps its end.
    pub async fn time_was_set_back(&self, now: Timestamp) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        for statement in [
            "UPDATE device_syncs SET due_at = $2 WHERE tenant_id = $1 AND due_at > $2",
            "UPDATE late_watches SET due_at = $2 WHERE tenant_id = $1 AND due_at > $2",
            "UPDATE notices SET due_at = $2 WHERE tenant_id = $1 AND due_at > $2 AND state = 'waiting'",
            "UPDATE living_messages SET edited_at = $2 WHERE tenant_id = $1 AND edited_at > $2",
        ] {
            query(statement).bind(&self.tenant).bind(millis(now)).execute(&mut tx).await?;
        }
        tx.commit().await
    }

    /// At the stop: gives back what is still ours, so that the next start or another process need not wait for its time.
    pub async fn hand_back(&self) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        for statement in [
            "UPDATE device_syncs SET lease_token = NULL, lease_until = NULL WHERE lease_owner = $1 AND lease_token IS NOT NULL",
            "UPDATE notices SET lease_token = NULL, lease_until = NULL WHERE lease_owner = $1 AND lease_token IS NOT NULL",
            "UPDATE late_watches SET lease_token = NULL, lease_until = NULL WHERE lease_owner = $1 AND lease_token IS NOT NULL",
        ] {
            query(statement).bind(self.owner.to_string()).execute(&mut tx).await?;
        }
        tx.commit().await
    }
}
