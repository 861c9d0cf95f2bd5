//! "Which of these devices?": what the question was about, until it is answered.

use jiff::Timestamp;

use super::query::query;
use super::row::millis;
use super::{Error, RequestId, Store};
use crate::chat::ChatUserId;

/// What the chosen device is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `/sync`
    Sync,
    /// `/device`
    Device,
    /// `/apps`
    Apps,
    /// `/access`
    Access,
}

impl Purpose {
    const ALL: [Self; 4] = [Self::Sync, Self::Device, Self::Apps, Self::Access];

    fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Device => "device",
            Self::Apps => "apps",
            Self::Access => "access",
        }
    }
}

/// A stored question.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Who was asked.
    pub actor: ChatUserId,
    /// What for.
    pub purpose: Purpose,
    /// The ticket given with the command.
    pub reason: Option<String>,
}

impl Store {
    /// Stores a question; its id goes into the select menu.
    pub async fn create_choice(
        &self,
        now: Timestamp,
        choice: &Choice,
        expires_at: Timestamp,
    ) -> Result<RequestId, Error> {
        let id = RequestId::new(now);
        query("INSERT INTO choices (id, tenant_id, actor_user, purpose, reason, expires_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(id.to_string())
            .bind(&self.tenant)
            .bind(choice.actor.to_string())
            .bind(choice.purpose.as_str())
            .bind(&choice.reason)
            .bind(millis(expires_at))
            .execute(&self.engine)
            .await?;
        Ok(id)
    }

    /// The question, if its time is not over.
    pub async fn choice(&self, now: Timestamp, id: RequestId) -> Result<Option<Choice>, Error> {
        let row = query(
            "SELECT actor_user, purpose, reason FROM choices WHERE id = $1 AND tenant_id = $2 AND expires_at > $3",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .bind(millis(now))
        .fetch_optional(&self.engine)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let purpose = row.text("purpose")?;
        Ok(Some(Choice {
            actor: row.parsed("actor_user")?,
            purpose: Purpose::ALL
                .into_iter()
                .find(|known| known.as_str() == purpose)
                .ok_or_else(|| Error::row("purpose", purpose))?,
            reason: row.optional_text("reason")?,
        }))
    }

    /// Forgets questions whose time is over.
    pub async fn forget_choices(&self, now: Timestamp) -> Result<(), Error> {
        query("DELETE FROM choices WHERE expires_at <= $1").bind(millis(now)).execute(&self.engine).await?;
        Ok(())
    }
}
