//! Registration of slash commands.

use std::collections::HashSet;

use serde_json::Value;

use super::{Form, Problems};

const MAX_CHAT_INPUT: usize = 100;
const MAX_OTHER: usize = 15;
const MAX_OPTIONS: usize = 25;
/// Characters of names, descriptions and values in one command.
const MAX_CHARACTERS: usize = 8000;

const SUB_COMMAND: i64 = 1;
const SUB_COMMAND_GROUP: i64 = 2;

/// Checks the list that replaces all commands; paths begin with the position in the list.
pub(in crate::discord) fn check_commands(commands: &[Value], problems: &mut Problems) {
    let mut names = HashSet::new();
    let mut counts = [0_usize; 4];
    for (index, command) in commands.iter().enumerate() {
        let Some(form) = Form::new(command, index.to_string(), problems) else { continue };
        form.only(
            &[
                "id",
                "type",
                "name",
                "name_localizations",
                "description",
                "description_localizations",
                "options",
                "default_member_permissions",
                "dm_permission",
                "default_permission",
                "contexts",
                "integration_types",
                "nsfw",
                "handler",
                "application_id",
                "guild_id",
                "version",
            ],
            problems,
        );
        let kind = form.int("type", 1..=3, problems).unwrap_or(1);
        counts[usize::try_from(kind).unwrap_or(0)] += 1;
        let name = form.required_text("name", 32, problems);
        if kind == 1 {
            check_name(&form, problems);
            form.required_text("description", 100, problems);
        } else if form.get("description").is_some_and(|text| text != "") {
            problems.add(form.at("description"), "APPLICATION_COMMAND_DESCRIPTION", "Only slash commands have one.");
        }
        if let Some(permissions) = form.get("default_member_permissions")
            && permissions.as_str().is_none_or(|text| text.parse::<u64>().is_err())
        {
            let message = "Permissions are a string of digits.";
            problems.add(form.at("default_member_permissions"), "STRING_TYPE_CONVERT", message);
        }
        if !names.insert((kind, name)) {
            let message = "Application command names must be unique";
            problems.add(form.at("name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", message);
        }
        if characters(command) > MAX_CHARACTERS {
            let message = format!("Command exceeds maximum size ({MAX_CHARACTERS})");
            problems.add(form.path(), "APPLICATION_COMMAND_TOO_LARGE", message);
        }
        check_options(&form, 0, problems);
    }
    for (count, max) in counts[1..].iter().zip([MAX_CHAT_INPUT, MAX_OTHER, MAX_OTHER]) {
        if *count > max {
            let message = format!("Maximum number of application commands reached ({max}).");
            problems.add("", "APPLICATION_COMMANDS_MAX_REACHED", message);
        }
    }
}

/// Letters, digits, `-`, `_`, `'`; no upper case where the letter has a lower case.
fn check_name(form: &Form<'_>, problems: &mut Problems) {
    let Some(name) = form.get("name").and_then(Value::as_str) else { return };
    let allowed =
        |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '\'') || ('\u{900}'..='\u{97f}').contains(&c);
    if !name.chars().all(allowed) || name.to_lowercase() != name {
        let message = "Command name is invalid";
        problems.add(form.at("name"), "APPLICATION_COMMAND_INVALID_NAME", message);
    }
}

fn check_options(parent: &Form<'_>, depth: usize, problems: &mut Problems) {
    let mut names = HashSet::new();
    let (mut optional_seen, mut subs, mut plain) = (false, 0, 0);
    for (index, option) in parent.list("options", MAX_OPTIONS, problems).iter().enumerate() {
        let path = format!("{}.{index}", parent.at("options"));
        let Some(form) = Form::new(option, path, problems) else { continue };
        form.only(
            &[
                "type",
                "name",
                "name_localizations",
                "description",
                "description_localizations",
                "required",
                "choices",
                "options",
                "channel_types",
                "min_value",
                "max_value",
                "min_length",
                "max_length",
                "autocomplete",
            ],
            problems,
        );
        let name = form.required_text("name", 32, problems);
        check_name(&form, problems);
        form.required_text("description", 100, problems);
        if !names.insert(name) {
            problems.add(form.at("name"), "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE", "Option names must be unique");
        }
        if form.get("type").is_none() {
            problems.add(form.at("type"), "BASE_TYPE_REQUIRED", "This field is required");
        }
        let kind = form.int("type", 1..=11, problems).unwrap_or(3);
        if kind == SUB_COMMAND || kind == SUB_COMMAND_GROUP {
            subs += 1;
            if depth > 1 || (depth == 1 && kind == SUB_COMMAND_GROUP) {
                let message = "Sub-commands nest no deeper than group and command.";
                problems.add(form.at("type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message);
            }
            check_options(&form, depth + if kind == SUB_COMMAND { 2 } else { 1 }, problems);
            continue;
        }
        plain += 1;
        let required = form.flag("required", problems);
        if required && optional_seen {
            let message = "Required options must be placed before non-required options";
            problems.add(form.path(), "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message);
        }
        optional_seen |= !required;
        check_value_option(&form, kind, problems);
    }
    if subs > 0 && plain > 0 {
        let message = "Sub-command and sub-command group option types are mutually exclusive to all other types";
        problems.add(parent.at("options"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message);
    }
}

fn check_value_option(form: &Form<'_>, kind: i64, problems: &mut Problems) {
    let choices = form.list("choices", 25, problems);
    let autocomplete = form.flag("autocomplete", problems);
    let takes_choices = matches!(kind, 3 | 4 | 10);
    if autocomplete && !choices.is_empty() {
        let message = "Autocomplete and choices are mutually exclusive";
        problems.add(form.path(), "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE", message);
    }
    if !takes_choices && (autocomplete || !choices.is_empty()) {
        let message = "This type of option has neither choices nor autocomplete";
        problems.add(form.at("type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message);
    }
    let mut names = HashSet::new();
    for (index, choice) in choices.iter().enumerate() {
        let path = format!("{}.{index}", form.at("choices"));
        let Some(choice) = Form::new(choice, path, problems) else { continue };
        choice.only(&["name", "name_localizations", "value"], problems);
        if !names.insert(choice.required_text("name", 100, problems)) {
            problems.add(choice.at("name"), "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_DUPLICATE", "Already used");
        }
        let fits = match (kind, choice.get("value")) {
            (3, Some(Value::String(text))) => (1..=100).contains(&text.chars().count()),
            (4, Some(value)) => value.is_i64() || value.is_u64(),
            (10, Some(value)) => value.is_number(),
            _ => false,
        };
        if !fits {
            problems.add(choice.at("value"), "BASE_TYPE_BAD", "The value does not fit the option's type or size.");
        }
    }
    if kind == 3 {
        form.int("min_length", 0..=6000, problems);
        form.int("max_length", 1..=6000, problems);
    }
}

fn characters(node: &Value) -> usize {
    match node {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !key.ends_with("_localizations"))
            .map(|(key, value)| match value {
                Value::String(text) if matches!(key.as_str(), "name" | "description" | "value") => text.chars().count(),
                Value::Object(_) | Value::Array(_) => characters(value),
                _ => 0,
            })
            .sum(),
        Value::Array(list) => list.iter().map(characters).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(commands: &Value) -> String {
        let mut problems = Problems::default();
        check_commands(commands.as_array().unwrap(), &mut problems);
        problems.finish().map_or_else(|error| error.body["errors"].to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn a_plain_command_is_accepted() {
        let command = json!([{"name": "sync", "description": "Sync", "options": [
            {"type": 3, "name": "device", "description": "d", "required": true, "autocomplete": true},
            {"type": 3, "name": "reason", "description": "r"}]}]);
        assert_eq!(verdict(&command), "fine");
    }

    #[test]
    fn upper_case_late_required_options_and_choices_beside_autocomplete_are_refused() {
        assert!(verdict(&json!([{"name": "Sync", "description": "d"}])).contains("INVALID_NAME"));
        let late = json!([{"name": "a", "description": "d", "options": [
            {"type": 3, "name": "x", "description": "d"}, {"type": 3, "name": "y", "description": "d", "required": true}]}]);
        assert!(verdict(&late).contains("OPTIONS_REQUIRED_INVALID"));
        let both = json!([{"name": "a", "description": "d", "options": [
            {"type": 3, "name": "x", "description": "d", "autocomplete": true, "choices": [{"name": "a", "value": "a"}]}]}]);
        assert!(verdict(&both).contains("CHOICES_AUTOCOMPLETE"));
    }

    #[test]
    fn a_command_of_more_than_8000_characters_is_refused() {
        let choices: Vec<_> =
            (0..25).map(|n| json!({"name": format!("{n:0>100}"), "value": format!("{n:0>100}")})).collect();
        let option = |n: u8| json!({"type": 3, "name": format!("o{n}"), "description": "d", "choices": choices});
        let command = json!([{"name": "a", "description": "d", "options": [option(1), option(2)]}]);
        assert!(verdict(&command).contains("TOO_LARGE"));
    }
}
