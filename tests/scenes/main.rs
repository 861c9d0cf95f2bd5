//! Scenes: people use the bot, in sentences, and the simulated tenant and Discord say what really happened.

#[path = "../bed/mod.rs"]
mod bed;

mod ambiguity;
mod asking;
mod calls;
mod clicks;
mod refusals;
mod rights;
