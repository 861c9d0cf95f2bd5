//! A message as text, as close to what a person sees as text can be.

use jiff::Timestamp;
use sim::discord::{Component, Embed, MessageView, Ping};

/// The whole message: text, box, list, buttons, and who was notified.
pub(crate) fn card(message: &MessageView) -> String {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(message.content.lines().map(str::to_owned));
    for embed in &message.embeds {
        embed_lines(embed, &mut lines);
    }
    for row in &message.rows {
        row_lines(row, &mut lines);
    }
    if !message.pings.is_empty() {
        let pinged: Vec<_> = message.pings.iter().map(ping).collect();
        lines.push(format!("(pings {})", pinged.join(", ")));
    }
    if message.loading {
        lines.push("(thinking…)".to_owned());
    }
    times(&lines.join("\n"))
}

fn embed_lines(embed: &Embed, lines: &mut Vec<String>) {
    let bar = embed.color.map_or_else(|| "no colour".to_owned(), |colour| format!("#{colour:06x}"));
    lines.push(format!("┌ {} ({bar})", embed.title.as_deref().unwrap_or_default()));
    lines.extend(embed.description.iter().flat_map(|text| text.lines()).map(|line| format!("│ {line}")));
    lines.extend(embed.fields.iter().map(|field| format!("│ {}: {}", field.name, field.value)));
    lines.extend(embed.footer.iter().map(|footer| format!("└ {}", footer.text)));
}

fn row_lines(row: &[Component], lines: &mut Vec<String>) {
    let mut buttons = Vec::new();
    for component in row {
        match component {
            Component::Button(button) => buttons.push(format!("[{}]", button.label)),
            Component::Select(select) => {
                lines.push(format!("▾ {}", select.placeholder));
                lines.extend(select.options.iter().map(|one| format!("  · {} | {}", one.label, one.description)));
            }
        }
    }
    if !buttons.is_empty() {
        lines.push(buttons.join(" "));
    }
}

fn ping(ping: &Ping) -> String {
    match ping {
        Ping::User(name) => format!("@{name}"),
        Ping::Role(name) => format!("@&{name}"),
        Ping::Everyone => "everyone".to_owned(),
    }
}

/// Discord's timestamps as a clock shows them: `<t:1764064800:R>` becomes `⟨23 Nov 10:00:00⟩`.
pub(crate) fn times(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<t:") {
        let Some((inside, behind)) = after.split_once('>') else { break };
        let seconds = inside.split(':').next().and_then(|seconds| seconds.parse().ok());
        let at = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        shown.push_str(before);
        let time = at.map_or_else(|| format!("<t:{inside}>"), |at| format!("⟨{}⟩", at.strftime("%-d %b %H:%M:%S")));
        shown.push_str(&time);
        rest = behind;
    }
    shown.push_str(rest);
    shown
}
