//! App failures: each with its code, Microsoft's words, its time, and the advice.

use super::clean::code;
use super::words::{NAME, date, moment, name};
use crate::discord::card::{Card, Embed, Tone};
use crate::intune::{Advice, Freshness};
use crate::store::FailureReport;
use crate::sync::AppsAnswer;

/// Failures shown in full; an embed holds 4,096 characters.
const SHOWN: usize = 8;

/// `/apps`
pub fn apps(answer: &AppsAnswer) -> Card {
    let title = format!("Apps of {}", name(&answer.device));
    let Some(failures) = &answer.failures else {
        return Card::of(Embed::new(Tone::Attention, title, unavailable()));
    };
    let counts = format!("{} installed, {} waiting to be installed.", answer.installed, answer.pending);
    if failures.is_empty() {
        return Card::of(Embed::new(Tone::Good, title, format!("No app failures. {counts}")));
    }
    let description = format!("{}\n\n{counts}", lines(failures, answer.more_failures, false));
    Card::of(Embed::new(Tone::Attention, title, description).footer(LEGEND))
}

/// Where the advice comes from.
pub(super) const LEGEND: &str =
    "Advice: Microsoft's Sync page. App states follow a check-in with some delay; dates are approximate.";

/// What is said when Graph does not deliver app states. Never "no failures".
pub(super) fn unavailable() -> &'static str {
    "App states are unavailable: Microsoft Graph did not deliver them. That does not mean that there are no failures; look in the Intune admin center."
}

/// The list of failures. `after_sync`: say how each compares with the sync just made.
pub(super) fn lines(failures: &[FailureReport], more: usize, after_sync: bool) -> String {
    let mut text: Vec<_> = failures.iter().take(SHOWN).map(|failure| line(failure, after_sync)).collect();
    let more = more + failures.len().saturating_sub(SHOWN);
    if more > 0 {
        text.push(format!("… and {more} more failed. The Intune admin center lists all of them."));
    }
    text.join("\n\n")
}

fn line(failure: &FailureReport, after_sync: bool) -> String {
    let name = code(&failure.name, NAME);
    let code_text = match failure.code {
        Some(code) => format!("{} · `{}` · `{code}`", code.magnitude(), code.hex()),
        None => "no error code reported".to_owned(),
    };
    let description =
        failure.description.as_ref().map(|text| format!("{}\n", super::clean(text, 200))).unwrap_or_default();
    format!("**{name}** {code_text}\n{description}{}\n{}", when(failure, after_sync), advice(failure))
}

fn when(failure: &FailureReport, after_sync: bool) -> String {
    let Some(at) = failure.failed_at else { return "When it failed is not known.".to_owned() };
    match (after_sync, failure.freshness) {
        (true, Freshness::AfterSync) => format!("Failed again at {}, after this sync.", moment(at)),
        (true, Freshness::BeforeSync) => {
            format!("Last known failure {}, before this sync; no newer result yet.", moment(at))
        }
        _ => format!("Failed at {}.", moment(at)),
    }
}

fn advice(failure: &FailureReport) -> String {
    match failure.advice {
        Advice::Retryable => "→ **Retryable**: still available to the device.".to_owned(),
        Advice::NotRetryable { available_from: Some(from) } => {
            format!("→ **Not retryable**: available to the device again about {}.", date(from))
        }
        Advice::NotRetryable { available_from: None } if failure.failed_at.is_none() => {
            "→ **Not retryable**: on iOS/iPadOS and Android it is available again seven days after the failure."
                .to_owned()
        }
        Advice::NotRetryable { available_from: None } => "→ **Not retryable**.".to_owned(),
        Advice::NotListed => "→ **Not in Microsoft's retry table**: whether it can be retried is not known.".to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::samples;
    use super::*;
    use crate::intune::ErrorCode;

    pub(in super::super) fn failures() -> Vec<FailureReport> {
        vec![
            FailureReport {
                name: "Contoso Expenses".to_owned(),
                code: Some(ErrorCode(-2_016_330_893)),
                description: Some("You lost connection to the Internet. Reset your connection.".to_owned()),
                failed_at: Some(samples::at("2026-11-23T10:42:38Z")),
                freshness: Freshness::AfterSync,
                advice: Advice::Retryable,
            },
            FailureReport {
                name: "Roaming Notes".to_owned(),
                code: Some(ErrorCode(-2_016_330_892)),
                description: Some("International roaming is disabled.".to_owned()),
                failed_at: Some(samples::at("2026-11-23T06:00:00Z")),
                freshness: Freshness::BeforeSync,
                advice: Advice::NotRetryable { available_from: Some(samples::at("2026-11-30T06:00:00Z")) },
            },
            FailureReport {
                name: "Field Maps".to_owned(),
                code: None,
                description: None,
                failed_at: None,
                freshness: Freshness::Unknown,
                advice: Advice::NotListed,
            },
        ]
    }

    fn answer(failures: Option<Vec<FailureReport>>) -> AppsAnswer {
        AppsAnswer { device: Box::new(samples::ipad()), failures, more_failures: 0, installed: 12, pending: 1 }
    }

    #[test]
    fn failures_with_their_advice() {
        insta::assert_snapshot!(apps(&AppsAnswer { more_failures: 2, ..answer(Some(failures())) }));
    }

    #[test]
    fn no_failures() {
        insta::assert_snapshot!(apps(&answer(Some(Vec::new()))));
    }

    #[test]
    fn unavailable_is_not_no_failures() {
        insta::assert_snapshot!(apps(&answer(None)));
    }

    #[test]
    fn the_longest_list_fits_an_embed() {
        let longest =
            FailureReport { name: "n".repeat(300), description: Some("d".repeat(500)), ..failures().remove(1) };
        let card = apps(&answer(Some(vec![longest; 30])));
        assert!(card.embed.unwrap().description.chars().count() <= 4_096);
    }
}
