//! The in-process handle: what a test reads of the tenant, and what it makes happen there.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Tenant;
use super::fault::{Fault, FaultId};
use super::log::{GraphCall, SyncCall};
use super::model::{AppChange, AppEvent, Cause, CheckIn, Device, Planned};
use super::seed::id_for;
use super::views::DeviceView;
use crate::scenario::tenant::AppReads;

/// The tenant has nothing of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotThere(pub String);

impl std::fmt::Display for NotThere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the simulated tenant has no {}", self.0)
    }
}

impl std::error::Error for NotThere {}

pub(super) fn not_there(kind: &str, name: &str) -> NotThere {
    NotThere(format!("{kind} {name:?}"))
}

/// What there is, and what was said.
impl Tenant {
    /// The present moment of the simulated world.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Every device, as it is now.
    pub fn devices(&self) -> Vec<DeviceView> {
        self.with(|world| world.devices.values().map(|d| world.view(d)).collect())
    }

    /// A device by id or by name; of several with one name, the first of the scenario.
    pub fn device(&self, name_or_id: &str) -> Option<DeviceView> {
        self.with(|world| world.device(name_or_id).map(|d| world.view(d)))
    }

    /// Every `syncDevice` call that arrived, oldest first: also refused ones, and ones whose answer was lost; not those
    /// that were lost on the way here.
    pub fn sync_calls(&self) -> Vec<SyncCall> {
        self.with(|world| world.log.syncs.clone())
    }

    /// Every writing call that was not a sync. It must stay empty.
    pub fn unexpected_writes(&self) -> Vec<GraphCall> {
        self.with(|world| world.log.unexpected.clone())
    }

    /// The Graph calls in memory (the last hundred thousand), oldest first; items of a batch are calls of their own.
    pub fn graph_calls(&self) -> Vec<GraphCall> {
        self.with(|world| world.log.calls.iter().cloned().collect())
    }

    /// The Graph calls served at or after `moment`.
    pub fn graph_calls_since(&self, moment: Timestamp) -> Vec<GraphCall> {
        self.with(|world| world.log.calls.iter().filter(|c| c.at >= moment).cloned().collect())
    }

    /// How many answers were a 429, by a limit or by a fault.
    pub fn throttled(&self) -> usize {
        self.with(|world| world.log.throttled)
    }

    /// How many calls passed a published limit of the application. A client that keeps to its budget never makes one; the
    /// tenant's limits, which other apps use too, it cannot know.
    pub fn over_limit(&self) -> usize {
        self.with(|world| world.log.over_limit)
    }

    /// How many access tokens were handed out.
    pub fn tokens_issued(&self) -> usize {
        self.with(|world| world.log.tokens_issued)
    }

    /// A well-formed device id that no device has.
    pub fn unknown_device_id(&self) -> String {
        self.with(|world| id_for(world.seed, "nothing", "no device has this id"))
    }

    /// Entra's tenant id.
    pub fn tenant_id(&self) -> String {
        self.with(|world| world.tenant_id.clone())
    }

    /// The application's client id and secret.
    pub fn credentials(&self) -> (String, String) {
        self.with(|world| (world.application.client_id.clone(), world.application.secret.clone()))
    }

    /// The Entra object id of a person (key or UPN), a group or a device, by name.
    pub fn object_id(&self, name: &str) -> Option<String> {
        self.with(|world| world.object_named(name))
    }

    /// The id of an Intune role, by name.
    pub fn role_id(&self, name: &str) -> Option<String> {
        self.with(|world| world.roles.iter().find(|r| r.name == name).map(|r| r.id.clone()))
    }
}

/// What happens to devices.
impl Tenant {
    /// Says what the device does after a sync. Where a sync waits already, the plan starts now.
    pub fn plan_check_in(&self, device: &str, plan: CheckIn) -> Result<(), NotThere> {
        self.change(device, |(now, regular), device| {
            device.next_regular = match (&plan, device.next_regular) {
                (CheckIn::Never, _) => None,
                (_, Some(next)) => Some(next),
                (_, None) => now.checked_add(regular).ok(),
            };
            device.plan = plan;
            if device.waiting {
                device.start_plan(now);
            }
        })
    }

    /// The device checks in now, as if it had been asked to; planned app changes follow.
    pub fn check_in_now(&self, device: &str) -> Result<(), NotThere> {
        let lag = self.with(|world| world.behaviour.app_lag);
        self.change(device, |(now, regular), device| {
            device.planned.clear();
            device.check_in(&Planned { at: now, dated: now, cause: Cause::Asked }, regular, lag);
            device.show_apps(now);
        })
    }

    /// Sets `managementState`.
    pub fn set_management_state(&self, device: &str, state: &str) -> Result<(), NotThere> {
        self.change(device, |_, device| state.clone_into(&mut device.state))
    }

    /// Adds an entry to `deviceActionResults`, or changes the state of the one there is.
    pub fn set_device_action(&self, device: &str, action: &str, state: &str) -> Result<(), NotThere> {
        self.change(device, |(now, _), device| {
            device.actions.retain(|a| a.name != action);
            let (name, state) = (action.to_owned(), state.to_owned());
            device.actions.push(super::model::ActionResult { name, state, at: now });
        })
    }

    /// Sets whether a sync of the device needs a second administrator.
    pub fn set_device_approval(&self, device: &str, needed: bool) -> Result<(), NotThere> {
        self.change(device, |_, device| device.needs_approval = needed)
    }

    /// Sets the device's scope tags.
    pub fn set_device_tags(&self, device: &str, tags: &[&str]) -> Result<(), NotThere> {
        self.change(device, |_, device| device.tags = tags.iter().map(|&t| t.to_owned()).collect())
    }

    /// For how long after a check-in alternate reads of the device are stale; zero: never.
    pub fn set_stale_reads(&self, device: &str, span: SignedDuration) -> Result<(), NotThere> {
        self.change(device, |_, device| device.stale_for = span)
    }

    /// How long app states lag the check-in that changed them, from the next check-in on.
    pub fn set_app_lag(&self, lag: SignedDuration) {
        self.with(|world| world.behaviour.app_lag = lag);
    }

    /// Sets operating system and version.
    pub fn set_os(&self, device: &str, os: &str, version: &str) -> Result<(), NotThere> {
        self.change(device, |_, device| {
            os.clone_into(&mut device.os);
            version.clone_into(&mut device.os_version);
        })
    }

    /// Sets the primary user (key, UPN or id), or leaves the device without one.
    pub fn set_device_user(&self, device: &str, person: Option<&str>) -> Result<(), NotThere> {
        let find = |who: &str| self.with(|world| world.person(who).map(|p| p.id.clone()));
        let user = match person {
            Some(who) => Some(find(who).ok_or_else(|| not_there("person", who))?),
            None => None,
        };
        self.change(device, |_, device| device.user = user)
    }

    /// The device leaves Intune: every later call to it is answered 404.
    pub fn remove_device(&self, device: &str) -> Result<(), NotThere> {
        self.with(|world| {
            let found = world.device(device).map(|d| d.id.clone()).ok_or_else(|| not_there("device", device))?;
            world.devices.shift_remove(&found);
            Ok(())
        })
    }

    /// Sets an app's state on a device at once: `None` is installed, a code is a failure dated now.
    pub fn set_app_state(&self, device: &str, app: &str, code: Option<i32>) -> Result<(), NotThere> {
        self.on_app(device, app, |now, app| app.happened(AppEvent { at: now, code }))
    }

    /// Says what the next check-in that was asked for does to an app.
    pub fn plan_app(&self, device: &str, app: &str, change: AppChange) -> Result<(), NotThere> {
        self.on_app(device, app, |_, app| app.then = Some(change))
    }

    fn on_app(
        &self,
        device: &str,
        app: &str,
        act: impl FnOnce(Timestamp, &mut super::model::DeviceApp),
    ) -> Result<(), NotThere> {
        self.with(|world| {
            let (now, id) = (world.now, world.app_named(app));
            let found = world.device_mut(device).ok_or_else(|| not_there("device", device))?;
            if !found.apps.iter().any(|a| a.app == id) {
                found.apps.push(super::model::DeviceApp {
                    app: id.clone(),
                    state: "notInstalled".to_owned(),
                    code: None,
                    at: None,
                    then: None,
                    history: Vec::new(),
                });
            }
            if let Some(app) = found.apps.iter_mut().find(|a| a.app == id) {
                act(now, app);
            }
            Ok(())
        })
    }

    fn change(&self, device: &str, act: impl FnOnce((Timestamp, SignedDuration), &mut Device)) -> Result<(), NotThere> {
        self.with(|world| {
            let time = (world.now, world.behaviour.regular_check_in);
            act(time, world.device_mut(device).ok_or_else(|| not_there("device", device))?);
            Ok(())
        })
    }
}

/// What goes wrong.
impl Tenant {
    /// Sets a fault; faults set first are tried first.
    pub fn push_fault(&self, fault: Fault) -> FaultId {
        self.with(|world| world.faults.push(fault))
    }

    /// Clears one fault.
    pub fn clear_fault(&self, id: FaultId) {
        self.with(|world| world.faults.clear(Some(id)));
    }

    /// Clears every fault.
    pub fn clear_faults(&self) {
        self.with(|world| world.faults.clear(None));
    }

    /// How many calls were hit by faults so far, by what the faults do.
    pub fn faults_served(&self) -> BTreeMap<&'static str, usize> {
        self.with(|world| world.faults.served())
    }

    /// Makes the beta app state calls answer 403, or work again.
    pub fn break_app_reads(&self, broken: bool) {
        self.with(|world| world.behaviour.app_reads = if broken { AppReads::Forbidden } else { AppReads::Work });
    }

    /// Puts Multi Admin Approval before every device action, or takes it away.
    pub fn set_multi_admin_approval(&self, on: bool) {
        self.with(|world| world.behaviour.multi_admin_approval = on);
    }

    /// Multiplies the published limits; 0 switches them off.
    pub fn set_limits(&self, multiplier: f64) {
        self.with(|world| world.limits.settings.multiplier = multiplier);
    }

    /// What other apps of the tenant write to Intune devices in any 20 s; of 400 for all, the rest is left.
    pub fn set_other_writes(&self, writes: u32) {
        self.with(|world| world.limits.settings.other_writes = writes);
    }

    /// Replaces the application permissions that were consented to.
    pub fn set_permissions(&self, permissions: &[&str]) {
        self.with(|world| world.application.permissions = permissions.iter().map(|&p| p.to_owned()).collect());
    }

    /// Every token handed out so far is refused from now on.
    pub fn revoke_tokens(&self) {
        self.with(|world| world.tokens.clear());
    }

    /// A new client secret; the old one is refused from now on.
    pub fn set_secret(&self, secret: &str) {
        self.with(|world| secret.clone_into(&mut world.application.secret));
    }
}
