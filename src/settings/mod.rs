//! The settings: read, checked, and typed once at start. Secrets never print.

mod load;
mod measure;
mod reader;
mod typed;

pub use load::{BadSettings, Source, load, reference_keys};
pub use measure::{BadDuration, BadRate, Rate, parse_duration};
pub use typed::{
    Access, Apps, ChatRole, Credential, Directory, Discord, Entra, Graph, Limits, Link, Log, LogFormat, Settings,
    Store, Sync, Watch, Web,
};
