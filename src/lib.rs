//! intune-sync-bot.
pub mod budget;
pub mod chat;
pub mod clock;
pub mod discord;
pub mod graph;
pub mod identity;
pub mod intune;
pub mod settings;
pub mod store;
pub mod sync;
