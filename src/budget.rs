//! Rates that are never passed: those of people, and the one budget toward Graph that every replica draws from.
//!
//! Toward Graph a rate is a row of *places* in time: each request takes one, not before its moment and hardly after it. The arithmetic
//! is in `account`, where the account is kept is a [`Ledger`], and [`Turns`] hands places to whoever is most urgent.

mod account;
mod bearings;
mod ledger;
mod people;
mod queue;
mod turns;

pub use account::{Account, Pace, Throttled, WHOLE};
pub use ledger::{Entry, Ledger, LedgerAway, Memory};
pub use people::{BudgetPer, Wait};
pub use queue::Urgency;
pub use turns::{Figures, NoTurn, Place, Turns};
