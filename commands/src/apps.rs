//! `/apps device:`: the app failures of one device, and which can be retried.

use crate::definition::device_option;
use crate::{BadInvocation, Command, DEVICE_TEXT_MAX, Definition, Invocation};

pub(crate) const NAME: &str = "apps";

pub(crate) fn definition() -> Definition {
    Definition {
        name: NAME,
        description: "Show the app failures of a device, and which can be retried",
        options: vec![device_option("Device name, serial number or user", true)],
    }
}

pub(crate) fn parse(invocation: &Invocation) -> Result<Command, BadInvocation> {
    Ok(Command::Apps { device: invocation.text("device", DEVICE_TEXT_MAX)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_is_required() {
        let invocation = Invocation { name: NAME.to_owned(), options: Vec::new() };
        assert_eq!(Command::parse(&invocation), Err(BadInvocation::Missing("device")));
    }
}
