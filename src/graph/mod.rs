//! The only room that speaks to Microsoft Graph and Entra.
//!
//! [`Graph`] reads devices, roles, groups and app states, and can form exactly one writing request:
//! `POST …/managedDevices/{id}/syncDevice`. Every request passes one shared budget, and every failure is an
//! [`Error`] that says whether trying again makes sense.

mod apps;
mod batch;
mod client;
mod devices;
mod endpoint;
mod error;
mod headers;
mod id_token;
mod odata;
mod pages;
mod people;
mod reach;
mod roles;
mod sign_in;
mod targets;
mod throttle;
mod token;
mod users;
mod wire;

pub use client::{Graph, Patience, Stamped, SyncTurn};
pub use devices::Search;
pub use error::{Error, Kind, Retry};
pub use id_token::{BadIdToken, SignedIn};
pub use people::{Members, PersonFacts};
pub use reach::Wanted;
pub use sign_in::{AppFault, SignIn, SignInError};
pub use targets::{CheckIn, DirectoryGroup};
pub use token::{BadCredential, Token};
pub use users::DirectoryUser;
