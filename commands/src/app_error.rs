//! `/app-error code:`: what an app error code means, and whether it is retryable.

use crate::definition::text_option;
use crate::{BadInvocation, Command, Definition, Invocation};

pub(crate) const NAME: &str = "app-error";

/// Longest code accepted, in characters; every notation is far shorter.
const CODE_MAX: u16 = 40;

pub(crate) fn definition() -> Definition {
    Definition {
        name: NAME,
        description: "Explain an app error code and say whether it is retryable",
        options: vec![text_option("code", "2016330897, -2016330897, 2278636399 or 0x87D13B6F", true, CODE_MAX)],
    }
}

pub(crate) fn parse(invocation: &Invocation) -> Result<Command, BadInvocation> {
    Ok(Command::AppError { code: invocation.text("code", CODE_MAX)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_stays_as_it_was_typed() {
        let invocation =
            serde_json::from_str(r#"{"name":"app-error","options":[{"name":"code","value":"0x87D13B6F"}]}"#).unwrap();
        assert_eq!(Command::parse(&invocation), Ok(Command::AppError { code: "0x87D13B6F".to_owned() }));
    }
}
