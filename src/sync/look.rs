//! Looking without changing anything: `/device`, `/apps`, `/access`, `/history`, suggestions.

use serde_json::json;

use super::desk::{Desk, Trouble};
use super::directory::SuggestedPerson;
use super::refusal::Refusal;
use super::resolve::Resolved;
use crate::chat::Actor;
use crate::graph::Patience;
use crate::identity::Standing;
use crate::intune::{Decision, Device, Task};
use crate::store::{AuditRow, Event, FailureReport, HistoryRow, Purpose, RequestId};

/// Lines of `/history`.
const HISTORY_LINES: u32 = 15;

/// What looking for a device gave.
#[derive(Clone, Debug)]
pub enum Looked<T> {
    /// The answer.
    Found(T),
    /// Several devices have that name.
    Choose {
        /// The stored question.
        choice: RequestId,
        /// The devices.
        devices: Vec<Device>,
    },
    /// No.
    Refused(Refusal),
}

/// The app failures of a device.
#[derive(Clone, Debug)]
pub struct AppsAnswer {
    /// The device.
    pub device: Box<Device>,
    /// The failures; `None`: Graph does not say.
    pub failures: Option<Vec<FailureReport>>,
    /// Failed apps beyond those looked up.
    pub more_failures: usize,
    /// Apps installed.
    pub installed: usize,
    /// Apps that wait.
    pub pending: usize,
}

/// The answer to `/access`.
#[derive(Clone, Debug)]
pub struct AccessAnswer {
    /// Who they are and what they hold.
    pub standing: Standing,
    /// For one device, if asked: may they sync it?
    pub device: Option<Result<(Box<Device>, Decision), Refusal>>,
    /// Whether they see everyone's history.
    pub is_admin: bool,
}

/// The answer to `/history`.
#[derive(Clone, Debug)]
pub struct HistoryAnswer {
    /// Newest first.
    pub rows: Vec<HistoryRow>,
    /// Whether everyone's are shown.
    pub everyone: bool,
}

impl Desk {
    /// `/device`
    pub async fn device(&self, actor: &Actor, text: &str) -> Result<Looked<Box<Device>>, Trouble> {
        self.look(actor, text, Purpose::Device).await
    }

    /// `/apps`
    pub async fn apps(&self, actor: &Actor, text: &str) -> Result<Looked<AppsAnswer>, Trouble> {
        Ok(match self.look(actor, text, Purpose::Apps).await? {
            Looked::Found(device) => {
                let read = self.read_failures(&device, Patience::Interactive).await;
                let (failures, more_failures) = match read.failures {
                    Some((failures, more)) => (Some(failures), more),
                    None => (None, 0),
                };
                Looked::Found(AppsAnswer {
                    device,
                    failures,
                    more_failures,
                    installed: read.installed,
                    pending: read.pending,
                })
            }
            Looked::Choose { choice, devices } => Looked::Choose { choice, devices },
            Looked::Refused(refusal) => Looked::Refused(refusal),
        })
    }

    async fn look(&self, actor: &Actor, text: &str, purpose: Purpose) -> Result<Looked<Box<Device>>, Trouble> {
        match self.resolve(Task::ReadDevice, actor, text, self.gate.begin(actor)).await? {
            Resolved::One(device, decision) => {
                let row =
                    AuditRow::new(Event::Read).by(actor).device(device.id).detail(json!({ "decision": decision }));
                self.store.audit(self.clock.now(), &row).await?;
                Ok(Looked::Found(device))
            }
            Resolved::Several(devices) => {
                Ok(Looked::Choose { choice: self.offer(actor, purpose, None).await?, devices })
            }
            Resolved::No(refusal) => Ok(Looked::Refused(self.refused(actor, refusal).await?)),
        }
    }

    /// `/access`
    pub async fn access(&self, actor: &Actor, text: Option<&str>) -> Result<Looked<AccessAnswer>, Trouble> {
        let since = self.gate.begin(actor);
        let standing = self.gate.standing(actor, since).await;
        let standing = self.checked(actor, standing).await?;
        let device = match text {
            None => None,
            Some(text) => match self.resolve(Task::SyncDevice, actor, text, since).await? {
                Resolved::One(device, decision) => Some(Ok((device, decision))),
                Resolved::No(Refusal::NotAllowed { denial, device: Some(device) }) => {
                    Some(Ok((device, Decision::Denied(denial))))
                }
                Resolved::No(refusal) => Some(Err(self.refused(actor, refusal).await?)),
                Resolved::Several(devices) => {
                    let choice = self.offer(actor, Purpose::Access, None).await?;
                    return Ok(Looked::Choose { choice, devices });
                }
            },
        };
        Ok(Looked::Found(AccessAnswer { standing, device, is_admin: self.is_admin(actor) }))
    }

    /// `/history`: own requests; everyone's for the bot's admins.
    pub async fn history(&self, actor: &Actor) -> Result<HistoryAnswer, Trouble> {
        let everyone = self.is_admin(actor);
        let rows = self.store.history((!everyone).then_some(actor.user), HISTORY_LINES).await?;
        Ok(HistoryAnswer { rows, everyone })
    }

    /// Suggestions for a `user:` option, from memory.
    pub fn suggest_people(&self, actor: &Actor, text: &str) -> Vec<SuggestedPerson> {
        self.directory.suggest_people(text, &self.gate.visibility(actor))
    }

    /// Suggestions for a `device:` option, from memory.
    pub fn suggest(&self, actor: &Actor, text: &str) -> Vec<Device> {
        let found = self.directory.suggest(text, &self.gate.visibility(actor));
        if !found.tags_unknown.is_empty() {
            self.gate.want_tags(found.tags_unknown);
        }
        found.devices
    }
}
