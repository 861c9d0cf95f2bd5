//! `/device`: one device at a glance.

use jiff::Timestamp;

use super::clean::code;
use super::words::{LONG_UNSEEN, compliance, last_check_in, name, not_syncable, platform, serial, user};
use crate::discord::card::{Card, Embed, Tone};
use crate::intune::{Compliance, Device};

/// The device.
pub fn device(device: &Device, now: Timestamp) -> Card {
    let unseen = device.last_check_in.is_none_or(|at| now.duration_since(at) >= LONG_UNSEEN);
    let syncable = device.syncable();
    let (tone, text) = match &syncable {
        Err(why) => (Tone::Bad, not_syncable(why)),
        Ok(()) if unseen => (Tone::Attention, "It has not been seen for long.".to_owned()),
        Ok(()) if device.compliance == Compliance::Compliant => (Tone::Good, String::new()),
        Ok(()) => (Tone::Attention, String::new()),
    };
    let embed = Embed::new(tone, name(device), text)
        .field("Platform", platform(device))
        .field("User", user(device))
        .field("Last check-in", last_check_in(device, now))
        .field("Compliance", compliance(&device.compliance))
        .field("Serial number", code(&serial(device), 20))
        .field("Model", device.model.as_ref().map(|model| code(model, 60)).unwrap_or_default())
        .field(
            "Management",
            code(if device.management_state.is_empty() { "unknown" } else { &device.management_state }, 30),
        );
    Card::of(embed)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_healthy_device_and_a_wiped_one() {
        let wiped = Device { management_state: "wipePending".to_owned(), ..samples::device() };
        let shown = [samples::device(), wiped].map(|it| device(&it, samples::now()).to_string());
        insta::assert_snapshot!(shown.join("\n"));
    }
}
