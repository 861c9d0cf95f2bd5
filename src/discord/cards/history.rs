//! `/history`: what was asked, and how it ended.

use super::clean::code;
use super::words::{mention, moment, name, span};
use crate::discord::card::{Card, Embed, Tone};
use crate::store::{DeviceSyncState, HistoryRow, Outcome, RefusedWhy, RequestState};
use crate::sync::HistoryAnswer;

/// The list, newest first.
pub fn history(answer: &HistoryAnswer) -> Card {
    let title = if answer.everyone { "Everyone's latest requests" } else { "Your latest requests" };
    if answer.rows.is_empty() {
        return Card::of(Embed::new(Tone::Neutral, title, "Nothing was asked yet. `/sync device:` is a start."));
    }
    let lines: Vec<_> = answer.rows.iter().map(|row| line(row, answer.everyone)).collect();
    Card::of(Embed::new(Tone::Neutral, title, lines.join("\n")))
}

fn line(row: &HistoryRow, everyone: bool) -> String {
    let who = if everyone { format!(" {}", mention(row.actor.user)) } else { String::new() };
    let reason = row.reason.as_ref().map(|reason| format!(" · {}", code(reason, 40))).unwrap_or_default();
    format!("{}{who} {}: {}{reason}", moment(row.at), name(&row.device), ended(row))
}

fn ended(row: &HistoryRow) -> String {
    match (row.state, &row.outcome) {
        (RequestState::AwaitingConfirmation, _) => "waits for Yes or No".to_owned(),
        (RequestState::AwaitingApproval, _) => "waits for somebody to approve".to_owned(),
        (RequestState::Rejected, _) => "not approved".to_owned(),
        (RequestState::Cancelled, _) => "cancelled".to_owned(),
        (RequestState::Expired, _) => "not confirmed in time".to_owned(),
        (RequestState::Refused, _) => "refused: rights had changed".to_owned(),
        (_, Some(outcome)) => word(outcome),
        (RequestState::Running | RequestState::Finished, None) => match row.sync_state {
            DeviceSyncState::Accepted => "accepted, no check-in yet".to_owned(),
            DeviceSyncState::Unknown => "asked, answer unknown, being watched".to_owned(),
            _ => "waits for its turn".to_owned(),
        },
    }
}

fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::CheckedIn(report) => {
            format!("checked in after {}", span(report.checked_in_at.duration_since(report.requested_at)))
        }
        Outcome::NoCheckInSeen { .. } => "no check-in seen".to_owned(),
        Outcome::Failed { .. } => "failed".to_owned(),
        Outcome::Gone => "gone from Intune".to_owned(),
        Outcome::NotSupported(_) => "not supported".to_owned(),
        Outcome::Refused(RefusedWhy::Rights(_)) => "refused: rights".to_owned(),
        Outcome::Refused(RefusedWhy::ApprovalRequired) => "refused: Multi Admin Approval".to_owned(),
        Outcome::Refused(RefusedWhy::BotPermission) => "refused: the bot lacks a permission".to_owned(),
        Outcome::Cancelled => "cancelled".to_owned(),
        Outcome::Skipped => "observed only".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::chat::{Actor, ChannelId, ChatUserId, GuildId};

    fn row(state: RequestState, sync_state: DeviceSyncState, outcome: Option<Outcome>) -> HistoryRow {
        let actor = Actor {
            user: ChatUserId(301),
            name: "Hanna Meyer".to_owned(),
            roles: Vec::new(),
            guild: GuildId(1),
            channel: ChannelId(101),
        };
        HistoryRow { actor, at: samples::now(), device: samples::device(), reason: None, state, sync_state, outcome }
    }

    #[test]
    fn requests_in_every_state() {
        let mut rows: Vec<_> =
            RequestState::ALL.iter().map(|&state| row(state, DeviceSyncState::Queued, None)).collect();
        rows.push(row(RequestState::Running, DeviceSyncState::Accepted, None));
        rows.push(row(RequestState::Running, DeviceSyncState::Unknown, None));
        let outcomes =
            [Outcome::NoCheckInSeen { accepted: true, last_check_in: None }, Outcome::Gone, Outcome::Skipped];
        rows.extend(outcomes.map(|end| row(RequestState::Finished, DeviceSyncState::Ended, Some(end))));
        rows.push(HistoryRow { reason: Some("INC-7".to_owned()), ..rows[0].clone() });
        let own = HistoryAnswer { rows: rows.clone(), everyone: false };
        let all = HistoryAnswer { rows: rows[..1].to_vec(), everyone: true };
        let none = HistoryAnswer { rows: Vec::new(), everyone: false };
        insta::assert_snapshot!([own, all, none].map(|answer| history(&answer).to_string()).join("\n"));
    }

    #[test]
    fn the_longest_history_fits_an_embed() {
        let mut long = row(RequestState::Running, DeviceSyncState::Unknown, None);
        long.device.name = "n".repeat(300);
        long.reason = Some("r".repeat(300));
        let card = history(&HistoryAnswer { rows: vec![long; 15], everyone: true });
        assert!(card.embed.unwrap().description.chars().count() <= 4_096);
    }
}
