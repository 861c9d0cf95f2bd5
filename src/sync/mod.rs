//! The job: from "sync this device" to a reported outcome. It returns values and writes notices, never cards.
//!
//! - [`Desk`]: what people ask for: commands and clicks.
//! - [`Worker`]: what is done afterwards, one step at a time, from the store.
//! - [`Directory`]: the list of devices in memory, for suggestions and names.

mod ask;
mod click;
mod desk;
mod directory;
mod late;
mod look;
mod refusal;
mod report;
mod resolve;
mod schedule;
mod worker;

pub use ask::{Asked, Proposal};
pub use click::{Clicked, Told};
pub use desk::{Bells, Desk, Trouble};
pub use directory::{Directory, Suggestion};
pub use look::{AccessAnswer, AppsAnswer, HistoryAnswer, Looked};
pub use refusal::Refusal;
pub use worker::Worker;
