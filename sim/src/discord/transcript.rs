//! A channel as plain text, for a terminal.

use super::Discord;
use super::embed::Embed;
use super::view::{Component, InteractionState, MessageView};

impl Discord {
    /// The channel (by name) as readable plain text, everyone's ephemeral messages included.
    pub fn transcript(&self, channel: &str) -> String {
        let mut blocks: Vec<(jiff::Timestamp, String)> =
            self.messages(channel).iter().map(|message| (message.created, self.block(message))).collect();
        for one in self.failed_interactions().iter().filter(|one| one.channel == channel && one.kind == 2) {
            blocks.push((one.at, format!("{} {}\n  ! {}\n", one.user, one.label, failure(one.state))));
        }
        blocks.sort_by_key(|(at, _)| *at);
        blocks.into_iter().map(|(_, block)| block).collect::<Vec<_>>().join("\n")
    }

    fn block(&self, message: &MessageView) -> String {
        let mut lines = Vec::new();
        if let Some(typed) = message
            .interaction
            .filter(|_| message.used.is_some())
            .and_then(|id| self.interactions().into_iter().find(|one| one.id == id))
        {
            lines.push(format!("{} > {}", typed.user, typed.label));
        }
        let time = message.created.strftime("%H:%M:%S");
        let bot = if message.from_bot { " [BOT]" } else { "" };
        let edited = if message.edited.is_some() { " (edited)" } else { "" };
        lines.push(format!("{}{bot}  {time}{edited}", message.author));
        if message.loading {
            lines.push("  … is thinking".to_owned());
        }
        lines.extend(message.content.lines().map(|line| format!("  {line}")));
        for embed in &message.embeds {
            lines.extend(boxed(embed));
        }
        for row in &message.rows {
            let shown: Vec<String> = row.iter().map(shown).collect();
            lines.push(format!("  {}", shown.join(" ")));
        }
        lines.extend(message.attachments.iter().map(|url| format!("  (file {url})")));
        if let Some(owner) = &message.ephemeral_for {
            lines.push(format!("  ~ only {owner} can see this"));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

fn failure(state: InteractionState) -> String {
    match state {
        InteractionState::AnsweredLate { after_ms } => {
            format!("The application did not respond (it answered after {after_ms} ms, too late)")
        }
        _ => "The application did not respond".to_owned(),
    }
}

fn shown(component: &Component) -> String {
    match component {
        Component::Button(button) if button.disabled => format!("({})", button.label),
        Component::Button(button) => format!("[{}]", button.label),
        Component::Select(select) => {
            let options: Vec<&str> = select.options.iter().map(|option| option.label.as_str()).collect();
            format!("<{}: {}>", select.placeholder, options.join(" | "))
        }
    }
}

/// An embed as a box of lines.
fn boxed(embed: &Embed) -> Vec<String> {
    let body: Vec<String> =
        embed.lines().iter().flat_map(|line| line.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let width = body.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let mut lines = vec![format!("  ┌{}┐", "─".repeat(width + 2))];
    lines.extend(body.iter().map(|line| format!("  │ {line}{} │", " ".repeat(width - line.chars().count()))));
    lines.push(format!("  └{}┘", "─".repeat(width + 2)));
    lines
}
