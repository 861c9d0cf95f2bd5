//! `[[notify.rule]]` and `[[notify.webhook]]`: who is told of which outcomes, where, and how often.

use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use toml::{Table, Value};
use url::Url;

use super::load::BadSettings;
use super::measure::parse_duration;
use super::reader::{Reader, check_address, list_in, platforms_in, row_called, rows};
use crate::chat::{ChannelId, ChatRoleId};
use crate::intune::{GroupId, Platform};

/// The table of rules, as errors name it.
const RULE: &str = "notify.rule";

/// What a rule may say.
pub(super) const RULE_KEYS: &[&str] = &[
    "name",
    "outcomes",
    "platforms",
    "groups",
    "asker_roles",
    "min_devices",
    "every_device",
    "channel_id",
    "webhook",
    "digest",
    "mute",
];

/// What a webhook may say.
pub(super) const WEBHOOK_KEYS: &[&str] = &["name", "url", "key", "key_file"];

/// Outcomes as rules name them.
const OUTCOMES: [&str; 8] =
    ["checked_in", "no_check_in_seen", "failed", "gone", "not_supported", "refused", "cancelled", "skipped"];

/// Shortest key of a webhook, in characters: a shorter one can be guessed.
const KEY_MIN: usize = 16;

/// `[notify]`
#[derive(Clone, Debug, Default)]
pub struct Notify {
    /// The rules, in order.
    pub rules: Vec<NotifyRule>,
    /// Where rules can send to, beside channels.
    pub webhooks: Vec<Webhook>,
}

/// One rule. It fits where every condition that it has holds.
#[derive(Clone, Debug, PartialEq)]
pub struct NotifyRule {
    /// What people call it.
    pub name: String,
    /// One of these outcomes, as words; empty: any.
    pub outcomes: Vec<String>,
    /// A device of one of these platforms; empty: any.
    pub platforms: Vec<Platform>,
    /// A device that is in one of these groups, or whose primary user is; empty: any.
    pub groups: Vec<GroupId>,
    /// Asked by a holder of one of these chat roles; empty: by anybody.
    pub asker_roles: Vec<ChatRoleId>,
    /// In a request for at least so many devices.
    pub min_devices: u32,
    /// Of a request for many, each device is told of; otherwise the request is, once.
    pub every_device: bool,
    /// The channel that is told.
    pub channel: Option<ChannelId>,
    /// The webhook that is told, by name.
    pub webhook: Option<String>,
    /// What comes within so long is told together.
    pub digest: SignedDuration,
    /// Nobody is told, and no later rule is looked at.
    pub mute: bool,
}

/// An address that is told by HTTP POST, signed.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// What rules call it.
    pub name: String,
    /// Where.
    pub url: Url,
    /// What the signature is made with.
    pub key: SecretString,
}

pub(super) fn notify(read: &Reader<'_>) -> Result<Notify, BadSettings> {
    let webhooks = rows(read, "notify", "webhook")
        .enumerate()
        .map(|(at, row)| webhook(row).map_err(|bad| bad.in_row(row_called("webhook", at, row))))
        .collect::<Result<Vec<_>, _>>()?;
    let rules = rows(read, "notify", "rule")
        .enumerate()
        .map(|(at, row)| rule(row, &webhooks).map_err(|bad| bad.in_row(row_called("rule", at, row))))
        .collect::<Result<Vec<_>, _>>()?;
    for (at, webhook) in webhooks.iter().enumerate() {
        if webhooks[..at].iter().any(|other| other.name == webhook.name) {
            return Err(BadSettings::value("notify.webhook.name", format!("{:?} is there twice", webhook.name)));
        }
    }
    Ok(Notify { rules, webhooks })
}

/// A text, which may be missing or empty; a number in its place is no text, and nothing else either.
fn text<'a>(row: &'a Table, table: &str, name: &str) -> Result<Option<&'a str>, BadSettings> {
    match row.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        Some(other) => {
            let why = format!("write it in quotes: \"{}\"", other.to_string().trim_matches('"'));
            Err(BadSettings::value(format!("{table}.{name}"), why))
        }
    }
}

fn webhook(row: &Table) -> Result<Webhook, BadSettings> {
    let key = |name: &str| format!("notify.webhook.{name}");
    let text = |name: &str| text(row, "notify.webhook", name);
    let name = text("name")?.ok_or_else(|| BadSettings::value(key("name"), "is needed"))?.to_owned();
    let url = text("url")?.ok_or_else(|| BadSettings::value(key("url"), "is needed"))?;
    let url = check_address(&key("url"), url)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(BadSettings::value(key("url"), "write an address such as https://siem.contoso.com/hook"));
    }
    let secret = match (text("key")?, text("key_file")?) {
        (Some(_), Some(_)) => {
            return Err(BadSettings::value(key("key"), "and key_file are both set; keep one of them"));
        }
        (Some(secret), None) => secret.to_owned(),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|error| BadSettings::value(key("key_file"), format!("{path} cannot be read: {error}")))?
            .trim()
            .to_owned(),
        (None, None) => {
            return Err(BadSettings::value(key("key"), "is needed, or key_file: what the signature is made with"));
        }
    };
    let secret = SecretString::from(secret);
    if secret.expose_secret().chars().count() < KEY_MIN {
        return Err(BadSettings::value(key("key"), format!("is too short: at least {KEY_MIN} random characters")));
    }
    Ok(Webhook { name, url, key: secret })
}

fn rule(row: &Table, webhooks: &[Webhook]) -> Result<NotifyRule, BadSettings> {
    let key = |name: &str| format!("{RULE}.{name}");
    let text = |name: &str| text(row, RULE, name);
    let flag = |name: &str| match row.get(name) {
        None => Ok(false),
        Some(value) => value.as_bool().ok_or_else(|| BadSettings::value(key(name), "write true or false")),
    };
    let outcomes: Vec<String> = list_in(row, RULE, "outcomes")?;
    if let Some(unknown) = outcomes.iter().find(|outcome| !OUTCOMES.contains(&outcome.as_str())) {
        return Err(BadSettings::value(key("outcomes"), format!("{unknown:?} is none of {}", OUTCOMES.join(", "))));
    }
    let min_devices = match row.get("min_devices") {
        None => 0,
        Some(value) => value
            .as_integer()
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| BadSettings::value(key("min_devices"), "write a whole number, 0 or more"))?,
    };
    let digest = match text("digest")? {
        None => SignedDuration::ZERO,
        Some(text) => parse_duration(text).map_err(|bad| BadSettings::value(key("digest"), bad))?,
    };
    let channel = match text("channel_id")? {
        None => None,
        Some(text) => Some(text.parse().map_err(|bad| BadSettings::value(key("channel_id"), bad))?),
    };
    let webhook = text("webhook")?.map(str::to_owned);
    if let Some(name) = webhook.as_ref().filter(|name| webhooks.iter().all(|webhook| webhook.name != **name)) {
        return Err(BadSettings::value(key("webhook"), format!("there is no [[notify.webhook]] called {name:?}")));
    }
    let rule = NotifyRule {
        name: text("name")?.ok_or_else(|| BadSettings::value(key("name"), "is needed"))?.to_owned(),
        outcomes,
        platforms: platforms_in(row, RULE)?,
        groups: list_in(row, RULE, "groups")?,
        asker_roles: list_in(row, RULE, "asker_roles")?,
        min_devices,
        every_device: flag("every_device")?,
        channel,
        webhook,
        digest,
        mute: flag("mute")?,
    };
    if rule.mute == (rule.channel.is_some() || rule.webhook.is_some()) {
        return Err(BadSettings::value(
            key("channel_id"),
            "name a channel, a webhook, or both; or write mute = true and neither",
        ));
    }
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Notify, BadSettings> {
        notify(&Reader(&text.parse().expect("TOML")))
    }

    const HOOK: &str = "[[notify.webhook]]\nname = \"siem\"\nurl = \"https://siem.contoso.com/hook\"\nkey = \"0123456789abcdef0123\"\n";

    #[test]
    fn a_rule_sends_somewhere_or_mutes() {
        let both =
            format!("{HOOK}[[notify.rule]]\nname = \"a\"\nwebhook = \"siem\"\nchannel_id = \"7\"\ndigest = \"15m\"\n");
        let rules = read(&both).expect("it is right").rules;
        assert_eq!((rules[0].channel, rules[0].digest), (Some(ChannelId(7)), SignedDuration::from_mins(15)));
        assert!(read("[[notify.rule]]\nname = \"a\"\nmute = true\n").is_ok());
        for bad in [
            "[[notify.rule]]\nname = \"a\"\n",
            "[[notify.rule]]\nname = \"a\"\nmute = true\nchannel_id = \"7\"\n",
            "[[notify.rule]]\nname = \"a\"\nwebhook = \"nobody\"\n",
            "[[notify.rule]]\nname = \"a\"\nchannel_id = \"7\"\ndigest = 15\n",
            "[[notify.rule]]\nname = \"a\"\nchannel_id = 7\n",
            "[[notify.rule]]\nname = 1\nchannel_id = \"7\"\n",
            "[[notify.rule]]\nname = \"a\"\nchannel_id = \"7\"\noutcomes = [\"synced\"]\n",
            "[[notify.webhook]]\nname = \"siem\"\nurl = \"http://siem.contoso.com\"\nkey = \"0123456789abcdef0123\"\n",
            "[[notify.webhook]]\nname = \"siem\"\nurl = \"https://siem.contoso.com\"\nkey = \"short\"\n",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_error_names_the_rule_that_it_is_in() {
        let rules = "[[notify.rule]]\nname = \"a\"\nmute = true\n[[notify.rule]]\nname = \"b\"\nmute = 1\n";
        let wrong = read(rules).expect_err("it is wrong").to_string();
        assert!(wrong.contains("rule \"b\"") && wrong.contains("notify.rule.mute"), "{wrong}");
    }

    #[test]
    fn a_key_is_never_printed() {
        assert!(!format!("{:?}", read(HOOK).expect("it is right")).contains("0123456789"));
    }
}
