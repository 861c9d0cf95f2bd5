//! The dialog that answers a command or a click.

use std::collections::HashSet;

use serde_json::Value;

use super::{Form, Problems};

const MAX_INPUTS: usize = 5;

/// Checks the `data` of a type 9 answer. Only the rows-of-text-inputs form is accepted: a client of the
/// serenity 0.12 line loses the values of the newer one.
pub(in crate::discord) fn check_modal(data: &Value, problems: &mut Problems) {
    let Some(form) = Form::new(data, "data", problems) else { return };
    form.only(&["custom_id", "title", "components"], problems);
    form.required_text("custom_id", 100, problems);
    form.required_text("title", 45, problems);
    let rows = form.list("components", MAX_INPUTS, problems);
    if rows.is_empty() {
        let message = format!("Must be between 1 and {MAX_INPUTS} in length.");
        problems.add(form.at("components"), "BASE_TYPE_BAD_LENGTH", message);
    }
    let mut ids = HashSet::new();
    for (index, row) in rows.iter().enumerate() {
        let path = format!("{}.{index}", form.at("components"));
        let Some(row) = Form::new(row, path, problems) else { continue };
        row.only(&["type", "components", "id"], problems);
        let inner = row.list("components", 1, problems);
        if row.get("type").and_then(Value::as_i64) != Some(1) || inner.is_empty() {
            problems.add(row.path(), "UNION_TYPE_CHOICES", "A modal is made of rows with one text input each.");
            continue;
        }
        let Some(input) = Form::new(&inner[0], format!("{}.0", row.at("components")), problems) else { continue };
        check_input(&input, problems);
        if let Some(id) = input.get("custom_id").and_then(Value::as_str)
            && !ids.insert(id)
        {
            let message = "Component custom id cannot be duplicated";
            problems.add(input.at("custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message);
        }
    }
}

fn check_input(input: &Form<'_>, problems: &mut Problems) {
    input.only(
        &["type", "custom_id", "style", "label", "min_length", "max_length", "required", "value", "placeholder", "id"],
        problems,
    );
    if input.get("type").and_then(Value::as_i64) != Some(4) {
        problems.add(input.at("type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (4,).");
    }
    input.required_text("custom_id", 100, problems);
    input.required_text("label", 45, problems);
    input.text("placeholder", 0, 100, problems);
    input.text("value", 0, 4000, problems);
    input.flag("required", problems);
    if input.int("style", 1..=2, problems).is_none() && input.get("style").is_none() {
        problems.add(input.at("style"), "BASE_TYPE_REQUIRED", "This field is required");
    }
    let min = input.int("min_length", 0..=4000, problems).unwrap_or(0);
    let max = input.int("max_length", 1..=4000, problems).unwrap_or(4000);
    if min > max {
        problems.add(input.at("min_length"), "BASE_TYPE_MAX_VALUE", "min_length must not exceed max_length.");
    }
}
