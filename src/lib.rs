//! `intune-sync-bot`: a Discord bot with which a helpdesk makes Microsoft Intune devices check in.
//!
//! The rooms, and which way their arrows point:
//!
//! ```text
//! cli, app ──> discord, web ──> sync ──> identity ──> graph, store ──> intune
//! ```
//!
//! - [`intune`]: the rules of Intune, pure.
//! - [`graph`]: the only room that speaks to Microsoft Graph and Entra.
//! - [`store`]: the only room that knows SQL: requests, outbox, audit.
//! - [`identity`]: from the chat user to Intune roles; feeds the gate.
//! - [`sync`]: the job, from "sync this device" to a reported outcome.
//! - [`discord`]: the only room that knows serenity; every text that a person reads.
//! - [`web`]: health and metrics, the link page.
//! - [`app`], [`cli`]: builds every part once; what an operator types.
//!
//! Everyone may use [`chat`] (ids of the chat side), [`clock`], [`budget`], [`secret`] and [`settings`].

pub mod app;
pub mod budget;
pub mod chat;
pub mod cli;
pub mod clock;
mod crash_points;
#[cfg(feature = "demo")]
pub mod demo;
pub mod discord;
pub mod graph;
pub mod identity;
pub mod intune;
mod panics;
pub mod secret;
pub mod settings;
pub mod store;
pub mod sync;
pub mod web;
