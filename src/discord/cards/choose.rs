//! "Which of these?": a list of devices with the same name, and the suggestions while someone types.

use commands::{CustomId, Verb};
use jiff::Timestamp;

use super::clean::clean;
use super::words::{serial, span};
use crate::discord::card::{Card, Embed, Select, Tone};
use crate::intune::Device;
use crate::store::RequestId;
use crate::sync::SuggestedPerson;

/// Longest text of an option, and of a suggestion (Discord's limits).
const OPTION: usize = 100;

/// The list.
pub fn choose(choice: RequestId, devices: &[Device], now: Timestamp) -> Card {
    let text = format!(
        "{} devices fit. Compare the last digits of the serial number with the sticker on the device.",
        devices.len()
    );
    let options = devices.iter().map(|device| {
        let user = device.user_label().map_or_else(|| "no user".to_owned(), |user| clean(user, 30));
        let label = clean(&format!("{} · {} · {user}", clean(&device.name, 40), serial(device)), OPTION);
        let below = clean(&format!("{} · {}", device.platform, seen(device, now)), OPTION);
        (device.id.to_string(), label, below)
    });
    let id = CustomId::new(Verb::Pick, choice.0);
    let select = Select { id, placeholder: "Choose a device".to_owned(), options: options.collect() };
    Card { select: Some(select), ..Card::of(Embed::new(Tone::Neutral, "Which device?", text)) }
}

/// A suggestion while someone types.
pub fn suggestion(device: &Device, now: Timestamp) -> String {
    let user = device.user_label().map_or_else(|| "no user".to_owned(), |user| clean(user, 28));
    let text = format!(
        "{} · {} · {user} · {} · {}",
        clean(&device.name, 30),
        device.platform,
        serial(device),
        seen(device, now)
    );
    clean(&text, OPTION)
}

/// A person, as a suggestion while someone types.
pub fn person(person: &SuggestedPerson) -> String {
    clean(&format!("{} · {}", clean(&person.name, 40), clean(&person.sign_in, 55)), OPTION)
}

fn seen(device: &Device, now: Timestamp) -> String {
    match device.last_check_in {
        None => "never seen".to_owned(),
        Some(at) => format!("seen {} ago", span(now.duration_since(at))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn namesakes_are_told_apart() {
        let other = Device {
            serial: None,
            user_name: None,
            user_principal_name: None,
            last_check_in: None,
            ..samples::device()
        };
        insta::assert_snapshot!(choose(samples::request(), &[samples::device(), other], samples::now()));
    }

    #[test]
    fn a_suggestion_fits_whatever_the_names_are() {
        assert_eq!(
            suggestion(&samples::device(), samples::now()),
            "LT-042 · Windows · Jonas Weber · …4ABC · seen 3 hours ago"
        );
        let long = Device { name: "x".repeat(200), user_name: Some("`@everyone`".repeat(20)), ..samples::device() };
        assert!(suggestion(&long, samples::now()).chars().count() <= OPTION);
    }
}
