//! How a sync ended: for the asker, and as one line for the team.

use commands::{CustomId, Verb};

use super::apps::{LEGEND, lines, unavailable};
use super::clean::code;
use super::words::{compliance, denial, mention, name, not_syncable, relative, span, time_of_day};
use crate::chat::ChatUserId;
use crate::discord::card::{Card, Embed, Tone};
use crate::intune::Device;
use crate::store::{Called, DeviceSyncId, Outcome, RefusedWhy, Report};

/// The outcome as the asker reads it.
pub fn outcome(device_sync: DeviceSyncId, device: &Device, outcome: &Outcome) -> Card {
    let name = name(device);
    match outcome {
        Outcome::CheckedIn(report) => checked_in(&name, report),
        Outcome::NoCheckInSeen { accepted, last_check_in } => {
            let last = last_check_in.map_or_else(
                || "It has never checked in.".to_owned(),
                |at| format!("Last check-in: {}.", relative(at)),
            );
            let text = if *accepted {
                format!(
                    "Intune accepted the request, and the device has not checked in yet. That is not a failure: the request stays queued, and the device picks it up at its next check-in (normally within about 8 hours when it is online). {last}"
                )
            } else {
                format!(
                    "Intune's answer got lost, so it is not known whether it took the request, and the device has not checked in yet. That is not a failure: if the request was taken, the device picks it up at its next check-in. {last}"
                )
            };
            Card::of(Embed::new(Tone::Attention, format!("No check-in of {name} seen yet"), text))
                .button("Tell me when it shows up", CustomId::new(Verb::Tell, device_sync.0), true)
                .button("Sync again", CustomId::new(Verb::Again, device_sync.0), false)
        }
        Outcome::Failed { broken: Some(called), .. } => {
            broken(&name, *called).button("Sync again", CustomId::new(Verb::Again, device_sync.0), false)
        }
        Outcome::Failed { gave_up: true, broken: None } => retry(
            device_sync,
            Embed::new(
                Tone::Bad,
                format!("{name} was not synced"),
                "Microsoft Graph could not be reached, or took no more requests, for too long. Nothing is queued.",
            ),
        ),
        Outcome::Failed { gave_up: false, broken: None } => retry(
            device_sync,
            Embed::new(
                Tone::Bad,
                format!("{name} was not synced"),
                "Intune refused the request without a reason that helps. The log has Graph's reference for Microsoft's support.",
            ),
        ),
        Outcome::Gone => plain(
            Tone::Bad,
            format!("{name} is gone"),
            "Intune no longer knows this device. It was removed or enrolled anew; look for its new record.",
        ),
        Outcome::NotSupported(why) => plain(Tone::Bad, format!("Sync of {name} ended"), &not_syncable(why)),
        Outcome::Refused(RefusedWhy::Rights(why)) => plain(
            Tone::Bad,
            format!("{name} was not synced"),
            &format!("Your rights were checked right before the call. {} Nothing was sent.", denial(why, "sync")),
        ),
        Outcome::Refused(RefusedWhy::ApprovalRequired) => plain(
            Tone::Bad,
            format!("{name} was not synced"),
            "This tenant wants a second admin to approve the action (Multi Admin Approval), which only the Intune admin center can ask for. Start the sync there.",
        ),
        Outcome::Refused(RefusedWhy::BotPermission) => plain(
            Tone::Bad,
            format!("{name} was not synced"),
            "The bot's app registration lacks a Graph permission or its admin consent. Tell the admin of this bot; the log has Graph's answer.",
        ),
        Outcome::Cancelled => plain(Tone::Neutral, format!("Sync of {name} cancelled"), "Nothing was sent."),
        Outcome::Skipped => plain(
            Tone::Neutral,
            format!("{name} would have been synced"),
            "Observe mode: your rights and the device were checked and all was well. Nothing was sent to Intune.",
        ),
    }
}

/// The bot itself failed: what is known is said, and no more.
fn broken(name: &str, called: Called) -> Card {
    let (title, known) = match called {
        Called::No => (format!("{name} was not synced"), "Nothing was sent to Intune."),
        Called::Accepted => (
            format!("Sync of {name} was not watched to its end"),
            "Intune accepted the request before that, so the device may check in all the same; `/device` shows when it last did.",
        ),
        Called::Unknown => (
            format!("Nobody knows what became of the sync of {name}"),
            "It may have been sent to Intune, and its answer is not known. `/device` shows when the device last checked in.",
        ),
    };
    let text = format!(
        "Something in me broke each time I went on with it, and I have given up. {known} The admin of this bot has been told in the log."
    );
    Card::of(Embed::new(Tone::Bad, title, text))
}

fn plain(tone: Tone, title: String, text: &str) -> Card {
    Card::of(Embed::new(tone, title, text))
}

fn retry(device_sync: DeviceSyncId, embed: Embed) -> Card {
    Card::of(embed).button("Sync again", CustomId::new(Verb::Again, device_sync.0), false)
}

fn checked_in(name: &str, report: &Report) -> Card {
    let later = span(report.checked_in_at.duration_since(report.requested_at));
    let head = format!(
        "Checked in at {}, {later} after it was asked. It is {}.",
        time_of_day(report.checked_in_at),
        compliance(&report.compliance)
    );
    let title = format!("{name} checked in");
    match &report.apps {
        None => Card::of(Embed::new(Tone::Attention, title, format!("{head}\n\n{}", unavailable()))),
        Some(failures) if failures.is_empty() => {
            Card::of(Embed::new(Tone::Good, title, format!("{head}\n\nNo app failures.")))
        }
        Some(failures) => {
            let count = failures.len() + report.more_failures;
            let apps = if count == 1 { "1 app still fails".to_owned() } else { format!("{count} apps still fail") };
            let text = format!("{head}\n\n{apps}:\n\n{}", lines(failures, report.more_failures, true));
            Card::of(Embed::new(Tone::Attention, title, text).footer(LEGEND))
        }
    }
}

/// One line for the team's channel. Nobody is pinged.
pub fn team_line(actor: ChatUserId, device: &Device, outcome: &Outcome, reason: Option<&str>) -> Card {
    let what = match outcome {
        Outcome::CheckedIn(report) => {
            let later = span(report.checked_in_at.duration_since(report.requested_at));
            let apps = match &report.apps {
                None => ", app states unavailable".to_owned(),
                Some(failures) => match failures.len() + report.more_failures {
                    0 => ", no app failures".to_owned(),
                    1 => ", 1 app failure".to_owned(),
                    count => format!(", {count} app failures"),
                },
            };
            format!("✅ checked in after {later}{apps}")
        }
        Outcome::NoCheckInSeen { .. } => "🕓 no check-in seen yet".to_owned(),
        Outcome::Failed { broken: Some(Called::No), .. } => "❌ was not synced: the bot failed".to_owned(),
        Outcome::Failed { broken: Some(_), .. } => "⚠️ was not watched to its end: the bot failed".to_owned(),
        Outcome::Failed { broken: None, .. } => "❌ was not synced: Graph did not take the call".to_owned(),
        Outcome::Gone => "❌ is no longer in Intune".to_owned(),
        Outcome::NotSupported(_) => "🚫 cannot be synced".to_owned(),
        Outcome::Refused(RefusedWhy::Rights(_)) => "🚫 refused: the asker's rights".to_owned(),
        Outcome::Refused(RefusedWhy::ApprovalRequired) => {
            "🚫 refused: the tenant wants Multi Admin Approval".to_owned()
        }
        Outcome::Refused(RefusedWhy::BotPermission) => "🚫 refused: the bot lacks a permission".to_owned(),
        Outcome::Cancelled => "⚪ cancelled".to_owned(),
        Outcome::Skipped => "⚪ would have been synced (observe mode)".to_owned(),
    };
    let reason = reason.map(|reason| format!(" · {}", code(reason, 80))).unwrap_or_default();
    Card::text(format!("{} {what} · asked by {}{reason}", name(device), mention(actor)))
}

#[cfg(test)]
mod tests {
    use super::super::apps::tests::failures;
    use super::super::samples;
    use super::*;
    use crate::intune::{Compliance, Denial, NotSyncable, PendingAction};

    fn report(apps: Option<Vec<crate::store::FailureReport>>) -> Outcome {
        Outcome::CheckedIn(Report {
            checked_in_at: samples::at("2026-11-23T10:42:38Z"),
            requested_at: samples::now(),
            compliance: Compliance::Compliant,
            apps,
            more_failures: 0,
        })
    }

    fn all() -> Vec<Outcome> {
        vec![
            report(Some(failures())),
            report(Some(Vec::new())),
            report(None),
            Outcome::NoCheckInSeen { accepted: true, last_check_in: Some(samples::at("2026-10-11T10:42:00Z")) },
            Outcome::NoCheckInSeen { accepted: false, last_check_in: None },
            Outcome::failed(true),
            Outcome::failed(false),
            Outcome::Failed { gave_up: true, broken: Some(Called::No) },
            Outcome::Failed { gave_up: true, broken: Some(Called::Accepted) },
            Outcome::Failed { gave_up: true, broken: Some(Called::Unknown) },
            Outcome::Gone,
            Outcome::NotSupported(NotSyncable::Pending(PendingAction::Wipe)),
            Outcome::Refused(RefusedWhy::Rights(Denial::NoRole)),
            Outcome::Refused(RefusedWhy::Rights(Denial::CouldNotCheck)),
            Outcome::Refused(RefusedWhy::ApprovalRequired),
            Outcome::Refused(RefusedWhy::BotPermission),
            Outcome::Cancelled,
            Outcome::Skipped,
        ]
    }

    #[test]
    fn every_outcome_for_the_asker() {
        let shown: Vec<_> =
            all().iter().map(|end| outcome(samples::device_sync(), &samples::ipad(), end).to_string()).collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn every_outcome_for_the_team() {
        let shown: Vec<_> = all()
            .iter()
            .map(|end| team_line(ChatUserId(301), &samples::ipad(), end, Some("INC-7")).to_string())
            .collect();
        insta::assert_snapshot!(shown.concat());
    }

    /// Accepted, checked in, not seen yet, failed: the word "synced" is never used for a 204.
    #[test]
    fn a_missing_check_in_is_not_called_failed_or_synced() {
        let card = outcome(samples::device_sync(), &samples::ipad(), &all()[3]).to_string();
        assert!(!card.contains("was synced") && card.contains("not a failure"));
    }
}
