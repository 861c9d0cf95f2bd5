//! The documents tell the truth: listings parse, commands exist, links lead somewhere. Long because each kind of claim is held against its source.

mod repo;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use clap::Parser as _;
use intune_sync_bot::cli::Cli;
use intune_sync_bot::settings::{Source, load};
use repo::{files, root, text};

/// The binary, as the documents call it.
const BINARY: &str = "intune-sync-bot";

/// What `run` cannot do without: section, key, value. A listing that leaves one out gets it from here.
const LEAST: [(&str, &str, &str); 6] = [
    ("discord", "token", "a-token"),
    ("discord", "application_id", "900000000000000010"),
    ("discord", "guild_ids", "900000000000000001"),
    ("entra", "tenant_id", "11111111-2222-4333-8444-555555555555"),
    ("entra", "client_id", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
    ("entra", "client_secret", "a-secret"),
];

fn has_extension(path: &str, wanted: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

fn is_markdown(path: &str) -> bool {
    has_extension(path, "md")
}

fn documents() -> Vec<String> {
    files("").into_iter().filter(|path| is_markdown(path)).collect()
}

/// A fenced block: its language, its lines, and where it begins.
struct Listing {
    language: String,
    text: String,
    place: String,
}

fn listings(path: &str) -> Vec<Listing> {
    let mut found = Vec::new();
    let mut open: Option<Listing> = None;
    for (number, line) in text(path).expect("markdown is text").lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (fence, open.take()) {
            (Some(language), None) => {
                let language = language.trim().to_owned();
                open = Some(Listing { language, text: String::new(), place: format!("{path}:{}", number + 1) });
            }
            (Some(_), Some(listing)) => found.push(listing),
            (None, Some(mut listing)) => {
                listing.text.push_str(line);
                listing.text.push('\n');
                open = Some(listing);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{path}: a listing is not closed");
    found
}

fn all_listings(languages: &[&str]) -> Vec<Listing> {
    let all = documents().into_iter().flat_map(|path| listings(&path));
    all.filter(|listing| languages.contains(&listing.language.as_str())).collect()
}

/// Puts a real file behind every `…_file` key, so that a secret's path in a document can be an example.
fn with_secret_files(table: &mut toml::Table, folder: &std::path::Path) {
    for section in table.iter_mut().filter_map(|(_, value)| value.as_table_mut()) {
        for (key, value) in section.iter_mut().filter(|(key, _)| key.ends_with("_file") && *key != "error_codes_file") {
            let path = folder.join(key.as_str());
            fs::write(&path, if key == "url_file" { "sqlite:///data/bot.db" } else { "a-secret" })
                .expect("a folder to write into");
            *value = toml::Value::String(path.display().to_string());
        }
    }
}

/// The environment that fills in what a partial listing leaves out.
fn rest_of(table: &toml::Table) -> BTreeMap<String, String> {
    let given = |section: &str, key: &str| {
        table
            .get(section)
            .and_then(toml::Value::as_table)
            .is_some_and(|table| table.contains_key(key) || table.contains_key(&format!("{key}_file")))
    };
    let missing = LEAST.into_iter().filter(|(section, key, _)| !given(section, key));
    missing
        .map(|(section, key, value)| {
            let name = format!("SYNC_BOT_{}__{}", section.to_uppercase(), key.to_uppercase());
            (name, value.to_owned())
        })
        .collect()
}

#[test]
fn every_settings_listing_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let listings = all_listings(&["toml"]);
    assert!(listings.len() >= 3, "the documents have listings of settings");
    for listing in listings {
        let mut table: toml::Table = listing.text.parse().unwrap_or_else(|error| panic!("{}: {error}", listing.place));
        let env = rest_of(&table);
        with_secret_files(&mut table, folder.path());
        let file = folder.path().join("listing.toml");
        fs::write(&file, table.to_string()).unwrap();
        if let Err(error) = load(&Source { file: Some(file), env }) {
            panic!("{}: {error}", listing.place);
        }
    }
}

#[test]
fn every_environment_variable_named_in_a_document_is_a_setting() {
    let example = ".env.example".to_owned();
    for path in documents().into_iter().chain([
        example,
        "Dockerfile".to_owned(),
        "deploy/compose.yaml".to_owned(),
        "deploy/replicas.yaml".to_owned(),
    ]) {
        let text = text(&path).expect("documents are text");
        for (at, _) in text.match_indices("SYNC_BOT_") {
            let name: String = text[at..].chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            // `SYNC_BOT_<SECTION>__<KEY>` explains the form.
            let Some((section, key)) = name.strip_prefix("SYNC_BOT_").and_then(|rest| rest.split_once("__")) else {
                continue;
            };
            let key = format!("{}.{}", section.to_lowercase(), key.to_lowercase());
            let known = intune_sync_bot::settings::reference_keys();
            let plain = key.strip_suffix("_file").unwrap_or(&key).to_owned();
            assert!(known.contains(&key) || known.contains(&plain), "{path}: {name} is not a setting");
        }
    }
}

/// Command lines of a listing: after `$ ` in a console, else every line; continued lines are joined.
fn command_lines(listing: &Listing) -> Vec<String> {
    let joined = listing.text.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter_map(|line| match listing.language.as_str() {
        "console" => line.strip_prefix("$ ").or_else(|| line.strip_prefix("# ")).map(str::to_owned),
        _ => (!line.is_empty() && !line.starts_with('#')).then(|| line.to_owned()),
    });
    lines.flat_map(|line| line.split("&&").map(|part| part.trim().to_owned()).collect::<Vec<_>>()).collect()
}

/// The words of a command up to a pipe, a redirection or a remark, without `sudo` and variables before it.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut quote = None;
    let mut word = String::new();
    for c in line.chars().chain([' ']) {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(c),
        }
    }
    let end = words.iter().position(|word| ["|", ">", ">>", "<", ";", "#", "&"].contains(&word.as_str()));
    words.truncate(end.unwrap_or(words.len()));
    let is_before = |word: &String| {
        word == "sudo"
            || word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    };
    let start = words.iter().position(|word| !is_before(word)).unwrap_or(words.len());
    words.split_off(start)
}

/// The bot's own arguments in a command line, if it calls the bot.
fn bot_arguments(words: &[String]) -> Option<Vec<String>> {
    let is_bot = |word: &String| word == BINARY || word.ends_with(&format!("/{BINARY}"));
    match words {
        [first, rest @ ..] if is_bot(first) => Some(rest.to_vec()),
        [cargo, run, rest @ ..] if cargo == "cargo" && run == "run" => {
            let at = rest.iter().position(|word| word == "--")?;
            let other = rest[..at].windows(2).any(|pair| pair[0] == "-p" && pair[1] != BINARY);
            (!other).then(|| rest[at + 1..].to_vec())
        }
        // `docker compose run --rm bot VERB …`
        [docker, compose, run, rest @ ..]
            if docker == "docker" && compose == "compose" && (run == "run" || run == "exec") =>
        {
            let at = rest.iter().position(|word| word == "bot")?;
            Some(rest[at + 1..].iter().filter(|word| *word != BINARY).cloned().collect())
        }
        _ => None,
    }
}

#[test]
fn every_command_in_a_listing_exists() {
    let mut seen = BTreeSet::new();
    for listing in all_listings(&["console", "sh"]) {
        for line in command_lines(&listing) {
            let Some(arguments) = bot_arguments(&words(&line)) else { continue };
            seen.extend(arguments.iter().cloned());
            if let Err(error) = Cli::try_parse_from([BINARY.to_owned()].into_iter().chain(arguments)) {
                assert!(!error.use_stderr(), "{}: `{line}`: {error}", listing.place);
            }
        }
    }
    for verb in ["run", "explain", "commands", "config", "health"] {
        assert!(seen.contains(verb), "no listing shows `{BINARY} {verb}`");
    }
}

#[test]
fn every_make_target_in_a_document_exists() {
    let makefile = text("Makefile").expect("a Makefile is text");
    let targets: BTreeSet<_> = makefile
        .lines()
        .filter_map(|line| {
            line.split_once(':').filter(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
        })
        .map(|(name, _)| name)
        .collect();
    let mut wrong = Vec::new();
    for path in documents() {
        let text = text(&path).expect("markdown is text");
        for (at, _) in text.match_indices("make ") {
            // In code only: after a backtick, a prompt or at the start of a line of a listing.
            if !text[..at].ends_with('`') && !text[..at].ends_with("$ ") {
                continue;
            }
            let target: String = text[at + 5..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            if !targets.contains(target.as_str()) {
                wrong.push(format!("{path}: make {target}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The targets of `[text](target)` and `![text](target)`, listings left out.
fn links(path: &str) -> Vec<String> {
    let mut in_listing = false;
    let mut found = Vec::new();
    for line in text(path).expect("markdown is text").lines() {
        if line.trim_start().starts_with("```") {
            in_listing = !in_listing;
        }
        if in_listing {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split(')').next().unwrap_or_default();
            found.push(target.split(' ').next().unwrap_or_default().to_owned());
        }
    }
    found
}

/// A heading as the part of a link behind `#`.
fn anchors(path: &str) -> BTreeSet<String> {
    let text = text(path).expect("markdown is text");
    let headings = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase());
    headings
        .map(|heading| {
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn every_link_inside_the_repository_leads_somewhere() {
    let mut wrong = Vec::new();
    for path in documents() {
        let folder = std::path::Path::new(&path).parent().unwrap().to_owned();
        for link in links(&path) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { path.clone() } else { folder.join(file).to_string_lossy().into_owned() };
            if !root().join(&target).exists() {
                wrong.push(format!("{path}: {link}"));
            } else if !anchor.is_empty() && is_markdown(&target) && !anchors(&target).contains(anchor) {
                wrong.push(format!("{path}: {link}: no such heading"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_setting_is_explained_where_it_stands() {
    let mut before = "";
    let mut section = String::new();
    let mut wrong = Vec::new();
    let reference = text("config/default.toml").expect("settings are text");
    for line in reference.lines() {
        let is_setting = !line.starts_with(['#', '[', ' ']) && line.contains(" = ");
        if let Some(name) = line.strip_prefix('[') {
            section = name.split(']').next().unwrap_or_default().to_owned();
        }
        if is_setting && !line.contains(" # ") && !before.starts_with('#') {
            wrong.push(format!("[{section}] {line}"));
        }
        before = line;
    }
    assert!(wrong.is_empty(), "no comment at:\n{}", wrong.join("\n"));
}

#[test]
fn every_slash_command_stands_in_the_readme_and_no_other() {
    let readme = text("README.md").expect("markdown is text");
    let known: BTreeSet<_> = commands::definitions().into_iter().map(|definition| definition.name).collect();
    for name in &known {
        assert!(readme.contains(&format!("`/{name}")), "README.md does not show /{name}");
    }
    for (at, _) in readme.match_indices("`/") {
        let rest = &readme[at + 2..];
        let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
        let is_command = !rest[name.len()..].starts_with('/') && !name.is_empty();
        let is_path = ["livez", "readyz", "metrics", "interactions", "data", "run"].contains(&name.as_str());
        assert!(
            !is_command || is_path || known.contains(name.as_str()),
            "README.md names /{name}, which is no command"
        );
    }
}

/// The code pieces in the first column of the table under a heading of docs/operations.md.
fn first_column(heading: &str) -> Vec<String> {
    let text = text("docs/operations.md").expect("markdown is text");
    let section = text.split("\n## ").find(|section| section.starts_with(heading)).expect("the heading exists");
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let pieces = cells.flat_map(|cell| cell.split('`').step_by(2).map(str::to_owned).collect::<Vec<_>>());
    pieces.filter(|piece| !piece.trim().is_empty()).collect()
}

fn sources() -> String {
    let rust = files("src").into_iter().filter(|path| has_extension(path, "rs"));
    rust.map(|path| text(&path).expect("source is text")).collect()
}

#[test]
fn every_log_line_in_the_operations_guide_is_really_written() {
    let sources = sources();
    let lines = first_column("Log\n");
    assert!(lines.len() > 20, "the guide has a table of log lines");
    let gone: Vec<_> = lines.into_iter().filter(|line| !sources.contains(&format!("{line}\""))).collect();
    assert!(gone.is_empty(), "no longer in the sources:\n{}", gone.join("\n"));
}

/// What a call of a logging macro says, which is its last piece of text: `source` begins behind the opening parenthesis.
fn said_by(source: &str) -> Option<String> {
    let (mut depth, mut piece, mut last) = (1_u32, None::<String>, None);
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        match (&mut piece, c) {
            (Some(_), '"') => last = piece.take(),
            (Some(text), '\\') => text.extend(chars.next()),
            (Some(text), _) => text.push(c),
            (None, '"') => piece = Some(String::new()),
            (None, '(') => depth += 1,
            (None, ')') if depth == 1 => return last,
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

#[test]
fn the_operations_guide_explains_every_log_line() {
    let known: BTreeSet<_> = first_column("Log\n").into_iter().collect();
    let mut missing = Vec::new();
    for path in files("src").into_iter().filter(|path| has_extension(path, "rs") && !path.starts_with("src/demo")) {
        let source = text(&path).expect("source is text");
        for call in ["tracing::info!(", "tracing::warn!(", "tracing::error!("] {
            let said = source.split(call).skip(1).filter_map(said_by);
            // Where the words are a variable's, they stand in the guide under the call that sets it.
            missing.extend(said.filter(|line| !line.starts_with('{') && !known.contains(line)));
        }
    }
    assert!(missing.is_empty(), "not in the guide:\n{}", missing.join("\n"));
}

#[test]
fn the_operations_guide_explains_each_metric_and_no_other() {
    let source = text("src/web/ops.rs").expect("source is text");
    let served: BTreeSet<_> = ["gauge(", "registry.register("]
        .into_iter()
        .flat_map(|call| source.split(call).skip(1))
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned))
        .collect();
    let explained: BTreeSet<_> = first_column("Metrics\n").into_iter().collect();
    assert_eq!(served, explained);
}
