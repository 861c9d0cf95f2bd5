//! From what a bulk command names to devices: a person's, a group's, or those that fit some conditions.

use commands::{ComplianceName, Filter, PlatformName, Target};
use jiff::Timestamp;

use super::desk::{Desk, Trouble};
use super::refusal::Refusal;
use crate::graph::Patience;
use crate::intune::{Compliance, Device, DeviceFilter, EntraUserId, GroupId, Platform};
use crate::store::BulkTarget;

/// Groups of one name that are told apart by their ids; more help nobody.
const NAMESAKES: usize = 10;

/// Devices that a command names, before anybody asked whether they may be synced.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) target: BulkTarget,
    pub(super) devices: Vec<Device>,
    /// How old the list is that they were taken from; `None`: read just now.
    pub(super) as_of: Option<Timestamp>,
}

impl Desk {
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

    /// The devices of a target, as they are now.
    pub(super) async fn devices_of(&self, target: BulkTarget) -> Result<Result<Found, Refusal>, Trouble> {
        let (mut devices, as_of) = match &target {
            BulkTarget::User { id, .. } => (self.graph.devices_of_user(*id).await?, None),
            BulkTarget::Group { id, .. } => {
                let members = self.graph.group_members(*id).await?;
                (self.graph.devices_of_group(&members).await?, None)
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
