//! `/help`: what the bot does and how to ask it.

use crate::Definition;

pub(crate) const NAME: &str = "help";

pub(crate) fn definition() -> Definition {
    Definition { name: NAME, description: "What this bot does and how to ask it", options: Vec::new() }
}
