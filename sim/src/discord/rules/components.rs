//! Rows, buttons and select menus of a message.

use std::collections::HashSet;

use serde_json::Value;

use super::{Form, Problems};

/// Rows in a message.
const MAX_ROWS: usize = 5;
/// Buttons in a row.
const MAX_BUTTONS: usize = 5;
/// Options of a select menu.
const MAX_OPTIONS: usize = 25;
/// Components of all kinds in the layout made of components.
const MAX_V2: usize = 40;

/// The kinds that the simulator knows.
const ROW: i64 = 1;
const BUTTON: i64 = 2;
const STRING_SELECT: i64 = 3;

/// Checks the rows of a message body.
pub(super) fn check(body: &Form<'_>, v2: bool, problems: &mut Problems) -> Vec<Value> {
    let list = body.list("components", if v2 { MAX_V2 } else { MAX_ROWS }, problems);
    let mut ids = HashSet::new();
    if v2 {
        if list.iter().map(count).sum::<usize>() > MAX_V2 {
            let message = format!("A message holds at most {MAX_V2} components.");
            problems.add(body.at("components"), "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message);
        }
        return list.to_vec();
    }
    for (index, row) in list.iter().enumerate() {
        let path = format!("{}.{index}", body.at("components"));
        check_row(row, &path, &mut ids, problems);
    }
    list.to_vec()
}

fn count(component: &Value) -> usize {
    1 + component["components"].as_array().map_or(0, |inner| inner.iter().map(count).sum())
}

fn check_row(row: &Value, path: &str, ids: &mut HashSet<String>, problems: &mut Problems) {
    let Some(form) = Form::new(row, path, problems) else { return };
    form.only(&["type", "components", "id"], problems);
    if form.get("type").and_then(Value::as_i64) != Some(ROW) {
        problems.add(form.at("type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (1,).");
        return;
    }
    let list = form.list("components", MAX_BUTTONS, problems);
    if list.is_empty() {
        let message = format!("Must be between 1 and {MAX_BUTTONS} in length.");
        problems.add(form.at("components"), "BASE_TYPE_BAD_LENGTH", message);
    }
    let selects = list.iter().filter(|one| one["type"].as_i64().is_some_and(|kind| kind != BUTTON)).count();
    if selects > 0 && list.len() > 1 {
        let message = "A select menu fills its row alone.";
        problems.add(form.at("components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message);
    }
    for (index, component) in list.iter().enumerate() {
        let path = format!("{}.{index}", form.at("components"));
        let Some(inner) = Form::new(component, path, problems) else { continue };
        match inner.get("type").and_then(Value::as_i64) {
            Some(BUTTON) => check_button(&inner, problems),
            Some(kind @ (STRING_SELECT | 5..=8)) => check_select(&inner, kind, problems),
            _ => problems.add(inner.at("type"), "UNION_TYPE_CHOICES", "Must be one of (2, 3, 5, 6, 7, 8)."),
        }
        if let Some(id) = inner.get("custom_id").and_then(Value::as_str)
            && !ids.insert(id.to_owned())
        {
            let message = "Component custom id cannot be duplicated";
            problems.add(inner.at("custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message);
        }
    }
}

fn check_button(form: &Form<'_>, problems: &mut Problems) {
    form.only(&["type", "style", "label", "emoji", "custom_id", "url", "disabled", "sku_id", "id"], problems);
    form.text("label", 0, 80, problems);
    form.flag("disabled", problems);
    let label = form.get("label").and_then(Value::as_str).is_some_and(|label| !label.trim().is_empty());
    if !label && form.get("emoji").is_none() {
        problems.add(form.path(), "BUTTON_COMPONENT_INVALID", "A button must have a label or an emoji");
    }
    if form.get("style").is_none() {
        problems.add(form.at("style"), "BASE_TYPE_REQUIRED", "This field is required");
    }
    match form.int("style", 1..=5, problems) {
        Some(5) => {
            let url = form.required_text("url", 512, problems);
            if url.is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
                problems.add(form.at("url"), "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('http', 'https').");
            }
            if form.get("custom_id").is_some() {
                let message = "A custom id and url cannot both be specified";
                problems.add(form.path(), "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message);
            }
        }
        Some(_) => {
            form.required_text("custom_id", 100, problems);
            if form.get("url").is_some() {
                let message = "Only link buttons have a url";
                problems.add(form.path(), "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message);
            }
        }
        None => {}
    }
}

fn check_select(form: &Form<'_>, kind: i64, problems: &mut Problems) {
    form.only(
        &[
            "type",
            "custom_id",
            "options",
            "placeholder",
            "min_values",
            "max_values",
            "disabled",
            "default_values",
            "channel_types",
            "id",
            "required",
        ],
        problems,
    );
    form.required_text("custom_id", 100, problems);
    form.text("placeholder", 0, 150, problems);
    form.flag("disabled", problems);
    let min = form.int("min_values", 0..=25, problems).unwrap_or(1);
    let max = form.int("max_values", 1..=25, problems).unwrap_or(1);
    if min > max {
        problems.add(form.at("min_values"), "BASE_TYPE_MAX_VALUE", "min_values must not exceed max_values.");
    }
    let options = form.list("options", MAX_OPTIONS, problems);
    if kind != STRING_SELECT {
        return;
    }
    if options.is_empty() {
        let message = format!("Must be between 1 and {MAX_OPTIONS} in length.");
        problems.add(form.at("options"), "BASE_TYPE_BAD_LENGTH", message);
    }
    if usize::try_from(max).is_ok_and(|max| max > options.len().max(1)) {
        problems.add(form.at("max_values"), "BASE_TYPE_MAX_VALUE", "max_values must not exceed the number of options.");
    }
    let mut values = HashSet::new();
    for (index, option) in options.iter().enumerate() {
        let Some(option) = Form::new(option, format!("{}.{index}", form.at("options")), problems) else { continue };
        option.only(&["label", "value", "description", "emoji", "default"], problems);
        option.required_text("label", 100, problems);
        option.text("description", 0, 100, problems);
        if let Some(value) = option.required_text("value", 100, problems)
            && !values.insert(value)
        {
            let message = "The specified option value is already used";
            problems.add(option.at("value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message);
        }
    }
}
