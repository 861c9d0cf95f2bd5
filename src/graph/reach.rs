//! Reading where devices stand: the groups that they and their primary users are in, and their scope tags.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::client::{Graph, Patience};
use super::endpoint::Read;
use super::error::Error;
use super::odata::Page;
use super::people::checks;
use super::wire::{WireId, WireTags};
use crate::intune::{Device, DeviceId, DirectoryDeviceId, EntraUserId, GroupId, Reach, ScopeTag};

/// What the decision needs to know of a device.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// These scope groups matter.
    pub groups: &'a BTreeSet<GroupId>,
    /// Whether there is a primary user matters.
    pub user: bool,
    /// The scope tags matter.
    pub tags: bool,
}

/// A device while its facts are gathered.
#[derive(Default)]
struct Gathered {
    users: Vec<EntraUserId>,
    object: Option<DirectoryDeviceId>,
    reach: Reach,
    failed: Option<Error>,
}

/// What a question is about: which device, and which kind of answer.
enum About {
    Users(usize),
    Object(usize),
    Tags(usize),
}

impl Graph {
    /// Where each of the devices stands, in the order given. A read that fails spoils that device's answer only.
    ///
    /// Two rounds: users, directory objects and tags; then memberships. For one device these are three HTTP requests at
    /// most (a batch, the beta read of the tags, a batch); for many, one for each twenty questions.
    pub async fn reaches(
        &self,
        devices: &[&Device],
        wanted: Wanted<'_>,
        patience: Patience,
    ) -> Vec<Result<Reach, Error>> {
        let mut gathered: Vec<Gathered> = devices.iter().map(|_| Gathered::default()).collect();
        self.first_round(devices, wanted, patience, &mut gathered).await;
        for one in &mut gathered {
            one.reach.has_user = !one.users.is_empty();
        }
        if !wanted.groups.is_empty() {
            self.memberships(wanted.groups, patience, &mut gathered).await;
        }
        gathered.into_iter().map(|one| one.failed.map_or(Ok(one.reach), Err)).collect()
    }

    /// The scope tags of devices, for display; `None`: Graph does not say.
    pub async fn device_tags(
        &self,
        devices: &[DeviceId],
        patience: Patience,
    ) -> Vec<Result<Option<BTreeSet<ScopeTag>>, Error>> {
        let reads: Vec<_> = devices.iter().map(|&device| Read::DeviceTags(device)).collect();
        let answers = self.read_many(&reads, patience).await;
        answers.into_iter().zip(devices).map(|(answer, &device)| self.tags_of(device, answer?)).collect()
    }

    fn tags_of(&self, device: DeviceId, answer: Value) -> Result<Option<BTreeSet<ScopeTag>>, Error> {
        let tags: WireTags = self.shape(answer)?;
        if tags.id == device { Ok(tags.tags()) } else { Err(self.malformed("another device than asked for")) }
    }

    async fn first_round(
        &self,
        devices: &[&Device],
        wanted: Wanted<'_>,
        patience: Patience,
        gathered: &mut [Gathered],
    ) {
        let (mut reads, mut about) = (Vec::new(), Vec::new());
        for (at, device) in devices.iter().enumerate() {
            if wanted.user || !wanted.groups.is_empty() {
                reads.push(Read::PrimaryUsers(device.id));
                about.push(About::Users(at));
            }
            if let Some(id) = device.entra_device_id.filter(|_| !wanted.groups.is_empty()) {
                reads.push(Read::DirectoryDevice(id));
                about.push(About::Object(at));
            }
            if wanted.tags {
                reads.push(Read::DeviceTags(device.id));
                about.push(About::Tags(at));
            }
        }
        for (about, answer) in about.iter().zip(self.read_many(&reads, patience).await) {
            let (About::Users(at) | About::Object(at) | About::Tags(at)) = *about;
            let one = &mut gathered[at];
            let took = answer.and_then(|answer| self.take(about, answer, devices[at], one));
            if let Err(error) = took {
                one.failed = Some(error);
            }
        }
    }

    fn take(&self, about: &About, answer: Value, device: &Device, one: &mut Gathered) -> Result<(), Error> {
        match about {
            About::Users(_) => one.users = self.whole_page(answer)?,
            // `deviceId` is not the object's id, and the membership check wants the object's. A device that Entra does
            // not know, or knows twice, is in no group.
            About::Object(_) => {
                one.object = match self.whole_page(answer)?[..] {
                    [object] => Some(object),
                    _ => None,
                }
            }
            About::Tags(_) => one.reach.tags = self.tags_of(device.id, answer)?,
        }
        Ok(())
    }

    /// A list of ids that fits on one page; a device has one primary user, rarely two.
    fn whole_page<T: serde::de::DeserializeOwned>(&self, answer: Value) -> Result<Vec<T>, Error> {
        let page: Page<WireId<T>> = self.shape(answer)?;
        if page.next_link.is_some() {
            return Err(self.malformed("more rows than can be"));
        }
        Ok(page.value.into_iter().map(|row| row.id).collect())
    }

    async fn memberships(&self, groups: &BTreeSet<GroupId>, patience: Patience, gathered: &mut [Gathered]) {
        // Several devices of one person share that person's checks.
        let (mut reads, mut of_user, mut of_object) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for one in gathered.iter().filter(|one| one.failed.is_none()) {
            for &user in &one.users {
                of_user.entry(user).or_insert_with(|| {
                    let from = reads.len();
                    reads.extend(checks(groups).into_iter().map(|chunk| Read::UserInGroups(user, chunk)));
                    from..reads.len()
                });
            }
            if let Some(object) = one.object {
                of_object.entry(object).or_insert_with(|| {
                    let from = reads.len();
                    reads.extend(checks(groups).into_iter().map(|chunk| Read::DeviceInGroups(object, chunk)));
                    from..reads.len()
                });
            }
        }
        let answers = self.read_many(&reads, patience).await;
        for one in gathered.iter_mut().filter(|one| one.failed.is_none()) {
            let users = one.users.iter().filter_map(|user| of_user.get(user));
            let ranges: Vec<_> = users.chain(one.object.and_then(|object| of_object.get(&object))).cloned().collect();
            for answer in ranges.into_iter().flatten().filter_map(|at| answers.get(at)) {
                let found = match answer {
                    Ok(answer) => self.groups_in(answer.clone(), groups),
                    Err(error) => Err(error.clone()),
                };
                match found {
                    Ok(found) => one.reach.groups.extend(found),
                    Err(error) => one.failed = Some(error),
                }
            }
        }
    }
}
