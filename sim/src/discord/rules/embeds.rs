//! Embeds: sizes of each part, the 6000 characters in all, and no empty field.

use jiff::Timestamp;
use serde_json::Value;

use super::{Form, Problems};

/// Embeds in one message.
const MAX_EMBEDS: usize = 10;
/// Characters over all embeds of a message.
const MAX_TOTAL: usize = 6000;
const MAX_FIELDS: usize = 25;

/// Checks the embeds of a message body.
pub(super) fn check(body: &Form<'_>, problems: &mut Problems) -> Vec<Value> {
    let list = body.list("embeds", MAX_EMBEDS, problems);
    let mut total = 0;
    for (index, embed) in list.iter().enumerate() {
        total += check_one(embed, &format!("{}.{index}", body.at("embeds")), problems);
    }
    if total > MAX_TOTAL {
        let message = format!("Embed size exceeds maximum size of {MAX_TOTAL}");
        problems.add(body.at("embeds"), "MAX_EMBED_SIZE_EXCEEDED", message);
    }
    list.to_vec()
}

fn check_one(embed: &Value, path: &str, problems: &mut Problems) -> usize {
    let Some(form) = Form::new(embed, path, problems) else { return 0 };
    form.only(
        &[
            "type",
            "title",
            "description",
            "url",
            "timestamp",
            "color",
            "footer",
            "image",
            "thumbnail",
            "video",
            "provider",
            "author",
            "fields",
        ],
        problems,
    );
    let mut total = 0;
    let mut add = |text: Option<&str>| total += text.map_or(0, |text| text.chars().count());
    let title = form.text("title", 0, 256, problems);
    let description = form.text("description", 0, 4096, problems);
    add(title);
    add(description);
    url(&form, "url", problems);
    form.int("color", 0..=0xFF_FFFF, problems);
    if let Some(at) = form.text("timestamp", 1, 64, problems)
        && at.parse::<Timestamp>().is_err()
    {
        problems.add(form.at("timestamp"), "DATE_TIME_TYPE_PARSE", format!("Could not parse {at}. Should be ISO8601."));
    }
    if let Some(footer) = form.get("footer").and_then(|value| Form::new(value, form.at("footer"), problems)) {
        footer.only(&["text", "icon_url", "proxy_icon_url"], problems);
        add(footer.required_text("text", 2048, problems));
    }
    if let Some(author) = form.get("author").and_then(|value| Form::new(value, form.at("author"), problems)) {
        author.only(&["name", "url", "icon_url", "proxy_icon_url"], problems);
        add(author.required_text("name", 256, problems));
    }
    for key in ["image", "thumbnail"] {
        if let Some(media) = form.get(key).and_then(|value| Form::new(value, form.at(key), problems)) {
            media.only(&["url", "proxy_url", "height", "width"], problems);
            url(&media, "url", problems);
        }
    }
    for (index, field) in form.list("fields", MAX_FIELDS, problems).iter().enumerate() {
        if let Some(field) = Form::new(field, format!("{}.{index}", form.at("fields")), problems) {
            field.only(&["name", "value", "inline"], problems);
            add(field.required_text("name", 256, problems));
            add(field.required_text("value", 1024, problems));
            field.flag("inline", problems);
        }
    }
    let shown = ["title", "description", "fields", "image", "thumbnail", "footer", "author"];
    if !shown.iter().any(|key| form.get(key).is_some_and(|value| value != "" && value != &serde_json::json!([]))) {
        problems.add(form.at("description"), "BASE_TYPE_REQUIRED", "This field is required");
    }
    total
}

fn url(form: &Form<'_>, key: &str, problems: &mut Problems) {
    if let Some(url) = form.text(key, 1, 2048, problems)
        && !["http://", "https://", "attachment://"].iter().any(|scheme| url.starts_with(scheme))
    {
        let message = format!("Scheme \"{}\" is not supported.", url.split(':').next().unwrap_or_default());
        problems.add(form.at(key), "URL_TYPE_INVALID_SCHEME", message);
    }
}
