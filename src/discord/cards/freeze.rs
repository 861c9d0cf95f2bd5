//! Freezes: that nothing is sent, that it is over, and who may not say so.

use jiff::Timestamp;

use super::bulk::banner;
use super::clean::code;
use super::words::{mention, moment};
use crate::chat::ChatUserId;
use crate::discord::card::{Card, Embed, Tone};
use crate::sync::Froze;

/// The answer to `/freeze` and `/unfreeze`.
pub fn froze(froze: &Froze) -> Card {
    let (tone, title, text) = match froze {
        Froze::Frozen(freeze) => {
            (Tone::Attention, "Frozen", format!("{} `/unfreeze` ends it earlier.", banner(freeze)))
        }
        Froze::Unfrozen(freeze) => (
            Tone::Good,
            "Not frozen any more",
            format!("It would have lasted until {}. What waited goes on now.", moment(freeze.ends_at)),
        ),
        Froze::Nothing => (Tone::Neutral, "Nothing is frozen", "There was nothing to end.".to_owned()),
        Froze::NotAdmin => (
            Tone::Bad,
            "You may not do that",
            "Only holders of a chat role in `[access] admin_roles` may freeze and unfreeze. Ask the admin of this bot."
                .to_owned(),
        ),
        Froze::BadLength(bad) => (
            Tone::Bad,
            "How long?",
            format!("{} is not a length of time. Write one such as `30m`, `2h` or `1d`.", code(&bad.0, 20)),
        ),
    };
    Card::of(Embed::new(tone, title, text))
}

/// For the team: nothing is sent from now on.
pub fn frozen_line(by: ChatUserId, reason: &str, ends_at: Timestamp) -> Card {
    Card::text(format!(
        "🧊 Frozen until {} by {}: {}. Nothing is sent to Intune; what is confirmed waits.",
        moment(ends_at),
        mention(by),
        code(reason, 200)
    ))
}

/// For the team: that is over.
pub fn thawed_line(by: ChatUserId) -> Card {
    Card::text(format!("🟢 Not frozen any more, by {}. What waited goes on.", mention(by)))
}
