//! `/help`: what the bot does and how to ask it.

use commands::{Definition, OptionKind, OptionSpec};

use crate::discord::card::{Card, Embed, Tone};

/// Commands of those who hold one of `[access] admin_roles`.
const FOR_ADMINS: [&str; 2] = ["freeze", "unfreeze"];

/// The help, made from the commands' own definitions.
pub fn help() -> Card {
    let lines: Vec<_> = commands::definitions().iter().flat_map(lines).collect();
    let text = format!(
        "I ask Microsoft Intune to make a device check in, and tell you what really happened: whether it checked in, and which app failures can be retried.\n\n{}\n\n`dry_run:` only looks: it shows which devices and which rules, and nothing can be confirmed.\n\nA sync is sent only after you press Yes and, where a rule says so, a second person presses Approve; and only if your Intune role allows it for that device. I never do anything else to a device.",
        lines.join("\n")
    );
    Card::of(Embed::new(Tone::Neutral, "Intune sync", text))
}

/// A line for the command, or one for each of its sub-commands.
fn lines(definition: &Definition) -> Vec<String> {
    let name = definition.name;
    let subs = definition.options.iter().filter_map(|sub| match &sub.kind {
        OptionKind::SubCommand(options) => {
            let which = lowered(sub.description);
            Some(format!("`/{name} {}{}` The same for {which}", sub.name, listed(options)))
        }
        _ => None,
    });
    let subs: Vec<_> = subs.collect();
    if !subs.is_empty() {
        return subs;
    }
    let admins = if FOR_ADMINS.contains(&name) { " (admins of this bot)" } else { "" };
    vec![format!("`/{name}{}` {}{admins}", listed(&definition.options), definition.description)]
}

/// Options as they are typed, those in brackets that may be left out.
fn listed(options: &[OptionSpec]) -> String {
    let listed = options
        .iter()
        .map(|option| if option.required { format!(" {}:", option.name) } else { format!(" [{}:]", option.name) });
    listed.collect()
}

/// A description as the rest of a sentence.
fn lowered(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_explained() {
        insta::assert_snapshot!(help());
    }
}
