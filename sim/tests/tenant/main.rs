//! The simulated tenant over real HTTP, on a clock that stands still: each quirk of the real service, one by one.

mod alone;
mod apps;
mod batch;
mod bed;
mod check_ins;
mod client;
mod directory;
mod entra;
mod faults;
mod lists;
mod rights;
mod sign_in;
mod traffic;
