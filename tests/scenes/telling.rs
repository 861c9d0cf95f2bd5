//! Who else is told, by group, size and device; freezes that last, and that take each other's place; and the table of outcomes.

use std::collections::BTreeSet;

use crate::bed::receiver::{config, receiver};
use crate::bed::table::{column, table};
use crate::bed::{APPROVALS, BULK, Bed, HELPDESK, SHORT, Spans as _, show};

#[tokio::test]
async fn a_rule_for_a_group_tells_of_its_devices_and_of_those_of_its_members() {
    let rule = r#"
[[notify.rule]]
name = "the school"
groups = ["00000000-0000-4000-8000-00000000a001"]
channel_id = "900000000000000103"
"#;
    let bed = Bed::with("told by group", rule).await;
    for device in ["SCHOOL-IPAD-1", "TEACHER-MAC-5", "LT-042"] {
        bed.user("hanna").syncs(device).await;
    }
    bed.advance(5.minutes()).await;
    let school = bed.channel(APPROVALS).join("\n");
    assert!(school.contains("SCHOOL-IPAD-1") && school.contains("TEACHER-MAC-5"), "{school}");
    assert!(!school.contains("LT-042"), "{school}");
    let team = bed.team();
    assert!(team.len() == 1 && team[0].contains("LT-042"), "{team:?}");
    bed.finish().await;
}

#[tokio::test]
async fn a_rule_for_every_device_tells_of_each_of_many_and_not_of_the_whole() {
    let (received, url) = receiver().await;
    let rule = "[[notify.rule]]\nname = \"each\"\nevery_device = true\nwebhook = \"siem\"\n";
    let bed = Bed::with("told of each", &format!("{SHORT}{}", config(&url, rule))).await;
    bed.user("hanna").runs(BULK).await.clicks("Yes").await;
    bed.advance(12.minutes()).await;
    let bodies = received.bodies();
    assert!(bodies.iter().all(|body| body["type"] == "device_sync.ended"), "{bodies:?}");
    let devices = ["FIELD-LT-1", "LT-042", "LT-CROSS", "LT-LATE", "LT-MAA", "LT-STALE"].map(str::to_owned);
    assert_eq!((received.devices(), bodies.len()), (BTreeSet::from(devices), 6), "each of them once");
    let team = bed.team();
    assert!(team.len() == 1 && team[0].starts_with('📦'), "of the whole the team is told: {team:?}");
    bed.channel(HELPDESK);
    bed.finish().await;
}

#[tokio::test]
async fn a_mute_rule_silences_many_devices_and_no_single_one_that_is_too_few_for_it() {
    let rule = "[[notify.rule]]\nname = \"hush\"\nmin_devices = 3\nmute = true\n";
    let bed = Bed::with("many muted", &format!("{SHORT}{rule}")).await;
    bed.user("hanna").runs(BULK).await.clicks("Yes").await;
    bed.user("hanna").syncs("IPAD-017").await;
    bed.advance(12.minutes()).await;
    let team = bed.team();
    assert!(team.len() == 1 && team[0].contains("IPAD-017"), "{team:?}");
    let helpdesk = bed.channel(HELPDESK).join("\n");
    assert!(helpdesk.contains("of 6 devices checked in"), "the asker is told all the same: {helpdesk}");
    bed.finish().await;
}

#[tokio::test]
async fn a_webhook_with_a_digest_is_told_one_by_one_when_its_time_is_over() {
    let (received, url) = receiver().await;
    let rule = "[[notify.rule]]\nname = \"quarterly\"\nwebhook = \"siem\"\ndigest = \"15m\"\n";
    let bed = Bed::with("digest to a webhook", &config(&url, rule)).await;
    for device in ["LT-042", "FIELD-LT-1"] {
        bed.user("hanna").syncs(device).await;
    }
    bed.advance(14.minutes()).await;
    assert!(received.bodies().is_empty(), "nothing before the quarter is over");
    bed.advance(2.minutes()).await;
    assert_eq!(received.devices(), BTreeSet::from(["FIELD-LT-1".to_owned(), "LT-042".to_owned()]));
    assert_eq!(received.bodies().len(), 2, "each by itself");
    bed.finish().await;
}

#[tokio::test]
async fn a_freeze_holds_over_a_restart() {
    let bed = Bed::new("frozen over a restart").await;
    bed.user("ada").runs("/freeze for:10m reason:CHG-7").await.says("Frozen until");
    let hanna = bed.user("hanna").syncs("LT-042").await;
    bed.restart().await;
    bed.advance(9.minutes()).await;
    assert!(bed.calls().is_empty(), "nothing is sent while frozen");
    assert_eq!(bed.metric("frozen").await, Some(1));
    bed.user("omar").runs("/sync device:IPAD-017").await.says("Frozen until").says("CHG-7").clicks("No").await;
    bed.advance(4.minutes()).await;
    assert_eq!(bed.calls().len(), 1, "what waited goes on by itself");
    hanna.says("`LT-042` checked in");
    bed.channel(HELPDESK);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn a_second_freeze_takes_the_place_of_a_longer_one() {
    let bed = Bed::new("frozen for less").await;
    bed.user("ada").runs("/freeze for:2h reason:CHG-7").await;
    bed.user("ada").runs("/freeze for:10m reason:CHG-8").await;
    let hanna = bed.user("hanna").runs("/sync device:LT-042").await;
    hanna.says("CHG-8").never_says("CHG-7").clicks("Yes").await;
    bed.advance(9.minutes()).await;
    assert!(bed.calls().is_empty(), "nothing is sent while frozen");
    bed.advance(2.minutes()).await;
    assert_eq!(bed.calls().len(), 1, "the earlier end counts");
    assert_eq!(bed.metric("frozen").await, Some(0));
    bed.advance(2.minutes()).await;
    bed.channel(HELPDESK);
    assert_eq!(bed.team().iter().filter(|line| line.starts_with('🧊')).count(), 2, "both are told of");
    bed.finish().await;
}

#[tokio::test]
async fn a_second_freeze_takes_the_place_of_a_shorter_one() {
    let bed = Bed::new("frozen for longer").await;
    bed.user("ada").runs("/freeze for:10m reason:CHG-7").await;
    bed.user("hanna").syncs("LT-042").await;
    bed.user("ada").runs("/freeze for:30m reason:CHG-8").await;
    bed.advance(29.minutes()).await;
    assert!(bed.calls().is_empty(), "the later end counts");
    bed.user("ada").runs("/unfreeze").await.says("What waited goes on now");
    bed.user("ada").runs("/unfreeze").await.says("Nothing is frozen");
    bed.advance(3.minutes()).await;
    assert_eq!(bed.calls().len(), 1);
    bed.channel(HELPDESK);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn the_table_at_the_end_has_a_row_for_each_device_and_what_became_of_it() {
    let bed = Bed::with("outcomes in a table", SHORT).await;
    bed.user("hanna").runs(BULK).await.clicks("Yes").await;
    bed.advance(12.minutes()).await;
    let messages = bed.channel_messages(HELPDESK);
    let live = messages.iter().find(|message| show::card(message).contains("is over")).expect("it is over");
    let table = table(live).await;
    assert_eq!(table.len(), 7, "its head, and six devices: {table:?}");
    let outcomes = [
        ("FIELD-LT-1", "checked in"),
        ("LT-042", "checked in"),
        ("LT-CROSS", "checked in"),
        ("LT-LATE", "no check-in seen yet"),
        ("LT-MAA", "refused"),
        ("LT-STALE", "checked in"),
    ];
    let outcomes = outcomes.map(|(device, outcome)| (device.to_owned(), outcome.to_owned()));
    assert_eq!(column(&table, "outcome"), BTreeSet::from(outcomes));
    let without = |title: &str| {
        let empty = column(&table, title).into_iter().filter(|(_, text)| text.is_empty());
        empty.map(|(device, _)| device).collect::<Vec<_>>()
    };
    assert_eq!(without("asked_at"), ["LT-MAA"], "Intune did not take the call");
    assert_eq!(without("checked_in_at"), ["LT-LATE", "LT-MAA"]);
    assert!(without("ended_at").is_empty(), "{table:?}");
    bed.team();
    bed.finish().await;
}
