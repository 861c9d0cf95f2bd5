//! `explain CODE`: what an app error code means, for people and (`--json`) for tools.

use std::process::ExitCode;

use serde_json::json;

use super::print::say;
use crate::intune::{ErrorCode, ErrorTable};

/// A code of Microsoft's retry table.
const LISTED: u8 = 0;
/// Any other code.
const NOT_LISTED: u8 = 1;
/// Not a code.
const NOT_A_CODE: u8 = 2;

pub(super) fn explain(text: &str, as_json: bool) -> ExitCode {
    let (output, status) = explained(text, as_json);
    say(&output);
    ExitCode::from(status)
}

fn explained(text: &str, as_json: bool) -> (String, u8) {
    let table = ErrorTable::built_in();
    let code = match text.parse::<ErrorCode>() {
        Ok(code) => table.meant(code),
        Err(bad) if as_json => return (json!({ "error": bad.to_string() }).to_string(), NOT_A_CODE),
        Err(bad) => return (bad.to_string(), NOT_A_CODE),
    };
    let entry = table.get(code);
    let retryable = entry.and_then(|entry| entry.retryable);
    let status = if retryable.is_some() { LISTED } else { NOT_LISTED };
    if as_json {
        let object = json!({
            "code": code,
            "hex": code.hex(),
            "magnitude": code.magnitude(),
            "message": entry.map(|entry| &entry.description),
            "retryable": retryable,
            "source": entry.map(|entry| &entry.source),
        });
        return (object.to_string(), status);
    }
    let message = entry.map_or("No list that this program knows names this code.", |entry| &entry.description);
    let verdict = match retryable {
        Some(true) => "yes: the app is still available to the device, so a sync may install it",
        Some(false) => "no: on iOS/iPadOS and Android, available to the device again seven days after the failure",
        None => "not known: the code is not in Microsoft's retry table",
    };
    let source = entry.map_or("-", |entry| &entry.source);
    let text = format!(
        "{message}\n\n  signed     {code}\n  hex        {}\n  magnitude  {}\n  retryable  {verdict}\n  source     {source}",
        code.hex(),
        code.magnitude(),
    );
    (text, status)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Microsoft's table, typed off its page once more: magnitude and verdict.
    const ELEVEN: [(u32, bool); 11] = [
        (2_016_330_898, false),
        (2_016_330_897, true),
        (2_016_330_896, true),
        (2_016_330_895, true),
        (2_016_330_894, true),
        (2_016_330_893, true),
        (2_016_330_892, false),
        (2_016_330_891, true),
        (2_016_330_890, false),
        (2_016_330_889, true),
        (2_016_330_888, false),
    ];

    #[test]
    fn all_eleven_codes_agree_with_microsoft_in_every_notation() {
        for (magnitude, retryable) in ELEVEN {
            let unsigned = magnitude.wrapping_neg();
            let notations = [
                magnitude.to_string(),
                format!("-{magnitude}"),
                unsigned.to_string(),
                format!("0x{unsigned:X}"),
                format!("0x{unsigned:x}"),
            ];
            for notation in notations {
                let (output, status) = explained(&notation, true);
                let object: serde_json::Value = serde_json::from_str(&output).unwrap();
                assert_eq!(status, LISTED, "{notation}");
                assert_eq!(object["retryable"], retryable, "{notation}");
                assert_eq!(object["magnitude"], magnitude, "{notation}");
                assert_eq!(object["code"], -i64::from(magnitude), "{notation}");
            }
        }
    }

    #[test]
    fn a_code_known_from_elsewhere_gives_its_message_and_no_verdict() {
        let (output, status) = explained("-2016345060", true);
        let object: serde_json::Value = serde_json::from_str(&output).unwrap();
        assert_eq!(status, NOT_LISTED);
        assert!(object["retryable"].is_null() && object["message"].is_string());
        let (output, status) = explained("12345", true);
        let object: serde_json::Value = serde_json::from_str(&output).unwrap();
        assert_eq!(status, NOT_LISTED);
        assert!(object["message"].is_null());
    }

    #[test]
    fn what_is_no_code_is_refused_clearly() {
        for text in ["0", "", "4294967296", "hello"] {
            let (output, status) = explained(text, true);
            assert_eq!(status, NOT_A_CODE, "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(&output).unwrap()["error"].is_string());
        }
    }

    #[test]
    fn people_read_it_like_this() {
        insta::assert_snapshot!(explained("0x87d13b6f", false).0);
    }
}
