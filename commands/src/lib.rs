//! What people can say to the bot: slash commands and button ids, as pure data.
//!
//! One file per slash command: its definition in Discord's own JSON shape, its typed options, its tests.
//! [`Command::parse`] turns what Discord delivers into a value; [`CustomId`] is what the bot writes on its buttons.
//! No network, no clock, no database: the manifest allows serde and `serde_json` only.

mod access;
mod app_error;
mod apps;
mod bulk_sync;
mod custom_id;
mod definition;
mod device;
mod freeze;
mod help;
mod history;
mod invocation;
mod link;
mod sync;

pub use bulk_sync::{ComplianceName, Filter, PlatformName, Target, WHO_MAX};
pub use custom_id::{CustomId, ForeignId, RecordId, Verb};
pub use definition::{Definition, OptionKind, OptionSpec};
pub use invocation::{BadInvocation, Focused, GivenOption, Invocation};

/// Longest device text accepted, in characters: Discord's limit for an autocompleted value.
pub const DEVICE_TEXT_MAX: u16 = 100;

/// Longest `reason:` accepted, in characters. A ticket number and a few words.
pub const REASON_MAX: u16 = 200;

/// One slash command with its options, as someone gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make a device check in.
    Sync {
        /// What was typed or picked: a device id, name, serial number or user.
        device: String,
        /// Why: a ticket number, kept in the audit.
        reason: Option<String>,
    },
    /// Make many devices check in.
    BulkSync {
        /// Which devices.
        target: Target,
        /// Why: a ticket number, kept in the audit.
        reason: Option<String>,
        /// Only show which, and what would be needed.
        dry_run: bool,
    },
    /// Show one device.
    Device {
        /// What was typed or picked.
        device: String,
    },
    /// Show the app failures of one device.
    Apps {
        /// What was typed or picked.
        device: String,
    },
    /// Explain an app error code.
    AppError {
        /// The code, in any notation.
        code: String,
    },
    /// What am I, what may I do, and why not.
    Access {
        /// For this device in particular.
        device: Option<String>,
    },
    /// Link the chat account to an Entra person.
    Link,
    /// End that link.
    Unlink,
    /// Send nothing to Intune for a while.
    Freeze {
        /// How long, as typed: `2h`.
        length: String,
        /// Why.
        reason: String,
    },
    /// End that.
    Unfreeze,
    /// Own requests; everyone's for the bot's admins.
    History,
    /// What the bot does and how to ask it.
    Help,
}

impl Command {
    /// Reads an invocation. The option names are those of [`definitions`].
    pub fn parse(invocation: &Invocation) -> Result<Self, BadInvocation> {
        match invocation.name.as_str() {
            sync::NAME => sync::parse(invocation),
            bulk_sync::NAME => bulk_sync::parse(invocation),
            device::NAME => device::parse(invocation),
            apps::NAME => apps::parse(invocation),
            app_error::NAME => app_error::parse(invocation),
            access::NAME => access::parse(invocation),
            link::LINK => Ok(Self::Link),
            link::UNLINK => Ok(Self::Unlink),
            freeze::FREEZE => freeze::parse(invocation),
            freeze::UNFREEZE => Ok(Self::Unfreeze),
            history::NAME => Ok(Self::History),
            help::NAME => Ok(Self::Help),
            other => Err(BadInvocation::UnknownCommand(other.to_owned())),
        }
    }

    /// The command's name, as typed after the slash.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sync { .. } => sync::NAME,
            Self::BulkSync { .. } => bulk_sync::NAME,
            Self::Device { .. } => device::NAME,
            Self::Apps { .. } => apps::NAME,
            Self::AppError { .. } => app_error::NAME,
            Self::Access { .. } => access::NAME,
            Self::Link => link::LINK,
            Self::Unlink => link::UNLINK,
            Self::Freeze { .. } => freeze::FREEZE,
            Self::Unfreeze => freeze::UNFREEZE,
            Self::History => history::NAME,
            Self::Help => help::NAME,
        }
    }
}

/// Every command, in the order `/help` lists them: the registration payload.
pub fn definitions() -> Vec<Definition> {
    let [link, unlink] = link::definitions();
    let [freeze, unfreeze] = freeze::definitions();
    vec![
        sync::definition(),
        bulk_sync::definition(),
        device::definition(),
        apps::definition(),
        app_error::definition(),
        access::definition(),
        link,
        unlink,
        freeze,
        unfreeze,
        history::definition(),
        help::definition(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lower_case() {
        let mut names: Vec<_> = definitions().into_iter().map(|definition| definition.name).collect();
        assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '-')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), definitions().len());
    }

    #[test]
    fn descriptions_fit_discord() {
        for definition in definitions() {
            assert!((1..=100).contains(&definition.description.chars().count()), "{}", definition.name);
            for option in &definition.options {
                assert!((1..=100).contains(&option.description.chars().count()), "{}", option.name);
            }
        }
    }

    #[test]
    fn required_options_come_first() {
        for definition in definitions() {
            let required: Vec<_> = definition.options.iter().map(|option| option.required).collect();
            assert!(required.is_sorted_by(|a, b| a >= b), "{}", definition.name);
        }
    }

    #[test]
    fn an_unknown_command_is_named_in_the_error() {
        let invocation = Invocation { name: "wipe".to_owned(), options: Vec::new() };
        assert_eq!(Command::parse(&invocation), Err(BadInvocation::UnknownCommand("wipe".to_owned())));
    }

    /// The crate must stay free of the network, of a clock and of a database.
    #[test]
    fn the_manifest_depends_on_serde_and_serde_json_only() {
        let manifest = include_str!("../Cargo.toml");
        let dependencies: Vec<_> = manifest
            .lines()
            .skip_while(|line| line.trim() != "[dependencies]")
            .skip(1)
            .take_while(|line| !line.starts_with('['))
            .filter(|line| !line.trim().is_empty())
            .collect();
        assert_eq!(dependencies, ["serde.workspace = true", "serde_json.workspace = true"]);
    }
}
