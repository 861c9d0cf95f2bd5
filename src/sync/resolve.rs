//! From what was typed to a device: the directory first, then Graph; then the device as it is now.

use jiff::Timestamp;

use super::desk::{Desk, Trouble};
use super::refusal::Refusal;
use crate::chat::Actor;
use crate::graph::{Patience, Search};
use crate::identity::CheckFailed;
use crate::intune::{Decision, Denial, Device, DeviceId, Task};

/// Devices offered in one list (Discord's limit).
const OFFERED: usize = 25;

/// Beyond so many namesakes a list helps nobody.
const TOO_MANY: usize = 50;

/// What the text stands for.
pub(super) enum Resolved {
    /// One device, freshly read, and the gate's yes.
    One(Box<Device>, Decision),
    /// Several, which the person may all see.
    Several(Vec<Device>),
    /// None, or none for them.
    No(Refusal),
}

impl Desk {
    /// Finds the device that `text` names, and asks the gate about `task` on it, in a command that began at `since`.
    pub(super) async fn resolve(
        &self,
        task: Task,
        actor: &Actor,
        text: &str,
        since: Timestamp,
    ) -> Result<Resolved, Trouble> {
        let ruled_out = self.gate.rule_out(task, actor, since, Patience::Interactive).await;
        if let Some(denial) = self.checked(actor, ruled_out).await? {
            return Ok(Resolved::No(Refusal::NotAllowed { denial, device: None }));
        }
        let question = Question { task, actor, text, since };
        if let Ok(id) = text.trim().parse::<DeviceId>() {
            return self.admit_fresh(question, id).await;
        }
        let mut ids = self.directory.find(text);
        if let [id] = ids[..] {
            if let Some(device) = self.read(id).await? {
                return self.admit(question, device).await;
            }
            // Gone since the directory was read; Graph may know a new one by that name.
            ids.clear();
        }
        let candidates = if ids.is_empty() {
            self.graph.search(Search(text)).await?
        } else {
            ids.iter().filter_map(|&id| self.directory.get(id)).collect()
        };
        if let [device] = &candidates[..] {
            return self.admit_fresh(question, device.id).await;
        }
        // Of very many namesakes only some are looked at: enough to say so to whoever may see one of them.
        let all: Vec<_> = candidates.iter().take(TOO_MANY).collect();
        let rulings = self.gate.rule_many(task, actor, &all, since, Patience::Interactive).await;
        let rulings = self.checked(actor, rulings).await?;
        let mut visible = Vec::new();
        for (device, ruling) in candidates.iter().zip(rulings) {
            let ruling = self.checked(actor, ruling.map_err(CheckFailed::from)).await?;
            if matches!(ruling.decision, Decision::Allowed { .. }) {
                visible.push(device.clone());
            }
        }
        Ok(match visible.len() {
            0 => unknown(text, None),
            _ if candidates.len() > TOO_MANY => {
                Resolved::No(Refusal::TooManyDevices { text: text.to_owned(), count: candidates.len() })
            }
            1..=OFFERED => match <[Device; 1]>::try_from(visible) {
                Ok([device]) => return self.admit_fresh(question, device.id).await,
                Err(several) => Resolved::Several(several),
            },
            count => Resolved::No(Refusal::TooManyDevices { text: text.to_owned(), count }),
        })
    }

    /// The device as it is now, if Graph still has it, and the gate's word on it.
    async fn admit_fresh(&self, question: Question<'_>, id: DeviceId) -> Result<Resolved, Trouble> {
        match self.read(id).await? {
            Some(device) => self.admit(question, device).await,
            None => Ok(unknown(question.text, None)),
        }
    }

    async fn read(&self, id: DeviceId) -> Result<Option<Device>, Trouble> {
        Ok(self.graph.device(id, Patience::Interactive).await?.map(|stamped| stamped.value))
    }

    async fn admit(&self, question: Question<'_>, device: Device) -> Result<Resolved, Trouble> {
        let Question { task, actor, text, since } = question;
        let device = Box::new(device);
        let ruling = self.gate.rule(task, actor, &device, since, Patience::Interactive).await;
        let ruling = self.checked(actor, ruling).await?;
        Ok(match ruling.decision {
            Decision::Denied(denial) if denial.is_about_the_device() && !ruling.visible => {
                unknown(text, Some((device.id, denial)))
            }
            Decision::Denied(denial) => {
                let device = denial.is_about_the_device().then_some(device);
                Resolved::No(Refusal::NotAllowed { denial, device })
            }
            allowed @ Decision::Allowed { .. } => Resolved::One(device, allowed),
        })
    }
}

/// What is asked, by whom, and since when what is known of them counts.
#[derive(Clone, Copy)]
struct Question<'a> {
    task: Task,
    actor: &'a Actor,
    text: &'a str,
    since: Timestamp,
}

/// A device that is not there, or that they may not know of: the answer is the same.
fn unknown(text: &str, hidden: Option<(DeviceId, Denial)>) -> Resolved {
    Resolved::No(Refusal::UnknownDevice { text: text.to_owned(), hidden })
}
