//! Approvals: requests that wait for a second person, their votes, and how that ends. Each move is one conditional update.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::engine::Tx;
use super::model::RequestState;
use super::notice::{Address, ApprovalStep, Board, Notice};
use super::notices::{NewNotice, insert};
use super::query::query;
use super::requests::{StoredRequest, stored};
use super::row::{Row, json as to_json, millis};
use super::stand_in;
use super::subject::Subject;
use super::{AuditRow, Error, Event, RequestId, Store};
use crate::chat::{Actor, ChannelId, ChatRoleId};
use crate::intune::{Device, DeviceId, GroupId, OwnerType, Platform};

/// An approval rule as it was when it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleAsked {
    /// Its name.
    pub name: String,
    /// Chat roles whose holders may approve.
    pub roles: Vec<ChatRoleId>,
    /// Entra groups whose linked members may.
    pub groups: Vec<GroupId>,
    /// How many of them it takes.
    pub needed: u32,
    /// Each signs in to Entra afresh for it.
    #[serde(default)]
    pub step_up: bool,
    /// Why it applies: its conditions, all of which hold.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// A condition of an approval rule, as it was when it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// So many devices or more.
    Devices(u32),
    /// A device of one of these platforms.
    Platforms(Vec<Platform>),
    /// A device of such an owner.
    Owner(OwnerType),
    /// A device, or its primary user, in one of these groups.
    Groups(Vec<GroupId>),
    /// Outside of these hours.
    Outside(String),
    /// The asker holds one of these chat roles.
    AskerRoles(Vec<ChatRoleId>),
}

/// A rule that applies to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleDue {
    /// What it asks for.
    pub asked: RuleAsked,
    /// So many devices since then it lets through by itself.
    pub allowance: Option<(u32, Timestamp)>,
}

/// How a second person is asked for.
#[derive(Clone, Debug)]
pub struct ApprovalFrame {
    /// Where the card is shown.
    pub channel: ChannelId,
    /// For how long.
    pub window: ApprovalWindow,
}

/// For how long a request waits for a second person.
#[derive(Clone, Copy, Debug)]
pub struct ApprovalWindow {
    /// When those who may approve are reminded.
    pub remind_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Somebody agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Who.
    pub by: Actor,
    /// The rules that it counts for.
    pub rules: Vec<String>,
}

/// A request that waits for a second person, or has waited.
#[derive(Clone, Debug)]
pub struct PendingApproval {
    /// The request.
    pub request: StoredRequest,
    /// What it is about.
    pub subject: Subject,
    /// Every rule that applies.
    pub rules: Vec<RuleAsked>,
    /// The round: votes of an earlier one are void.
    pub round: u32,
    /// Who agreed in this round.
    pub votes: Vec<Vote>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

impl PendingApproval {
    /// How many more have to agree to a rule.
    pub fn missing(&self, rule: &RuleAsked) -> u32 {
        let have = self.votes.iter().filter(|vote| vote.rules.contains(&rule.name)).count();
        rule.needed.saturating_sub(u32::try_from(have).unwrap_or(u32::MAX))
    }

    /// The most that any rule still misses.
    pub fn most_missing(&self) -> u32 {
        self.rules.iter().map(|rule| self.missing(rule)).max().unwrap_or_default()
    }
}

impl Store {
    /// The devices of a request, as last stored.
    pub async fn devices_of(&self, id: RequestId) -> Result<Vec<Device>, Error> {
        let rows = query("SELECT device FROM device_syncs WHERE request_id = $1 ORDER BY id")
            .bind(id.to_string())
            .fetch_all(&self.engine)
            .await?;
        rows.iter().map(|row| row.json("device")).collect()
    }

    /// Those of a request's devices that have not ended. One whose row cannot be read is known by its id alone.
    pub async fn open_devices_of(&self, id: RequestId) -> Result<Vec<Device>, Error> {
        let rows =
            query("SELECT device_id, device FROM device_syncs WHERE request_id = $1 AND state <> 'ended' ORDER BY id")
                .bind(id.to_string())
                .fetch_all(&self.engine)
                .await?;
        let read = |row: &Row| {
            let known = row.parsed("device_id")?;
            Ok(row.json("device").unwrap_or_else(|_unreadable| stand_in::device(known)))
        };
        rows.iter().map(read).collect()
    }

    /// Every device that was looked at when a bulk request was made, taken in or left out.
    pub async fn considered(&self, id: RequestId) -> Result<Vec<DeviceId>, Error> {
        let row =
            query("SELECT considered FROM requests WHERE id = $1").bind(id.to_string()).fetch_one(&self.engine).await?;
        Ok(match row.optional_text("considered")? {
            None => Vec::new(),
            Some(_) => row.json("considered")?,
        })
    }

    /// How many requests wait for a second person.
    pub async fn approvals_waiting(&self) -> Result<i64, Error> {
        let row = query(
            "SELECT COUNT(*) AS n FROM approvals a JOIN requests r ON r.id = a.request_id
              WHERE a.tenant_id = $1 AND r.state = 'awaiting_approval'",
        );
        row.bind(&self.tenant).fetch_one(&self.engine).await?.integer("n")
    }

    /// A request with its approval; `None`: it never needed one.
    pub async fn approval(&self, id: RequestId) -> Result<Option<PendingApproval>, Error> {
        let row = query(
            "SELECT a.rules, a.round, a.expires_at, r.target,
                    (SELECT COUNT(*) FROM device_syncs d
                      WHERE d.request_id = r.id AND (d.state <> 'ended' OR r.state <> 'awaiting_approval')) AS devices,
                    (SELECT d.device FROM device_syncs d WHERE d.request_id = r.id LIMIT 1) AS device
               FROM approvals a JOIN requests r ON r.id = a.request_id WHERE a.request_id = $1 AND a.tenant_id = $2",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .fetch_optional(&self.engine)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let round = row.count("round")?;
        let votes =
            query("SELECT approver, rules FROM approval_votes WHERE request_id = $1 AND round = $2 ORDER BY at, approver_user")
                .bind(id.to_string())
                .bind(round)
                .fetch_all(&self.engine)
                .await?;
        let mut found = Vec::with_capacity(votes.len());
        for vote in &votes {
            found.push(Vote { by: vote.json("approver")?, rules: vote.json("rules")? });
        }
        Ok(Some(PendingApproval {
            request: stored(&self.engine, &id.to_string()).await?,
            subject: Subject::read(&row)?,
            rules: row.json("rules")?,
            round,
            votes: found,
            expires_at: row.at("expires_at")?,
        }))
    }

    pub(super) async fn ask_for_approval(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: RequestId,
        frame: &ApprovalFrame,
        rules: &[RuleAsked],
    ) -> Result<(), Error> {
        query(
            "INSERT INTO approvals (request_id, tenant_id, channel, rules, remind_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .bind(frame.channel.to_string())
        .bind(to_json(&rules))
        .bind(millis(frame.window.remind_at))
        .bind(millis(frame.window.expires_at))
        .execute(&mut *tx)
        .await?;
        self.show_approval(tx, now, id).await
    }

    /// The card is shown, or shown anew.
    pub(super) async fn show_approval(&self, tx: &mut Tx, now: Timestamp, id: RequestId) -> Result<(), Error> {
        let row = query("SELECT channel, round FROM approvals WHERE request_id = $1");
        let row = row.bind(id.to_string()).fetch_one(&mut *tx).await?;
        let address =
            Address::Living { channel: row.parsed("channel")?, board: Board::Approval, round: row.count("round")? };
        insert(tx, &self.tenant, &NewNotice { request: id, address, body: Notice::Approval, due_at: now }).await
    }

    pub(super) async fn tell_asker(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: RequestId,
        what: ApprovalStep,
    ) -> Result<(), Error> {
        let body = Notice::ApprovalStep { what };
        insert(tx, &self.tenant, &NewNotice { request: id, address: Address::Asker, body, due_at: now }).await
    }

    /// Ends approvals whose time is over, reminds of those that wait for long, and says when the next of these is due.
    pub async fn expire_approvals(&self, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let mut tx = self.begin().await?;
        let over = query(
            "SELECT a.request_id FROM approvals a JOIN requests r ON r.id = a.request_id
              WHERE a.tenant_id = $1 AND r.state = 'awaiting_approval' AND a.expires_at <= $2",
        )
        .bind(&self.tenant)
        .bind(millis(now))
        .fetch_all(&mut tx)
        .await?;
        for row in over {
            let id: RequestId = row.parsed("request_id")?;
            let audit = AuditRow::new(Event::ApprovalExpired).request(id);
            self.end_unsent(&mut tx, now, id, (RequestState::AwaitingApproval, RequestState::Expired), &audit).await?;
            self.tell_asker(&mut tx, now, id, ApprovalStep::Expired).await?;
            match self.show_approval(&mut tx, now, id).await {
                // Nobody knows where its card is. It ends all the same, or it would stand in the way of all others.
                Err(error) if error.is_of_the_row() => {
                    tracing::error!(request = %id, %error, "the card of an approval cannot be shown");
                }
                done => done?,
            }
        }
        let waiting = query(
            "SELECT a.request_id, a.channel FROM approvals a JOIN requests r ON r.id = a.request_id
              WHERE a.tenant_id = $1 AND r.state = 'awaiting_approval' AND a.remind_at <= $2",
        )
        .bind(&self.tenant)
        .bind(millis(now))
        .fetch_all(&mut tx)
        .await?;
        for row in waiting {
            let id: RequestId = row.parsed("request_id")?;
            query("UPDATE approvals SET remind_at = NULL WHERE request_id = $1")
                .bind(id.to_string())
                .execute(&mut tx)
                .await?;
            let Ok(channel) = row.parsed("channel") else { continue };
            let address = Address::Channel(channel);
            let notice = NewNotice { request: id, address, body: Notice::ApprovalReminder, due_at: now };
            insert(&mut tx, &self.tenant, &notice).await?;
        }
        let next = query(
            "SELECT MIN(COALESCE(a.remind_at, a.expires_at)) AS next FROM approvals a JOIN requests r ON r.id = a.request_id
              WHERE a.tenant_id = $1 AND r.state = 'awaiting_approval'",
        )
        .bind(&self.tenant)
        .fetch_one(&mut tx)
        .await?
        .optional_at("next")?;
        tx.commit().await?;
        Ok(next)
    }
}
