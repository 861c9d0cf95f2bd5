//! The body of a message, however it is sent: in a channel, as an answer, as a follow-up, or as an edit.

use std::collections::HashSet;

use serde_json::Value;

use super::{COMPONENTS_V2, EPHEMERAL, Form, Problems, SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS, components, embeds};
use crate::discord::error::ApiError;

/// Characters of a message.
const MAX_CONTENT: usize = 2000;
const MAX_NONCE: usize = 25;
const MAX_MENTIONS: usize = 100;

/// How a message body comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::discord) enum Kind {
    /// A new message in a channel, with the bot token.
    Channel,
    /// The new message of an interaction callback (type 4).
    Callback,
    /// The changed message of an interaction callback (type 7).
    Update,
    /// A follow-up.
    FollowUp,
    /// An edit by either route.
    Edit,
}

/// Who may be pinged.
#[derive(Clone, Debug, Default)]
pub(in crate::discord) struct AllowedMentions {
    pub(in crate::discord) parse: HashSet<String>,
    pub(in crate::discord) users: HashSet<String>,
    pub(in crate::discord) roles: HashSet<String>,
    pub(in crate::discord) replied_user: bool,
}

/// A checked body. `None` means that the body does not speak of it.
#[derive(Clone, Debug, Default)]
pub(in crate::discord) struct Draft {
    pub(in crate::discord) content: Option<String>,
    pub(in crate::discord) embeds: Option<Vec<Value>>,
    pub(in crate::discord) components: Option<Vec<Value>>,
    pub(in crate::discord) flags: u64,
    pub(in crate::discord) mentions: AllowedMentions,
    pub(in crate::discord) nonce: Option<Value>,
    pub(in crate::discord) enforce_nonce: bool,
    pub(in crate::discord) reply_to: Option<String>,
    pub(in crate::discord) fail_if_not_exists: bool,
    pub(in crate::discord) keeps_attachments: bool,
}

/// Checks a message body at `path` (`""`, or `data` in a callback).
pub(in crate::discord) fn check_message(body: &Value, path: &str, kind: Kind, files: bool) -> Result<Draft, ApiError> {
    let mut problems = Problems::default();
    let Some(form) = Form::new(body, path, &mut problems) else {
        problems.finish()?;
        return Ok(Draft::default());
    };
    let problems = &mut problems;
    form.only(known_keys(kind), problems);
    let mut draft = Draft { flags: check_flags(&form, kind, problems), fail_if_not_exists: true, ..Draft::default() };
    let v2 = draft.flags & COMPONENTS_V2 != 0;
    let said = |key: &str| body.get(key).is_some();
    let content = form.text("content", 0, MAX_CONTENT, problems).map(|text| text.trim().to_owned());
    draft.content = said("content").then(|| content.unwrap_or_default());
    draft.embeds = said("embeds").then(|| embeds::check(&form, problems));
    draft.components = said("components").then(|| components::check(&form, v2, problems));
    draft.keeps_attachments = !said("attachments") || form.list("attachments", 10, problems).iter().any(has_snowflake);
    form.flag("tts", problems);
    draft.mentions = check_mentions(&form, problems);
    if v2 && (draft.content.as_ref().is_some_and(|text| !text.is_empty()) || draft.embeds.iter().any(|e| !e.is_empty()))
    {
        let message = "The flag for components cannot be combined with content or embeds";
        problems.add(form.at("flags"), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message);
    }
    check_nonce(&form, &mut draft, problems);
    if let Some(reference) =
        form.get("message_reference").and_then(|value| Form::new(value, form.at("message_reference"), problems))
    {
        reference.only(&["type", "message_id", "channel_id", "guild_id", "fail_if_not_exists"], problems);
        draft.reply_to = reference.required_text("message_id", 20, problems).map(str::to_owned);
        draft.fail_if_not_exists = reference.get("fail_if_not_exists") != Some(&Value::Bool(false));
    }
    std::mem::take(problems).finish()?;
    let new = matches!(kind, Kind::Channel | Kind::FollowUp | Kind::Callback);
    if new && !files && says_nothing(&draft) {
        return Err(ApiError::empty_message());
    }
    Ok(draft)
}

/// Whether a new message would be empty.
fn says_nothing(draft: &Draft) -> bool {
    draft.content.as_deref().is_none_or(str::is_empty)
        && draft.embeds.as_ref().is_none_or(Vec::is_empty)
        && draft.components.as_ref().is_none_or(Vec::is_empty)
}

fn has_snowflake(attachment: &Value) -> bool {
    attachment["id"].as_str().is_some_and(|id| id.len() > 10)
}

fn known_keys(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Channel => &[
            "content",
            "nonce",
            "tts",
            "embeds",
            "allowed_mentions",
            "message_reference",
            "components",
            "sticker_ids",
            "attachments",
            "flags",
            "enforce_nonce",
            "poll",
        ],
        // A nonce means nothing here; discord.js says so in each message, and Discord lets that pass.
        Kind::Callback | Kind::Update => &[
            "content",
            "tts",
            "embeds",
            "allowed_mentions",
            "flags",
            "components",
            "attachments",
            "poll",
            "enforce_nonce",
        ],
        Kind::FollowUp => &[
            "content",
            "username",
            "avatar_url",
            "tts",
            "embeds",
            "allowed_mentions",
            "components",
            "attachments",
            "flags",
            "thread_name",
            "applied_tags",
            "poll",
        ],
        Kind::Edit => &["content", "embeds", "flags", "allowed_mentions", "components", "attachments", "poll"],
    }
}

fn check_flags(form: &Form<'_>, kind: Kind, problems: &mut Problems) -> u64 {
    let allowed = SUPPRESS_EMBEDS
        | COMPONENTS_V2
        | match kind {
            Kind::Channel => SUPPRESS_NOTIFICATIONS,
            Kind::Callback | Kind::FollowUp => EPHEMERAL | SUPPRESS_NOTIFICATIONS,
            // An edit cannot change who sees the message; the flag is dropped.
            Kind::Update | Kind::Edit => EPHEMERAL,
        };
    let flags = form.int("flags", 0..=i64::from(u32::MAX), problems).and_then(|flags| u64::try_from(flags).ok());
    let flags = flags.unwrap_or(0);
    if flags & !allowed != 0 {
        problems.add(form.at("flags"), "BASE_TYPE_BAD", format!("Flags {} cannot be set here.", flags & !allowed));
    }
    flags
}

fn check_nonce(form: &Form<'_>, draft: &mut Draft, problems: &mut Problems) {
    draft.enforce_nonce = form.flag("enforce_nonce", problems);
    match form.get("nonce") {
        Some(Value::String(text)) if text.chars().count() > MAX_NONCE => {
            problems.add(form.at("nonce"), "BASE_TYPE_MAX_LENGTH", format!("Must be {MAX_NONCE} or fewer in length."));
        }
        Some(value) if value.is_string() || value.is_i64() || value.is_u64() => draft.nonce = Some(value.clone()),
        Some(_) => problems.add(form.at("nonce"), "BASE_TYPE_BAD", "A nonce is a string or an integer."),
        None if draft.enforce_nonce => {
            problems.add(form.at("nonce"), "BASE_TYPE_REQUIRED", "enforce_nonce needs a nonce");
        }
        None => {}
    }
}

/// `allowed_mentions` is optional with the real Discord, and then too generous; here every message must set it.
fn check_mentions(form: &Form<'_>, problems: &mut Problems) -> AllowedMentions {
    let Some(value) = form.get("allowed_mentions") else {
        let message = "This simulator wants allowed_mentions on every message: left out, it pings people.";
        problems.add(form.at("allowed_mentions"), "BASE_TYPE_REQUIRED", message);
        return AllowedMentions::default();
    };
    let Some(mentions) = Form::new(value, form.at("allowed_mentions"), problems) else {
        return AllowedMentions::default();
    };
    mentions.only(&["parse", "users", "roles", "replied_user"], problems);
    let mut set = |key: &str, max: usize| -> HashSet<String> {
        let list = mentions.list(key, max, problems);
        let texts: HashSet<String> = list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect();
        if texts.len() != list.len() {
            problems.add(mentions.at(key), "SET_TYPE_ALREADY_CONTAINS_VALUE", "The set already contains this value");
        }
        texts
    };
    let found = AllowedMentions {
        parse: set("parse", 3),
        users: set("users", MAX_MENTIONS),
        roles: set("roles", MAX_MENTIONS),
        replied_user: false,
    };
    for (parse, ids) in [("users", &found.users), ("roles", &found.roles)] {
        if found.parse.contains(parse) && !ids.is_empty() {
            let message = format!("parse:[\"{parse}\"] and {parse}: [ids...] are mutually exclusive.");
            problems.add(mentions.path(), "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message);
        }
        for id in ids.iter().filter(|id| id.parse::<u64>().is_err()) {
            problems.add(mentions.at(parse), "NUMBER_TYPE_COERCE", format!("Value \"{id}\" is not snowflake."));
        }
    }
    for word in found.parse.iter().filter(|word| !["users", "roles", "everyone"].contains(&word.as_str())) {
        problems.add(
            mentions.at("parse"),
            "BASE_TYPE_CHOICES",
            format!("\"{word}\" is not one of (users, roles, everyone)."),
        );
    }
    let replied_user = mentions.flag("replied_user", problems);
    AllowedMentions { replied_user, ..found }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(mut body: Value) -> String {
        if body.get("allowed_mentions").is_none() {
            body["allowed_mentions"] = json!({"parse": []});
        }
        match check_message(&body, "", Kind::Channel, false) {
            Ok(_) => "fine".to_owned(),
            Err(error) if error.code() == 50035 => error.body["errors"].to_string(),
            Err(error) => error.code().to_string(),
        }
    }

    #[test]
    fn sizes_at_the_limit_pass_and_one_more_does_not() {
        assert_eq!(verdict(json!({"content": "ä".repeat(2000)})), "fine");
        assert!(verdict(json!({"content": "ä".repeat(2001)})).contains("Must be 2000"));
        assert!(verdict(json!({"content": "a", "nonce": "n".repeat(26)})).contains("nonce"));
        let embeds = |n: usize| json!({"embeds": [{"description": "x".repeat(3000)}, {"description": "x".repeat(n)}]});
        assert_eq!(verdict(embeds(3000)), "fine");
        assert!(verdict(embeds(3001)).contains("MAX_EMBED_SIZE_EXCEEDED"));
        assert!(verdict(json!({"embeds": vec![json!({"title": "t"}); 11]})).contains("embeds"));
        assert!(
            verdict(json!({"embeds": [{"title": "t", "fields": vec![json!({"name": "a", "value": "b"}); 26]}]}))
                .contains("fields")
        );
    }

    #[test]
    fn empty_things_are_refused() {
        assert_eq!(verdict(json!({"content": "  \n "})), "50006");
        assert!(verdict(json!({"embeds": [{}]})).contains("REQUIRED"));
        assert!(verdict(json!({"embeds": [{"fields": [{"name": "a", "value": " "}]}]})).contains("BAD_LENGTH"));
        assert!(verdict(json!({"components": [{"type": 1, "components": []}]})).contains("BAD_LENGTH"));
        assert!(
            verdict(json!({"components": [{"type": 1, "components": [{"type": 2, "style": 1, "custom_id": "a"}]}]}))
                .contains("BUTTON")
        );
    }

    #[test]
    fn rows_buttons_and_custom_ids_are_counted() {
        let button = |id: String| json!({"type": 2, "style": 1, "label": "x", "custom_id": id});
        let row = |from: usize, n: usize| json!({"type": 1, "components": (from..from + n).map(|i| button(i.to_string())).collect::<Vec<_>>()});
        assert_eq!(verdict(json!({"components": (0..5).map(|r| row(r * 5, 5)).collect::<Vec<_>>()})), "fine");
        assert!(verdict(json!({"components": (0..6).map(|r| row(r, 1)).collect::<Vec<_>>()})).contains("components"));
        assert!(verdict(json!({"components": [row(0, 6)]})).contains("Must be 5"));
        assert!(verdict(json!({"components": [row(0, 1), row(0, 1)]})).contains("DUPLICATED"));
        let long = json!({"components": [{"type": 1, "components": [button("i".repeat(101))]}]});
        assert!(verdict(long).contains("Must be 100"));
    }

    #[test]
    fn mentions_must_be_set_and_must_not_contradict_themselves() {
        let none = check_message(&json!({"content": "a"}), "", Kind::Edit, false).unwrap_err();
        assert_eq!(none.body["errors"]["allowed_mentions"]["_errors"][0]["code"], "BASE_TYPE_REQUIRED");
        let both = json!({"content": "a", "allowed_mentions": {"parse": ["users"], "users": ["900000000000000301"]}});
        assert!(verdict(both).contains("mutually exclusive"));
        let serenity = json!({"content": "a", "allowed_mentions": {"parse": [], "users": [], "roles": []}});
        assert_eq!(verdict(serenity), "fine");
    }

    #[test]
    fn misspelt_keys_are_refused() {
        assert!(verdict(json!({"content": "a", "componentes": []})).contains("UNKNOWN_FIELD"));
    }
}
