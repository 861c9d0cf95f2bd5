//! What the bot has to say while Discord is in its way: busy, gone or forbidden channels, a refused token, living messages.

use std::time::Duration;

use intune_sync_bot::chat::{ChannelId, ChatUserId};
use intune_sync_bot::store::{Address, Board, NewNotice, Notice, Outcome, Phase, RequestId};
use sim::discord::{Fault, Limits, MessageView};

use crate::bed::{Allowed, Bed, Spans as _};
use crate::samples::device;

/// The team's channel, and the channel for what finds no other.
const TEAM: ChannelId = ChannelId(900_000_000_000_000_102);

/// A request whose outcome is still to come, so that notices can be about it.
async fn request(bed: &Bed) -> RequestId {
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let id = asked.id_of("Yes");
    id.rsplit(':').next().and_then(|id| id.parse().ok()).expect("it names the request")
}

async fn say(bed: &Bed, request: RequestId, address: Address, body: Notice) {
    store(bed, request, address, body).await;
    bed.wakes().await;
}

/// Stores lines for the team before any of them is taken.
async fn say_lines(bed: &Bed, request: RequestId, count: u128) {
    for number in 0..count {
        store(bed, request, Address::Channel(TEAM), line(number)).await;
    }
    bed.wakes().await;
}

async fn store(bed: &Bed, request: RequestId, address: Address, body: Notice) {
    let new = NewNotice { request, address, body, due_at: bed.now() };
    bed.store().await.say(&new).await.expect("the store answers");
}

fn line(number: u128) -> Notice {
    let (device, actor) = (Box::new(device(number)), ChatUserId(301));
    Notice::TeamLine { actor, device, outcome: Outcome::Gone, reason: None, digest: false }
}

fn state(number: u128) -> Notice {
    Notice::Progress { device: Box::new(device(number)), phase: Phase::Waiting, requested_at: None }
}

fn living(board: Board) -> Address {
    Address::Living { channel: TEAM, board, round: 0 }
}

/// How often each line stands in these messages.
fn times_said(messages: &[MessageView], number: u128) -> usize {
    messages.iter().map(|message| message.text().matches(&format!("`LT-{number}`")).count()).sum()
}

#[tokio::test]
async fn a_flood_of_outcomes_becomes_a_few_messages_inside_the_channels_limits() {
    let bed = Bed::new("a flood").await;
    let request = request(&bed).await;
    bed.discord.set_limits(Limits::default());
    say_lines(&bed, request, 60).await;
    bed.advance(2.minutes()).await;
    let messages = bed.channel_messages("device-team");
    for number in 0..60 {
        assert_eq!(times_said(&messages, number), 1, "line {number}");
    }
    assert_eq!(messages.len(), 9, "three by themselves, and the rest by tens");
    insta::assert_snapshot!("a_digest", messages[3].text());
    assert_eq!(bed.discord.invalid_requests(), 0, "no limit was hit");
    bed.advance(10.minutes()).await;
    bed.finish().await;
}

#[tokio::test]
async fn a_channel_that_does_not_answer_delays_nobody_else() {
    let bed = Bed::new("a stuck channel").await;
    bed.allows(Allowed::InvalidRequests);
    let path = format!("POST /channels/{TEAM}/messages");
    bed.discord.fault(&path, Fault::ChannelWriteLimit { retry_after: Duration::from_mins(1) }, 8);
    let first = bed.user("hanna").syncs("LT-042").await;
    bed.advance(2.minutes()).await;
    first.says("`LT-042` checked in");
    assert!(bed.team().is_empty(), "the team's channel is still limited");
    let second = bed.user("omar").syncs("IPAD-017").await;
    bed.advance(3.minutes()).await;
    second.says("`IPAD-017` checked in");
    bed.advance(10.minutes()).await;
    let said = bed.channel_messages("device-team");
    // The first one was tried before the other was there, and its message stays as it was.
    let devices: Vec<_> = said.iter().map(|message| message.text().contains("LT-042")).collect();
    assert_eq!(devices, [true, false], "each is said once, in order: {:?}", bed.team());
    assert!(said[1].text().contains("IPAD-017"));
    bed.finish().await;
}

#[tokio::test]
async fn what_finds_its_channel_closed_is_said_in_the_fallback_channel() {
    let bed = Bed::with("the fallback channel", "[discord]\nfallback_channel_id = \"900000000000000103\"").await;
    bed.allows(Allowed::InvalidRequests);
    let fallback = bed.discord.channels()[2].name.clone();
    bed.user("hanna").syncs("PIX-009").await;
    bed.discord.hide_channel("helpdesk", true);
    bed.discord.forbid_channel("device-team", true);
    bed.advance(62.minutes()).await;
    let said = bed.channel_messages(&fallback);
    assert_eq!(said.len(), 2, "the asker's and the team's: {said:?}");
    let pinged: Vec<_> = said.iter().filter(|message| !message.pings.is_empty()).collect();
    assert!(pinged.len() == 1 && pinged[0].text().contains("PIX-009"));
    assert!(!bed.events().await.contains(&"notice_dropped".to_owned()));
    let metrics = metrics(&bed).await;
    assert!(metrics.contains("notices_fell_back 2") && metrics.contains("notices_dropped 0"), "{metrics}");
    bed.finish().await;
}

#[tokio::test]
async fn a_closed_channel_is_not_knocked_at_for_every_line() {
    let bed = Bed::new("a closed channel").await;
    bed.expects_error("a notice could not be delivered anywhere");
    bed.allows(Allowed::InvalidRequests);
    let request = request(&bed).await;
    bed.discord.hide_channel("device-team", true);
    say_lines(&bed, request, 50).await;
    bed.advance(2.minutes()).await;
    assert!(bed.discord.invalid_requests() <= 2, "{} requests", bed.discord.invalid_requests());
    let dropped = bed.events().await.into_iter().filter(|event| event == "notice_dropped").count();
    assert_eq!(dropped, 50, "each has its audit row");
    let metrics = metrics(&bed).await;
    assert!(metrics.contains("notices_dropped 50"), "{metrics}");
    bed.advance(10.minutes()).await;
    bed.finish().await;
}

#[tokio::test]
async fn while_discord_refuses_the_bots_token_nothing_is_sent_and_nothing_is_lost() {
    let bed = Bed::new("a refused token").await;
    bed.expects_error("Discord does not accept the bot's token");
    bed.allows(Allowed::InvalidRequests);
    let request = request(&bed).await;
    bed.discord.fault("POST /channels", Fault::Status(401), 3);
    say_lines(&bed, request, 20).await;
    bed.advance(20.seconds()).await;
    assert!(ready(&bed).await.contains("Discord does not accept the bot's token"));
    assert!(bed.discord.invalid_requests() <= 3);
    bed.advance(5.minutes()).await;
    let messages = bed.channel_messages("device-team");
    for number in 0..20 {
        assert_eq!(times_said(&messages, number), 1, "line {number}");
    }
    assert!(!ready(&bed).await.contains("token"), "{}", ready(&bed).await);
    bed.advance(10.minutes()).await;
    bed.finish().await;
}

#[tokio::test]
async fn a_living_message_is_posted_once_and_edited_from_then_on_over_restarts_too() {
    let bed = Bed::new("a living message").await;
    let request = request(&bed).await;
    bed.discord.set_limits(Limits::default());
    for number in 0..40 {
        say(&bed, request, living(Board::Progress), state(number)).await;
        bed.advance(1.seconds()).await;
        if number % 10 == 9 {
            bed.restart().await;
        }
    }
    say(&bed, request, living(Board::Approval), state(100)).await;
    bed.advance(10.seconds()).await;
    let messages = bed.channel_messages("device-team");
    assert_eq!(messages.len(), 2, "one for each board: {messages:?}");
    assert!(messages[0].text().contains("LT-39"), "the last state always arrives: {}", messages[0].text());
    assert!((8..=22).contains(&messages[0].history.len()), "{} edits in 40 s", messages[0].history.len());
    assert!(messages[1].text().contains("LT-100"));
    assert_eq!(bed.discord.invalid_requests(), 0);
    bed.advance(10.minutes()).await;
    bed.finish().await;
}

#[tokio::test]
async fn an_old_living_message_is_edited_no_more_often_than_discord_takes() {
    let bed = Bed::new("an old living message").await;
    let request = request(&bed).await;
    bed.discord.set_limits(Limits::default());
    say(&bed, request, living(Board::Progress), state(0)).await;
    bed.advance(61.minutes()).await;
    for number in 1..=600 {
        say(&bed, request, living(Board::Progress), state(number)).await;
        bed.advance(10.seconds()).await;
    }
    bed.advance(3.minutes()).await;
    let messages = bed.channel_messages("device-team");
    assert_eq!(messages.len(), 1);
    assert!(messages[0].text().contains("LT-600"), "{}", messages[0].text());
    assert_eq!(bed.discord.invalid_requests(), 0, "code 30046 never came");
    bed.finish().await;
}

#[tokio::test]
async fn a_living_message_that_somebody_deletes_is_posted_anew() {
    let bed = Bed::new("a deleted living message").await;
    bed.discord.set_limits(Limits::default());
    let request = request(&bed).await;
    say(&bed, request, living(Board::Approval), state(1)).await;
    bed.advance(5.seconds()).await;
    let first = bed.channel_messages("device-team").remove(0);
    bed.discord.delete_message(first.id);
    for number in 2..=3 {
        say(&bed, request, living(Board::Approval), state(number)).await;
        bed.advance(5.seconds()).await;
    }
    let messages = bed.channel_messages("device-team");
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].id != first.id && messages[0].text().contains("LT-3"), "{}", messages[0].text());
    bed.advance(10.minutes()).await;
    bed.finish().await;
}

#[tokio::test]
async fn a_living_message_whose_channel_closes_goes_on_in_the_fallback_channel() {
    let bed = Bed::with("a living message moves", "[discord]\nfallback_channel_id = \"900000000000000103\"").await;
    bed.allows(Allowed::InvalidRequests);
    let fallback = bed.discord.channels()[2].name.clone();
    let request = request(&bed).await;
    say(&bed, request, living(Board::Progress), state(1)).await;
    bed.advance(5.seconds()).await;
    bed.discord.hide_channel("device-team", true);
    for number in 2..=4 {
        say(&bed, request, living(Board::Progress), state(number)).await;
        bed.advance(5.seconds()).await;
    }
    let messages = bed.channel_messages(&fallback);
    assert!(messages.len() == 1 && messages[0].text().contains("LT-4"), "{messages:?}");
    assert_eq!(bed.discord.invalid_requests(), 1, "it is not tried in its old place again and again");
    bed.discord.hide_channel("device-team", false);
    bed.channel("device-team");
    bed.advance(10.minutes()).await;
    bed.finish().await;
}

async fn get(bed: &Bed, path: &str) -> String {
    let url = format!("{}{path}", bed.ops().await);
    reqwest::get(url).await.expect("health answers").text().await.expect("in text")
}

async fn ready(bed: &Bed) -> String {
    get(bed, "/readyz").await
}

async fn metrics(bed: &Bed) -> String {
    get(bed, "/metrics").await
}

#[tokio::test]
async fn lines_that_come_while_the_answer_to_one_is_lost_are_said_too() {
    let bed = Bed::new("a lost answer before more lines").await;
    let request = request(&bed).await;
    bed.discord.fault("POST /channels", Fault::LostAnswer, 1);
    say_lines(&bed, request, 1).await;
    bed.settle().await;
    for number in 1..6 {
        store(&bed, request, Address::Channel(TEAM), line(number)).await;
    }
    bed.wakes().await;
    bed.advance(2.minutes()).await;
    let messages = bed.channel_messages("device-team");
    for number in 0..6 {
        assert_eq!(times_said(&messages, number), 1, "line {number}");
    }
    bed.finish().await;
}
