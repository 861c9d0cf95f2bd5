//! `/help`: what the bot does and how to ask it.

use crate::discord::card::{Card, Embed, Tone};

/// The help, made from the commands' own definitions.
pub fn help() -> Card {
    let commands = commands::definitions().into_iter().map(|definition| {
        let options = definition
            .options
            .iter()
            .map(|option| if option.required { format!(" {}:", option.name) } else { format!(" [{}:]", option.name) });
        format!("`/{}{}` {}", definition.name, options.collect::<String>(), definition.description)
    });
    let text = format!(
        "I ask Microsoft Intune to make a device check in, and tell you what really happened: whether it checked in, and which app failures can be retried.\n\n{}\n\nA sync is sent only after you press Yes, and only if your Intune role allows it for that device. I never do anything else to a device.",
        commands.collect::<Vec<_>>().join("\n")
    );
    Card::of(Embed::new(Tone::Neutral, "Intune sync", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_explained() {
        insta::assert_snapshot!(help());
    }
}
