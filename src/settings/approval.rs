//! `[[approval.rule]]`: when a second person must agree, and who may.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use toml::{Table, Value};

use super::load::BadSettings;
use super::measure::Rate;
use super::reader::{NAME_MAX, Reader, list_in, platforms_in, row_called, rows};
use crate::chat::ChatRoleId;
use crate::intune::{GroupId, OwnerType, Platform};

/// The table, as errors name it.
const RULE: &str = "approval.rule";

/// What a rule may say.
pub(super) const KEYS: &[&str] = &[
    "name",
    "min_devices",
    "platforms",
    "owner",
    "groups",
    "outside_hours",
    "asker_roles",
    "approver_roles",
    "approver_groups",
    "needed",
    "auto",
    "step_up",
];

/// One rule. It applies where every condition that it has holds; one without any applies to everything.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalRule {
    /// What people call it.
    pub name: String,
    /// For at least so many devices.
    pub min_devices: Option<u32>,
    /// With a device of one of these platforms; empty: of any.
    pub platforms: Vec<Platform>,
    /// With a device of this owner.
    pub owner: Option<OwnerType>,
    /// With a device that is in one of these groups, or whose primary user is; empty: any device.
    pub groups: Vec<GroupId>,
    /// At any time but these hours.
    pub outside_hours: Option<Hours>,
    /// Asked by a holder of one of these chat roles; empty: by anybody.
    pub asker_roles: Vec<ChatRoleId>,
    /// Chat roles whose holders may approve.
    pub approver_roles: Vec<ChatRoleId>,
    /// Entra groups whose linked members may.
    pub approver_groups: Vec<GroupId>,
    /// How many of them it takes.
    pub needed: u32,
    /// The rule lets so many devices in so long through by itself.
    pub auto: Option<Rate>,
    /// Whoever approves signs in to Entra afresh for it, with multifactor authentication.
    pub step_up: bool,
}

/// Hours on some days of the week.
#[derive(Clone, Debug, PartialEq)]
pub struct Hours {
    /// As they were written.
    text: String,
    days: Vec<Weekday>,
    from: Time,
    to: Time,
    zone: TimeZone,
}

impl Hours {
    /// Whether they hold at this moment.
    pub fn contain(&self, now: Timestamp) -> bool {
        let there = now.to_zoned_datetime(self.zone.clone());
        self.days.contains(&there.weekday()) && self.from <= there.time() && there.time() < self.to
    }

    /// Reads `Mon-Fri 08:00-18:00 Europe/Berlin`, or says which part of it is wrong.
    fn read(text: &str) -> Result<Self, String> {
        let [days, hours, zone_name] = text.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err(format!("{text:?} is not days, one span of hours and a time zone: write them as in {HOURS}"));
        };
        let (from, to) = span(hours)?;
        let zone = TimeZone::get(zone_name).map_err(|_| {
            format!("{zone_name:?} is not a time zone: write one such as Europe/Berlin or UTC, as in {HOURS}")
        })?;
        Ok(Self { text: format!("{days} {hours} {zone_name}"), days: weekdays(days)?, from, to, zone })
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

/// What `outside_hours` looks like.
const HOURS: &str = "\"Mon-Fri 08:00-18:00 Europe/Berlin\"";

fn weekdays(text: &str) -> Result<Vec<Weekday>, String> {
    let bad = || format!("{text:?} are not days: write Mon or Mon-Fri, as in {HOURS}");
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (weekday(first).ok_or_else(bad)?, weekday(last).ok_or_else(bad)?);
    let mut days = vec![first];
    let mut day = first;
    while day != last {
        day = day.next();
        days.push(day);
    }
    Ok(days)
}

fn span(text: &str) -> Result<(Time, Time), String> {
    let time = |text: &str| Time::strptime("%H:%M", text).ok();
    let (from, to) = text
        .split_once('-')
        .and_then(|(from, to)| Some((time(from)?, time(to)?)))
        .ok_or_else(|| format!("{text:?} are not hours: write them from 00:00 to 23:59, as in {HOURS}"))?;
    if from >= to {
        return Err(format!("{text:?} must end after it begins, on the same day and at 23:59 at the latest"));
    }
    Ok((from, to))
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text.to_ascii_lowercase().as_str() {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        _ => return None,
    })
}

pub(super) fn rules(read: &Reader<'_>, max_devices: usize) -> Result<Vec<ApprovalRule>, BadSettings> {
    let rules = rows(read, "approval", "rule")
        .enumerate()
        .map(|(at, row)| rule(row, max_devices).map_err(|bad| bad.in_row(row_called("rule", at, row))))
        .collect::<Result<Vec<_>, _>>()?;
    for (at, rule) in rules.iter().enumerate() {
        if rules[..at].iter().any(|other| other.name == rule.name) {
            return Err(BadSettings::value("approval.rule.name", format!("{:?} is there twice", rule.name)));
        }
    }
    let channel = read.text("discord", "approvals_channel_id")?;
    if !rules.is_empty() && channel.is_empty() {
        let why = "is needed with [[approval.rule]]: the channel where approvals are asked for";
        return Err(BadSettings::value("discord.approvals_channel_id", why));
    }
    if rules.iter().any(|rule| rule.step_up) && read.text("link", "authentication_context")?.is_empty() {
        let why = "is needed with approval.rule.step_up: the authentication context whose Conditional Access policy demands multifactor authentication, such as \"c1\"";
        return Err(BadSettings::value("link.authentication_context", why));
    }
    Ok(rules)
}

fn name(row: &Table) -> Result<String, BadSettings> {
    let name = row.get("name").and_then(Value::as_str).map(str::trim).unwrap_or_default();
    let bad = |why: String| Err(BadSettings::value("approval.rule.name", why));
    match name.chars().count() {
        0 => bad("is needed, as a text in quotes: what people call the rule".to_owned()),
        long if long > NAME_MAX => {
            bad(format!("is too long: it has {long} characters, and at most {NAME_MAX} stand on a card"))
        }
        _ => Ok(name.to_owned()),
    }
}

fn rule(row: &Table, max_devices: usize) -> Result<ApprovalRule, BadSettings> {
    let key = |name: &str| format!("{RULE}.{name}");
    let number = |name: &str| match row.get(name) {
        None => Ok(None),
        Some(value) => {
            let number = value.as_integer().and_then(|number| u32::try_from(number).ok()).filter(|&number| number > 0);
            number.map(Some).ok_or_else(|| BadSettings::value(key(name), "write a whole number, 1 or more"))
        }
    };
    let text = |name: &str, hint: &str| match row.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or_else(|| BadSettings::value(key(name), hint)),
    };
    let platforms = platforms_in(row, RULE)?;
    let outside_hours = match text("outside_hours", &format!("write days, hours and a time zone, as in {HOURS}"))? {
        None => None,
        Some(text) => Some(Hours::read(text).map_err(|why| BadSettings::value(key("outside_hours"), why))?),
    };
    let owner_hint = "write \"company\" or \"personal\"";
    let owner = match text("owner", owner_hint)? {
        None => None,
        Some("company") => Some(OwnerType::Company),
        Some("personal") => Some(OwnerType::Personal),
        Some(_) => return Err(BadSettings::value(key("owner"), owner_hint)),
    };
    let auto = match text("auto", "write how many devices in how long, such as \"50/1d\"")? {
        None => None,
        Some(text) => Some(text.parse().map_err(|bad| BadSettings::value(key("auto"), bad))?),
    };
    let rule = ApprovalRule {
        name: name(row)?,
        min_devices: number("min_devices")?,
        platforms,
        owner,
        groups: list_in(row, RULE, "groups")?,
        outside_hours,
        asker_roles: list_in(row, RULE, "asker_roles")?,
        approver_roles: list_in(row, RULE, "approver_roles")?,
        approver_groups: list_in(row, RULE, "approver_groups")?,
        needed: number("needed")?.unwrap_or(1),
        auto,
        step_up: match row.get("step_up") {
            None => false,
            Some(value) => value.as_bool().ok_or_else(|| BadSettings::value(key("step_up"), "write true or false"))?,
        },
    };
    if let Some(least) = rule.min_devices.filter(|&least| usize::try_from(least).is_ok_and(|least| least > max_devices))
    {
        let why = format!(
            "{least} devices are more than sync.max_devices ({max_devices}) allows, so the rule could never apply: write at most {max_devices}"
        );
        return Err(BadSettings::value(key("min_devices"), why));
    }
    if rule.approver_roles.is_empty() && rule.approver_groups.is_empty() {
        let why = "name who may approve, here or in approver_groups: without anybody nothing could ever be approved";
        return Err(BadSettings::value(key("approver_roles"), why));
    }
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_those_of_their_place() {
        let hours = Hours::read("Mon-Fri 08:00-18:00 Europe/Berlin").unwrap();
        // 2026-11-23 is a Monday; Berlin is an hour ahead of UTC.
        for (at, within) in [
            ("2026-11-23T07:00:00Z", true),
            ("2026-11-23T06:59:59Z", false),
            ("2026-11-23T17:00:00Z", false),
            ("2026-11-28T10:00:00Z", false),
        ] {
            assert_eq!(hours.contain(at.parse().unwrap()), within, "{at}");
        }
        assert!(Hours::read("Sat-Mon 00:00-23:59 UTC").unwrap().contain("2026-11-23T10:00:00Z".parse().unwrap()));
    }

    #[test]
    fn the_part_of_the_hours_that_is_wrong_is_told() {
        for (bad, why) in [
            ("", "\"\" is not days, one span of hours and a time zone"),
            ("Mon-Fri", "\"Mon-Fri\" is not days, one span"),
            ("Mon-Fri 08:00-12:00 13:00-18:00 UTC", "is not days, one span of hours and a time zone"),
            ("Mon-Fri 8-18 UTC", "\"8-18\" are not hours: write them from 00:00 to 23:59"),
            ("Mon-Fri 08:00-24:00 UTC", "\"08:00-24:00\" are not hours"),
            ("Mon-Fri 18:00-08:00 UTC", "\"18:00-08:00\" must end after it begins, on the same day"),
            ("Mo-Fr 08:00-18:00 UTC", "\"Mo-Fr\" are not days: write Mon or Mon-Fri"),
            ("Mon,Tue 08:00-18:00 UTC", "\"Mon,Tue\" are not days"),
            ("Mon 08:00-18:00 Nowhere/City", "\"Nowhere/City\" is not a time zone: write one such as Europe/Berlin"),
        ] {
            let said = Hours::read(bad).expect_err(bad);
            assert!(said.contains(why), "{bad}: {said}");
        }
    }

    fn refusal(rows: &str) -> String {
        let config: Table = rows.parse().expect("TOML");
        rules(&Reader(&config), 100).expect_err(rows).to_string()
    }

    #[test]
    fn an_error_says_which_rule_it_is_about() {
        let first = "[[approval.rule]]\nname = \"one\"\napprover_roles = [\"1\"]\n";
        for (second, said) in [
            (
                "name = \"two\"\napprover_groups = [\"Lab devices\"]",
                "`approval.rule.approver_groups` (rule \"two\"): \"Lab devices\" is not a group's Object ID (Entra admin center > Groups > Overview)",
            ),
            (
                "approver_roles = [\"1\"]",
                "`approval.rule.name` (rule number 2): is needed, as a text in quotes: what people call the rule",
            ),
            (
                "name = \"Every device of the laboratories and the workshop\"",
                "`approval.rule.name` (rule number 2): is too long: it has 49 characters, and at most 40 stand on a card",
            ),
            (
                "name = \"two\"\nmin_devices = 101\napprover_roles = [\"1\"]",
                "`approval.rule.min_devices` (rule \"two\"): 101 devices are more than sync.max_devices (100) allows, so the rule could never apply: write at most 100",
            ),
        ] {
            assert_eq!(refusal(&format!("{first}[[approval.rule]]\n{second}\n")), said);
        }
    }

    #[test]
    fn a_rule_names_who_may_approve() {
        let row: Table = "name = \"large\"\nmin_devices = 20".parse().unwrap();
        assert!(rule(&row, 100).unwrap_err().to_string().contains("who may approve"));
        let row: Table = "name = \"large\"\nmin_devices = 0\napprover_roles = [\"1\"]".parse().unwrap();
        assert!(rule(&row, 100).unwrap_err().to_string().contains("approval.rule.min_devices"));
        let row: Table =
            "name = \"macs\"\nplatforms = [\"macOS\"]\napprover_roles = [\"1\"]\nauto = \"50/1d\"".parse().unwrap();
        let rule = rule(&row, 100).unwrap();
        assert_eq!((rule.platforms, rule.needed), (vec![Platform::MacOs], 1));
    }
}
