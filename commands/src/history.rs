//! `/history`: own requests, and everyone's for the bot's admins.

use crate::Definition;

pub(crate) const NAME: &str = "history";

pub(crate) fn definition() -> Definition {
    Definition { name: NAME, description: "What you asked for, and how it ended", options: Vec::new() }
}
