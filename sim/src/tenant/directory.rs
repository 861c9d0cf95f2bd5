//! Entra's users, groups and devices, and who is in what.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::answer::{Answer, date_time};
use super::filter;
use super::model::{Device, DirectoryRole, Group, Person, World};
use super::odata::{Call, ENTRA_PAGES, keep};
use super::route::Kind;

/// What a user has; without `$select` only the first five come.
pub(crate) const USER_PROPERTIES: &[&str] =
    &["id", "displayName", "userPrincipalName", "mail", "jobTitle", "accountEnabled", "userType", "deletedDateTime"];
const USUAL_USER_PROPERTIES: usize = 5;

const GROUP_PROPERTIES: &[&str] = &[
    "id",
    "displayName",
    "description",
    "groupTypes",
    "mailEnabled",
    "securityEnabled",
    "isAssignableToRole",
    "deletedDateTime",
];

const DEVICE_PROPERTIES: &[&str] = &[
    "id",
    "deviceId",
    "displayName",
    "operatingSystem",
    "operatingSystemVersion",
    "accountEnabled",
    "trustType",
    "isManaged",
    "isCompliant",
    "approximateLastSignInDateTime",
    "deletedDateTime",
    "manufacturer",
    "model",
];

/// The most groups one check may name.
const MOST_GROUPS: usize = 20;

/// A user; `select` was checked before.
pub(crate) fn user_row(person: &Person, select: Option<&[String]>) -> Value {
    let row = json!({
        "id": person.id,
        "displayName": person.name,
        "userPrincipalName": person.upn,
        "mail": person.upn,
        "jobTitle": null,
        "accountEnabled": person.enabled,
        "userType": if person.guest { "Guest" } else { "Member" },
        "deletedDateTime": null,
    });
    let usual = || USER_PROPERTIES[..USUAL_USER_PROPERTIES].iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
    select.map_or_else(|| keep(&row, &usual()), |names| keep(&row, names))
}

fn group_row(group: &Group) -> Value {
    json!({
        "id": group.id, "displayName": group.name, "description": null, "groupTypes": [], "mailEnabled": false,
        "securityEnabled": true, "isAssignableToRole": null, "deletedDateTime": null,
    })
}

fn device_row(device: &Device) -> Option<Value> {
    let (device_id, object_id) = device.entra.as_ref()?;
    Some(json!({
        "id": object_id, "deviceId": device_id, "displayName": device.name, "operatingSystem": device.os,
        "operatingSystemVersion": device.os_version, "accountEnabled": true,
        "trustType": if device.os == "Windows" { "AzureAd" } else { "Workplace" }, "isManaged": true,
        "isCompliant": device.compliance == "compliant", "manufacturer": device.manufacturer, "model": device.model,
        "approximateLastSignInDateTime": date_time(device.last_check_in), "deletedDateTime": null,
    }))
}

fn directory_role_row(role: &DirectoryRole, readable: bool) -> Value {
    if !readable {
        return json!({"id": role.id, "displayName": null, "description": null, "roleTemplateId": null});
    }
    json!({"id": role.id, "displayName": role.name, "description": role.name, "roleTemplateId": role.template, "deletedDateTime": null})
}

fn known(kind: Kind) -> (&'static str, &'static [&'static str]) {
    match kind {
        Kind::User => ("microsoft.graph.user", USER_PROPERTIES),
        Kind::Group => ("microsoft.graph.group", GROUP_PROPERTIES),
        Kind::Device => ("microsoft.graph.device", DEVICE_PROPERTIES),
    }
}

impl World {
    /// `users`, `groups` and `devices`.
    pub(crate) fn list_objects(&self, call: &Call, kind: Kind) -> Result<Answer, Answer> {
        let (type_name, properties) = known(kind);
        let select = call.select(type_name, properties)?;
        let every: Vec<String> = properties.iter().map(|&p| p.to_owned()).collect();
        let mut rows: Vec<Value> = match kind {
            Kind::User => self.people.values().map(|p| user_row(p, Some(&every))).collect(),
            Kind::Group => self.groups.iter().map(group_row).collect(),
            Kind::Device => self.devices.values().filter_map(device_row).collect(),
        };
        if let Some(text) = call.option("$filter") {
            let bad = || Answer::error(400, "Request_BadRequest", "Invalid filter clause");
            let filter = filter::parse(text).ok_or_else(bad)?;
            if let Some(unknown) = filter.conditions().iter().find(|c| !properties.contains(&c.property.as_str())) {
                return Err(super::odata::no_property(type_name, &unknown.property));
            }
            let advanced = filter.conditions().iter().any(|c| matches!(c.op, filter::Op::Contains | filter::Op::Ne));
            if advanced && !(call.eventual && call.option("$count") == Some("true")) {
                return Err(unsupported_query());
            }
            rows.retain(|row| filter.passes(row));
        }
        if let Some(search) = call.option("$search") {
            if !call.eventual {
                return Err(unsupported_query());
            }
            let (property, text) = search.trim_matches('"').split_once(':').ok_or_else(unsupported_query)?;
            let text = text.to_lowercase();
            rows.retain(|row| row[property].as_str().is_some_and(|v| v.to_lowercase().contains(&text)));
        }
        let usual = if kind == Kind::User { &every[..USUAL_USER_PROPERTIES] } else { &every[..] };
        let names = select.as_deref().unwrap_or(usual);
        Ok(self.page(call, rows.iter().map(|row| keep(row, names)).collect(), ENTRA_PAGES))
    }

    /// `users/{id or UPN}`, `groups/{id}`, `devices/{object id}` and `devices(deviceId='…')`.
    pub(crate) fn get_object(&self, call: &Call, kind: Kind, id: &str) -> Result<Answer, Answer> {
        let (type_name, properties) = known(kind);
        let select = call.select(type_name, properties)?;
        let found = match kind {
            Kind::User => self.user(id).map(|p| user_row(p, select.as_deref())),
            Kind::Group => self.groups.iter().find(|g| g.id == id).map(group_row),
            Kind::Device => self.entra_device(id).and_then(device_row),
        };
        let row = found.ok_or_else(|| Answer::no_object(id))?;
        Ok(Answer::ok(select.map_or_else(|| row.clone(), |names| keep(&row, &names))))
    }

    /// `/me`: the person who signed in.
    pub(crate) fn me(&self, call: &Call) -> Result<Answer, Answer> {
        let Some(person) = &call.person else {
            let text = "/me request is only valid with delegated authentication flow.";
            return Err(Answer::error(400, "BadRequest", text));
        };
        self.get_object(call, Kind::User, person)
    }

    /// `transitiveMemberOf` and `memberOf`.
    pub(crate) fn member_of(
        &self,
        call: &Call,
        kind: Kind,
        id: &str,
        nested: bool,
        cast: Option<&str>,
    ) -> Result<Answer, Answer> {
        let object = self.object_id(kind, id)?;
        let groups = self.groups_of(&object);
        let group_rows =
            self.groups.iter().filter(|g| if nested { groups.contains(&g.id) } else { g.members.contains(&object) });
        let holders: BTreeSet<&String> = groups.iter().filter(|_| nested).chain([&object]).collect();
        let readable = ["RoleManagement.Read.Directory", "Directory.Read.All"]
            .iter()
            .any(|p| self.application.permissions.iter().any(|known| known == p));
        let roles = self.directory_roles.iter().filter(|r| r.members.iter().any(|m| holders.contains(m)));
        let typed = |row: Value, name: &str| with_type(row, name, cast.is_some());
        let group_rows = group_rows.map(|g| typed(group_row(g), "group"));
        let role_rows = roles.map(|r| typed(directory_role_row(r, readable), "directoryRole"));
        let rows: Vec<Value> = match cast {
            None => role_rows.chain(group_rows).collect(),
            Some("microsoft.graph.group") => group_rows.collect(),
            Some("microsoft.graph.directoryRole") => role_rows.collect(),
            Some("microsoft.graph.administrativeUnit") => Vec::new(),
            Some(other) => return Err(Answer::no_segment(other)),
        };
        self.rows_of(call, rows)
    }

    /// `groups/{id}/transitiveMembers` and `members`.
    pub(crate) fn members(&self, call: &Call, id: &str, nested: bool, cast: Option<&str>) -> Result<Answer, Answer> {
        self.object_id(Kind::Group, id)?;
        let members = self.members_of(id, nested);
        let typed = |row: Value, name: &str| with_type(row, name, cast.is_some());
        let select = call.option("$select").map(|s| s.split(',').map(|n| n.trim().to_owned()).collect::<Vec<_>>());
        let users = self.people.values().filter(|p| members.contains(&p.id));
        let users = users.map(|p| typed(user_row(p, select.as_deref()), "user"));
        let devices = self.devices.values().filter(|d| d.entra.as_ref().is_some_and(|(_, id)| members.contains(id)));
        let devices = devices.filter_map(device_row).map(|row| typed(row, "device"));
        let groups = self.groups.iter().filter(|g| members.contains(&g.id)).map(|g| typed(group_row(g), "group"));
        let rows: Vec<Value> = match cast {
            None => users.chain(devices).chain(groups).collect(),
            Some("microsoft.graph.user") => users.collect(),
            Some("microsoft.graph.device") => devices.collect(),
            Some("microsoft.graph.group") => groups.collect(),
            Some(other) => return Err(Answer::no_segment(other)),
        };
        self.rows_of(call, rows)
    }

    fn rows_of(&self, call: &Call, rows: Vec<Value>) -> Result<Answer, Answer> {
        let known: Vec<&str> = [USER_PROPERTIES, GROUP_PROPERTIES, DEVICE_PROPERTIES, &["roleTemplateId"]].concat();
        let rows = match call.select("microsoft.graph.directoryObject", &known)? {
            Some(names) => rows.iter().map(|row| keep(row, &names)).collect(),
            None => rows,
        };
        Ok(self.page(call, rows, ENTRA_PAGES))
    }

    /// `checkMemberGroups`: which of at most twenty groups hold the object, through nesting too.
    pub(crate) fn check_member_groups(&self, call: &Call, kind: Kind, id: &str) -> Result<Answer, Answer> {
        let object = self.object_id(kind, id)?;
        let bad = |message: &str| Answer::error(400, "Request_BadRequest", message);
        let ids = call.body.as_ref().and_then(|b| b.get("groupIds")).and_then(Value::as_array);
        let ids = ids.ok_or_else(|| bad("The groupIds parameter is missing."))?;
        if ids.is_empty() || ids.len() > MOST_GROUPS {
            return Err(bad("The number of group ids is not between 1 and 20."));
        }
        let groups = self.groups_of(&object);
        let found: Vec<&Value> = ids.iter().filter(|g| g.as_str().is_some_and(|g| groups.contains(g))).collect();
        Ok(Answer::ok(json!({"value": found})))
    }

    /// `getMemberGroups`: every group that holds the object.
    pub(crate) fn get_member_groups(&self, call: &Call, kind: Kind, id: &str) -> Result<Answer, Answer> {
        let object = self.object_id(kind, id)?;
        if call.body.as_ref().and_then(|b| b.get("securityEnabledOnly")).is_none_or(|v| !v.is_boolean()) {
            return Err(Answer::error(400, "Request_BadRequest", "The securityEnabledOnly parameter is missing."));
        }
        Ok(Answer::ok(json!({"value": self.groups_of(&object)})))
    }

    fn object_id(&self, kind: Kind, id: &str) -> Result<String, Answer> {
        let found = match kind {
            Kind::User => self.user(id).map(|p| p.id.clone()),
            Kind::Group => self.groups.iter().find(|g| g.id == id).map(|g| g.id.clone()),
            Kind::Device => self.entra_device(id).and_then(|d| d.entra.as_ref()).map(|(_, object)| object.clone()),
        };
        found.ok_or_else(|| Answer::no_object(id))
    }

    /// A user by object id or user principal name, as paths name them.
    fn user(&self, id: &str) -> Option<&Person> {
        self.people.get(id).or_else(|| self.people.values().find(|p| p.upn.eq_ignore_ascii_case(id)))
    }

    /// An Entra device by object id, or by its key form.
    fn entra_device(&self, id: &str) -> Option<&Device> {
        let device_id = id.strip_prefix("deviceId='");
        self.devices.values().find(|d| {
            d.entra.as_ref().is_some_and(|(device, object)| device_id.map_or(object == id, |wanted| device == wanted))
        })
    }
}

fn with_type(mut row: Value, name: &str, cast: bool) -> Value {
    if !cast {
        row["@odata.type"] = json!(format!("#microsoft.graph.{name}"));
    }
    row
}

fn unsupported_query() -> Answer {
    Answer::error(400, "Request_UnsupportedQuery", "This query needs ConsistencyLevel: eventual and $count=true.")
}
