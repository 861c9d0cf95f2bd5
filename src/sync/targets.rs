//! From what a bulk command names to devices: a person's, a group's, or those that fit some conditions.

use commands::{ComplianceName, Filter, PlatformName, Target};
use jiff::Timestamp;

use super::desk::{Desk, Trouble};
use super::refusal::Refusal;
use crate::budget::Urgency;
use crate::chat::Actor;
use crate::graph::Patience;
use crate::intune::{Compliance, Device, DeviceFilter, EntraUserId, GroupId, Platform};
use crate::store::BulkTarget;

/// Groups of one name that are told apart by their ids; more help nobody.
const NAMESAKES: usize = 10;

/// What one batch holds. Reads about more than that stand behind those about single devices.
const FEW: usize = 20;

/// So many times as many devices as one request may hold are looked at, in the hope that the asker may sync few of them.
const LOOKED_AT: usize = 10;

/// Devices that a command names, before anybody asked whether they may be synced.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) target: BulkTarget,
    pub(super) devices: Vec<Device>,
    /// How old the list is that they were taken from; `None`: read just now.
    pub(super) as_of: Option<Timestamp>,
}

/// How somebody waits for reads about so many devices: with few before everybody else. With many in a line of their own behind the
/// single syncs, where they take turns with the bulk requests, so that they neither hold others up nor starve.
pub(super) fn patience_with(actor: &Actor, count: usize) -> Patience {
    if count > FEW { Patience::TriesAs(Urgency::Bulk(actor.user.0.into())) } else { Patience::Interactive }
}

impl Desk {
    /// Of how many devices somebody's rights are looked at for one request.
    pub(super) fn most_looked_at(&self) -> usize {
        self.settings.sync.max_devices.saturating_mul(LOOKED_AT)
    }

    /// Who or what is meant.
    pub(super) async fn bulk_target(&self, target: &Target) -> Result<Result<BulkTarget, Refusal>, Trouble> {
        Ok(match target {
            Target::User(text) => {
                let found = match text.parse::<EntraUserId>() {
                    Ok(id) => self.graph.user(id, Patience::Interactive).await?,
                    Err(_) => self.graph.user_by_sign_in(text).await?,
                };
                match found {
                    Some(user) => Ok(BulkTarget::User { id: user.id, name: user.name, sign_in: user.sign_in }),
                    None => Err(Refusal::UnknownPerson { text: text.clone() }),
                }
            }
            Target::Group(text) => {
                let mut found = match text.parse::<GroupId>() {
                    Ok(id) => self.graph.group(id).await?.into_iter().collect(),
                    Err(_) => self.graph.groups_named(text).await?,
                };
                match (found.pop(), found.is_empty()) {
                    (Some(group), true) => Ok(BulkTarget::Group { id: group.id, name: group.name }),
                    (Some(group), false) => {
                        let others = found.into_iter().chain([group]).take(NAMESAKES);
                        Err(Refusal::SeveralGroups { text: text.clone(), ids: others.map(|group| group.id).collect() })
                    }
                    (None, _) => Err(Refusal::UnknownGroup { text: text.clone() }),
                }
            }
            Target::Filter(filter) => Ok(BulkTarget::Filter(device_filter(filter))),
        })
    }

    /// The devices of a target, as they are now; `actor` waits for them.
    pub(super) async fn devices_of(
        &self,
        actor: &Actor,
        target: BulkTarget,
    ) -> Result<Result<Found, Refusal>, Trouble> {
        let (mut devices, as_of) = match &target {
            BulkTarget::User { id, .. } => (self.graph.devices_of_user(*id).await?, None),
            BulkTarget::Group { id, .. } => {
                let members = self.graph.group_members(*id, Patience::Interactive).await?;
                let (count, most) = (members.users.len() + members.devices.len(), self.most_looked_at());
                if count > most {
                    return Ok(Err(Refusal::TooManyToCheck { count, most, members: true }));
                }
                (self.graph.devices_of_group(&members, patience_with(actor, count)).await?, None)
            }
            BulkTarget::Filter(filter) => {
                let Some(read_at) = self.directory.read_at() else { return Ok(Err(Refusal::ListNotRead)) };
                let now = self.clock.now();
                let mut devices = self.directory.all(|device| filter.fits(device, now));
                if filter.retryable_failures {
                    let index = self.failures.known();
                    if index.is_off() {
                        return Ok(Err(Refusal::IndexOff));
                    }
                    if index.is_unread() {
                        return Ok(Err(Refusal::IndexNotRead));
                    }
                    devices.retain(|device| index.is_retryable(device.id));
                }
                (devices, Some(read_at))
            }
        };
        devices.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
        Ok(Ok(Found { target, devices, as_of }))
    }
}

fn device_filter(filter: &Filter) -> DeviceFilter {
    DeviceFilter {
        platform: filter.platform.map(|platform| match platform {
            PlatformName::Android => Platform::Android,
            PlatformName::Ios => Platform::Ios,
            PlatformName::IpadOs => Platform::IpadOs,
            PlatformName::MacOs => Platform::MacOs,
            PlatformName::Windows => Platform::Windows,
        }),
        unseen_days: filter.unseen_days,
        compliance: filter.compliance.map(|compliance| match compliance {
            ComplianceName::Noncompliant => Compliance::Noncompliant,
            ComplianceName::InGracePeriod => Compliance::InGracePeriod,
            ComplianceName::Compliant => Compliance::Compliant,
        }),
        retryable_failures: filter.retryable_failures,
    }
}
