//! Health and metrics, for the machines that look after the bot.

mod ops;

pub use ops::{Ops, OpsParts};
