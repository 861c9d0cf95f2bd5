//! `/bulk-sync user | group | filter`: make many devices check in, after one look at which.

use crate::definition::{reason_option, text_option};
use crate::{BadInvocation, Command, Definition, Invocation, OptionKind, OptionSpec, REASON_MAX};

pub(crate) const NAME: &str = "bulk-sync";

/// Longest name of a person or a group, in characters: Entra's display names end at 256, Discord's autocompleted
/// values at 100.
pub const WHO_MAX: u16 = 100;

/// Most days for `unseen_days:`. Intune forgets devices long before.
const DAYS_MAX: u32 = 3_650;

/// Which devices are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// All of a person's: their object id, or the user principal name as typed.
    User(String),
    /// Those in an Entra group and those of its members: its object id, or its display name as typed.
    Group(String),
    /// Those that fit every condition given.
    Filter(Filter),
}

/// Conditions on devices; at least one is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this platform.
    pub platform: Option<PlatformName>,
    /// Not seen for at least so many days.
    pub unseen_days: Option<u32>,
    /// In this state of compliance.
    pub compliance: Option<ComplianceName>,
    /// With at least one app failure that a sync may mend.
    pub retryable_failures: bool,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $choices:ident, { $(#[$of:meta] $variant:ident = $value:literal $shown:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $(#[$of] $variant),+ }

        const $choices: &[(&str, &str)] = &[$(($shown, $value)),+];

        impl $name {
            fn read(text: &str) -> Option<Self> {
                match text { $($value => Some(Self::$variant),)+ _ => None }
            }

            /// As people read it.
            pub fn shown(self) -> &'static str {
                match self { $(Self::$variant => $shown),+ }
            }
        }
    };
}

words! {
    /// A platform of Intune's Sync page.
    PlatformName, PLATFORMS, {
        /// Android in any management mode.
        Android = "android" "Android",
        /// iPhones.
        Ios = "ios" "iOS",
        /// iPads.
        IpadOs = "ipados" "iPadOS",
        /// Macs.
        MacOs = "macos" "macOS",
        /// Windows.
        Windows = "windows" "Windows",
    }
}

words! {
    /// A state of compliance.
    ComplianceName, COMPLIANCES, {
        /// Fails at least one policy.
        Noncompliant = "noncompliant" "not compliant",
        /// Fails, within its grace period.
        InGracePeriod = "in_grace_period" "in grace period",
        /// Meets its policies.
        Compliant = "compliant" "compliant",
    }
}

pub(crate) fn definition() -> Definition {
    let sub = |name, description, options| OptionSpec {
        name,
        description,
        kind: OptionKind::SubCommand(options),
        required: false,
    };
    let who = OptionSpec {
        name: "user",
        description: "A person: pick a suggestion, or type the user principal name",
        kind: OptionKind::Text { max_length: WHO_MAX, autocomplete: true },
        required: true,
    };
    let group = text_option("group", "An Entra group: its name, or its object id", true, WHO_MAX);
    let optional = |name, description, kind| OptionSpec { name, description, kind, required: false };
    let dry_run =
        || optional("dry_run", "Only show which devices and which rules; nothing can be confirmed", OptionKind::Flag);
    Definition {
        name: NAME,
        description: "Make many devices check in with Intune, after a look at which",
        options: vec![
            sub("user", "Every device of a person", vec![who, reason_option(), dry_run()]),
            sub("group", "The devices of an Entra group and of its members", vec![group, reason_option(), dry_run()]),
            sub(
                "filter",
                "Devices that fit all of these",
                vec![
                    optional("platform", "Of this platform", OptionKind::Choice(PLATFORMS)),
                    optional(
                        "unseen_days",
                        "Not seen for at least so many days",
                        OptionKind::Whole { min: 1, max: DAYS_MAX },
                    ),
                    optional("compliance", "In this state of compliance", OptionKind::Choice(COMPLIANCES)),
                    optional("retryable_failures", "With an app failure that a sync may mend", OptionKind::Flag),
                    reason_option(),
                    dry_run(),
                ],
            ),
        ],
    }
}

pub(crate) fn parse(invocation: &Invocation) -> Result<Command, BadInvocation> {
    let sub = invocation.sub()?;
    let target = match sub.name.as_str() {
        "user" => Target::User(sub.text("user", WHO_MAX)?),
        "group" => Target::Group(sub.text("group", WHO_MAX)?),
        "filter" => Target::Filter(filter(&sub)?),
        other => return Err(BadInvocation::UnknownCommand(format!("{NAME} {other}"))),
    };
    let (reason, dry_run) = (sub.optional_text("reason", REASON_MAX)?, sub.flag("dry_run")?);
    Ok(Command::BulkSync { target, reason, dry_run })
}

fn filter(sub: &Invocation) -> Result<Filter, BadInvocation> {
    let platform = sub.optional_text("platform", WHO_MAX)?;
    let platform = platform.map(|text| PlatformName::read(&text).ok_or(BadInvocation::NotAChoice("platform")));
    let compliance = sub.optional_text("compliance", WHO_MAX)?;
    let compliance = compliance.map(|text| ComplianceName::read(&text).ok_or(BadInvocation::NotAChoice("compliance")));
    let filter = Filter {
        platform: platform.transpose()?,
        unseen_days: sub.whole("unseen_days", 1, DAYS_MAX)?,
        compliance: compliance.transpose()?,
        retryable_failures: sub.flag("retryable_failures")?,
    };
    if filter == Filter::default() { Err(BadInvocation::NoCondition) } else { Ok(filter) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Command, BadInvocation> {
        Command::parse(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_persons_devices() {
        let read = read(
            r#"{"name":"bulk-sync","options":[{"name":"user","type":1,"options":[
                {"name":"user","value":"jonas@contoso.example"},{"name":"reason","value":"INC-7"},{"name":"dry_run","value":true}]}]}"#,
        );
        let target = Target::User("jonas@contoso.example".to_owned());
        assert_eq!(read, Ok(Command::BulkSync { target, reason: Some("INC-7".to_owned()), dry_run: true }));
    }

    #[test]
    fn conditions_are_combined() {
        let read = read(
            r#"{"name":"bulk-sync","options":[{"name":"filter","options":[
                {"name":"platform","value":"ios"},{"name":"unseen_days","value":14},{"name":"retryable_failures","value":true}]}]}"#,
        );
        let filter = Filter {
            platform: Some(PlatformName::Ios),
            unseen_days: Some(14),
            compliance: None,
            retryable_failures: true,
        };
        assert_eq!(read, Ok(Command::BulkSync { target: Target::Filter(filter), reason: None, dry_run: false }));
    }

    #[test]
    fn what_discords_own_client_would_not_send_is_refused() {
        for (json, bad) in [
            (r#"{"name":"bulk-sync"}"#, BadInvocation::Missing("sub-command")),
            (
                r#"{"name":"bulk-sync","options":[{"name":"everything"}]}"#,
                BadInvocation::UnknownCommand("bulk-sync everything".to_owned()),
            ),
            (r#"{"name":"bulk-sync","options":[{"name":"filter"}]}"#, BadInvocation::NoCondition),
            (
                r#"{"name":"bulk-sync","options":[{"name":"filter","options":[{"name":"retryable_failures","value":false}]}]}"#,
                BadInvocation::NoCondition,
            ),
            (
                r#"{"name":"bulk-sync","options":[{"name":"filter","options":[{"name":"platform","value":"Linux"}]}]}"#,
                BadInvocation::NotAChoice("platform"),
            ),
            (
                r#"{"name":"bulk-sync","options":[{"name":"filter","options":[{"name":"unseen_days","value":0}]}]}"#,
                BadInvocation::NotWithin { option: "unseen_days", min: 1, max: 3_650 },
            ),
            (
                r#"{"name":"bulk-sync","options":[{"name":"user","options":[{"name":"user","value":"x"},{"name":"dry_run","value":"yes"}]}]}"#,
                BadInvocation::NotAFlag("dry_run"),
            ),
        ] {
            assert_eq!(read(json), Err(bad), "{json}");
        }
    }

    #[test]
    fn someone_types_in_an_option_of_a_sub_command() {
        let typing: Invocation = serde_json::from_str(
            r#"{"name":"bulk-sync","options":[{"name":"user","type":1,"options":[{"name":"user","value":"jo","focused":true}]}]}"#,
        )
        .unwrap();
        assert_eq!(typing.focused().map(|focused| (focused.option, focused.text)), Some(("user", "jo")));
    }

    #[test]
    fn the_payload_is_discords() {
        insta::assert_json_snapshot!(definition());
    }
}
