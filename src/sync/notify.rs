//! Who is told of an outcome: the rules of `[notify]`, in order.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::worker::Worker;
use crate::budget::Urgency;
use crate::chat::ChatRoleId;
use crate::graph::{Graph, Patience, Wanted};
use crate::intune::{Device, GroupId};
use crate::settings::{NotifyRule, Settings};
use crate::store::{Address, OfRequest, Outcome, Sink, StoredRequest, Tell};

impl Worker {
    /// Who is told when this device sync ends, and when its request does.
    pub(super) async fn tell_of(&self, request: &StoredRequest, device: &Device, outcome: &Outcome) -> Tell {
        let of_many = request.target.is_some();
        let mut sinks = Vec::new();
        let mut muted = false;
        for rule in self.settings.notify.rules.iter().filter(|rule| !of_many || rule.every_device) {
            if !fits_device(rule, &request.actor.roles, device, outcome) || (rule.min_devices > 1 && !of_many) {
                continue;
            }
            if !rule.groups.is_empty() && !in_a_group(&self.graph, &rule.groups, device).await {
                continue;
            }
            if rule.mute {
                muted = true;
                break;
            }
            sinks.extend(sinks_of(rule, self.clock.now()));
        }
        if sinks.is_empty() && !muted && !of_many {
            sinks.extend(fallback(&self.settings));
        }
        Tell { of_device: sinks, of_request: of_request(&self.settings, self.clock.now()) }
    }
}

/// Who is told when a request for many devices ends. How many they are is known to the store.
pub(super) fn of_request(settings: &Arc<Settings>, now: Timestamp) -> OfRequest {
    let settings = Arc::clone(settings);
    OfRequest::by(move |request| sinks_of_request(&settings, request, now))
}

fn sinks_of_request(settings: &Settings, request: &StoredRequest, now: Timestamp) -> Vec<Sink> {
    if request.target.is_none() {
        return Vec::new();
    }
    let mut sinks = Vec::new();
    for rule in settings.notify.rules.iter().filter(|rule| !rule.every_device) {
        // What is said of the whole is about no outcome, platform or group in particular.
        let about_all = rule.outcomes.is_empty() && rule.platforms.is_empty() && rule.groups.is_empty();
        if !about_all || !asked_by_one_of(&rule.asker_roles, &request.actor.roles) {
            continue;
        }
        if rule.mute {
            return sinks;
        }
        sinks.extend(sinks_of(rule, now));
    }
    if sinks.is_empty() {
        sinks.extend(fallback(settings));
    }
    sinks
}

fn fallback(settings: &Settings) -> Option<Sink> {
    let address = Address::Channel(settings.discord.team_channel_id?);
    Some(Sink { address, digest: None, min_devices: 0 })
}

fn sinks_of(rule: &NotifyRule, now: Timestamp) -> impl Iterator<Item = Sink> {
    let digest = rule.digest.is_positive().then(|| end_of_span(now, rule.digest));
    let channel = rule.channel.map(Address::Channel);
    let webhook = rule.webhook.clone().map(Address::Webhook);
    let min_devices = rule.min_devices;
    channel.into_iter().chain(webhook).map(move |address| Sink { address, digest, min_devices })
}

/// When what comes now is told together: at the end of a span that is the same for everybody, whichever process it is.
fn end_of_span(now: Timestamp, span: SignedDuration) -> Timestamp {
    let (now, span) = (now.as_second(), span.as_secs().max(1));
    Timestamp::from_second((now / span + 1) * span).unwrap_or(Timestamp::MAX)
}

fn fits_device(rule: &NotifyRule, roles: &[ChatRoleId], device: &Device, outcome: &Outcome) -> bool {
    let word = outcome.word().as_str();
    (rule.outcomes.is_empty() || rule.outcomes.iter().any(|wanted| wanted == word))
        && (rule.platforms.is_empty() || rule.platforms.contains(&device.platform))
        && asked_by_one_of(&rule.asker_roles, roles)
}

fn asked_by_one_of(wanted: &[ChatRoleId], roles: &[ChatRoleId]) -> bool {
    wanted.is_empty() || wanted.iter().any(|role| roles.contains(role))
}

/// Where Graph does not say, it counts as being in one: better told twice than not at all.
async fn in_a_group(graph: &Graph, groups: &[GroupId], device: &Device) -> bool {
    let groups: BTreeSet<_> = groups.iter().copied().collect();
    let wanted = Wanted { groups: &groups, user: false, tags: false };
    let reaches = graph.reaches(&[device], wanted, Patience::OnceAs(Urgency::Background)).await;
    reaches.into_iter().all(|reach| match reach {
        Ok(reach) => !reach.groups.is_disjoint(&groups),
        Err(error) => {
            tracing::warn!(%error, "it cannot be read whether a device is in a group of a notify rule: the rule fits");
            true
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_ends_at_the_same_moment_for_everybody_in_it() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let quarter = SignedDuration::from_mins(15);
        assert_eq!(end_of_span(at("2026-11-23T10:01:00Z"), quarter), at("2026-11-23T10:15:00Z"));
        assert_eq!(end_of_span(at("2026-11-23T10:14:59Z"), quarter), at("2026-11-23T10:15:00Z"));
        assert_eq!(end_of_span(at("2026-11-23T10:15:00Z"), quarter), at("2026-11-23T10:30:00Z"));
    }
}
