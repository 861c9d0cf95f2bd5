//! From the chat user to Intune roles: feeds the gate with live facts, and denies on doubt.

mod gate;
mod link_refusal;
mod linking;
mod standing;
mod visibility;

pub use gate::{ChatRoles, ChatUnreachable, Gate};
pub use link_refusal::LinkRefusal;
pub use linking::{Arrival, Departure, Landing, LinkPage, Linking, Offer, Return, Step, Way};
pub use standing::{Holding, HoldingRole, Standing};
pub use visibility::Visibility;
