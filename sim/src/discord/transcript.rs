//! A channel as plain text, for a terminal: times and mentions as a person would read them, long lines wrapped.

use super::Discord;
use super::embed::Embed;
use super::view::{Component, InteractionState, MessageView, Revision};

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
        lines.extend(message.history.iter().filter_map(earlier));
        if message.loading {
            lines.push("  … is thinking".to_owned());
        }
        let now = self.time();
        let readable = |text: &str| self.named(&with_times(text, now));
        lines.extend(readable(&message.content).lines().map(|line| format!("  {line}")));
        for embed in &message.embeds {
            lines.extend(boxed(embed, &readable));
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

/// Columns of text inside a box.
const WIDTH: usize = 92;

/// What the message said before, as one line.
fn earlier(revision: &Revision) -> Option<String> {
    let title = revision.embeds.first().and_then(|embed| embed.get("title")).and_then(serde_json::Value::as_str);
    let said = title.or_else(|| revision.content.lines().next()).filter(|said| !said.is_empty())?;
    Some(format!("  {}  {said}", revision.at.strftime("%H:%M:%S")))
}

/// An embed as a box of lines.
fn boxed(embed: &Embed, readable: &impl Fn(&str) -> String) -> Vec<String> {
    let lines = embed.lines();
    let body: Vec<String> =
        lines.iter().flat_map(|line| line.lines()).flat_map(|line| wrapped(&readable(line))).collect();
    let width = body.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let mut lines = vec![format!("  ┌{}┐", "─".repeat(width + 2))];
    lines.extend(body.iter().map(|line| format!("  │ {line}{} │", " ".repeat(width - line.chars().count()))));
    lines.push(format!("  └{}┘", "─".repeat(width + 2)));
    lines
}

fn wrapped(line: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let last = lines.last().map_or(0, |last| last.chars().count());
        if last > 0 && last + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// `<t:SECONDS:STYLE>` as the words that Discord would show, in UTC.
fn with_times(text: &str, now: jiff::Timestamp) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("<t:") {
        let Some(length) = rest[start..].find('>') else { break };
        let inner = &rest[start + 3..start + length];
        let (seconds, style) = inner.split_once(':').unwrap_or((inner, "f"));
        let time = seconds.parse().ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        out.push_str(&rest[..start]);
        match time {
            Some(time) => out.push_str(&shown_time(time, style, now)),
            None => out.push_str(&rest[start..=start + length]),
        }
        rest = &rest[start + length + 1..];
    }
    out + rest
}

fn shown_time(time: jiff::Timestamp, style: &str, now: jiff::Timestamp) -> String {
    let format = match style {
        "t" => "%H:%M",
        "T" => "%H:%M:%S",
        "d" => "%d/%m/%Y",
        "D" => "%-d %B %Y",
        "F" => "%A %-d %B %Y %H:%M",
        "R" => return relative(time.duration_since(now)),
        _ => "%-d %B %Y %H:%M",
    };
    time.strftime(format).to_string()
}

fn relative(to: jiff::SignedDuration) -> String {
    let seconds = to.as_secs().abs();
    let (count, unit) = match seconds {
        ..=59 => (seconds, "second"),
        60..=3_599 => (seconds / 60, "minute"),
        3_600..=86_399 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if to.is_negative() { format!("{count} {unit}{plural} ago") } else { format!("in {count} {unit}{plural}") }
}

impl Discord {
    /// `<@id>` and `<@&id>` as names.
    fn named(&self, text: &str) -> String {
        let people = self.people().into_iter().map(|person| (format!("<@{}>", person.id), person.display_name));
        let roles = self.roles().into_iter().map(|(id, name)| (format!("<@&{id}>"), name));
        people.chain(roles).fold(text.to_owned(), |text, (id, name)| text.replace(&id, &format!("@{name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_discord_shows_them() {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        let text = "at <t:1795428045:T>, <t:1795424400:R>, on <t:1795428045:D>, <t:x:R>, <t:1";
        assert_eq!(with_times(text, now), "at 10:00:45, 1 hour ago, on 23 November 2026, <t:x:R>, <t:1");
    }

    #[test]
    fn long_lines_are_wrapped_between_words() {
        let lines = wrapped(&"word ".repeat(40));
        assert!(lines.len() > 1 && lines.iter().all(|line| line.chars().count() <= WIDTH));
    }
}
