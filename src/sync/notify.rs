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
use crate::store::{Address, Error, OfRequest, Outcome, Sink, StoredRequest, Tell};

impl Worker {
    /// Who is told when this device sync ends, and when its request does.
    pub(super) async fn tell_of(
        &self,
        request: &StoredRequest,
        device: &Device,
        outcome: &Outcome,
    ) -> Result<Tell, Error> {
        let of_many = request.target.is_some();
        let rules = &self.settings.notify.rules;
        let size_counts = of_many && rules.iter().any(|rule| rule.every_device && rule.min_devices > 1);
        let devices = if size_counts { self.store.size(request.id).await? } else { 1 };
        let mut sinks = Vec::new();
        let mut muted = false;
        for rule in rules.iter().filter(|rule| !of_many || rule.every_device) {
            if !fits_device(rule, &request.actor.roles, device, outcome) || rule.min_devices > devices {
                continue;
            }
            // Where Graph does not say: better told twice than not at all.
            let in_doubt = !rule.mute;
            if !rule.groups.is_empty() && !in_a_group(&self.graph, &rule.groups, device).await.unwrap_or(in_doubt) {
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
        Ok(Tell { of_device: sinks, of_request: of_request(&self.settings, self.clock.now()) })
    }
}

/// Who is told when a request for many devices ends.
pub(super) fn of_request(settings: &Arc<Settings>, now: Timestamp) -> OfRequest {
    let settings = Arc::clone(settings);
    OfRequest::by(move |request, devices| sinks_of_request(&settings, request, devices, now))
}

fn sinks_of_request(settings: &Settings, request: &StoredRequest, devices: u32, now: Timestamp) -> Vec<Sink> {
    if request.target.is_none() {
        return Vec::new();
    }
    let mut sinks = Vec::new();
    for rule in settings.notify.rules.iter().filter(|rule| !rule.every_device) {
        // What is said of the whole is about no outcome, platform or group in particular.
        let about_all = rule.outcomes.is_empty() && rule.platforms.is_empty() && rule.groups.is_empty();
        let fits = rule.min_devices <= devices && asked_by_one_of(&rule.asker_roles, &request.actor.roles);
        if !about_all || !fits {
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
    Some(Sink { address, digest: None })
}

fn sinks_of(rule: &NotifyRule, now: Timestamp) -> impl Iterator<Item = Sink> {
    let digest = rule.digest.is_positive().then(|| end_of_span(now, rule.digest));
    let channel = rule.channel.map(Address::Channel);
    let webhook = rule.webhook.clone().map(Address::Webhook);
    channel.into_iter().chain(webhook).map(move |address| Sink { address, digest })
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

/// `None`: Graph does not say.
async fn in_a_group(graph: &Graph, groups: &[GroupId], device: &Device) -> Option<bool> {
    let groups: BTreeSet<_> = groups.iter().copied().collect();
    let wanted = Wanted { groups: &groups, user: false, tags: false };
    let reaches = graph.reaches(&[device], wanted, Patience::OnceAs(Urgency::Background)).await;
    match reaches.into_iter().next()? {
        Ok(reach) => Some(!reach.groups.is_disjoint(&groups)),
        Err(error) => {
            tracing::warn!(%error, "it cannot be read whether a device is in a group of a notify rule");
            None
        }
    }
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
