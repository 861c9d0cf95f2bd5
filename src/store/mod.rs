//! The only room that knows sqlx: requests, device syncs, attempts, notices and the audit, on disk.
//!
//! Every change of state is one transaction that also holds its audit row and its notices. Row types stay inside.

mod audit;
mod choices;
mod claims;
mod error;
mod finish;
mod history;
mod ids;
mod late;
mod link_attempts;
mod link_codes;
mod links;
mod model;
mod notices;
mod requests;
mod sqlite;
mod steps;

pub use audit::{AuditRow, Event};
pub use choices::{Choice, Purpose};
pub use claims::{Attempt, ClaimedSync};
pub use error::Error;
pub use finish::Ending;
pub use history::{HistoryRow, RecentSync};
pub use ids::{DeviceSyncId, LateWatchId, LinkAttemptId, NoticeId, RequestId};
pub use late::{ClaimedLateWatch, LateEnd};
pub use link_attempts::{AttemptPhase, Handshake, LinkAttempt, NotTaken};
pub use link_codes::{Accepted, CodeTried};
pub use links::{EntraPerson, Link, LinkSource, Linked};
pub use model::{
    Address, Answer, DeviceSyncState, FailureReport, Notice, Outcome, Phase, RefusedWhy, Reply, Report, RequestState,
};
pub use notices::{ClaimedNotice, NewNotice};
pub use requests::{Confirmed, NewRequest, StoredRequest};
pub use sqlite::Store;
