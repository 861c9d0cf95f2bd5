//! `/link` and `/unlink`: which Entra person a chat account is.

use crate::Definition;

pub(crate) const LINK: &str = "link";
pub(crate) const UNLINK: &str = "unlink";

pub(crate) fn definitions() -> [Definition; 2] {
    [
        Definition { name: LINK, description: "Link your Microsoft work account, by signing in", options: Vec::new() },
        Definition { name: UNLINK, description: "End the link to your Microsoft work account", options: Vec::new() },
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Command, Invocation};

    #[test]
    fn both_take_nothing() {
        for (name, command) in [("link", Command::Link), ("unlink", Command::Unlink)] {
            let invocation = Invocation { name: name.to_owned(), options: Vec::new() };
            assert_eq!(Command::parse(&invocation), Ok(command));
        }
    }
}
