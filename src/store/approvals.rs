//! Approvals: requests that wait for a second person, their votes, and how that ends. Each move is one conditional update.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::audit::append;
use super::engine::{On, Tx};
use super::model::{Address, ApprovalStep, Board, Notice, RequestState};
use super::notices::{NewNotice, insert};
use super::query::query;
use super::requests::{StoredRequest, stored};
use super::row::{json as to_json, millis};
use super::subject::Subject;
use super::{AuditRow, Error, Event, RequestId, Store};
use crate::chat::{Actor, ChannelId, ChatRoleId, ChatUserId};
use crate::intune::{Device, DeviceId, GroupId};

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
    /// When those who may approve are reminded.
    pub remind_at: Option<Timestamp>,
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

/// What a press of Approve or Reject did.
#[derive(Clone, Debug)]
pub enum Voted {
    /// It counts; so many more have to agree.
    Counted(u32),
    /// It was the last that was missing.
    Approved,
    /// It ends the request.
    Rejected,
    /// They agreed before.
    Already,
    /// Nobody answers for themselves.
    Own,
    /// It was answered, or its time is over.
    TooLate(RequestState),
    /// No such request.
    NotFound,
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

    /// Every device that was looked at when a bulk request was made, taken in or left out.
    pub async fn considered(&self, id: RequestId) -> Result<Vec<DeviceId>, Error> {
        let row =
            query("SELECT considered FROM requests WHERE id = $1").bind(id.to_string()).fetch_one(&self.engine).await?;
        Ok(match row.optional_text("considered")? {
            None => Vec::new(),
            Some(_) => row.json("considered")?,
        })
    }

    /// A request with its approval; `None`: it never needed one.
    pub async fn approval(&self, id: RequestId) -> Result<Option<PendingApproval>, Error> {
        let row = query(
            "SELECT a.rules, a.round, a.expires_at, r.target,
                    (SELECT COUNT(*) FROM device_syncs d WHERE d.request_id = r.id) AS devices,
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
        .bind(frame.remind_at.map(millis))
        .bind(millis(frame.expires_at))
        .execute(&mut *tx)
        .await?;
        self.show_approval(tx, now, id, Some(frame.channel)).await
    }

    /// The card is shown, or shown anew.
    async fn show_approval(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: RequestId,
        channel: Option<ChannelId>,
    ) -> Result<(), Error> {
        let channel = if let Some(channel) = channel {
            channel
        } else {
            let row = query("SELECT channel FROM approvals WHERE request_id = $1")
                .bind(id.to_string())
                .fetch_one(&mut *tx)
                .await?;
            row.parsed("channel")?
        };
        let address = Address::Living { channel, board: Board::Approval };
        insert(tx, &self.tenant, &NewNotice { request: id, address, body: Notice::Approval, due_at: now }).await
    }

    async fn tell_asker(&self, tx: &mut Tx, now: Timestamp, id: RequestId, what: ApprovalStep) -> Result<(), Error> {
        let body = Notice::ApprovalStep { what };
        insert(tx, &self.tenant, &NewNotice { request: id, address: Address::Asker, body, due_at: now }).await
    }

    /// Somebody agrees, for these rules. Only a request of the round they saw counts, in time, and never their own.
    pub async fn approve(
        &self,
        now: Timestamp,
        seen: &PendingApproval,
        actor: &Actor,
        rules: &[String],
        detail: serde_json::Value,
    ) -> Result<Voted, Error> {
        let id = seen.request.id;
        let mut tx = self.begin().await?;
        if let Some(no) = self.not_votable(&mut tx, now, id, actor, Some(seen.round)).await? {
            return Ok(no);
        }
        let counted = query(
            "INSERT INTO approval_votes (request_id, round, approver_user, tenant_id, approver, rules, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (request_id, round, approver_user) DO NOTHING",
        )
        .bind(id.to_string())
        .bind(seen.round)
        .bind(actor.user.to_string())
        .bind(&self.tenant)
        .bind(to_json(actor))
        .bind(to_json(&rules))
        .bind(millis(now))
        .execute(&mut tx)
        .await?;
        if counted == 0 {
            return Ok(Voted::Already);
        }
        let votes = query("SELECT approver, rules FROM approval_votes WHERE request_id = $1 AND round = $2")
            .bind(id.to_string())
            .bind(seen.round)
            .fetch_all(&mut tx)
            .await?;
        let mut after = seen.clone();
        after.votes.clear();
        for vote in &votes {
            after.votes.push(Vote { by: vote.json("approver")?, rules: vote.json("rules")? });
        }
        let missing = after.most_missing();
        let detail = json!({ "rules": rules, "missing": missing, "decision": detail });
        append(&mut tx, &self.tenant, now, &AuditRow::new(Event::Approved).by(actor).request(id).detail(detail))
            .await?;
        if missing == 0 {
            query("UPDATE requests SET state = 'running' WHERE id = $1 AND state = 'awaiting_approval'")
                .bind(id.to_string())
                .execute(&mut tx)
                .await?;
            self.set_off(&mut tx, now, id, &seen.subject).await?;
            self.tell_asker(&mut tx, now, id, ApprovalStep::Approved { by: actor.user }).await?;
            self.show_bulk_progress(&mut tx, now, &seen.request).await?;
        } else {
            self.tell_asker(&mut tx, now, id, ApprovalStep::Agreed { by: actor.user, missing }).await?;
        }
        self.show_approval(&mut tx, now, id, None).await?;
        tx.commit().await?;
        Ok(if missing == 0 { Voted::Approved } else { Voted::Counted(missing) })
    }

    /// Somebody refuses.
    pub async fn reject(
        &self,
        now: Timestamp,
        id: RequestId,
        actor: &Actor,
        reason: Option<&str>,
    ) -> Result<Voted, Error> {
        let mut tx = self.begin().await?;
        if let Some(no) = self.not_votable(&mut tx, now, id, actor, None).await? {
            return Ok(no);
        }
        let row = AuditRow::new(Event::Rejected).by(actor).request(id).detail(json!({ "reason": reason }));
        self.end_unsent(&mut tx, now, id, (RequestState::AwaitingApproval, RequestState::Rejected), &row).await?;
        query("UPDATE approvals SET ended_by = $2, ended_reason = $3 WHERE request_id = $1")
            .bind(id.to_string())
            .bind(actor.user.to_string())
            .bind(reason)
            .execute(&mut tx)
            .await?;
        let what = ApprovalStep::Rejected { by: actor.user, reason: reason.map(str::to_owned) };
        self.tell_asker(&mut tx, now, id, what).await?;
        self.show_approval(&mut tx, now, id, None).await?;
        tx.commit().await?;
        Ok(Voted::Rejected)
    }

    /// Why this person's word does not count now, if so.
    async fn not_votable(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: RequestId,
        actor: &Actor,
        round: Option<u32>,
    ) -> Result<Option<Voted>, Error> {
        let row = query(
            "SELECT r.state, r.actor_user, a.expires_at, a.round FROM requests r JOIN approvals a ON a.request_id = r.id
              WHERE r.id = $1 AND r.tenant_id = $2",
        )
        .bind(id.to_string())
        .bind(&self.tenant)
        .fetch_optional(tx)
        .await?;
        let Some(row) = row else { return Ok(Some(Voted::NotFound)) };
        if row.parsed::<ChatUserId>("actor_user")? == actor.user {
            return Ok(Some(Voted::Own));
        }
        let state = RequestState::read(&row.text("state")?)?;
        let is_over = row.at("expires_at")? <= now;
        if state != RequestState::AwaitingApproval || is_over {
            let state = if state == RequestState::AwaitingApproval { RequestState::Expired } else { state };
            return Ok(Some(Voted::TooLate(state)));
        }
        // The card that they saw is not the one that waits.
        let other_round = round.is_some_and(|round| row.count("round").ok() != Some(round));
        Ok(other_round.then_some(Voted::TooLate(RequestState::AwaitingApproval)))
    }

    /// The devices are other ones by now: they take the place of the old ones, and every vote is void.
    pub async fn replace_devices(
        &self,
        now: Timestamp,
        seen: &PendingApproval,
        devices: &[Device],
        considered: &[DeviceId],
        detail: serde_json::Value,
    ) -> Result<bool, Error> {
        let id = seen.request.id;
        let mut tx = self.begin().await?;
        let moved = query(
            "UPDATE approvals SET round = round + 1 WHERE request_id = $1 AND round = $2
                AND EXISTS (SELECT 1 FROM requests WHERE id = $1 AND state = 'awaiting_approval')",
        )
        .bind(id.to_string())
        .bind(seen.round)
        .execute(&mut tx)
        .await?;
        if moved == 0 {
            return Ok(false);
        }
        query("DELETE FROM device_syncs WHERE request_id = $1 AND state = 'queued' AND due_at IS NULL")
            .bind(id.to_string())
            .execute(&mut tx)
            .await?;
        self.insert_devices(&mut tx, now, id, devices).await?;
        query("UPDATE requests SET considered = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(to_json(&considered))
            .execute(&mut tx)
            .await?;
        append(&mut tx, &self.tenant, now, &AuditRow::new(Event::VotesVoid).request(id).detail(detail)).await?;
        let count = u32::try_from(devices.len()).unwrap_or(u32::MAX);
        self.tell_asker(&mut tx, now, id, ApprovalStep::Changed { count }).await?;
        self.show_approval(&mut tx, now, id, None).await?;
        tx.commit().await?;
        Ok(true)
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
            self.show_approval(&mut tx, now, id, None).await?;
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
            let address = Address::Channel(row.parsed("channel")?);
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

    /// How an approval ended that was refused: by whom, and why.
    pub async fn rejection(&self, id: RequestId) -> Result<Option<(ChatUserId, Option<String>)>, Error> {
        let row = query("SELECT ended_by, ended_reason FROM approvals WHERE request_id = $1 AND ended_by IS NOT NULL")
            .bind(id.to_string())
            .fetch_optional(&self.engine)
            .await?;
        row.map(|row| Ok((row.parsed("ended_by")?, row.optional_text("ended_reason")?))).transpose()
    }

    /// Sorts rules into those that let so many devices through by themselves, which is noted, and those that ask.
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
        if asked.is_empty() {
            self.note_allowances(tx, now, id, &allowed, devices).await?;
        }
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
