//! Reading people: whether an account counts, which Entra roles are active, who is in which groups.

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;
use serde_json::Value;

use super::client::{Graph, Patience};
use super::endpoint::Read;
use super::error::{Error, Kind};
use super::users::{DirectoryUser, WireUser};
use super::wire::{WireDirectoryRole, WireId};
use crate::intune::{EntraAdmin, EntraDeviceId, EntraUserId, GroupId};

/// Groups that one membership check takes (Graph's limit).
const GROUPS_PER_CHECK: usize = 20;

/// The members of a group, which grant nothing.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// People.
    pub users: HashSet<EntraUserId>,
    /// Devices, by their Entra device id.
    pub devices: HashSet<EntraDeviceId>,
}

/// A person as Entra knows them at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonFacts {
    /// Whether the account exists and is enabled. If not, the rest is empty.
    pub active: bool,
    /// The Entra roles above Intune's own that are active now.
    pub admin: BTreeSet<EntraAdmin>,
    /// Which of the groups asked about they are in, nested ones included.
    pub groups: BTreeSet<GroupId>,
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

/// The groups, in pieces that one check takes.
pub(super) fn checks(groups: &BTreeSet<GroupId>) -> Vec<Vec<GroupId>> {
    let all: Vec<_> = groups.iter().copied().collect();
    all.chunks(GROUPS_PER_CHECK).map(<[_]>::to_vec).collect()
}

impl Graph {
    /// Everything the gate asks about a person, in one batch (more, where there are hundreds of groups).
    ///
    /// `with_admin`: whether their Entra roles matter; that read wants a permission of its own.
    pub async fn person(
        &self,
        user: EntraUserId,
        groups: &BTreeSet<GroupId>,
        with_admin: bool,
        patience: Patience,
    ) -> Result<PersonFacts, Error> {
        let mut reads = vec![Read::User(user)];
        reads.extend(with_admin.then_some(Read::DirectoryRoles(user)));
        reads.extend(checks(groups).into_iter().map(|chunk| Read::UserInGroups(user, chunk)));
        let mut answers = self.read_many(&reads, patience).await.into_iter();
        let mut facts = PersonFacts { active: false, admin: BTreeSet::new(), groups: BTreeSet::new() };
        let account = answers.next().unwrap_or_else(|| Err(self.malformed("no answer to the first question")));
        let account = match account {
            Ok(row) => DirectoryUser::from(self.shape::<WireUser>(row)?),
            Err(Error { kind: Kind::NotFound, .. }) => return Ok(facts),
            Err(error) => return Err(error),
        };
        if account.id != user {
            return Err(self.malformed("another person than asked for"));
        }
        if !account.enabled {
            return Ok(facts);
        }
        facts.active = true;
        if with_admin {
            let roles = answers.next().unwrap_or_else(|| Err(self.malformed("no answer to the second question")))?;
            let roles: super::odata::Page<WireDirectoryRole> = self.shape(roles)?;
            // Nobody has so many roles that they fill a page; a second one could only add.
            facts.admin = roles.value.iter().filter_map(admin).collect();
        }
        for answer in answers {
            facts.groups.extend(self.groups_in(answer?, groups)?);
        }
        Ok(facts)
    }

    /// The ids of a membership check. Only what was asked counts, whatever the answer holds.
    pub(super) fn groups_in(&self, answer: Value, asked: &BTreeSet<GroupId>) -> Result<Vec<GroupId>, Error> {
        let found: GroupIds = self.shape(answer)?;
        Ok(found.value.into_iter().filter(|id| asked.contains(id)).collect())
    }

    /// Everyone and every device in a group, nested groups included. Nobody's rights come of it: the gate asks about one at a time.
    pub async fn group_members(&self, group: GroupId, patience: Patience) -> Result<Members, Error> {
        let users: Vec<WireId<EntraUserId>> = self.read_all(&Read::GroupUsers(group), patience).await?;
        let devices: Vec<WireDirectoryDevice> = self.read_all(&Read::GroupDevices(group), patience).await?;
        Ok(Members {
            users: users.into_iter().map(|row| row.id).collect(),
            devices: devices.into_iter().filter_map(|row| row.device_id?.parse().ok()).collect(),
        })
    }
}

fn admin(role: &WireDirectoryRole) -> Option<EntraAdmin> {
    let template = role.role_template_id.as_deref()?.parse::<uuid::Uuid>().ok()?;
    EntraAdmin::ALL.into_iter().find(|role| role.template() == template)
}
