//! Many devices: the card before the click, the message that lives while they are synced, and the words at the end.

use std::collections::BTreeMap;

use commands::{CustomId, Verb};
use jiff::{SignedDuration, Timestamp};

use super::clean::code;
use super::words::{compliance, denial, mention, moment, name, not_syncable, relative, span};
use crate::discord::card::{Card, Embed, Tone};
use crate::intune::{Device, DeviceFilter};
use crate::settings::Rate;
use crate::store::{BulkRow, BulkStanding, BulkTarget, Freeze, Outcome, OutcomeWord, RequestState, RuleAsked};
use crate::sync::{BulkProposal, IndexAge, LeftOut, WhyLeftOut};

/// Devices that are named on the card; more are in the attached table.
pub const NAMED: usize = 15;

/// Characters of a bar.
const BAR: u32 = 20;

/// The question.
pub fn bulk_confirm(proposal: &BulkProposal) -> Card {
    let count = proposal.devices.len();
    let mut text = vec![format!("{}: {}.", target(&proposal.target), platforms(&proposal.devices))];
    text.push(named(&proposal.devices));
    if proposal.left_out.count() > 0 {
        text.push(left_out(&proposal.left_out));
    }
    if let Some(at) = proposal.as_of {
        text.push(format!("From the list of devices as it was {}.", relative(at)));
    }
    if let Some(index) = &proposal.index {
        text.push(index_age(index));
    }
    text.push(format!(
        "Intune asks each of them to check in. Sending takes about {} at the rate that Microsoft allows; check-ins follow when devices are reachable.",
        span(proposal.takes.max(SignedDuration::from_secs(1)))
    ));
    let dry = proposal.request.is_none();
    text.extend(who_agrees(&proposal.rules, &proposal.allowed_by, dry));
    if proposal.observe {
        text.push("**Observe mode**: Yes sends nothing to Intune; it shows what would have happened.".to_owned());
    }
    text.extend(proposal.freeze.as_ref().map(banner));
    let title = if dry { format!("Dry run: {}", devices(count)) } else { format!("Sync {}?", devices(count)) };
    let mut embed = Embed::new(Tone::Neutral, title, text.join("\n\n"))
        .field("Reason", proposal.reason.as_deref().map(|reason| code(reason, 200)).unwrap_or_default());
    match proposal.request {
        Some(request) => {
            embed = embed.field("Answer", format!("expires {}", relative(proposal.expires_at)));
            Card::of(embed).button("Yes", CustomId::new(Verb::Yes, request.0), true).button(
                "No",
                CustomId::new(Verb::No, request.0),
                false,
            )
        }
        None => Card::of(embed.footer("Nothing was stored and nothing will be sent.")),
    }
}

/// "1 device", "20 devices".
pub(super) fn devices(count: usize) -> String {
    if count == 1 { "1 device".to_owned() } else { format!("{count} devices") }
}

/// What was asked for.
pub(super) fn target(target: &BulkTarget) -> String {
    match target {
        BulkTarget::User { name, sign_in, .. } => format!("Every device of {} ({})", code(name, 60), code(sign_in, 80)),
        BulkTarget::Group { name, .. } => format!("The devices of the group {} and of its members", code(name, 80)),
        BulkTarget::Filter(filter) => conditions(filter),
    }
}

fn conditions(filter: &DeviceFilter) -> String {
    let mut words = vec![match &filter.platform {
        Some(platform) => format!("Devices with {platform}"),
        None => "Devices".to_owned(),
    }];
    words.extend(filter.unseen_days.map(|days| match days {
        1 => "not seen for a day or more".to_owned(),
        days => format!("not seen for {days} days or more"),
    }));
    words.extend(filter.compliance.as_ref().map(|state| compliance(state).to_owned()));
    words.extend(filter.retryable_failures.then(|| "with an app failure that a sync may mend".to_owned()));
    words.join(", ")
}

/// "12 Windows, 3 iOS".
pub(super) fn platforms(all: &[Device]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for device in all {
        *counts.entry(device.platform.to_string()).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
        .iter()
        .map(|(platform, count)| format!("{count} {}", super::clean(platform, 30)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The first of them by name.
pub(super) fn named(all: &[Device]) -> String {
    let shown: Vec<_> = all.iter().take(NAMED).map(name).collect();
    let more = all.len().saturating_sub(NAMED);
    if more == 0 { shown.join(" ") } else { format!("{} and {more} more: see the attached table.", shown.join(" ")) }
}

/// How many are left out, and why.
pub(super) fn left_out(left_out: &LeftOut) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, why) in &left_out.shown {
        *counts.entry(why_left_out(why)).or_default() += 1;
    }
    let mut lines = vec![format!("**Left out: {}**", devices(left_out.count()))];
    if left_out.hidden > 0 {
        lines.push(format!("{} outside of what your roles cover", left_out.hidden));
    }
    lines.extend(counts.iter().map(|(why, count)| format!("{count}: {why}")));
    lines.join("\n")
}

/// Why one is, as a sentence.
pub fn why_left_out(why: &WhyLeftOut) -> String {
    match why {
        WhyLeftOut::Denied(why) => denial(why, "sync"),
        WhyLeftOut::NotSyncable(why) => not_syncable(why),
        WhyLeftOut::Cooldown => "It was synced a moment ago.".to_owned(),
    }
}

/// How old the index of app failures is, what it holds, and what is missing in it.
pub(super) fn index_age(index: &IndexAge) -> String {
    let oldest = match index.oldest {
        Some(at) => format!("the oldest reading is from {}", relative(at)),
        None => "none has been read yet".to_owned(),
    };
    let missing = if index.missing == 0 {
        String::new()
    } else {
        format!(" {} could not be looked at and may be missing here.", devices(index.missing))
    };
    format!(
        "App failures are known of {} (Android, iOS and iPadOS only, which try failed apps again at a sync); {oldest}.{missing}",
        devices(index.read)
    )
}

/// Who has to agree, if somebody does; `dry`: nobody presses Yes, so that nobody will have to.
pub(super) fn who_agrees(rules: &[RuleAsked], allowed_by: &[String], dry: bool) -> Option<String> {
    let (has_to, lets) = if dry {
        ("A second person would have to agree", "would let")
    } else {
        ("After Yes a second person has to agree", "lets")
    };
    let asks = by_rules(rules).map(|rules| format!("**{has_to}**, by {rules}."));
    asks.or_else(|| let_through(allowed_by).map(|rules| format!("{rules} {lets} this many through by itself.")))
}

fn by_rules(rules: &[RuleAsked]) -> Option<String> {
    let named = |rule: &RuleAsked| match rule.needed {
        1 => format!("the rule {}", code(&rule.name, 40)),
        needed => format!("the rule {} ({needed} people)", code(&rule.name, 40)),
    };
    let rules: Vec<_> = rules.iter().map(named).collect();
    (!rules.is_empty()).then(|| rules.join(" and "))
}

fn let_through(allowed_by: &[String]) -> Option<String> {
    let allowed: Vec<_> = allowed_by.iter().map(|rule| code(rule, 40)).collect();
    (!allowed.is_empty()).then(|| format!("The rule {}", allowed.join(" and ")))
}

/// Nothing is sent at the moment.
pub fn banner(freeze: &Freeze) -> String {
    format!(
        "🧊 **Frozen until {}**: nothing is sent to Intune before that ({}). What is confirmed waits and then goes on by itself.",
        moment(freeze.ends_at),
        code(&freeze.reason, 200)
    )
}

/// A card whose time is over.
pub fn bulk_expired(what: &BulkTarget, count: u32) -> Card {
    let text = format!(
        "{}. Nobody pressed Yes in time, so nothing was sent. Send the command again if you still want the sync.",
        target(what)
    );
    Card::of(Embed::new(Tone::Neutral, format!("Not syncing {}", devices(as_count(count))), text))
}

fn as_count(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// What a live message shows beside the counts.
#[derive(Clone, Copy, Debug)]
pub struct Pace<'a> {
    /// The moment.
    pub now: Timestamp,
    /// The rate of calls that is allowed.
    pub rate: Rate,
    /// Until when Graph lets nothing through, if so.
    pub throttled_until: Option<Timestamp>,
    /// Which part of the rate is taken: less than the whole after throttling.
    pub share: f64,
    /// How many devices are sent until the last of these is, those of other requests among them.
    pub to_send: u32,
    /// Nothing is sent at the moment.
    pub freeze: Option<&'a Freeze>,
}

/// Where a running bulk request stands.
pub fn bulk_progress(standing: &BulkStanding, pace: Pace<'_>) -> Card {
    let total = standing.total();
    let over = standing.finished_at.filter(|_| standing.waiting == 0 && standing.watched == 0);
    let mut text = vec![format!("{}, asked by {}.", asked(standing), mention(standing.request.actor.user))];
    let asked_again = standing.request.state == RequestState::AwaitingApproval;
    let done = total - standing.waiting - standing.watched;
    text.push(format!("{} {done} of {total} done", bar(done, total)));
    text.push(states(standing).join("\n"));
    if asked_again {
        text.push("The devices changed before anything was sent, so it waits for approval again.".to_owned());
    } else if over.is_none() {
        text.extend(pace_words(standing, pace));
    }
    let (tone, title) = match over {
        _ if asked_again => (Tone::Attention, format!("Waiting for approval: {}", devices(as_count(total)))),
        Some(_) => (Tone::Good, format!("The sync of {} is over", devices(as_count(total)))),
        None if standing.stopped => (Tone::Attention, format!("Stopped: {}", devices(as_count(total)))),
        None => (Tone::Neutral, format!("Syncing {}", devices(as_count(total)))),
    };
    let mut embed = Embed::new(tone, title, text.join("\n\n"))
        .field("Reason", standing.request.reason.as_deref().map(|reason| code(reason, 200)).unwrap_or_default());
    if over.is_none() {
        embed = embed.footer("Accepted is not a check-in: a device has to be switched on and reachable.");
    }
    let card = Card::of(embed);
    let can_stop = over.is_none() && standing.waiting > 0 && !standing.stopped && !asked_again;
    if can_stop { card.button("Cancel", CustomId::new(Verb::Stop, standing.request.id.0), false) } else { card }
}

fn asked(standing: &BulkStanding) -> String {
    standing.request.target.as_ref().map(target).unwrap_or_default()
}

fn bar(done: u32, total: u32) -> String {
    let full = (done * BAR).checked_div(total).unwrap_or_default();
    let full_part = "█".repeat(as_count(full));
    format!("`{full_part}{}`", "░".repeat(as_count(BAR - full)))
}

fn states(standing: &BulkStanding) -> Vec<String> {
    let mut lines = vec![format!("{} sent, {} waiting", standing.sent, standing.waiting)];
    if standing.watched > 0 {
        lines.push(format!("🕓 {} asked, not checked in yet", standing.watched));
    }
    lines.extend(standing.ended.iter().map(|(word, count)| format!("{} {count} {}", sign(*word), ended_word(*word))));
    lines
}

fn sign(word: OutcomeWord) -> &'static str {
    match word {
        OutcomeWord::CheckedIn => "✅",
        OutcomeWord::NoCheckInSeen => "🕓",
        OutcomeWord::Failed | OutcomeWord::Gone => "❌",
        OutcomeWord::NotSupported | OutcomeWord::Refused => "🚫",
        OutcomeWord::Cancelled | OutcomeWord::Skipped => "⚪",
    }
}

/// An outcome as it is counted.
pub fn ended_word(word: OutcomeWord) -> &'static str {
    match word {
        OutcomeWord::CheckedIn => "checked in",
        OutcomeWord::NoCheckInSeen => "no check-in seen yet",
        OutcomeWord::Failed => "not taken by Graph",
        OutcomeWord::Gone => "no longer in Intune",
        OutcomeWord::NotSupported => "cannot be synced",
        OutcomeWord::Refused => "refused",
        OutcomeWord::Cancelled => "cancelled, not sent",
        OutcomeWord::Skipped => "would have been synced (observe mode)",
    }
}

fn pace_words(standing: &BulkStanding, pace: Pace<'_>) -> Option<String> {
    if standing.stopped {
        return Some("Nothing more is sent; what was sent is watched.".to_owned());
    }
    if let Some(freeze) = pace.freeze {
        return Some(banner(freeze));
    }
    if let Some(until) = pace.throttled_until.filter(|until| *until > pace.now) {
        return Some(format!("Microsoft Graph is throttling; sending goes on {}.", relative(until)));
    }
    if standing.waiting == 0 {
        return Some("Everything is sent.".to_owned());
    }
    let since = standing.started_at.map(|at| pace.now.duration_since(at)).filter(|since| since.as_secs() > 0)?;
    let allowed = f64::from(pace.rate.count.max(1)) * pace.share.clamp(0.01, 1.0);
    let left = pace.rate.per.mul_f64(f64::from(pace.to_send.max(standing.waiting)) / allowed);
    let per_minute = f64::from(standing.sent) * 60.0 / since.as_secs_f64();
    let slowed = if pace.share < 1.0 {
        format!(" Microsoft Graph has throttled calls, so sending is slowed to {:.0} % for now.", pace.share * 100.0)
    } else {
        String::new()
    };
    Some(format!(
        "{per_minute:.0} a minute so far; about {} left to send.{slowed}",
        span(left.max(SignedDuration::from_secs(1)))
    ))
}

/// How a bulk request ended.
pub fn bulk_summary(standing: &BulkStanding, rows: &[BulkRow]) -> Card {
    let total = standing.total();
    let good = standing.ended_as(OutcomeWord::CheckedIn);
    let (retryable, failing) = failures(rows);
    let mut text = vec![format!("{}.", asked(standing))];
    text.push(
        standing
            .ended
            .iter()
            .map(|(word, count)| format!("{} {count} {}", sign(*word), ended_word(*word)))
            .collect::<Vec<_>>()
            .join("\n"),
    );
    if failing > 0 {
        let failing = devices(failing);
        text.push(match retryable {
            0 => format!("{failing} with app failures, none of them retryable by Microsoft's table."),
            retryable => format!(
                "{failing} with app failures; on {retryable} at least one is retryable and still available to the device."
            ),
        });
    }
    if let (Some(from), Some(to)) = (standing.started_at, standing.finished_at) {
        text.push(format!(
            "It took {}. The message that showed how far it was has a table with a row for each device.",
            span(to.duration_since(from))
        ));
    }
    let tone = if good == total { Tone::Good } else { Tone::Attention };
    let title = format!("{good} of {} checked in", devices(as_count(total)));
    Card::of(Embed::new(tone, title, text.join("\n\n")))
}

/// On how many devices apps fail: at least one retryable, and any.
fn failures(rows: &[BulkRow]) -> (usize, usize) {
    rows.iter().fold((0, 0), |(retryable, failing), row| {
        let Some(Outcome::CheckedIn(report)) = &row.outcome else { return (retryable, failing) };
        let apps = report.apps.as_deref().unwrap_or_default();
        let can = apps.iter().any(|app| app.advice == crate::intune::Advice::Retryable);
        (retryable + usize::from(can), failing + usize::from(!apps.is_empty()))
    })
}

/// One line for the team's channel. Nobody is pinged.
pub fn bulk_team_line(standing: &BulkStanding) -> Card {
    let total = devices(as_count(standing.total()));
    let ended: Vec<_> =
        standing.ended.iter().map(|(word, count)| format!("{} {count} {}", sign(*word), ended_word(*word))).collect();
    let reason = standing.request.reason.as_ref().map(|reason| format!(" · {}", code(reason, 80))).unwrap_or_default();
    let who = mention(standing.request.actor.user);
    Card::text(format!("📦 {total}: {} · asked by {who}{reason}", ended.join(", ")))
}
