//! The card before the click: which device this is, what Sync does, Yes and No.

use commands::{CustomId, Verb};
use jiff::Timestamp;

use super::bulk::{banner, who_agrees};
use super::clean::code;
use super::words::{LONG_UNSEEN, compliance, last_check_in, name, platform, relative, serial, span, user};
use crate::discord::card::{Card, Embed, Tone};
use crate::intune::Device;
use crate::sync::Proposal;

/// The question.
pub fn confirm(proposal: &Proposal, now: Timestamp) -> Card {
    let device = &proposal.device;
    let mut description =
        "Intune asks the device to check in now. It then gets the policies, apps and actions that wait for it. \
                           Nothing is removed or restarted by the sync itself."
            .to_owned();
    if let Some(hint) = hint(device, now) {
        description.push_str("\n\n");
        description.push_str(&hint);
    }
    if let Some(who) = who_agrees(&proposal.rules, &[], false) {
        description.push_str("\n\n");
        description.push_str(&who);
    }
    if let Some(freeze) = &proposal.freeze {
        description.push_str("\n\n");
        description.push_str(&banner(freeze));
    }
    if proposal.observe {
        description.push_str("\n\n**Observe mode**: Yes sends nothing to Intune; it shows what would have happened.");
    }
    let embed = Embed::new(Tone::Neutral, format!("Sync {}?", name(device)), description)
        .field("Platform", platform(device))
        .field("User", user(device))
        .field("Serial number", code(&serial(device), 20))
        .field("Last check-in", last_check_in(device, now))
        .field("Compliance", compliance(&device.compliance))
        .field("Reason", proposal.reason.as_deref().map(|reason| code(reason, 200)).unwrap_or_default())
        .field("Answer", format!("expires {}", relative(proposal.expires_at)));
    Card::of(embed).button("Yes", CustomId::new(Verb::Yes, proposal.request.0), true).button(
        "No",
        CustomId::new(Verb::No, proposal.request.0),
        false,
    )
}

/// A word of warning about devices that will probably not answer soon.
fn hint(device: &Device, now: Timestamp) -> Option<String> {
    let Some(last) = device.last_check_in else {
        return Some("It has never checked in. It may not have finished its enrolment.".to_owned());
    };
    let unseen = now.duration_since(last);
    (unseen >= LONG_UNSEEN).then(|| {
        let unseen = span(unseen);
        format!("It has not been seen for {unseen}. If it is switched off or offline, the sync waits until it is back.")
    })
}

/// Somebody else is syncing it already.
pub fn joined(device: &Device) -> Card {
    let description = "You joined that sync: no second call is made, and you will be told how it ends, here.";
    Card::of(Embed::new(Tone::Neutral, format!("{} is being synced already", name(device)), description))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn proposal(device: Device) -> Proposal {
        Proposal {
            request: samples::request(),
            device: Box::new(device),
            reason: None,
            expires_at: samples::at("2026-11-23T10:52:00Z"),
            observe: false,
            freeze: None,
            rules: Vec::new(),
        }
    }

    #[test]
    fn a_healthy_device() {
        let mut proposal = proposal(samples::device());
        proposal.reason = Some("INC-1042".to_owned());
        insta::assert_snapshot!(confirm(&proposal, samples::now()));
    }

    #[test]
    fn a_device_not_seen_for_long() {
        let device = Device { last_check_in: Some(samples::at("2026-10-11T10:42:00Z")), ..samples::device() };
        insta::assert_snapshot!(confirm(&proposal(device), samples::now()));
    }

    #[test]
    fn a_device_that_never_checked_in_in_observe_mode() {
        let device = Device {
            last_check_in: None,
            user_name: None,
            user_principal_name: None,
            serial: None,
            ..samples::device()
        };
        insta::assert_snapshot!(confirm(&Proposal { observe: true, ..proposal(device) }, samples::now()));
    }

    #[test]
    fn a_hostile_name_stays_a_name() {
        let device = Device { name: "`@everyone` [x](https://evil.example)\u{202e}".to_owned(), ..samples::device() };
        insta::assert_snapshot!(confirm(&proposal(device), samples::now()));
    }

    #[test]
    fn joining() {
        insta::assert_snapshot!(joined(&samples::device()));
    }
}
