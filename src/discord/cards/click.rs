//! The answers to clicks.

use super::words::{denial, name};
use crate::discord::card::{Card, Embed, Tone};
use crate::intune::Device;
use crate::store::RequestState;
use crate::sync::{Clicked, Told};

/// The answer to Yes or No, and whether it takes the place of the card (else it is a private word beside it).
pub fn clicked(clicked: &Clicked) -> (Card, bool) {
    match clicked {
        Clicked::Confirmed { device, joined: false } => {
            let text = "Confirmed. Your rights and the device are looked at once more, then Intune is asked.";
            (Card::of(Embed::new(Tone::Neutral, format!("Syncing {}", name(device)), text)), true)
        }
        Clicked::Confirmed { device, joined: true } => (super::joined(device), true),
        Clicked::Cancelled { device } => {
            let text = "Nothing was sent.";
            (Card::of(Embed::new(Tone::Neutral, format!("Not syncing {}", name(device)), text)), true)
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

fn already(state: RequestState) -> &'static str {
    match state {
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
    use crate::intune::Denial;

    #[test]
    fn every_answer_to_a_click() {
        let device = || Box::new(samples::device());
        let all = [
            Clicked::Confirmed { device: device(), joined: false },
            Clicked::Confirmed { device: device(), joined: true },
            Clicked::Cancelled { device: device() },
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
                let (card, in_place) = clicked(&click);
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
