//! From what was typed to a device: the directory first, then Graph; then the device as it is now.

use super::desk::{Desk, Trouble};
use super::refusal::Refusal;
use crate::chat::Actor;
use crate::graph::{Patience, Search};
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
    /// Finds the device that `text` names, and asks the gate about `task` on it.
    pub(super) async fn resolve(&self, task: Task, actor: &Actor, text: &str) -> Result<Resolved, Trouble> {
        if let Some(denial) = self.gate.rule_out(task, &actor.roles, Patience::Interactive).await? {
            return Ok(Resolved::No(Refusal::NotAllowed { denial, device: None }));
        }
        if let Ok(id) = text.trim().parse::<DeviceId>() {
            return self.admit_fresh(task, actor, id, text).await;
        }
        let mut ids = self.directory.find(text);
        if let [id] = ids[..] {
            if let Some(device) = self.read(id).await? {
                return self.admit(task, actor, device).await;
            }
            // Gone since the directory was read; Graph may know a new one by that name.
            ids.clear();
        }
        let candidates = if ids.is_empty() {
            self.graph.search(Search(text)).await?
        } else {
            ids.iter().filter_map(|&id| self.directory.get(id)).map(|device| (*device).clone()).collect()
        };
        if candidates.len() > TOO_MANY {
            return Ok(Resolved::No(Refusal::TooManyDevices { text: text.to_owned(), count: candidates.len() }));
        }
        if let [device] = &candidates[..] {
            return self.admit_fresh(task, actor, device.id, text).await;
        }
        let mut visible = Vec::new();
        for device in candidates {
            let decision = self.gate.rule(task, &actor.roles, &device, Patience::Interactive).await?;
            if matches!(decision, Decision::Allowed { .. }) {
                visible.push(device);
            }
        }
        Ok(match visible.len() {
            0 => unknown(text),
            1..=OFFERED => match <[Device; 1]>::try_from(visible) {
                Ok([device]) => return self.admit_fresh(task, actor, device.id, text).await,
                Err(several) => Resolved::Several(several),
            },
            count => Resolved::No(Refusal::TooManyDevices { text: text.to_owned(), count }),
        })
    }

    /// The device as it is now, if Graph still has it, and the gate's word on it.
    async fn admit_fresh(&self, task: Task, actor: &Actor, id: DeviceId, text: &str) -> Result<Resolved, Trouble> {
        match self.read(id).await? {
            Some(device) => self.admit(task, actor, device).await,
            None => Ok(unknown(text)),
        }
    }

    async fn read(&self, id: DeviceId) -> Result<Option<Device>, Trouble> {
        Ok(self.graph.device(id, Patience::Interactive).await?.map(|stamped| stamped.value))
    }

    async fn admit(&self, task: Task, actor: &Actor, device: Device) -> Result<Resolved, Trouble> {
        let device = Box::new(device);
        Ok(match self.gate.rule(task, &actor.roles, &device, Patience::Interactive).await? {
            Decision::Denied(denial @ Denial::OutOfScope { .. }) => {
                Resolved::No(Refusal::NotAllowed { denial, device: Some(device) })
            }
            Decision::Denied(denial) => Resolved::No(Refusal::NotAllowed { denial, device: None }),
            allowed @ Decision::Allowed { .. } => Resolved::One(device, allowed),
        })
    }
}

fn unknown(text: &str) -> Resolved {
    Resolved::No(Refusal::UnknownDevice { text: text.to_owned() })
}
