//! The only room that knows serenity: the gateway, the route of an interaction, cards, and delivery.

mod card;
pub mod cards;
mod delivery;
mod gateway;
mod handler;
mod linking;
mod outbound;
mod read;
mod register;

pub use card::{Button, Card, Embed, LinkButton, Select, Tone};
pub use delivery::Delivery;
pub use gateway::{Gateway, GatewayError, GatewayStatus};
pub use handler::Handler;
pub use outbound::{CallError, Outbound};
pub use register::register;
