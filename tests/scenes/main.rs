//! Scenes: people use the bot, in sentences, and the simulated tenant and Discord say what really happened.

#[path = "../bed/mod.rs"]
mod bed;
#[path = "../samples/mod.rs"]
mod samples;

mod agreeing;
mod ambiguity;
mod approvals;
mod asking;
mod away;
mod broken;
mod bulk;
mod calls;
mod clicks;
mod clocks;
mod follow_up;
mod freezing;
mod gateway;
mod hostile;
mod http;
mod joining;
mod late;
mod linked;
mod linking;
mod linking_threats;
mod looking;
mod notifying;
mod outbox;
mod records;
mod refusals;
mod replicas;
mod reporting;
mod restarts;
mod rights;
mod ruling;
mod slow_commits;
mod step_up;
mod suggesting;
mod telling;
mod watching;
