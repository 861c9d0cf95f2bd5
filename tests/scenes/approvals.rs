//! A second person: when one is asked for, who may answer, and what the asker is told.

use std::time::Duration;

use sim::tenant::{Fault, FaultKind};

use crate::bed::{APPROVALS, Bed, HELPDESK, LARGE, Spans as _, show};

async fn asked(config: &str, name: &str) -> Bed {
    Bed::with(name, config).await
}

#[tokio::test]
async fn a_large_sync_waits_for_a_lead_and_then_runs() {
    let bed = asked(LARGE, "approved").await;
    let hanna = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example reason:INC-7").await;
    hanna.says("After Yes a second person has to agree");
    hanna.clicks("Yes").await;
    hanna.says("for approval");
    bed.advance(1.minutes()).await;
    assert!(bed.calls().is_empty(), "nothing is sent before somebody agrees");
    insta::assert_snapshot!("approval_card", show::card(&bed.approval_card()));
    let lena = bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await;
    lena.says("Approved");
    assert!(lena.is_private());
    bed.advance(1.minutes()).await;
    insta::assert_snapshot!("approval_card_approved", show::card(&bed.approval_card()));
    bed.advance(15.minutes()).await;
    assert!(!bed.calls().is_empty());
    assert!(bed.events().await.contains(&"approved".to_owned()));
    bed.channel(HELPDESK);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn who_may_not_answer_changes_nothing() {
    let bed = asked(LARGE, "not approvers").await;
    let hanna = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    hanna.clicks("Yes").await;
    let card = bed.approval_card();
    bed.user("omar").clicks_in_channel(&card, "Approve").await.says("None of the rules on the card names you");
    bed.user("hanna").clicks_in_channel(&card, "Approve").await.says("Nobody approves what they asked for themselves");
    bed.user("omar").clicks_in_channel(&card, "Reject").await.says("None of the rules on the card names you");
    assert!(bed.calls().is_empty());
    let ignored = bed.events().await.iter().filter(|event| *event == "click_ignored").count();
    assert_eq!(ignored, 3);
    bed.user("lena").clicks_in_channel(&card, "Reject").await;
    bed.user("lena").submits("reason", "not now").await.says("Rejected");
    hanna.says("did not agree").says("not now");
    bed.channel(APPROVALS);
    bed.advance(9.hours()).await;
    assert!(bed.calls().is_empty(), "what was rejected is never sent");
    bed.finish().await;
}

#[tokio::test]
async fn an_approval_is_reminded_of_and_then_expires() {
    let bed = asked(LARGE, "not approved in time").await;
    let hanna = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    hanna.clicks("Yes").await;
    let approve = bed.approval_card().button("Approve").and_then(|button| button.custom_id.clone()).expect("a button");
    let before = bed.channel(APPROVALS).len();
    bed.advance(5.hours()).await;
    let reminded = bed.channel(APPROVALS);
    assert_eq!(reminded.len(), before + 1, "one reminder");
    assert!(reminded.iter().any(|line| line.contains("still waits for somebody")), "{reminded:?}");
    bed.advance(4.hours()).await;
    assert!(bed.channel(APPROVALS).iter().any(|line| line.contains("Not approved in time")));
    assert!(bed.channel(HELPDESK).iter().any(|line| line.contains("Nobody agreed in time")));
    bed.user("lena").forges(bed.approval_card().id, &approve).await.says("Its time is over");
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

#[tokio::test]
async fn two_people_are_needed_where_the_rule_says_so() {
    let config = format!("{LARGE}approver_groups = []\nneeded = 2\n").replace(
        r#"approver_roles = ["900000000000000207"]"#,
        r#"approver_roles = ["900000000000000207", "900000000000000203"]"#,
    );
    let bed = asked(&config, "two of them").await;
    let hanna = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    hanna.says("(2 people)").clicks("Yes").await;
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("1 more to go");
    hanna.says("1 more to go");
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("You agreed before");
    assert!(bed.calls().is_empty());
    bed.user("priya").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(15.minutes()).await;
    assert!(!bed.calls().is_empty());
    bed.channel(HELPDESK);
    bed.channel(APPROVALS);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn a_rule_may_let_a_few_through_by_itself() {
    let config = format!("{LARGE}auto = \"6/1d\"\n");
    let bed = asked(&config, "by itself").await;
    let first = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    first.says("lets this many through by itself").clicks("Yes").await;
    first.says("Syncing 6 devices");
    bed.advance(15.minutes()).await;
    assert!(!bed.calls().is_empty());
    let calls = bed.calls().len();
    let second = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    second.says("After Yes a second person has to agree").clicks("Yes").await;
    second.says("for approval");
    bed.advance(1.minutes()).await;
    assert_eq!(bed.calls().len(), calls);
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await;
    bed.advance(15.minutes()).await;
    bed.channel(HELPDESK);
    bed.channel(APPROVALS);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn a_single_sync_can_want_a_second_person_too() {
    let config = LARGE.replace("min_devices = 3", "platforms = [\"Windows\"]");
    let bed = asked(&config, "one device approved").await;
    let hanna = bed.user("hanna").runs("/sync device:LT-042").await;
    hanna.says("a second person has to agree").clicks("Yes").await;
    insta::assert_snapshot!("approval_card_of_one", show::card(&bed.approval_card()));
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(5.minutes()).await;
    hanna.says("`LT-042` checked in");
    bed.channel(APPROVALS);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn votes_are_void_when_the_devices_change() {
    let bed = asked(LARGE, "changed meanwhile").await;
    let hanna = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    hanna.clicks("Yes").await;
    bed.tenant.remove_device("LT-LATE").expect("it is there");
    let lena = bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await;
    lena.says("The devices behind this request have changed: there are 5 now");
    assert!(bed.calls().is_empty());
    hanna.says("Everybody has to agree anew");
    bed.advance(1.minutes()).await;
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(15.minutes()).await;
    assert!(bed.events().await.contains(&"votes_void".to_owned()));
    bed.channel(HELPDESK);
    bed.channel(APPROVALS);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn the_dialog_of_reject_opens_though_graph_does_not_answer_and_its_word_waits_for_graph() {
    let config = LARGE.replace(
        r#"approver_roles = ["900000000000000207"]"#,
        r#"approver_groups = ["00000000-0000-4000-8000-00000000a002"]"#,
    );
    let bed = asked(&config, "rejected while graph is away").await;
    bed.expects_error("a question could not be answered");
    bed.link("lena").await;
    let hanna = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    hanna.clicks("Yes").await;
    let away = bed.graph_fails(Fault::new(FaultKind::Unavailable).path("/users/"));
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Reject").await;
    let sent = bed.user("lena").submits("reason", "not now").await;
    bed.advance(1.minutes()).await;
    sent.says("in doubt the answer is no");
    hanna.says("for approval");
    bed.tenant.clear_fault(away);
    bed.user("omar").clicks_in_channel(&bed.approval_card(), "Reject").await;
    bed.user("omar").submits("reason", "").await.says("None of the rules on the card names you");
    bed.channel(APPROVALS);
    bed.advance(9.hours()).await;
    bed.channel(HELPDESK);
    bed.channel(APPROVALS);
    assert!(bed.calls().is_empty());
    bed.finish().await;
}

/// A rule beside the one of [`LARGE`], which another role answers.
fn with_second_rule(conditions: &str) -> String {
    format!("{LARGE}[[approval.rule]]\nname = \"second\"\napprover_roles = [\"900000000000000203\"]\n{conditions}\n")
}

#[tokio::test]
async fn devices_that_came_later_are_held_against_every_rule() {
    let bed = asked(&with_second_rule("min_devices = 7"), "grown meanwhile").await;
    let hanna = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    hanna.clicks("Yes").await;
    let old = bed.approval_card();
    assert!(!show::card(&old).contains("second"), "six devices are not seven");
    bed.tenant.set_device_user("IPAD-017", Some("jonas.weber@contoso.example")).expect("they are there");
    bed.user("lena").clicks_in_channel(&old, "Approve").await.says("there are 7 now");
    // Whoever still has the old card before them has not seen these devices.
    let approve = old.button("Approve").and_then(|button| button.custom_id.clone()).expect("a button");
    bed.user("lena").forges(old.id, &approve).await.says("The card has changed in the meantime");
    bed.advance(3.minutes()).await;
    assert!(show::card(&bed.approval_card()).contains("second"), "the rule for seven applies now");
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("1 more to go");
    assert!(bed.calls().is_empty());
    bed.user("priya").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(15.minutes()).await;
    assert_eq!(bed.calls().len(), 7);
    bed.channel(HELPDESK);
    bed.channel(APPROVALS);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn what_is_not_there_any_more_cannot_be_approved() {
    let bed = asked(LARGE, "nothing left").await;
    let group = bed.tenant.add_group("Pilot", &["LT-042", "IPAD-017", "PIX-009"]).expect("they are there");
    let hanna = bed.user("hanna").runs(&format!("/bulk-sync group group:{group}")).await;
    hanna.says("After Yes a second person has to agree").clicks("Yes").await;
    bed.tenant.set_group_members(&group, &[]).expect("it is there");
    bed.user("lena")
        .clicks_in_channel(&bed.approval_card(), "Approve")
        .await
        .says("None of the devices behind this request");
    bed.advance(9.hours()).await;
    assert!(bed.calls().is_empty());
    bed.channel(HELPDESK);
    bed.channel(APPROVALS);
    bed.finish().await;
}

#[tokio::test]
async fn one_person_with_two_chat_accounts_is_one_person() {
    let config = format!("{LARGE}needed = 2\n").replace(
        r#"approver_roles = ["900000000000000207"]"#,
        r#"approver_roles = ["900000000000000207", "900000000000000203"]"#,
    );
    let bed = asked(&config, "one person twice").await;
    bed.link("lena").await;
    let hanna = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    hanna.clicks("Yes").await;
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("1 more to go");
    bed.user("lena").runs("/unlink").await;
    bed.link_to("priya", "lena").await;
    bed.user("priya").clicks_in_channel(&bed.approval_card(), "Approve").await.says("You agreed before");
    // Nor for what she asked through the other one.
    let own = bed.user("priya").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    own.clicks("Yes").await;
    let newest = bed.channel_messages(APPROVALS).into_iter().rfind(|card| card.button("Approve").is_some());
    bed.user("priya").runs("/unlink").await;
    bed.link("lena").await;
    let newest = newest.expect("a card is there");
    bed.user("lena").clicks_in_channel(&newest, "Approve").await.says("Nobody approves what they asked for themselves");
    assert!(bed.calls().is_empty());
    bed.advance(9.hours()).await;
    bed.channel(HELPDESK);
    bed.channel(APPROVALS);
    bed.finish().await;
}

#[tokio::test]
async fn what_a_rule_lets_through_counts_where_another_rule_asks() {
    let config =
        with_second_rule("platforms = [\"Windows\"]").replace("min_devices = 3", "min_devices = 3\nauto = \"6/1d\"");
    let bed = asked(&config, "auto beside another").await;
    bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await.clicks("Yes").await;
    bed.user("priya").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(15.minutes()).await;
    let again = bed.user("hanna").runs("/bulk-sync filter platform:ios").await;
    again.says("After Yes a second person has to agree");
    bed.channel(HELPDESK);
    bed.channel(APPROVALS);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn who_needs_a_second_person_joins_nobody_without_one() {
    let config = LARGE.replace("min_devices = 3", "asker_roles = [\"900000000000000203\"]");
    let bed = asked(&config, "no way in by joining").await;
    let hanna = bed.user("hanna").syncs("LT-042").await;
    let priya = bed.user("priya").runs("/sync device:LT-042").await;
    priya.says("a second person has to agree").clicks("Yes").await;
    priya.says("for approval");
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(5.minutes()).await;
    hanna.says("`LT-042` checked in");
    priya.says("`LT-042` checked in");
    assert_eq!(bed.calls().len(), 1, "the second one follows the first");
    bed.channel(HELPDESK);
    bed.channel(APPROVALS);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn a_slow_graph_at_yes_brings_in_no_rule_that_does_not_fit() {
    let bed = Bed::on_stage("slow at yes", LARGE, |options| options.store_budget = Duration::from_millis(400)).await;
    // Whoever is linked is read anew at Yes.
    bed.link("hanna").await;
    let hanna = bed.user("hanna").runs("/sync device:LT-042").await;
    let slow = bed.graph_fails(Fault::new(FaultKind::Slow(Duration::from_secs(1))).path("/"));
    hanna.presses("Yes");
    tokio::time::sleep(Duration::from_millis(700)).await;
    bed.tenant.clear_fault(slow);
    bed.settle().await;
    assert!(!hanna.text().contains("approval"), "{}", hanna.text());
    bed.advance(5.minutes()).await;
    hanna.says("`LT-042` checked in");
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn an_approval_is_answered_in_its_own_channel_wherever_else_the_bot_works() {
    let config = LARGE.replace("[discord]", "[discord]\nchannel_ids = [\"900000000000000101\"]");
    let bed = asked(&config, "approvals channel apart").await;
    bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await.clicks("Yes").await;
    bed.user("lena").runs_in(APPROVALS, "/sync device:LT-042").await.says("I do not work in this place.");
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Reject").await;
    bed.user("lena").submits("reason", "not now").await.says("Rejected");
    bed.advance(20.minutes()).await;
    bed.channel(HELPDESK);
    bed.channel(APPROVALS);
    bed.finish().await;
}

#[tokio::test]
async fn whoever_asked_can_take_it_back_while_it_waits() {
    let bed = asked(LARGE, "withdrawn").await;
    let hanna = bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await;
    hanna.clicks("Yes").await;
    bed.user("omar").clicks_on(&hanna, "Withdraw").await.says("Only the person who asked");
    hanna.clicks("Withdraw").await;
    hanna.says("Not syncing 6 devices").says("Nothing was sent");
    bed.advance(3.minutes()).await;
    let gone = bed.approval_card();
    assert!(show::card(&gone).contains("Withdrawn: sync of 6 devices"), "{}", show::card(&gone));
    assert!(gone.button("Approve").is_none());
    assert_eq!(bed.metric("approvals_waiting").await, Some(0));
    bed.advance(9.hours()).await;
    assert!(bed.calls().is_empty());
    bed.channel(APPROVALS);
    bed.finish().await;
}

#[tokio::test]
async fn what_was_approved_cannot_be_withdrawn() {
    let config = LARGE.replace("min_devices = 3", "platforms = [\"Windows\"]");
    let bed = asked(&config, "withdrawn too late").await;
    let hanna = bed.user("hanna").runs("/sync device:LT-042").await;
    hanna.clicks("Yes").await;
    let withdraw = hanna.message().button("Withdraw").and_then(|button| button.custom_id.clone()).expect("a button");
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    let late = bed.user("hanna").forges(hanna.message().id, &withdraw).await;
    late.says("Your click changed nothing");
    bed.advance(5.minutes()).await;
    hanna.says("`LT-042` checked in");
    bed.channel(APPROVALS);
    bed.team();
    bed.finish().await;
}

#[tokio::test]
async fn one_device_can_be_withdrawn_for_as_long_as_it_waits() {
    let config = LARGE.replace("min_devices = 3", "platforms = [\"Windows\"]");
    let bed = asked(&config, "withdrawn late").await;
    let hanna = bed.user("hanna").runs("/sync device:LT-042").await;
    hanna.clicks("Yes").await;
    bed.advance(16.minutes()).await;
    hanna.says("for approval").clicks("Withdraw").await;
    bed.advance(1.minutes()).await;
    assert!(show::card(&bed.approval_card()).contains("Withdrawn: sync of `LT-042`"));
    assert!(bed.calls().is_empty());
    bed.channel(APPROVALS);
    bed.finish().await;
}

#[tokio::test]
async fn the_reply_about_one_device_says_where_its_outcome_will_be() {
    let config = LARGE.replace("min_devices = 3", "platforms = [\"Windows\"]").replace("10m", "40m");
    let bed = asked(&config, "approved and late").await;
    let hanna = bed.user("hanna").runs("/sync device:LT-LATE").await;
    hanna.clicks("Yes").await;
    bed.user("lena").clicks_in_channel(&bed.approval_card(), "Approve").await.says("Approved");
    bed.advance(16.minutes()).await;
    hanna.says("The outcome will appear in this channel");
    bed.advance(26.minutes()).await;
    assert!(bed.channel(HELPDESK).join("\n").contains("`LT-LATE`"));
    bed.channel(APPROVALS);
    bed.team();
    bed.finish().await;
}
