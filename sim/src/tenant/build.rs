//! From a scenario to a tenant: names become ids, spans become moments.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};

use super::fault::Faults;
use super::log::Log;
use super::model::{
    ActionResult, App, AppChange, AppEvent, Assignment, CheckIn, Device, DeviceApp, DirectoryRole, Group, Person, Role,
    World,
};
use super::seed::{Seed, id_for};
use super::sign_in::{Keys, SignIns};
use super::throttle::Limits;
use super::{built_in, generate, platform};
use crate::scenario::tenant::{CheckInRow, DeviceAppRow, DeviceRow, TenantScenario, ThenRow};

/// How long a device was enrolled before the scenario starts.
const ENROLLED_BEFORE: SignedDuration = SignedDuration::from_hours(24 * 200);

/// The tenant of a scenario, as it is at `now`.
pub(crate) fn world(scenario: &TenantScenario, now: Timestamp, base: &str) -> anyhow::Result<World> {
    let mut world = World {
        base: base.to_owned(),
        now,
        seed: scenario.seed,
        tenant_id: scenario.tenant_id.clone(),
        domain: scenario.domain.clone(),
        application: scenario.application.clone(),
        sign_in: scenario.sign_in.clone(),
        sign_ins: SignIns::new(Keys::load().context("the keys that sign ID tokens")?),
        behaviour: scenario.behaviour.clone(),
        people: IndexMap::new(),
        groups: Vec::new(),
        directory_roles: Vec::new(),
        roles: built_in::roles(scenario.behaviour.security_manager_lists_sync),
        assignments: Vec::new(),
        truncated_assignments: false,
        scope_tags: vec![("0".to_owned(), "Default".to_owned())],
        apps: Vec::new(),
        devices: IndexMap::new(),
        tokens: Vec::new(),
        faults: Faults::default(),
        limits: Limits::new(scenario.throttling.clone()),
        log: Log::default(),
    };
    for row in &scenario.person {
        world.add_person(Person {
            key: row.key.clone(),
            id: row.id.clone().unwrap_or_else(|| id_for(scenario.seed, "person", &row.key)),
            name: row.name.clone(),
            upn: format!("{}@{}", row.key, scenario.domain),
            enabled: row.enabled,
            guest: row.guest,
            made_up: false,
        });
    }
    for row in &scenario.app {
        let id = row.id.clone().unwrap_or_else(|| id_for(scenario.seed, "app", &row.name));
        world.apps.push(App { id, name: row.name.clone(), version: row.version.clone() });
    }
    for (number, row) in scenario.device.iter().enumerate() {
        let device = world.build_device(row, number).with_context(|| format!("device {:?}", row.name))?;
        world.add_device(device);
    }
    generate::fill(&mut world, &scenario.generate);
    world.build_groups(scenario)?;
    world.build_roles(scenario)?;
    for fault in &scenario.fault {
        world.faults.push(fault.clone());
    }
    Ok(world)
}

impl World {
    /// A device from its row; `number` keeps two devices of one name apart.
    pub(crate) fn build_device(&mut self, row: &DeviceRow, number: usize) -> anyhow::Result<Device> {
        let mut seed = Seed::new(self.seed, &format!("device/{}/{number}", row.name));
        let look = platform::of(&row.os);
        let (id, entra) = (seed.id(), (seed.id(), seed.id()));
        let within =
            SignedDuration::from_secs(seed.between(600, (self.behaviour.regular_check_in.as_secs() - 600).max(601)));
        let ago = |span: SignedDuration| self.now.saturating_sub(span).unwrap_or(Timestamp::MIN);
        let last_check_in = (!row.never_seen).then(|| ago(row.seen.unwrap_or(within)));
        let plan = match &row.check_in {
            None => CheckIn::After(SignedDuration::from_secs(seed.between(45, 240))),
            Some(row) => plan(row)?,
        };
        let person = |key: &String| {
            self.person(key).map(|p| p.id.clone()).with_context(|| format!("no person has the key {key:?}"))
        };
        let user = row.user.as_ref().map(person).transpose()?;
        let enrolled_by = row.enrolled_by.as_ref().map(person).transpose()?.or_else(|| user.clone());
        let interval = self.behaviour.regular_check_in;
        let next_regular = match (&plan, last_check_in) {
            (CheckIn::Never, _) | (_, None) => None,
            (_, Some(last)) => {
                // A device that is late already sleeps until it is asked, or for one interval more.
                let next = last.checked_add(interval).ok();
                next.filter(|next| *next > self.now).or_else(|| self.now.checked_add(interval).ok())
            }
        };
        let actions = row.actions.iter().map(|(name, state)| ActionResult {
            name: name.clone(),
            state: state.clone(),
            at: ago(SignedDuration::from_mins(12)),
        });
        Ok(Device {
            id,
            name: row.name.clone(),
            os: row.os.clone(),
            os_version: row.os_version.clone().unwrap_or_else(|| (*seed.pick(look.versions)).to_owned()),
            serial: row.serial.clone().unwrap_or_else(|| seed.serial()),
            manufacturer: look.manufacturer.to_owned(),
            model: row.model.clone().unwrap_or_else(|| (*seed.pick(look.models)).to_owned()),
            owner: row.owner.clone(),
            agent: row.agent.clone(),
            state: row.state.clone(),
            compliance: row.compliance.clone(),
            user,
            enrolled_by,
            enrolled: ago(ENROLLED_BEFORE),
            entra: row.entra.then_some(entra),
            tags: row.tags.clone(),
            needs_approval: row.approval,
            actions: actions.collect(),
            last_check_in,
            before_last: last_check_in.and_then(|at| at.checked_sub(interval).ok()),
            shown_at: None,
            plan,
            planned: Vec::new(),
            next_regular,
            waiting: false,
            stale_for: row.stale.unwrap_or_default(),
            stale_reads: 0,
            hidden: Vec::new(),
            apps: row.apps.iter().map(|app| self.build_device_app(app)).collect(),
        })
    }

    fn build_device_app(&mut self, row: &DeviceAppRow) -> DeviceApp {
        let ago = row.ago.unwrap_or(SignedDuration::from_hours(26));
        let at = self.now.saturating_sub(ago).unwrap_or(self.now);
        let then = row.then.as_ref().map(|then| match then {
            ThenRow::Fixed => AppChange::Fixed,
            ThenRow::Fails(code) => AppChange::Fails(*code),
        });
        let happened = row.code.is_some() || row.state == "installed" || row.state == "failed";
        DeviceApp {
            app: self.app_named(&row.name),
            state: row.state.clone(),
            code: row.code,
            at: happened.then_some(at),
            then,
            history: happened.then_some(AppEvent { at, code: row.code }).into_iter().collect(),
        }
    }

    /// The id of the app of this name, which is made where there is none.
    pub(crate) fn app_named(&mut self, name: &str) -> String {
        if let Some(app) = self.app(name) {
            return app.id.clone();
        }
        let id = id_for(self.seed, "app", name);
        self.apps.push(App { id: id.clone(), name: name.to_owned(), version: "1.0".to_owned() });
        id
    }

    fn build_groups(&mut self, scenario: &TenantScenario) -> anyhow::Result<()> {
        for row in &scenario.group {
            let id = row.id.clone().unwrap_or_else(|| id_for(scenario.seed, "group", &row.name));
            self.groups.push(Group { id, name: row.name.clone(), members: std::collections::BTreeSet::new() });
        }
        for (index, row) in scenario.group.iter().enumerate() {
            let names = row.people.iter().chain(&row.devices).chain(&row.groups);
            let members = names
                .map(|name| self.object_named(name).with_context(|| format!("group {:?}: no {name:?}", row.name)))
                .collect::<anyhow::Result<_>>()?;
            self.groups[index].members = members;
        }
        Ok(())
    }

    fn build_roles(&mut self, scenario: &TenantScenario) -> anyhow::Result<()> {
        for row in &scenario.role {
            let id = row.id.clone().unwrap_or_else(|| id_for(scenario.seed, "role", &row.name));
            let (actions, not_actions) = (row.actions.clone(), row.not_actions.clone());
            self.roles.push(Role { id, name: row.name.clone(), built_in: false, actions, not_actions });
        }
        self.scope_tags.extend(scenario.scope_tag.iter().map(|tag| (tag.id.clone(), tag.name.clone())));
        for row in &scenario.assignment {
            let role = self.roles.iter().find(|r| r.name == row.role);
            let role = role.with_context(|| format!("assignment {:?}: no role {:?}", row.name, row.role))?.id.clone();
            self.assignments.push(Assignment {
                id: id_for(scenario.seed, "assignment", &row.name),
                name: row.name.clone(),
                role,
                members: self.objects_named(&row.members)?,
                scope_type: row.scope.clone(),
                scope_groups: self.objects_named(&row.groups)?,
                tags: row.tags.clone(),
                fill: row.fill,
                hidden: Vec::new(),
            });
        }
        for row in &scenario.directory_role {
            let names: Vec<String> = row.people.iter().chain(&row.groups).cloned().collect();
            self.directory_roles.push(DirectoryRole {
                id: id_for(scenario.seed, "directory role", &row.name),
                name: row.name.clone(),
                template: row.template.clone(),
                members: self.objects_named(&names)?.into_iter().collect(),
                ends: Vec::new(),
            });
        }
        Ok(())
    }

    fn objects_named(&self, names: &[String]) -> anyhow::Result<Vec<String>> {
        names.iter().map(|name| self.object_named(name).with_context(|| format!("there is no {name:?}"))).collect()
    }

    /// The Entra object id of a person (key, UPN or id), a group (name or id) or a device (name or id).
    pub(crate) fn object_named(&self, name: &str) -> Option<String> {
        let person = || self.person(name).map(|p| p.id.clone());
        let group = || self.groups.iter().find(|g| g.name == name || g.id == name).map(|g| g.id.clone());
        let device = || self.device(name).and_then(|d| d.entra.as_ref()).map(|(_, object)| object.clone());
        person().or_else(group).or_else(device)
    }

    /// Names of the apps, by id.
    pub(crate) fn app_names(&self) -> BTreeMap<&str, &App> {
        self.apps.iter().map(|a| (a.id.as_str(), a)).collect()
    }
}

fn plan(row: &CheckInRow) -> anyhow::Result<CheckIn> {
    Ok(match (row.never, row.crossed, row.after.as_slice()) {
        (true, None, []) => CheckIn::Never,
        (false, None, [one]) => CheckIn::After(*one),
        (false, Some(before), [after]) => CheckIn::Crossed { before, after: *after },
        (false, None, [_, ..]) => CheckIn::Several(row.after.clone()),
        _ => bail!("check_in is either never, or after one or several delays; crossed wants exactly one delay"),
    })
}
