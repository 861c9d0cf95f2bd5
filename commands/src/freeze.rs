//! `/freeze for: reason:` and `/unfreeze`: nothing is sent to Intune for a while.

use crate::definition::text_option;
use crate::{BadInvocation, Command, Definition, Invocation, REASON_MAX};

pub(crate) const FREEZE: &str = "freeze";
pub(crate) const UNFREEZE: &str = "unfreeze";

/// Longest duration accepted, in characters.
const LENGTH_MAX: u16 = 20;

pub(crate) fn definitions() -> [Definition; 2] {
    [
        Definition {
            name: FREEZE,
            description: "Send nothing to Intune for a while; questions are still answered",
            options: vec![
                text_option("for", "How long: 30m, 2h, 1d", true, LENGTH_MAX),
                text_option("reason", "Why: a change window, an incident", true, REASON_MAX),
            ],
        },
        Definition { name: UNFREEZE, description: "End a freeze before its time", options: Vec::new() },
    ]
}

pub(crate) fn parse(invocation: &Invocation) -> Result<Command, BadInvocation> {
    Ok(Command::Freeze { length: invocation.text("for", LENGTH_MAX)?, reason: invocation.text("reason", REASON_MAX)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freeze_has_an_end_and_a_reason() {
        let read = |json| Command::parse(&serde_json::from_str(json).unwrap());
        assert_eq!(
            read(r#"{"name":"freeze","options":[{"name":"for","value":"2h"},{"name":"reason","value":"CHG-1"}]}"#),
            Ok(Command::Freeze { length: "2h".to_owned(), reason: "CHG-1".to_owned() })
        );
        let endless = read(r#"{"name":"freeze","options":[{"name":"reason","value":"CHG-1"}]}"#);
        assert_eq!(endless, Err(BadInvocation::Missing("for")));
        assert_eq!(read(r#"{"name":"unfreeze"}"#), Ok(Command::Unfreeze));
    }
}
