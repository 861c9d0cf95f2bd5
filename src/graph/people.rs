//! Reading who and what is in which groups.

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;
use uuid::Uuid;

use super::client::{Graph, Patience};
use super::endpoint::Read;
use super::error::Error;
use super::wire::WireId;
use crate::intune::{DeviceId, EntraDeviceId, EntraUserId, GroupId};

/// Groups that one membership check takes (Graph's limit).
const GROUPS_PER_CHECK: usize = 20;

/// The members of a group, for display only.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// People.
    pub users: HashSet<EntraUserId>,
    /// Devices, by their Entra device id.
    pub devices: HashSet<EntraDeviceId>,
}

#[derive(Deserialize)]
struct GroupIds {
    value: Vec<GroupId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDirectoryDevice {
    #[serde(default)]
    device_id: Option<String>,
}

impl Graph {
    /// The primary users of a device; usually one or none. They may differ from the enrolling user.
    pub async fn primary_users(&self, device: DeviceId, patience: Patience) -> Result<Vec<EntraUserId>, Error> {
        let rows: Vec<WireId<EntraUserId>> = self.read_all(&Read::PrimaryUsers(device), patience).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// Which of `groups` the person is in, nested groups included.
    pub async fn groups_of_user(
        &self,
        user: EntraUserId,
        groups: &BTreeSet<GroupId>,
        patience: Patience,
    ) -> Result<BTreeSet<GroupId>, Error> {
        self.member_groups(groups, patience, |chunk| Read::UserInGroups(user, chunk)).await
    }

    /// Which of `groups` the device's directory object is in. A device that Entra does not know is in none.
    pub async fn groups_of_device(
        &self,
        device: EntraDeviceId,
        groups: &BTreeSet<GroupId>,
        patience: Patience,
    ) -> Result<BTreeSet<GroupId>, Error> {
        // `deviceId` is not the object's id, and the membership check wants the object's.
        let objects: Vec<WireId<Uuid>> = self.read_all(&Read::DirectoryDevice(device), patience).await?;
        let [object] = objects.as_slice() else { return Ok(BTreeSet::new()) };
        let object = object.id;
        self.member_groups(groups, patience, |chunk| Read::DeviceInGroups(object, chunk)).await
    }

    async fn member_groups(
        &self,
        groups: &BTreeSet<GroupId>,
        patience: Patience,
        read: impl Fn(Vec<GroupId>) -> Read,
    ) -> Result<BTreeSet<GroupId>, Error> {
        let all: Vec<_> = groups.iter().copied().collect();
        let mut found = BTreeSet::new();
        for chunk in all.chunks(GROUPS_PER_CHECK) {
            let answer: GroupIds = self.read(&read(chunk.to_vec()), patience).await?.value;
            // Only what was asked counts, whatever the answer holds.
            found.extend(answer.value.into_iter().filter(|id| groups.contains(id)));
        }
        Ok(found)
    }

    /// Everyone and every device in a group, nested groups included. For display; the gate asks about one at a time.
    pub async fn group_members(&self, group: GroupId) -> Result<Members, Error> {
        let users: Vec<WireId<EntraUserId>> = self.read_all(&Read::GroupUsers(group), Patience::Interactive).await?;
        let devices: Vec<WireDirectoryDevice> =
            self.read_all(&Read::GroupDevices(group), Patience::Interactive).await?;
        Ok(Members {
            users: users.into_iter().map(|row| row.id).collect(),
            devices: devices.into_iter().filter_map(|row| row.device_id?.parse().ok()).collect(),
        })
    }
}
