//! `/app-error`: what a code means.

use super::clean::clean;
use crate::discord::card::{Card, Embed, Tone};
use crate::intune::{BadCode, ErrorCode, ErrorTable};

/// The explanation, or why the text is no code.
pub fn app_error(parsed: Result<ErrorCode, BadCode>, table: &ErrorTable) -> Card {
    let code = match parsed {
        Ok(code) => table.meant(code),
        Err(bad) => return Card::of(Embed::new(Tone::Bad, "Not an error code", bad.to_string())),
    };
    let title = format!("App error {} · {}", code.magnitude(), code.hex());
    let Some(entry) = table.get(code) else {
        let text = "This code is not in Microsoft's retry table, nor in any list I know. Whether it can be retried is not known.";
        return Card::of(Embed::new(Tone::Attention, title, text).field("Signed", code.to_string()));
    };
    let (tone, verdict) = match entry.retryable {
        Some(true) => {
            (Tone::Good, "**Retryable**: the app is still available to the device, so a sync may install it.")
        }
        Some(false) => (
            Tone::Attention,
            "**Not retryable**: on iOS/iPadOS and Android the app is available to the device again seven days after the failure.",
        ),
        None => (Tone::Attention, "**Not in Microsoft's retry table**: whether it can be retried is not known."),
    };
    let text = format!("{}\n\n{verdict}", clean(&entry.description, 500));
    Card::of(Embed::new(tone, title, text).field("Signed", code.to_string()).footer(clean(&entry.source, 300)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_each_kind() {
        let table = ErrorTable::built_in();
        let shown = ["2016330897", "0x87D13B74", "-2016345060", "12345", "0", "hello"]
            .map(|text| app_error(text.parse(), &table).to_string());
        insta::assert_snapshot!(shown.join("\n"));
    }
}
