//! Health and metrics, for the machines that look after the bot; and the link page, for people.

mod link;
mod link_pages;
mod ops;

pub use link::LinkServer;
pub use ops::{Ops, OpsParts};
