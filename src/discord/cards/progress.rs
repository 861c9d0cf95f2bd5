//! What is shown while a sync is under way, and when a late device shows up after all.

use jiff::Timestamp;

use super::words::{mention, moment, name, relative, span, time_of_day};
use crate::chat::ChatUserId;
use crate::discord::card::{Card, Embed, Tone};
use crate::intune::Device;
use crate::store::Phase;

/// The live state.
pub fn progress(device: &Device, phase: Phase, requested_at: Option<Timestamp>) -> Card {
    let asked = requested_at.map(|at| format!(" Asked at {}.", time_of_day(at))).unwrap_or_default();
    let (title, text) = match phase {
        Phase::Waiting => (
            format!("Waiting to sync {}", name(device)),
            "Microsoft Graph is busy or cannot be reached. Your request is kept and tried again by itself; nothing is lost.".to_owned(),
        ),
        Phase::Accepted => (
            format!("Sync of {} accepted", name(device)),
            format!(
                "Intune accepted the request. That is not a check-in yet: the device has to be switched on and reachable. Most answer within 1 to 5 minutes.{asked}"
            ),
        ),
        Phase::Unknown => (
            format!("Sync of {}: no answer yet", name(device)),
            format!("Intune was asked and its answer got lost, so I watch the device itself before I ask again.{asked}"),
        ),
        Phase::ReadingApps { checked_in_at } => {
            let late = requested_at.map(|at| format!(", {} after it was asked", span(checked_in_at.duration_since(at))));
            let at = time_of_day(checked_in_at);
            let text = format!("It checked in at {at}{}. Its apps report a little later; they follow here.", late.unwrap_or_default());
            (format!("{} has checked in", name(device)), text)
        }
    };
    Card::of(Embed::new(Tone::Neutral, title, text).footer("This message updates by itself."))
}

/// The last edit of a reply.
pub fn moves_to_channel(device: &Device) -> Card {
    let text = "This private message cannot be updated any longer. The outcome will appear in this channel, with a mention of you.";
    Card::of(Embed::new(Tone::Neutral, format!("Still waiting for {}", name(device)), text))
}

/// A device that had not been seen has checked in.
pub fn showed_up(asker: ChatUserId, device: &Device, checked_in_at: Timestamp, requested_at: Timestamp) -> Card {
    let late = span(checked_in_at.duration_since(requested_at));
    let text = format!(
        "It checked in at {}, {late} after it was asked. `/apps` shows how its apps are.",
        moment(checked_in_at)
    );
    let mut card = Card::of(Embed::new(Tone::Good, format!("{} has shown up", name(device)), text));
    card.content = mention(asker);
    card.mention = Some(asker);
    card
}

/// It did not.
pub fn never_showed_up(asker: ChatUserId, device: &Device, gone: bool, now: Timestamp) -> Card {
    let text = if gone {
        "It is no longer in Intune. I have stopped watching for it.".to_owned()
    } else {
        let seen = device.last_check_in.map_or_else(|| "never".to_owned(), relative);
        format!(
            "It has not checked in since it was asked (last: {seen}). I stopped watching for it at {}.",
            moment(now)
        )
    };
    let mut card = Card::of(Embed::new(Tone::Attention, format!("{} did not show up", name(device)), text));
    card.content = mention(asker);
    card.mention = Some(asker);
    card
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn every_phase() {
        let phases = [
            Phase::Waiting,
            Phase::Accepted,
            Phase::Unknown,
            Phase::ReadingApps { checked_in_at: samples::at("2026-11-23T10:42:38Z") },
        ];
        let shown = phases.map(|phase| progress(&samples::device(), phase, Some(samples::now())).to_string());
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn the_end_of_a_reply() {
        insta::assert_snapshot!(moves_to_channel(&samples::device()));
    }

    #[test]
    fn a_late_device() {
        let asker = ChatUserId(301);
        let late = samples::at("2026-11-23T13:42:00Z");
        let shown = [
            showed_up(asker, &samples::device(), late, samples::now()),
            never_showed_up(asker, &samples::device(), false, late),
            never_showed_up(asker, &samples::device(), true, late),
        ];
        insta::assert_snapshot!(shown.map(|card| card.to_string()).join("\n"));
    }
}
