//! When something does not answer: one calm sentence, what to do next, and a reference that is also in the log.

use commands::BadInvocation;

use crate::discord::card::{Card, Embed, Tone};
use crate::sync::Trouble;

/// What went wrong, without any of its words.
pub fn trouble(trouble: &Trouble, reference: &str) -> Card {
    let text = match trouble {
        Trouble::Rights(error) if error.retry() == crate::graph::Retry::Never => {
            "Your rights could not be checked, and in doubt the answer is no: Microsoft Graph refused a question about them. The admin of this bot can see why in the log."
        }
        Trouble::Rights(_) => {
            "Your rights could not be checked, and in doubt the answer is no: Microsoft Graph does not answer at the moment. Nothing was sent; try again in a few minutes."
        }
        Trouble::Graph(error) if error.retry() == crate::graph::Retry::Never => {
            "Microsoft Graph refused the question. The admin of this bot can see why in the log."
        }
        Trouble::Graph(_) => {
            "Microsoft Graph does not answer at the moment. Nothing was sent; try again in a few minutes."
        }
        Trouble::Store(crate::store::Error::Uncertain) => return uncertain(reference),
        Trouble::Store(_) => return nothing_recorded(reference),
    };
    Card::of(Embed::new(Tone::Bad, "That did not work", text).footer(format!("Reference {reference}")))
}

/// The store did not answer in time.
pub fn nothing_recorded(reference: &str) -> Card {
    let text =
        "My database does not answer at the moment. Nothing was recorded and nothing was sent; try again in a moment.";
    Card::of(Embed::new(Tone::Bad, "That did not work", text).footer(format!("Reference {reference}")))
}

/// The store took a click, or did not, and has not said which.
pub fn uncertain(reference: &str) -> Card {
    let text = "My database was slow at the last moment, so it is not certain that this was recorded. If it was, it takes its course and you are told here. Look at `/history` before you try again; pressing once more does nothing twice.";
    Card::of(Embed::new(Tone::Attention, "That may have worked", text).footer(format!("Reference {reference}")))
}

/// The bot broke while it answered.
pub fn broken(reference: &str) -> Card {
    let text = "Something in me broke while I was answering, and I do not know how far I came. Look at `/history` before you try again; the admin of this bot can see more in the log.";
    Card::of(Embed::new(Tone::Bad, "That did not work", text).footer(format!("Reference {reference}")))
}

/// News that the database holds and that cannot be read.
pub fn unreadable(reference: &str) -> Card {
    let text = "There is news of a request of yours that I can no longer read. `/history` shows how it ended; the admin of this bot can see more in the log.";
    Card::of(Embed::new(Tone::Bad, "I cannot say what became of it", text).footer(format!("Reference {reference}")))
}

/// Another server, another channel, or a direct message.
pub fn not_here() -> Card {
    Card::text("I do not work in this place. Ask in your helpdesk's channel.")
}

/// A command that the bot does not understand.
pub fn bad_invocation(bad: &BadInvocation) -> Card {
    Card::text(bad.to_string())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::graph::{Error, Kind};

    #[test]
    fn every_trouble() {
        let error = |kind| Error { kind, attempts: 3, elapsed: SignedDuration::from_secs(9), request_id: None };
        let graph = |kind| Trouble::Graph(error(kind));
        let rights = |kind| Trouble::Rights(error(kind));
        let store = Trouble::Store(crate::store::Error::LeaseLost);
        let unsure = Trouble::Store(crate::store::Error::Uncertain);
        let all = [
            graph(Kind::Unavailable),
            graph(Kind::Forbidden),
            rights(Kind::Unavailable),
            rights(Kind::Forbidden),
            store,
            unsure,
        ];
        let shown = all.map(|it| trouble(&it, "1A2B3C4D").to_string());
        insta::assert_snapshot!(format!(
            "{}\n{}{}{}\n{}",
            shown.join("\n"),
            broken("1A2B3C4D"),
            unreadable("1A2B3C4D"),
            not_here(),
            bad_invocation(&BadInvocation::Missing("device"))
        ));
    }
}
