//! From the chat user to Intune roles: feeds the gate with live facts, and denies on doubt.

mod gate;
mod standing;
mod visibility;

pub use gate::{ChatRoles, ChatUnreachable, Gate};
pub use standing::{Holding, HoldingRole, Standing};
pub use visibility::Visibility;
