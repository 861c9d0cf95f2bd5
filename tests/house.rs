//! The order of the house: arrows between rooms point one way, and each outside crate is known in one room.

mod repo;

use std::collections::BTreeSet;

use repo::{files, text};

/// Rooms that every other room may use.
const LEAVES: [&str; 7] = ["chat", "clock", "crash_points", "budget", "panics", "secret", "settings"];

/// Each room, and the rooms that it may use besides the leaves and itself.
///
/// `cli`, `app` -> `discord`, `web` -> `sync` -> `identity` -> `graph`, `store` -> `intune`.
const ROOMS: [(&str, &[&str]); 10] = [
    ("intune", &[]),
    ("graph", &["intune"]),
    ("store", &["intune"]),
    ("identity", &["graph", "store", "intune"]),
    ("sync", &["identity", "graph", "store", "intune"]),
    ("discord", &["sync", "identity", "graph", "store", "intune"]),
    ("web", &["discord", "sync", "identity", "graph", "store", "intune"]),
    ("app", &["web", "discord", "sync", "identity", "graph", "store", "intune"]),
    ("cli", &["demo", "app", "web", "discord", "sync", "identity", "graph", "store", "intune"]),
    // A verb of the command line, grown into a room: it prints through it.
    ("demo", &["cli", "app", "web", "discord", "sync", "identity", "graph", "store", "intune"]),
];

/// Outside crates that only some rooms may know.
const FENCED: [(&str, &[&str]); 10] = [
    ("serenity", &["src/discord/"]),
    ("sqlx", &["src/store/"]),
    // app.rs builds the clients; outbound.rs hands one to serenity; `health` asks the running bot.
    (
        "reqwest",
        &[
            "src/graph/",
            "src/app.rs",
            "src/discord/outbound.rs",
            "src/discord/webhook.rs",
            "src/discord/delivery.rs",
            "src/cli/health.rs",
        ],
    ),
    ("azure_identity", &["src/graph/"]),
    ("axum", &["src/web/", "src/app/"]),
    ("askama", &["src/web/"]),
    // graph checks signatures with it; secret.rs takes random bytes and SHA-256 from it.
    ("openssl", &["src/graph/", "src/secret.rs"]),
    ("csv", &["src/cli/", "src/discord/table.rs"]),
    ("commands", &["src/discord/", "src/sync/", "src/cli/"]),
    ("sim", &["src/demo/"]),
];

/// A file longer than this says in its head why.
const LONG: usize = 400;

/// Lines at the top of a file that count as its head.
const HEAD: usize = 25;

fn rust_files(folders: &[&str]) -> Vec<String> {
    let is_rust = |path: &String| {
        std::path::Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("rs"))
    };
    folders.iter().flat_map(|folder| files(folder)).filter(is_rust).collect()
}

/// The lines of a file that are not comments.
fn code(path: &str) -> String {
    let text = text(path).expect("source is text");
    text.lines().filter(|line| !line.trim_start().starts_with("//")).fold(String::new(), |all, line| all + line + "\n")
}

/// The same without the contents of its strings, where a crate's name is only a word.
fn without_strings(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let (mut in_string, mut escaped, mut before) = (false, false, ' ');
    for c in code.chars() {
        let quote = c == '"' && !escaped && before != '\'';
        escaped = in_string && c == '\\' && !escaped;
        if quote {
            in_string = !in_string;
        } else if !in_string {
            kept.push(c);
        }
        before = c;
    }
    kept
}

/// `graph` for `src/graph/client.rs` and for `src/graph.rs`.
fn room(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split(['/', '.']).next().unwrap_or(inside)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|&c| is_word(c)).collect()
}

/// What follows each `prefix` that does not stand inside a longer word.
fn uses<'a>(code: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(prefix)
        .filter(|&(at, _)| !code[..at].ends_with(is_word))
        .map(move |(at, _)| &code[at + prefix.len()..])
}

/// The rooms that a file names: `crate::graph::…`, and each of `crate::{graph::…, store::…}`.
fn rooms_named(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for rest in uses(code, "crate::") {
        let Some(list) = rest.strip_prefix('{') else {
            named.insert(first_word(rest));
            continue;
        };
        let mut depth = 1;
        let mut item = String::new();
        for c in list.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 || (depth == 1 && c == ',') {
                named.insert(first_word(&item));
                item.clear();
            } else {
                item.push(c);
            }
            if depth == 0 {
                break;
            }
        }
    }
    named.remove("");
    named
}

#[test]
fn arrows_between_rooms_point_one_way() {
    let mut wrong = Vec::new();
    for path in rust_files(&["src"]) {
        let from = room(&path);
        if from == "main" || from == "lib" {
            continue;
        }
        let is_leaf = LEAVES.contains(&from);
        let allowed: &[&str] = match ROOMS.iter().find(|(name, _)| *name == from) {
            Some((_, allowed)) => allowed,
            // A leaf may speak of Intune's ids, which import nothing of ours.
            None if is_leaf => &["intune"],
            None => {
                wrong.push(format!("{path}: the room `{from}` is not in the table of this test"));
                continue;
            }
        };
        for to in rooms_named(&code(&path)) {
            let to_leaf = LEAVES.contains(&to.as_str()) && from != "intune";
            if to != from && !to_leaf && !allowed.contains(&to.as_str()) {
                wrong.push(format!("{path}: `{from}` may not use `{to}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_outside_crate_is_known_in_its_room_only() {
    let mut wrong = Vec::new();
    for path in rust_files(&["src"]) {
        let code = without_strings(&code(&path));
        for (name, allowed) in FENCED {
            let prefix = format!("{name}::");
            // `crate::sync::…` is a room of ours, and a path inside it is no crate.
            let known = uses(&code, &prefix).any(|rest| {
                let at = code.len() - rest.len() - prefix.len();
                !code[..at].ends_with("::")
            });
            if known && !allowed.iter().any(|place| path.starts_with(place)) {
                wrong.push(format!("{path} knows `{name}`, which belongs into {}", allowed.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_test_reads_rooms_out_of_grouped_imports() {
    let code = "use crate::{graph::{Graph, Kind}, store, chat::Actor as A};\nlet x = crate::clock::Clock::real();";
    let named: Vec<_> = rooms_named(code).into_iter().collect();
    assert_eq!(named, ["chat", "clock", "graph", "store"]);
}

#[test]
fn every_module_begins_by_saying_what_it_is_for() {
    let wrong: Vec<_> = rust_files(&["src", "commands", "sim", "tests", "benches"])
        .into_iter()
        .filter(|path| {
            let text = text(path).expect("source is text");
            !text.starts_with("//! ") && !text.starts_with("#![doc = ")
        })
        .collect();
    assert!(wrong.is_empty(), "no `//!` sentence in the first line of:\n{}", wrong.join("\n"));
}

#[test]
fn a_long_file_says_why_it_is_long() {
    let wrong: Vec<_> = rust_files(&["src", "commands", "sim", "tests", "benches"])
        .into_iter()
        .filter_map(|path| {
            let text = text(&path).expect("source is text");
            let lines = text.lines().count();
            let explained =
                text.lines().take(HEAD).any(|line| line.starts_with("//!") && line.contains("Long because"));
            (lines > LONG && !explained).then(|| format!("{path}: {lines} lines"))
        })
        .collect();
    assert!(wrong.is_empty(), "over {LONG} lines, and no \"Long because …\" in the head:\n{}", wrong.join("\n"));
}

fn dependencies(manifest: &str, tables: &[&str]) -> BTreeSet<String> {
    let manifest: toml::Table = text(manifest).expect("a manifest is text").parse().expect("a manifest is TOML");
    let named =
        tables.iter().filter_map(|table| manifest.get(*table)?.as_table()).flat_map(|table| table.keys().cloned());
    named.collect()
}

#[test]
fn the_simulator_is_a_second_witness_that_knows_nothing_of_the_bot() {
    let known = dependencies("sim/Cargo.toml", &["dependencies", "dev-dependencies", "build-dependencies"]);
    for ours in ["intune-sync-bot", "commands"] {
        assert!(!known.contains(ours), "sim depends on {ours}");
    }
}

#[test]
fn what_people_can_say_is_pure_data() {
    let known = dependencies("commands/Cargo.toml", &["dependencies", "build-dependencies"]);
    assert_eq!(known.into_iter().collect::<Vec<_>>(), ["serde", "serde_json"]);
}

#[test]
fn no_file_names_a_package_registry_or_a_path_of_one_machine() {
    // Put together here, so that this file does not name them either.
    let hosts = ["crates", "index.crates", "static.crates"].map(|host| format!("{host}.io"));
    let others = [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("deb.debian", "org"),
        ("proxy.golang", "org"),
    ]
    .map(|(host, end)| format!("{host}.{end}"));
    let paths = ["work", "root"].map(|folder| format!("/{folder}/"));
    let forbidden: Vec<_> = hosts.into_iter().chain(others).chain(paths).collect();
    let mut wrong = Vec::new();
    for path in files("") {
        // Cargo writes the registry's address into its lock files.
        let Some(text) = (!path.ends_with("Cargo.lock")).then(|| text(&path)).flatten() else { continue };
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = forbidden.iter().find(|word| line.contains(*word)) {
                wrong.push(format!("{path}:{}: {word}", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
