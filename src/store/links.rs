//! Which Entra person a chat account is: keyed on tenant and object id, never on a name.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::audit::{AuditRow, Event, append};
use super::engine::Tx;
use super::model::stored_words;
use super::query::query;
use super::row::{Row, millis};
use super::{Error, Store};
use crate::chat::{Actor, ChatUserId};
use crate::intune::EntraUserId;

/// An Entra person, as found when they signed in or were looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntraPerson {
    /// Their object id in our tenant.
    pub id: EntraUserId,
    /// Display name, for people to read.
    pub name: String,
    /// User principal name, for people to read. It changes, so nothing is decided by it.
    pub sign_in: String,
    /// Whether they are a guest of the tenant.
    pub guest: bool,
}

/// How a link came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkSource {
    /// The person signed in on the link page.
    SignIn,
    /// An admin imported it.
    Import,
}

stored_words!(LinkSource, "link source", { SignIn = "sign_in", Import = "import" });

/// A chat account and the Entra person it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The chat account.
    pub chat_user: ChatUserId,
    /// The Entra person.
    pub person: EntraPerson,
    /// How it came to be.
    pub source: LinkSource,
    /// Since when.
    pub linked_at: Timestamp,
    /// When it was ended by `/unlink`. The row stays, so that chat roles do not count again by themselves.
    pub ended_at: Option<Timestamp>,
}

/// What writing a link did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// It stands.
    Done,
    /// Another chat account is linked to this Entra person.
    PersonTaken,
}

impl Store {
    /// The link of a chat account, ended or not.
    pub async fn link_of(&self, user: ChatUserId) -> Result<Option<Link>, Error> {
        let row = query(
            "SELECT chat_user, entra_user, name, sign_in, guest, source, linked_at, ended_at FROM links
             WHERE tenant_id = $1 AND chat_user = $2",
        )
        .bind(&self.tenant)
        .bind(user.to_string())
        .fetch_optional(&self.engine)
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// Every link, ended ones included, in the order of their making.
    pub async fn links(&self) -> Result<Vec<Link>, Error> {
        let rows = query(
            "SELECT chat_user, entra_user, name, sign_in, guest, source, linked_at, ended_at FROM links
             WHERE tenant_id = $1 ORDER BY linked_at, chat_user",
        )
        .bind(&self.tenant)
        .fetch_all(&self.engine)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Links a chat account to a person, in place of an older link; `by` is the actor, or nobody for an admin's import.
    pub async fn link(
        &self,
        now: Timestamp,
        user: ChatUserId,
        person: &EntraPerson,
        source: LinkSource,
        by: Option<&Actor>,
    ) -> Result<Linked, Error> {
        let mut tx = self.begin().await?;
        let linked = link_in(&mut tx, &self.tenant, now, user, person, source, by).await?;
        tx.commit().await?;
        Ok(linked)
    }

    /// Links all of these, or none: the chat accounts whose person is linked to another account already.
    pub async fn import_links(
        &self,
        now: Timestamp,
        links: &[(ChatUserId, EntraPerson)],
    ) -> Result<Result<(), Vec<ChatUserId>>, Error> {
        let mut tx = self.begin().await?;
        let mut taken = Vec::new();
        for (user, person) in links {
            match link_in(&mut tx, &self.tenant, now, *user, person, LinkSource::Import, None).await? {
                Linked::Done => {}
                Linked::PersonTaken => taken.push(*user),
            }
        }
        if !taken.is_empty() {
            tx.rollback().await?;
            return Ok(Err(taken));
        }
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// `/unlink`: ends the link and keeps its row. `false`: there was none.
    pub async fn end_link(&self, now: Timestamp, actor: &Actor) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        // First, so that the row still says on whose authority.
        let row = AuditRow::new(Event::Unlinked).by(actor).detail(json!({ "by": "self" }));
        append(&mut tx, &self.tenant, now, &row).await?;
        let done = query("UPDATE links SET ended_at = $3 WHERE tenant_id = $1 AND chat_user = $2 AND ended_at IS NULL")
            .bind(&self.tenant)
            .bind(actor.user.to_string())
            .bind(millis(now))
            .execute(&mut tx)
            .await?;
        if done == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// An admin forgets a link, ended or not: the account counts as never linked. `false`: there was none.
    pub async fn remove_link(&self, now: Timestamp, user: ChatUserId) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let row = query("DELETE FROM links WHERE tenant_id = $1 AND chat_user = $2 RETURNING entra_user")
            .bind(&self.tenant)
            .bind(user.to_string())
            .fetch_optional(&mut tx)
            .await?;
        let Some(row) = row else { return Ok(false) };
        let detail = json!({ "by": "admin", "chat_user": user, "entra_user": row.text("entra_user")? });
        append(&mut tx, &self.tenant, now, &AuditRow::new(Event::Unlinked).detail(detail)).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Writes a link inside a transaction that does more.
pub(super) async fn link_in(
    tx: &mut Tx,
    tenant: &str,
    now: Timestamp,
    user: ChatUserId,
    person: &EntraPerson,
    source: LinkSource,
    by: Option<&Actor>,
) -> Result<Linked, Error> {
    let taken =
        query("SELECT 1 FROM links WHERE tenant_id = $1 AND entra_user = $2 AND chat_user <> $3 AND ended_at IS NULL")
            .bind(tenant)
            .bind(person.id.to_string())
            .bind(user.to_string())
            .fetch_optional(&mut *tx)
            .await?;
    if taken.is_some() {
        return Ok(Linked::PersonTaken);
    }
    query(
        "INSERT INTO links (tenant_id, chat_user, entra_user, name, sign_in, guest, source, linked_at, ended_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL)
         ON CONFLICT (tenant_id, chat_user) DO UPDATE SET entra_user = excluded.entra_user, name = excluded.name,
             sign_in = excluded.sign_in, guest = excluded.guest, source = excluded.source,
             linked_at = excluded.linked_at, ended_at = NULL",
    )
    .bind(tenant)
    .bind(user.to_string())
    .bind(person.id.to_string())
    .bind(&person.name)
    .bind(&person.sign_in)
    .bind(person.guest)
    .bind(source.as_str())
    .bind(millis(now))
    .execute(&mut *tx)
    .await?;
    let detail =
        json!({ "chat_user": user, "entra_user": person.id, "guest": person.guest, "source": source.as_str() });
    let mut row = AuditRow::new(Event::Linked).detail(detail);
    row.actor = by.cloned();
    append(tx, tenant, now, &row).await?;
    Ok(Linked::Done)
}

fn read(row: &Row) -> Result<Link, Error> {
    Ok(Link {
        chat_user: row.parsed("chat_user")?,
        person: EntraPerson {
            id: row.parsed("entra_user")?,
            name: row.text("name")?,
            sign_in: row.text("sign_in")?,
            guest: row.flag("guest")?,
        },
        source: LinkSource::read(&row.text("source")?)?,
        linked_at: row.at("linked_at")?,
        ended_at: row.optional_at("ended_at")?,
    })
}
