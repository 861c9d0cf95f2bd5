//! `/freeze` and `/unfreeze`: nothing is sent to Intune for a while, for a reason, until a time.

use jiff::Timestamp;
use serde_json::json;

use super::desk::{Desk, Trouble};
use crate::chat::Actor;
use crate::settings::{BadDuration, parse_duration};
use crate::store::{AuditRow, Event, Freeze, Unfrozen};

/// What `/freeze` or `/unfreeze` did.
#[derive(Clone, Debug)]
pub enum Froze {
    /// Nothing is sent from now on.
    Frozen(Freeze),
    /// It is over.
    Unfrozen(Freeze),
    /// There was no freeze to end.
    Nothing,
    /// They hold none of `[access] admin_roles`.
    NotAdmin,
    /// The length cannot be read.
    BadLength(BadDuration),
}

impl Desk {
    /// Sends nothing for so long.
    pub async fn freeze(&self, actor: &Actor, length: &str, reason: &str) -> Result<Froze, Trouble> {
        if !self.is_admin(actor) {
            return self.not_admin(actor).await;
        }
        let length = match parse_duration(length) {
            Ok(length) if length.is_positive() => length,
            Ok(_) => return Ok(Froze::BadLength(BadDuration(length.to_owned()))),
            Err(bad) => return Ok(Froze::BadLength(bad)),
        };
        let now = self.clock.now();
        let ends_at = now.saturating_add(length).unwrap_or(Timestamp::MAX);
        let freeze = Freeze { reason: reason.to_owned(), actor: actor.clone(), started_at: now, ends_at };
        self.store.begin_freeze(now, &freeze, self.settings.discord.team_channel_id).await?;
        self.bells.ring_all();
        Ok(Froze::Frozen(freeze))
    }

    /// Ends that.
    pub async fn unfreeze(&self, actor: &Actor) -> Result<Froze, Trouble> {
        if !self.is_admin(actor) {
            return self.not_admin(actor).await;
        }
        let team = self.settings.discord.team_channel_id;
        Ok(match self.store.end_freeze(self.clock.now(), actor, team).await? {
            Unfrozen::Done(freeze) => {
                self.bells.ring_all();
                Froze::Unfrozen(freeze)
            }
            Unfrozen::Nothing => Froze::Nothing,
        })
    }

    async fn not_admin(&self, actor: &Actor) -> Result<Froze, Trouble> {
        let row = AuditRow::new(Event::Refused).by(actor).detail(json!({ "why": "not_admin" }));
        self.store.audit(self.clock.now(), &row).await?;
        Ok(Froze::NotAdmin)
    }

    /// The freeze that holds now, for the banner.
    pub async fn frozen(&self) -> Result<Option<Freeze>, Trouble> {
        Ok(self.store.freeze(self.clock.now()).await?)
    }
}
