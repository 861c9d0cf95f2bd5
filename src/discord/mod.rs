//! The only room that knows serenity: the gateway and the interactions endpoint, the way of an interaction, cards, and delivery.

mod banner;
mod card;
pub mod cards;
mod channels;
mod clicks;
mod delivery;
mod file;
mod gateway;
mod handler;
mod http;
mod linking;
mod many;
mod outbound;
mod pause;
mod picture;
mod read;
mod register;
mod render;
mod seal;
mod status;
mod suggest;
mod table;
mod tries;
mod way;
mod webhook;

pub use card::{Button, Card, Embed, LinkButton, Select, Tone};
pub use channels::Turn;
pub use delivery::Delivery;
pub use file::{File, Files, MOST_BYTES, TooLarge};
pub use gateway::{Duty, Gateway, GatewayError, GatewayStatus, Goodbye, LoginsLeft, back_off};
pub use handler::Handler;
pub use http::{Endpoint, EndpointStatus, NotDiscord, Start, Told, Work};
pub use outbound::{CallError, Outbound};
pub use register::register;
pub use seal::{BadKey, Sealed, check_public_key};
pub use status::{DeliveryStatus, Status};
