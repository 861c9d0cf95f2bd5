//! Refusals: what the answer is, why, and what to do.

use super::bulk::{index_age, left_out, target};
use super::clean::code;
use super::words::{capital, denial, moment, name, not_syncable, relative, span};
use crate::discord::card::{Card, Embed, Tone};
use crate::store::BulkTarget;
use crate::sync::{IndexAge, LeftOut, Refusal};

/// A refusal; `task` is the verb of what was asked: "sync" or "read".
pub fn refusal(refusal: &Refusal, task: &str) -> Card {
    let (title, text) = match refusal {
        // Whether it is not there or outside their scope, the answer is the same.
        Refusal::UnknownDevice { text, hidden: _ } => (
            "No such device".to_owned(),
            format!(
                "No device that your roles cover has the name, serial number or user {}. Pick one from the suggestions while you type, or check the spelling. If it exists all the same, someone whose role covers it can help; whoever manages Intune roles can change what yours covers.",
                code(text, 100)
            ),
        ),
        Refusal::TooManyDevices { text, .. } => (
            "Too many devices".to_owned(),
            format!(
                "More devices fit {} than a list can hold. Give the serial number, or pick one from the suggestions while you type.",
                code(text, 100)
            ),
        ),
        Refusal::NotAllowed { denial: why, device } => {
            // A device that is named here is one that they may look at.
            let what = device.as_ref().map_or_else(|| "devices here".to_owned(), |device| name(device));
            let title = format!("You may not {task} {what}");
            (title, denial(why, task))
        }
        Refusal::NotSyncable { device, why } => {
            (format!("{} cannot be synced", name(device)), format!("{} Nothing was sent.", not_syncable(why)))
        }
        Refusal::Cooldown { device, synced_at, again_at } => (
            format!("{} was asked a moment ago", name(device)),
            format!(
                "The last sync of it ended {}. Several syncs in a short time only delay each other; it can be synced again at {}.",
                relative(*synced_at),
                moment(*again_at)
            ),
        ),
        Refusal::UnknownPerson { text } => (
            "No such person".to_owned(),
            format!(
                "Nobody in the tenant has the user principal name {}. Pick a suggestion while you type, or write it in full: name@company.com.",
                code(text, 100)
            ),
        ),
        Refusal::UnknownGroup { text } => (
            "No such group".to_owned(),
            format!("No Entra group has the name or object id {}. Check the spelling.", code(text, 100)),
        ),
        Refusal::SeveralGroups { text, ids } => {
            let ids: Vec<_> = ids.iter().map(|id| format!("`{id}`")).collect();
            let text = code(text, 100);
            (
                "Which group?".to_owned(),
                format!("Several groups have the name {text}. Give the object id instead: {}.", ids.join(", ")),
            )
        }
        Refusal::ListNotRead => (
            "Not yet".to_owned(),
            "The list of devices has not been read since the bot started. Try again in a minute.".to_owned(),
        ),
        Refusal::IndexOff => (
            "App failures are not indexed here".to_owned(),
            "`retryable_failures:` needs `[apps] index` in the bot's config. `/apps` shows one device's failures."
                .to_owned(),
        ),
        Refusal::IndexNotRead => (
            "Not yet".to_owned(),
            "The apps of each device have not been read since the bot started; in a large tenant that takes a while. Try again later, or leave `retryable_failures:` out."
                .to_owned(),
        ),
        Refusal::NoDevices { target, left_out, index } => {
            ("Nothing to sync".to_owned(), no_devices(target, left_out, index.as_ref()))
        }
        Refusal::TooManyForOne { count, max } => (
            "Too many devices".to_owned(),
            format!(
                "That is {count} devices, and one request takes at most {max}. Narrow it down, or ask the admin of this bot about `[sync] max_devices`. `dry_run:` shows which they are."
            ),
        ),
        Refusal::TooManyToCheck { count, most, members } => {
            ("Too many to look at".to_owned(), too_many_to_check(*count, *most, *members))
        }
        Refusal::TookTooLong => (
            "That takes too long".to_owned(),
            "I could not look up in time what you may sync of so many devices. Nothing was stored and nothing was sent. Narrow it down, or try again later."
                .to_owned(),
        ),
        Refusal::ReasonRequired => (
            "A reason is needed".to_owned(),
            "Here every sync wants a `reason:`, such as a ticket number. Send the command again with it.".to_owned(),
        ),
        Refusal::TooFast { wait, whole_server } => {
            let who = if *whole_server { "this server sends" } else { "you send" };
            let wait = span((*wait).max(jiff::SignedDuration::from_secs(1)));
            (
                "A little slower, please".to_owned(),
                format!("{} too many commands at once. Try again in {wait}.", capital(who)),
            )
        }
    };
    Card::of(Embed::new(Tone::Bad, title, text))
}

fn no_devices(what: &BulkTarget, out: &LeftOut, index: Option<&IndexAge>) -> String {
    let out = (out.count() > 0).then(|| left_out(out));
    let said = [Some(format!("{}: none that can be synced now.", target(what))), out, index.map(index_age)];
    said.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

fn too_many_to_check(count: usize, most: usize, members: bool) -> String {
    let found = if members { format!("That group has {count} members.") } else { format!("That is {count} devices.") };
    format!(
        "{found} What you may sync is looked up for each of them, for one request for at most {most}, in a dry run too. Narrow it down: a smaller group, one platform, or a longer time unseen."
    )
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::samples;
    use super::*;
    use crate::intune::{Denial, NotSyncable, PendingAction};

    #[test]
    fn every_refusal() {
        let device = || Box::new(samples::device());
        let roles = || vec!["Read Only Operator".to_owned()];
        let not_allowed = |denial, device| Refusal::NotAllowed { denial, device };
        let not_syncable = |why| Refusal::NotSyncable { device: device(), why };
        let all = [
            Refusal::UnknownDevice { text: "LT-`999`".to_owned(), hidden: None },
            Refusal::TooManyDevices { text: "LAB-PC".to_owned(), count: 120 },
            not_allowed(Denial::NoRole, None),
            not_allowed(Denial::RoleWithoutTask { roles: roles() }, None),
            not_allowed(Denial::OutOfScope { roles: vec!["School Administrator".to_owned()] }, Some(device())),
            not_allowed(Denial::RoleNotInTenant { roles: vec!["Help Desk Operatr".to_owned()] }, None),
            not_allowed(Denial::ScopeTag { roles: vec!["Help Desk Operator".to_owned()] }, Some(device())),
            not_allowed(Denial::NotLinked, None),
            not_allowed(Denial::LinkEnded, None),
            not_allowed(Denial::AccountEnded, None),
            not_allowed(Denial::NoAssignment, None),
            not_allowed(Denial::CouldNotCheck, None),
            not_syncable(NotSyncable::Platform("Linux".to_owned())),
            not_syncable(NotSyncable::Agent("jamf".to_owned())),
            not_syncable(NotSyncable::Pending(PendingAction::Wipe)),
            not_syncable(NotSyncable::Pending(PendingAction::Retire)),
            not_syncable(NotSyncable::Pending(PendingAction::Delete)),
            not_syncable(NotSyncable::NotManaged),
            Refusal::Cooldown {
                device: device(),
                synced_at: samples::now(),
                again_at: samples::at("2026-11-23T10:47:00Z"),
            },
            Refusal::TooManyForOne { count: 412, max: 100 },
            Refusal::TooManyToCheck { count: 40_000, most: 1_000, members: false },
            Refusal::TooManyToCheck { count: 1_200, most: 1_000, members: true },
            Refusal::TookTooLong,
            Refusal::ReasonRequired,
            Refusal::TooFast { wait: SignedDuration::from_secs(12), whole_server: false },
            Refusal::TooFast { wait: SignedDuration::from_millis(200), whole_server: true },
        ];
        let shown: Vec<_> = all.iter().map(|why| refusal(why, "sync").to_string()).collect();
        insta::assert_snapshot!(shown.join("\n"));
    }
}
