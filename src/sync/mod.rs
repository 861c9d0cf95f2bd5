//! The job: from "sync this device" to a reported outcome. It returns values and writes notices, never cards.
//!
//! - [`Desk`]: what people ask for: commands and clicks.
//! - [`Worker`]: what is done afterwards, one step at a time, from the store.
//! - [`Directory`]: the list of devices in memory, for suggestions and names.

mod agreement;
mod approve;
mod ask;
mod broken;
mod bulk;
mod bulk_worker;
mod click;
mod desk;
mod directory;
mod failure_index;
mod freeze;
mod late;
mod look;
mod notify;
mod refusal;
mod report;
mod resolve;
mod rules;
mod schedule;
mod targets;
mod worker;

pub use approve::Answered;
pub use ask::{Asked, Proposal};
pub use bulk::{BulkAsked, BulkProposal, LeftOut, WhyLeftOut};
pub use click::{Clicked, Rechecked, Told};
pub use desk::{Bells, Desk, Trouble};
pub use directory::{Directory, SuggestedPerson};
pub use failure_index::{FailureIndex, IndexAge};
pub use freeze::Froze;
pub use look::{AccessAnswer, AppsAnswer, HistoryAnswer, Looked};
pub use refusal::Refusal;
pub use rules::conditions;
pub use worker::Worker;
