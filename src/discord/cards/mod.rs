//! Every text that a person reads in chat, as pure functions from values to cards.

mod access;
mod app_error;
mod approval;
mod apps;
mod bulk;
mod choose;
mod clean;
mod click;
mod confirm;
mod device;
mod digest;
mod freeze;
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
use approval::withdrawable;
pub use approval::{REJECT_LABEL, REJECT_TITLE, answered, approval, approval_reminder, approval_step, sign_in_first};
pub use apps::apps;
pub use bulk::{
    NAMED, Pace, banner, bulk_confirm, bulk_expired, bulk_progress, bulk_summary, bulk_team_line, ended_word,
    why_left_out,
};
pub use choose::{choose, person, suggestion};
pub use clean::{clean, code};
pub use click::{clicked, expired, foreign_click, stale_choice, stopped, told};
pub use confirm::{confirm, joined};
pub use device::device;
pub use digest::{digest, fitting};
pub use freeze::{froze, frozen_line, thawed_line};
pub use help::help;
pub use history::history;
pub use link::{
    CODE_EXAMPLE, CODE_LABEL, CODE_TITLE, link_declined, link_found, link_offer, link_refusal, linked, unlinked,
};
pub use outcome::{outcome, team_line};
pub use progress::{moves_to_channel, never_showed_up, progress, showed_up};
pub use refusal::refusal;
pub use trouble::{bad_invocation, broken, not_here, nothing_recorded, trouble, uncertain, unreadable};
pub(super) use words::compliance as compliance_word;

#[cfg(test)]
pub(crate) mod samples;
