//! From the chat user to the Entra person to Intune roles: feeds the gate with live facts, and denies on doubt.

mod gate;
mod holds;
mod link_refusal;
mod linking;
mod memory;
mod standing;
mod step_up;
mod visibility;

pub use gate::{ChatRoles, ChatUnreachable, CheckFailed, Gate, Ruling};
pub use link_refusal::LinkRefusal;
pub use linking::{Arrival, Departure, Landing, LinkPage, Linking, Offer, Purpose, Return, Step, Way};
pub use standing::{Held, HeldScope, Holding, HoldingRole, Standing};
pub use step_up::SignInFirst;
pub use visibility::{Display, Shown, Visibility};
