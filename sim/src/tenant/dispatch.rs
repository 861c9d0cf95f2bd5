//! The way of one Graph call: fault, limit, permission, handler; the same for an item of a batch.

use std::time::Duration;

use super::answer::{Answer, Body, http_date, whole_seconds};
use super::fault::{FaultKind, RetryAfter};
use super::log::{GraphCall, SyncCall};
use super::model::World;
use super::odata::Call;
use super::route::{Route, route};
use super::throttle::{Class, identity_units};
use crate::scenario::tenant::RetryHint;

/// An answer, and what happens to it on the way.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) answer: Answer,
    /// Real time to wait before it is sent.
    pub(crate) slow: Duration,
    /// The connection closes instead.
    pub(crate) lost: bool,
}

impl Served {
    /// Sent at once, and it arrives.
    pub(crate) fn whole(answer: Answer) -> Self {
        Self { answer, slow: Duration::ZERO, lost: false }
    }
}

impl World {
    /// Serves one call that came with `token`.
    pub(crate) fn serve_with_token(&mut self, call: &Call, token: Option<&str>) -> Served {
        match self.token_refusal(token) {
            None => {
                let person = self.tokens.iter().find(|known| Some(known.text.as_str()) == token);
                match person.and_then(|token| token.person.clone()) {
                    Some(person) => self.serve(&Call { person: Some(person), ..call.clone() }),
                    None => self.serve(call),
                }
            }
            Some(message) => {
                let answer = Answer::error(401, "InvalidAuthenticationToken", message);
                self.remember(call, &route(call), &answer, false);
                Served::whole(answer)
            }
        }
    }

    fn token_refusal(&self, token: Option<&str>) -> Option<&'static str> {
        let Some(token) = token else { return Some("Access token is empty.") };
        match self.tokens.iter().find(|known| known.text == token) {
            None => Some("IDX14100: JWT is not well formed."),
            Some(known) if known.ends <= self.now => Some("Lifetime validation failed, the token is expired."),
            Some(_) => None,
        }
    }

    /// Serves one call whose token was checked.
    pub(crate) fn serve(&mut self, call: &Call) -> Served {
        let route = route(call);
        let served = self.with_fault(&call.method, &call.full_path(), |world| world.carry_out(call, &route));
        self.remember(call, &route, &served.answer, served.lost);
        served
    }

    /// Lets a fault, if one is set for this path, have its way with the call.
    pub(crate) fn with_fault(
        &mut self,
        method: &str,
        path: &str,
        carry_out: impl FnOnce(&mut Self) -> Served,
    ) -> Served {
        let Some(kind) = self.faults.take(method, path, &self.devices, self.now) else { return carry_out(self) };
        match kind {
            FaultKind::Slow(by) => {
                let served = carry_out(self);
                Served { slow: served.slow.saturating_add(by), ..served }
            }
            FaultKind::LostAnswer => Served { lost: true, ..carry_out(self) },
            FaultKind::LostRequest => Served { lost: true, ..Served::whole(Answer::none()) },
            FaultKind::MalformedJson => {
                let mut served = carry_out(self);
                served.answer.body = match served.answer.body {
                    Body::Json(value) | Body::Stream(value) => Body::Broken(value),
                    other => other,
                };
                served
            }
            kind => Served::whole(self.failure(&kind)),
        }
    }

    /// Limit, permission, handler.
    fn carry_out(&mut self, call: &Call, route: &Route) -> Served {
        let answer = match self.refusal(call, route) {
            Some(refused) => refused,
            None if *route == Route::Batch => return self.batch(call),
            None => self.handle(call, route).unwrap_or_else(|error| error),
        };
        Served::whole(answer)
    }

    fn refusal(&mut self, call: &Call, route: &Route) -> Option<Answer> {
        let (class, write) = route.class();
        let units = if class == Class::Identity { identity_units(&call.path, &call.query) } else { 1 };
        if let Err(too_much) = self.limits.count(class, write, units, self.now) {
            self.log.over_limit += usize::from(too_much.own);
            let seconds = whole_seconds(too_much.wait);
            let hint = match self.limits.settings.retry_after {
                RetryHint::Seconds => Some(seconds.to_string()),
                RetryHint::Date => self.now.checked_add(jiff::SignedDuration::from_secs(seconds)).ok().map(http_date),
                RetryHint::Absent => None,
            };
            return Some(Answer::too_many(hint));
        }
        if call.person.is_some() {
            let own = *route == Route::Me && call.segments().len() == 1;
            let denied = "Insufficient privileges to complete the operation.";
            return (!own).then(|| Answer::error(403, "Authorization_RequestDenied", denied));
        }
        let has = |any: &&&[&str]| any.iter().any(|p| self.application.permissions.iter().any(|known| known == p));
        let missing = route.wants().iter().find(|any| !has(any))?;
        Some(match class {
            Class::Identity => {
                Answer::error(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
            }
            _ => Answer::no_permission(missing),
        })
    }

    fn failure(&self, kind: &FaultKind) -> Answer {
        match kind {
            FaultKind::TooManyRequests(RetryAfter::Seconds(seconds)) => Answer::too_many(Some(seconds.to_string())),
            FaultKind::TooManyRequests(RetryAfter::Date(seconds)) => {
                let later = self.now.saturating_add(jiff::SignedDuration::from_secs(i64::from(*seconds)));
                Answer::too_many(later.ok().map(http_date))
            }
            FaultKind::TooManyRequests(RetryAfter::Absent) => Answer::too_many(None),
            FaultKind::QueryBroker => Answer::query_broker(),
            FaultKind::Unavailable => {
                Answer::error(503, "ServiceUnavailable", "The service is temporarily unavailable.")
            }
            FaultKind::GatewayTimeout => Answer::error(504, "GatewayTimeout", "The server timed out."),
            FaultKind::Forbidden => Answer::no_permission(&["DeviceManagementManagedDevices.PrivilegedOperations.All"]),
            FaultKind::ApprovalRequired => Answer::approval_required(),
            FaultKind::Status(status) => Answer::intune(*status, "UnknownError", "An error has occurred", ""),
            // The others do not replace the answer.
            FaultKind::Slow(_) | FaultKind::LostAnswer | FaultKind::LostRequest | FaultKind::MalformedJson => {
                Answer::opaque()
            }
        }
    }

    fn remember(&mut self, call: &Call, route: &Route, answer: &Answer, lost: bool) {
        let path = call.full_path();
        if answer.status == 429 {
            self.log.throttled += 1;
        }
        let status = if lost { 0 } else { answer.status };
        let served = GraphCall { at: self.now, method: call.method.clone(), path, status, in_batch: call.in_batch };
        match route {
            Route::Sync(id) if answer.status != 0 => {
                let device_name = self.device(id).map(|d| d.name.clone());
                let (device_id, at, status) = (id.clone(), self.now, answer.status);
                self.log.syncs.push(SyncCall { device_id, device_name, at, status, lost });
            }
            Route::OtherWrite => self.log.unexpected.push(served.clone()),
            _ => {}
        }
        self.log.call(served);
    }

    fn handle(&mut self, call: &Call, route: &Route) -> Result<Answer, Answer> {
        match route {
            Route::Devices => self.list_devices(call, None),
            Route::DevicesCount => Err(Answer::error(
                400,
                "BadRequest",
                "No OData route exists that match template ~/singleton/navigation/$count with http verb GET.",
            )),
            Route::Device(id) => self.get_device(call, id),
            Route::DeviceUsers(id) => self.device_users(call, id),
            Route::Sync(id) => self.sync_device(id),
            Route::UserDevices(user) => self.list_devices(call, Some(user)),
            Route::RoleDefinitions => self.role_definitions(call),
            Route::RoleDefinition(id) => self.role_definition(call, id),
            Route::RoleDefinitionAssignments(id) => self.role_definition_assignments(call, id),
            Route::RoleAssignments => Ok(self.role_assignments(call)),
            Route::RoleAssignment(id) => self.role_assignment(id),
            Route::ResourceOperations => Ok(self.resource_operations(call)),
            Route::ScopeTags => Ok(self.list_scope_tags(call)),
            Route::AuditEvents => self.audit_events(call),
            Route::MobileApps => self.mobile_apps(call),
            Route::MobileApp(id) => self.mobile_app(call, id),
            Route::Report => self.app_report(call),
            Route::AppStates(user) => self.app_states(call, user),
            Route::AppStatesOf(user, device) => self.app_states_of(user, device),
            Route::AppEvents(user, key) => self.app_events(call, user, key),
            Route::Objects(kind) => self.list_objects(call, *kind),
            Route::Object(kind, id) => self.get_object(call, *kind, id),
            Route::MemberOf(kind, id, nested, cast) => self.member_of(call, *kind, id, *nested, cast.as_deref()),
            Route::CheckMemberGroups(kind, id) => self.check_member_groups(call, *kind, id),
            Route::GetMemberGroups(kind, id) => self.get_member_groups(call, *kind, id),
            Route::Members(id, nested, cast) => self.members(call, id, *nested, cast.as_deref()),
            Route::OtherWrite => Err(Answer::no_permission(&["(none: this tenant allows no other write)"])),
            Route::Me => self.me(call),
            Route::Batch => Err(Answer::error(400, "BadRequest", "A batch may not hold a batch.")),
            Route::Unknown(segment) => Err(Answer::no_segment(segment)),
        }
    }
}
