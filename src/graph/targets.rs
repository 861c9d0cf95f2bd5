//! Reading what a bulk request is about: a person's devices, a group's, and many devices as they are now.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;

use super::client::{Graph, Patience, Stamped};
use super::devices::matches;
use super::endpoint::{Read, SearchBy};
use super::error::{Error, Kind};
use super::people::Members;
use super::users::{DirectoryUser, WireUser};
use super::wire::{WireDevice, moment};
use crate::intune::{Compliance, Device, DeviceId, EntraUserId, GroupId};

/// A group of the tenant, as Entra knows it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryGroup {
    /// Its object id.
    pub id: GroupId,
    /// Display name, from outside; not unique.
    pub name: String,
}

/// What a list says of a device that is being watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckIn {
    /// The device.
    pub device: DeviceId,
    /// `lastSyncDateTime`; `None`: never.
    pub at: Option<Timestamp>,
    /// `managementState`, as reported.
    pub management_state: String,
    /// Compliance as last evaluated.
    pub compliance: Compliance,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireGroup {
    id: GroupId,
    #[serde(default)]
    display_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCheckIn {
    id: DeviceId,
    #[serde(default)]
    last_sync_date_time: Option<String>,
    #[serde(default)]
    management_state: Option<String>,
    #[serde(default)]
    compliance_state: Option<String>,
}

impl Graph {
    /// The person with this user principal name; `None`: there is none in the tenant.
    pub async fn user_by_sign_in(&self, name: &str) -> Result<Option<DirectoryUser>, Error> {
        match self.read::<WireUser>(&Read::UserBySignIn(name.to_owned()), Patience::Interactive).await {
            Ok(answer) => {
                let user = DirectoryUser::from(answer.value);
                // An answer about somebody else is no answer.
                Ok(Some(user).filter(|user| user.sign_in.eq_ignore_ascii_case(name)))
            }
            Err(Error { kind: Kind::NotFound | Kind::Rejected(400), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The group with this object id; `None`: there is none in the tenant.
    pub async fn group(&self, id: GroupId) -> Result<Option<DirectoryGroup>, Error> {
        match self.read::<WireGroup>(&Read::Group(id), Patience::Interactive).await {
            Ok(answer) if answer.value.id != id => Err(self.malformed("another group than asked for")),
            Ok(answer) => Ok(Some(group(answer.value))),
            Err(Error { kind: Kind::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every group with this display name, in any case.
    pub async fn groups_named(&self, name: &str) -> Result<Vec<DirectoryGroup>, Error> {
        let rows: Vec<WireGroup> = self.read_all(&Read::GroupsNamed(name.to_owned()), Patience::Interactive).await?;
        let groups = rows.into_iter().map(group);
        Ok(groups.filter(|group| group.name.to_lowercase() == name.to_lowercase()).collect())
    }

    /// The devices of a person, as lists deliver them.
    pub async fn devices_of_user(&self, user: EntraUserId) -> Result<Vec<Device>, Error> {
        let rows: Vec<WireDevice> = self.read_all(&Read::UserDevices(user), Patience::Interactive).await?;
        Ok(rows.into_iter().map(Device::from).collect())
    }

    /// The devices of a group's members and those that are members themselves, each once. One that cannot be read makes
    /// the whole fail: a short list would be a lie.
    pub async fn devices_of_group(&self, members: &Members, patience: Patience) -> Result<Vec<Device>, Error> {
        let users = members.users.iter().map(|&user| Read::UserDevices(user));
        let entra = members.devices.iter();
        let devices = entra.map(|device| Read::DevicesBy(SearchBy::EntraDevice, device.to_string()));
        let reads: Vec<_> = users.chain(devices).collect();
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        let lists = self.read_lists::<WireDevice>(&reads, patience).await;
        for (read, rows) in reads.iter().zip(lists) {
            let rows = match rows {
                Ok(rows) => rows,
                // A person who was removed a moment ago has no devices.
                Err(Error { kind: Kind::NotFound, .. }) => continue,
                Err(error) => return Err(error),
            };
            for device in rows.into_iter().map(Device::from) {
                let fits = match read {
                    // A filter that Graph does not honour returns every device.
                    Read::DevicesBy(by, term) => matches(*by, &device, term),
                    _ => true,
                };
                if fits && seen.insert(device.id) {
                    found.push(device);
                }
            }
        }
        Ok(found)
    }

    /// Many devices as they are now, twenty to a request, in the order given; `Ok(None)`: Graph does not know it (any more).
    pub async fn devices_now(
        &self,
        ids: &[DeviceId],
        patience: Patience,
    ) -> Vec<Result<Option<Stamped<Device>>, Error>> {
        let reads: Vec<_> = ids.iter().map(|&id| Read::Device(id)).collect();
        let answers = self.read_many_stamped(&reads, patience).await;
        let read = |answer: Result<Stamped<serde_json::Value>, Error>, id: DeviceId| match answer {
            Ok(Stamped { value, graph_time }) => {
                let value = Device::from(self.shape::<WireDevice>(value)?);
                if value.id != id {
                    return Err(self.malformed("another device than asked for"));
                }
                Ok(Some(Stamped { value, graph_time }))
            }
            Err(Error { kind: Kind::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        };
        answers.into_iter().zip(ids).map(|(answer, &id)| read(answer, id)).collect()
    }

    /// When each device of the tenant last checked in: one request for each thousand devices.
    pub async fn check_ins(&self, patience: Patience) -> Result<Vec<CheckIn>, Error> {
        let rows: Vec<WireCheckIn> = self.read_all(&Read::CheckIns, patience).await?;
        Ok(rows.into_iter().map(CheckIn::from).collect())
    }
}

fn group(wire: WireGroup) -> DirectoryGroup {
    DirectoryGroup { id: wire.id, name: wire.display_name.unwrap_or_default() }
}

impl From<WireCheckIn> for CheckIn {
    fn from(wire: WireCheckIn) -> Self {
        Self {
            device: wire.id,
            at: wire.last_sync_date_time.as_deref().and_then(moment),
            management_state: wire.management_state.unwrap_or_default(),
            compliance: Compliance::read(&wire.compliance_state.unwrap_or_default()),
        }
    }
}
