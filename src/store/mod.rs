//! The only room that knows sqlx: requests, device syncs, attempts, notices and the audit, on disk.
//!
//! Every change of state is one transaction that also holds its audit row and its notices. Row types stay inside.
//!
//! The statements are written once. `engine` is the trait that they run on, `sqlite` and `postgres` are the modules behind it.

mod allowances;
mod answers;
mod approvals;
mod audit;
mod audit_chain;
mod audit_log;
mod bulk;
mod bulk_claims;
mod choices;
mod claims;
mod commits;
mod dead;
mod digests;
mod duties;
mod engine;
mod error;
mod finish;
mod freezes;
mod handle;
mod history;
mod ids;
mod late;
mod leases;
mod ledger;
mod link_attempts;
mod link_codes;
mod links;
mod living;
mod model;
mod notice;
mod notices;
mod postgres;
mod query;
mod requests;
mod rounds;
mod row;
mod sqlite;
mod stand_in;
mod step_up;
mod steps;
mod subject;
mod votes;

pub use answers::{Confirmed, Yes};
pub use approvals::{ApprovalFrame, ApprovalWindow, Condition, PendingApproval, RuleAsked, RuleDue, Vote};
pub use audit::{AuditRow, Event};
pub use audit_chain::{ChainKey, Head};
pub use audit_log::{AuditEntry, Flaw, Verified};
pub use bulk::{BulkRow, BulkStanding, Stopped};
pub use bulk_claims::ClaimedGroup;
pub use choices::{Choice, Purpose};
pub use claims::{Attempt, ClaimedSync};
pub use commits::Commits;
pub use dead::{DeadSync, Revived};
pub use digests::Behind;
pub use duties::{DutyName, Held};
pub use error::Error;
pub use finish::{Ending, OfRequest, Sink, Tell};
pub use freezes::{Freeze, Unfrozen};
pub use handle::{Store, Wakes};
pub use history::{HistoryRow, RecentSync};
pub use ids::{DeviceSyncId, LateWatchId, LinkAttemptId, NoticeId, RequestId};
pub use late::{ClaimedLateWatch, LateEnd};
pub use leases::Lease;
pub use link_attempts::{Approves, AttemptPhase, Handshake, LinkAttempt, NotTaken};
pub use link_codes::{Accepted, CodeTried};
pub use links::{EntraPerson, Link, LinkSource, Linked};
pub use living::Standing;
pub use model::{
    Answer, Called, DeviceSyncState, FailureReport, Outcome, OutcomeWord, RefusedWhy, Reply, Report, RequestState,
};
pub use notice::{Address, ApprovalStep, Board, Notice, Phase, Stage};
pub use notices::{ClaimedNotice, NewNotice};
pub use requests::{NewBulk, NewRequest, StoredRequest};
pub use rounds::NewRound;
pub use steps::Begun;
pub use subject::{BulkTarget, Subject};
pub use votes::Voted;
