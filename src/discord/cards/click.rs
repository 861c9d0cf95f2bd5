//! The answers to clicks.

use super::bulk::{banner, devices};
use super::words::{capital, denial, name};
use crate::discord::card::{Card, Embed, Tone};
use crate::intune::Device;
use crate::store::{Freeze, RequestId, RequestState, Stopped, Subject};
use crate::sync::{Clicked, Told};

/// The answer to Yes or No, and whether it takes the place of the card (else it is a private word beside it).
pub fn clicked(clicked: &Clicked, request: RequestId) -> (Card, bool) {
    match clicked {
        Clicked::Confirmed { subject, approval: true, freeze, .. } => {
            let text = "Confirmed. Now somebody who may approve has to agree; they are asked in the approvals channel. Nothing was sent yet, and you are told how it goes on.";
            let text = under(freeze.as_ref(), text.to_owned());
            let waits = if subject.count() == 1 { "waits" } else { "wait" };
            let title = format!("{} {waits} for approval", capital(&what(subject)));
            (super::withdrawable(Card::of(Embed::new(Tone::Neutral, title, text)), request), true)
        }
        Clicked::Confirmed { subject: Subject::Device(device), joined: true, .. } => (super::joined(device), true),
        Clicked::Confirmed { subject, freeze, .. } => {
            let text = match subject {
                Subject::Device(_) => {
                    "Confirmed. Your rights and the device are looked at once more, then Intune is asked.".to_owned()
                }
                Subject::Devices { .. } => {
                    "Confirmed. Your rights and each device are looked at once more, then Intune is asked. The message in this channel shows how far it is, and the outcome follows here.".to_owned()
                }
            };
            let text = under(freeze.as_ref(), text);
            (Card::of(Embed::new(Tone::Neutral, format!("Syncing {}", what(subject)), text)), true)
        }
        Clicked::Cancelled { subject } => {
            let text = "Nothing was sent.";
            (Card::of(Embed::new(Tone::Neutral, format!("Not syncing {}", what(subject)), text)), true)
        }
        Clicked::RightsEnded(why) => {
            let text = format!("{} Nothing was sent.", denial(why, "sync"));
            (Card::of(Embed::new(Tone::Bad, "Your rights have changed since the card was shown", text)), true)
        }
        Clicked::Expired => (
            private("This card has expired. Nothing was sent; send the command again if you still want the sync."),
            false,
        ),
        Clicked::AlreadyHandled(state) => (private(already(*state)), false),
        Clicked::NotYours => {
            (private("Only the person who asked can answer this card. Your click changed nothing."), false)
        }
        Clicked::Unknown => {
            (private("This card is not known any more. Your click changed nothing; send the command again."), false)
        }
    }
}

/// With the word that nothing is sent, if that is so.
fn under(freeze: Option<&Freeze>, text: String) -> String {
    match freeze {
        Some(freeze) => format!("{text}\n\n{}", banner(freeze)),
        None => text,
    }
}

/// The device's name, or how many.
fn what(subject: &Subject) -> String {
    match subject {
        Subject::Device(device) => name(device),
        Subject::Devices { count, .. } => devices(usize::try_from(*count).unwrap_or(usize::MAX)),
    }
}

/// The answer to Cancel on a running bulk request.
pub fn stopped(stopped: Stopped) -> Card {
    match stopped {
        Stopped::Done(0) => private("Stopped: everything had been sent already. What was sent is watched to its end."),
        Stopped::Done(count) => private(&format!(
            "Stopped: {} will not be sent. What was sent is watched to its end.",
            devices(usize::try_from(count).unwrap_or(usize::MAX))
        )),
        Stopped::NotYours => {
            private("Only the person who asked, or an admin of this bot, can stop this. Your click changed nothing.")
        }
        Stopped::TooLate => private("It has ended or was stopped before. Your click changed nothing."),
        Stopped::NotFound => private("This request is not known any more. Your click changed nothing."),
    }
}

fn already(state: RequestState) -> &'static str {
    match state {
        RequestState::AwaitingApproval => {
            "This was confirmed already and waits for somebody to approve. Your click changed nothing."
        }
        RequestState::Rejected => "This was not approved. Your click changed nothing.",
        RequestState::Running => "This was confirmed already and is under way. Your click changed nothing.",
        RequestState::Finished => "This was confirmed already and has ended. Your click changed nothing.",
        RequestState::Cancelled => {
            "This was cancelled already. Your click changed nothing; send the command again if you want the sync."
        }
        RequestState::Refused => "This was refused. Your click changed nothing.",
        RequestState::Expired | RequestState::AwaitingConfirmation => {
            "This card has expired. Your click changed nothing."
        }
    }
}

/// A card whose time is over.
pub fn expired(device: &Device) -> Card {
    let text = "Nobody pressed Yes in time, so nothing was sent. Send the command again if you still want the sync.";
    Card::of(Embed::new(Tone::Neutral, format!("Not syncing {}", name(device)), text))
}

/// A button that this version of the bot did not write.
pub fn foreign_click() -> Card {
    private(
        "This button is not one of mine, or is from an older version. Your click changed nothing; send the command again.",
    )
}

/// A list that is too old, or somebody else's.
pub fn stale_choice() -> Card {
    private("This list has expired or is not yours. Your choice changed nothing; send the command again.")
}

/// The answer to "Tell me when it shows up".
pub fn told(told: Told, days: i64) -> Card {
    match told {
        Told::Watching => {
            private(&format!("I keep an eye on it for up to {days} days and tell you once, in this channel."))
        }
        Told::Already => private("I am watching for it already, or have told you. You will hear of it once."),
        Told::Nothing => private("There is nothing left to watch for here."),
        Told::NotYours => {
            private("Only the person who asked for this sync can have it watched. Your click changed nothing.")
        }
    }
}

fn private(text: &str) -> Card {
    Card::text(text)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::intune::{Denial, DeviceFilter};
    use crate::store::{BulkTarget, Freeze};

    #[test]
    fn every_answer_to_a_click() {
        let one = || Subject::Device(Box::new(samples::device()));
        let target = || BulkTarget::Filter(DeviceFilter { unseen_days: Some(14), ..DeviceFilter::default() });
        let confirmed = |joined, approval| Clicked::Confirmed { subject: one(), joined, approval, freeze: None };
        let freeze = Freeze {
            reason: "CHG-7".to_owned(),
            actor: samples::actor(),
            started_at: samples::now(),
            ends_at: samples::at("2026-11-23T12:00:00Z"),
        };
        let all = [
            confirmed(false, false),
            confirmed(true, false),
            confirmed(false, true),
            Clicked::Confirmed {
                subject: Subject::Devices { target: target(), count: 12 },
                joined: false,
                approval: false,
                freeze: Some(freeze),
            },
            Clicked::Cancelled { subject: one() },
            Clicked::RightsEnded(Denial::NoRole),
            Clicked::Expired,
            Clicked::NotYours,
            Clicked::Unknown,
        ];
        let states = RequestState::ALL.iter().map(|&state| Clicked::AlreadyHandled(state));
        let shown: Vec<_> = all
            .into_iter()
            .chain(states)
            .map(|click| {
                let (card, in_place) = clicked(&click, RequestId(0x1a2b));
                format!("{}{card}", if in_place { "in place\n" } else { "beside\n" })
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn every_answer_to_tell_me() {
        let shown = [Told::Watching, Told::Already, Told::Nothing, Told::NotYours].map(|end| told(end, 7).to_string());
        insta::assert_snapshot!(shown.concat());
    }

    #[test]
    fn foreign_buttons_and_old_lists() {
        insta::assert_snapshot!(format!("{}{}{}", foreign_click(), stale_choice(), expired(&samples::device())));
    }
}
