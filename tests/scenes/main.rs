//! Scenes: people use the bot, in sentences, and the simulated tenant and Discord say what really happened.

#[path = "../bed/mod.rs"]
mod bed;

mod asking;
