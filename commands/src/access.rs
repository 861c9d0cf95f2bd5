//! `/access [device:]`: what am I, what may I do, and why not.

use crate::definition::device_option;
use crate::{BadInvocation, Command, DEVICE_TEXT_MAX, Definition, Invocation};

pub(crate) const NAME: &str = "access";

pub(crate) fn definition() -> Definition {
    Definition {
        name: NAME,
        description: "What you may do with this bot, and why",
        options: vec![device_option("Ask about one device in particular", false)],
    }
}

pub(crate) fn parse(invocation: &Invocation) -> Result<Command, BadInvocation> {
    Ok(Command::Access { device: invocation.optional_text("device", DEVICE_TEXT_MAX)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_is_optional() {
        let invocation = Invocation { name: NAME.to_owned(), options: Vec::new() };
        assert_eq!(Command::parse(&invocation), Ok(Command::Access { device: None }));
    }
}
