//! `/sync device: [reason:]`: make a device check in.

use crate::definition::{device_option, reason_option};
use crate::{BadInvocation, Command, DEVICE_TEXT_MAX, Definition, Invocation, REASON_MAX};

pub(crate) const NAME: &str = "sync";

pub(crate) fn definition() -> Definition {
    Definition {
        name: NAME,
        description: "Make a device check in with Intune now",
        options: vec![device_option("Device name, serial number or user", true), reason_option()],
    }
}

pub(crate) fn parse(invocation: &Invocation) -> Result<Command, BadInvocation> {
    Ok(Command::Sync {
        device: invocation.text("device", DEVICE_TEXT_MAX)?,
        reason: invocation.optional_text("reason", REASON_MAX)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_is_discords() {
        insta::assert_json_snapshot!(definition(), @r#"
        {
          "type": 1,
          "name": "sync",
          "description": "Make a device check in with Intune now",
          "options": [
            {
              "type": 3,
              "name": "device",
              "description": "Device name, serial number or user",
              "required": true,
              "autocomplete": true,
              "max_length": 100
            },
            {
              "type": 3,
              "name": "reason",
              "description": "Why: a ticket number, for example",
              "required": false,
              "max_length": 200
            }
          ]
        }
        "#);
    }

    #[test]
    fn device_and_reason_are_read() {
        let invocation = serde_json::from_str(
            r#"{"name":"sync","options":[{"name":"device","value":" LT-042 "},{"name":"reason","value":"INC-7"}]}"#,
        )
        .unwrap();
        let read = Command::parse(&invocation);
        assert_eq!(read, Ok(Command::Sync { device: "LT-042".to_owned(), reason: Some("INC-7".to_owned()) }));
    }
}
