//! Health and metrics, for the machines that look after the bot; the link page, for people; and where Discord posts interactions.

mod interactions;
mod link;
mod link_pages;
mod ops;

pub use interactions::{InteractionsServer, PATH as INTERACTIONS};
pub use link::LinkServer;
pub use ops::{Ops, OpsParts};
