//! Small words that many cards share: how long ago, which state, which user.

use jiff::{SignedDuration, Timestamp};

use super::clean::code;
use crate::chat::ChatUserId;
use crate::intune::{Compliance, Denial, Device, NotSyncable, PendingAction};

/// Longest device, app or user name shown.
pub(super) const NAME: usize = 60;

/// From here on a device counts as not seen for long.
pub(super) const LONG_UNSEEN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The device's name.
pub(super) fn name(device: &Device) -> String {
    code(&device.name, NAME)
}

/// A moment as Discord shows it in the reader's own time zone.
pub(super) fn moment(at: Timestamp) -> String {
    format!("<t:{}:f>", at.as_second())
}

/// Only the time of day.
pub(super) fn time_of_day(at: Timestamp) -> String {
    format!("<t:{}:T>", at.as_second())
}

/// Only the date.
pub(super) fn date(at: Timestamp) -> String {
    format!("<t:{}:D>", at.as_second())
}

/// "in 5 minutes", kept current by the reader's client.
pub(super) fn relative(at: Timestamp) -> String {
    format!("<t:{}:R>", at.as_second())
}

/// A mention; it pings only where the card allows it.
pub(super) fn mention(user: ChatUserId) -> String {
    format!("<@{user}>")
}

/// "3 days", "2 hours", "1 minute", "38 s".
pub(super) fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let many = |n: i64, unit: &str| if n == 1 { format!("1 {unit}") } else { format!("{n} {unit}s") };
    match seconds {
        ..=119 => format!("{seconds} s"),
        120..=7_199 => many(seconds / 60, "minute"),
        7_200..=172_799 => many(seconds / 3_600, "hour"),
        _ => many(seconds / 86_400, "day"),
    }
}

/// "2 hours ago (23 November 2026 10:00)", or that it never did.
pub(super) fn last_check_in(device: &Device, now: Timestamp) -> String {
    match device.last_check_in {
        None => "never".to_owned(),
        Some(at) if at > now => format!("just now ({})", moment(at)),
        Some(at) => format!("{} ago ({})", span(now.duration_since(at)), moment(at)),
    }
}

/// Platform and version.
pub(super) fn platform(device: &Device) -> String {
    let platform = device.platform.to_string();
    let name = if platform.is_empty() { "unknown".to_owned() } else { super::clean(&platform, 30) };
    let named = if matches!(device.platform, crate::intune::Platform::Other(_)) { code(&name, 30) } else { name };
    if device.os_version.is_empty() { named } else { format!("{named} {}", code(&device.os_version, 30)) }
}

/// The user, or that there is none.
pub(super) fn user(device: &Device) -> String {
    device.user_label().map_or_else(|| "no user".to_owned(), |user| code(user, NAME))
}

/// The serial number with its first part hidden: enough to compare with a sticker.
pub(super) fn serial(device: &Device) -> String {
    let Some(serial) = &device.serial else { return "no serial number".to_owned() };
    let count = serial.chars().count();
    let hidden = count.saturating_sub(4);
    let tail: String = serial.chars().skip(hidden).collect();
    if hidden == 0 { super::clean(serial, 20) } else { format!("…{}", super::clean(&tail, 4)) }
}

/// Compliance in words.
pub(in crate::discord) fn compliance(compliance: &Compliance) -> &'static str {
    match compliance {
        Compliance::Compliant => "compliant",
        Compliance::Noncompliant => "not compliant",
        Compliance::InGracePeriod => "not compliant, in its grace period",
        Compliance::Conflict => "policies conflict",
        Compliance::Error => "could not be evaluated",
        Compliance::ConfigManager => "evaluated by Configuration Manager",
        Compliance::Unknown => "not known",
    }
}

/// What ends the device's management.
pub(super) fn pending(action: PendingAction) -> &'static str {
    match action {
        PendingAction::Wipe => "a wipe",
        PendingAction::Retire => "a retire",
        PendingAction::Delete => "a delete",
    }
}

/// Why Sync means nothing to the device, as a sentence.
pub(super) fn not_syncable(why: &NotSyncable) -> String {
    match why {
        NotSyncable::Platform(platform) => {
            let platform = if platform.is_empty() { "an unknown system".to_owned() } else { code(platform, 30) };
            format!("It runs {platform}. Intune's Sync works on Android, iOS/iPadOS, macOS and Windows only.")
        }
        NotSyncable::Agent(agent) => {
            format!(
                "It is managed through {}, not through Intune's own channel, so Intune cannot reach it with a sync.",
                code(agent, 30)
            )
        }
        NotSyncable::Pending(action) => {
            format!("{} is on its way, so Intune would ignore a sync.", capital(pending(*action)))
        }
        NotSyncable::NotManaged => "Intune knows it and does not manage it, so there is nothing to sync.".to_owned(),
    }
}

/// Why the gate said no, as a sentence and what to do.
pub(super) fn denial(denial: &Denial, task: &str) -> String {
    match denial {
        Denial::NotLinked => format!(
            "I do not know which Entra account is yours, so you may not {task} devices here. Type `/link` and sign in once; where that is not offered, ask the admin of this bot."
        ),
        Denial::LinkEnded => format!(
            "You ended your link to an Entra account, so you may not {task} devices here. `/link` links you again. Chat roles do not take its place; only the admin of this bot can let them."
        ),
        Denial::AccountEnded => {
            "The Entra account you are linked to is disabled or deleted, so it grants nothing. Ask whoever manages accounts in your organisation; if you have another account now, type `/link`.".to_owned()
        }
        Denial::NoAssignment => format!(
            "No Intune role is assigned to your Entra account, so you may not {task} devices. Whoever manages Intune roles can put you into a group that holds one; `/access` shows what counts."
        ),
        Denial::NoRole => format!(
            "None of your chat roles stands for an Intune role, so you may not {task} devices here. Ask your helpdesk lead for the right chat role; `/access` shows what you hold."
        ),
        Denial::RoleWithoutTask { roles } => format!(
            "You hold {}, which does not include the permission to {task} devices. It comes with Help Desk Operator, School Administrator, Endpoint Security Manager, or a custom role with *Remote tasks/Sync devices*.",
            list(roles)
        ),
        Denial::OutOfScope { roles } => {
            format!(
                "You hold {}, and this device is outside its scope groups. Someone whose role covers it can do this.",
                list(roles)
            )
        }
        Denial::ScopeTag { roles } => {
            format!(
                "You hold {}, and this device carries none of its scope tags. Whoever manages Intune roles can change that; someone whose role covers the device can do it now.",
                list(roles)
            )
        }
        Denial::RoleNotInTenant { roles } => format!(
            "Your chat role stands for {}, and the tenant has no such Intune role. The admin of this bot has to correct `[[access.chat_role]]`.",
            list(roles)
        ),
        Denial::CouldNotCheck => {
            "Your rights could not be checked, and in doubt the answer is no. Try again in a few minutes.".to_owned()
        }
    }
}

fn list(names: &[String]) -> String {
    let names: Vec<_> = names.iter().take(5).map(|name| code(name, NAME)).collect();
    names.join(", ")
}

/// With a capital letter.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_the_largest_fitting_unit() {
        let said: Vec<_> = [38, 119, 120, 3_600, 7_200, 86_400, 172_800, 43 * 86_400]
            .map(|seconds| span(SignedDuration::from_secs(seconds)))
            .to_vec();
        assert_eq!(said, ["38 s", "119 s", "2 minutes", "60 minutes", "2 hours", "24 hours", "2 days", "43 days"]);
    }
}
