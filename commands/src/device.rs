//! `/device device:`: show one device.

use crate::definition::device_option;
use crate::{BadInvocation, Command, DEVICE_TEXT_MAX, Definition, Invocation};

pub(crate) const NAME: &str = "device";

pub(crate) fn definition() -> Definition {
    Definition {
        name: NAME,
        description: "Show one device: its user, last check-in and compliance",
        options: vec![device_option("Device name, serial number or user", true)],
    }
}

pub(crate) fn parse(invocation: &Invocation) -> Result<Command, BadInvocation> {
    Ok(Command::Device { device: invocation.text("device", DEVICE_TEXT_MAX)? })
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
