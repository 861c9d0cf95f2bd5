//! The settings: read, checked, and typed once at start. Secrets never print.

mod access;
mod approval;
mod audit;
mod discord;
mod load;
mod log;
mod measure;
mod notify;
mod public_key;
mod reader;
mod typed;

pub use access::{Access, ChatRole, Link};
pub use approval::{ApprovalRule, Hours};
pub use audit::Audit;
pub use discord::{Discord, Mode};
pub use load::{BadSettings, Source, load, reference_keys};
pub use log::{Log, LogFormat};
pub use measure::{BadDuration, BadRate, Rate, parse_duration};
pub use notify::{Notify, NotifyRule, Webhook};
pub use public_key::{NotAPublicKey, PublicKey};
pub use typed::{Apps, Credential, Directory, Entra, Graph, Limits, Settings, Store, Sync, Watch, Web};
