//! Every text that a person reads in chat, as pure functions from values to cards.

mod access;
mod app_error;
mod apps;
mod choose;
mod clean;
mod click;
mod confirm;
mod device;
mod digest;
mod help;
mod history;
mod link;
mod outcome;
mod progress;
mod refusal;
mod trouble;
mod words;

pub use access::access;
pub use app_error::app_error;
pub use apps::apps;
pub use choose::{choose, suggestion};
pub use clean::{clean, code};
pub use click::{clicked, expired, foreign_click, stale_choice, told};
pub use confirm::{confirm, joined};
pub use device::device;
pub use digest::{digest, fitting};
pub use help::help;
pub use history::history;
pub use link::{
    CODE_EXAMPLE, CODE_LABEL, CODE_TITLE, link_declined, link_found, link_offer, link_refusal, linked, unlinked,
};
pub use outcome::{outcome, team_line};
pub use progress::{moves_to_channel, never_showed_up, progress, showed_up};
pub use refusal::refusal;
pub use trouble::{bad_invocation, not_here, nothing_recorded, trouble, uncertain};

#[cfg(test)]
pub(crate) mod samples;
