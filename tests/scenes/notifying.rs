//! Who else is told: channels and signed webhooks by rules, digests, and sinks that fail.

use axum::http::StatusCode;
use intune_sync_bot::secret::keyed_hex;
use sim::tenant::CheckIn;

use crate::bed::receiver::{KEY, config, receiver};
use crate::bed::{Bed, HELPDESK, Spans as _};

#[tokio::test]
async fn a_webhook_is_told_and_can_check_who_told_it() {
    let (received, url) = receiver().await;
    let rule = "[[notify.rule]]\nname = \"all\"\nwebhook = \"siem\"\nchannel_id = \"900000000000000102\"\n";
    let bed = Bed::with("webhook", &config(&url, rule)).await;
    bed.user("hanna").runs("/sync device:LT-042 reason:INC-7").await.clicks("Yes").await;
    bed.advance(4.minutes()).await;
    let bodies = received.bodies();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(
        (bodies[0]["type"].as_str(), bodies[0]["outcome"].as_str()),
        (Some("device_sync.ended"), Some("checked_in"))
    );
    assert_eq!((bodies[0]["device"]["name"].as_str(), bodies[0]["reason"].as_str()), (Some("LT-042"), Some("INC-7")));
    let (seal, body) = received.calls.lock().expect("nobody panicked")[0].clone();
    let (at, v1) = seal.split_once(",v1=").expect("both parts");
    let at = at.strip_prefix("t=").expect("a time");
    assert_eq!(v1, keyed_hex(KEY, &format!("{at}.{body}")));
    assert_eq!(bed.team().len(), 1, "the channel of the rule is told too");
    bed.finish().await;
}

#[tokio::test]
async fn a_failing_webhook_delays_nobody_and_is_told_when_it_is_back() {
    let (received, url) = receiver().await;
    received.fails(true);
    let rule = "[[notify.rule]]\nname = \"all\"\nwebhook = \"siem\"\nchannel_id = \"900000000000000102\"\n";
    let bed = Bed::with("failing webhook", &config(&url, rule)).await;
    let asked = bed.user("hanna").syncs("LT-042").await;
    bed.advance(4.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!(bed.team().len(), 1);
    assert!(received.bodies().is_empty());
    received.fails(false);
    bed.advance(5.minutes()).await;
    assert_eq!(received.bodies().len(), 1, "once, when it is back");
    bed.finish().await;
}

#[tokio::test]
async fn a_body_that_a_webhook_does_not_want_is_dropped_and_holds_up_no_other() {
    let (received, url) = receiver().await;
    received.refuses("\"IPAD-017\"", StatusCode::UNPROCESSABLE_ENTITY);
    let rule = "[[notify.rule]]\nname = \"all\"\nwebhook = \"siem\"\n";
    let bed = Bed::with("unwanted body", &config(&url, rule)).await;
    bed.expects_error("a notice could not be delivered anywhere");
    for device in bed.tenant.devices() {
        bed.tenant.plan_check_in(&device.id, CheckIn::After(1.minutes())).expect("there is such a device");
    }
    bed.user("hanna").syncs("IPAD-017").await;
    bed.advance(10.minutes()).await;
    assert_eq!((received.refused(), received.bodies().len()), (1, 0), "once, and not again");
    bed.user("hanna").syncs("LT-042").await;
    bed.advance(10.minutes()).await;
    let bodies = received.bodies();
    assert_eq!((received.refused(), bodies.len()), (1, 1), "{bodies:?}");
    assert_eq!(bodies[0]["device"]["name"].as_str(), Some("LT-042"));
    assert_eq!(bed.events().await.iter().filter(|event| *event == "notice_dropped").count(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_webhook_whose_key_is_being_changed_is_told_afterwards() {
    let (received, url) = receiver().await;
    received.refuses("\"LT-042\"", StatusCode::UNAUTHORIZED);
    let rule = "[[notify.rule]]\nname = \"all\"\nwebhook = \"siem\"\n";
    let bed = Bed::with("changed key", &config(&url, rule)).await;
    bed.user("hanna").syncs("LT-042").await;
    bed.advance(5.minutes()).await;
    assert!(received.refused() > 1 && received.bodies().is_empty(), "tried again");
    received.refuses("nothing that is in a body", StatusCode::UNAUTHORIZED);
    bed.advance(5.minutes()).await;
    assert_eq!(received.bodies().len(), 1, "once, when its key is known");
    bed.finish().await;
}

#[tokio::test]
async fn rules_choose_by_outcome_and_asker_and_the_rest_goes_to_the_team() {
    let rules = r#"
[[notify.rule]]
name = "no word of what went well on Macs"
outcomes = ["checked_in"]
platforms = ["Windows"]
asker_roles = ["900000000000000201"]
mute = true
[[notify.rule]]
name = "what did not"
outcomes = ["no_check_in_seen", "failed"]
channel_id = "900000000000000103"
"#;
    let bed = Bed::with("routed", rules).await;
    bed.user("hanna").syncs("LT-042").await;
    bed.user("hanna").syncs("PIX-009").await;
    bed.user("hanna").syncs("IPAD-017").await;
    bed.advance(70.minutes()).await;
    let team = bed.team();
    assert!(team.len() == 1 && team[0].contains("IPAD-017"), "{team:?}");
    let other = bed.channel("sync-approvals");
    assert!(other.len() == 1 && other[0].contains("PIX-009"), "{other:?}");
    bed.channel(HELPDESK);
    bed.finish().await;
}

#[tokio::test]
async fn a_digest_says_together_what_came_together() {
    let rules = "[watch]\ndeadline = \"5m\"\n[[notify.rule]]\nname = \"quarterly\"\nchannel_id = \"900000000000000102\"\ndigest = \"15m\"\n";
    let bed = Bed::with("digest by rule", rules).await;
    for device in ["LT-042", "IPAD-017", "FIELD-LT-1"] {
        bed.user("hanna").syncs(device).await;
    }
    bed.user("omar").runs("/bulk-sync user user:jonas.weber@contoso.example").await.clicks("Yes").await;
    bed.advance(5.minutes()).await;
    assert!(bed.team().is_empty(), "nothing before the quarter is over");
    bed.advance(15.minutes()).await;
    let team = bed.team();
    assert_eq!(team.len(), 1, "{team:?}");
    for device in ["LT-042", "IPAD-017", "FIELD-LT-1"] {
        assert!(team[0].contains(device), "{team:?}");
    }
    assert!(team[0].lines().any(|line| line.starts_with('📦')), "many devices are told of by one line: {team:?}");
    bed.channel(HELPDESK);
    bed.finish().await;
}

#[tokio::test]
async fn a_bulk_request_is_told_of_once_and_only_where_it_is_large_enough() {
    let (received, url) = receiver().await;
    let rules = "[[notify.rule]]\nname = \"large\"\nmin_devices = 5\nwebhook = \"siem\"\n\
                 [[notify.rule]]\nname = \"larger\"\nmin_devices = 50\nchannel_id = \"900000000000000103\"\n";
    let bed = Bed::with("bulk told", &format!("[watch]\ndeadline = \"10m\"\n{}", config(&url, rules))).await;
    bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await.clicks("Yes").await;
    bed.advance(15.minutes()).await;
    let bodies = received.bodies();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!((bodies[0]["type"].as_str(), bodies[0]["devices"].as_u64()), (Some("request.ended"), Some(6)));
    assert!(bed.channel("sync-approvals").is_empty());
    bed.channel(HELPDESK);
    bed.finish().await;
}

#[tokio::test]
async fn what_is_too_small_for_every_rule_goes_to_the_team() {
    let rules = r#"
[watch]
deadline = "10m"
[[notify.rule]]
name = "hush"
min_devices = 50
mute = true
[[notify.rule]]
name = "large"
min_devices = 50
channel_id = "900000000000000103"
[[notify.rule]]
name = "each of many"
min_devices = 50
every_device = true
channel_id = "900000000000000103"
"#;
    let bed = Bed::with("small beside large", rules).await;
    bed.user("hanna").runs("/bulk-sync user user:jonas.weber@contoso.example").await.clicks("Yes").await;
    bed.advance(15.minutes()).await;
    let team = bed.team();
    assert_eq!(team.len(), 1, "{team:?}");
    assert!(bed.channel("sync-approvals").is_empty());
    bed.channel(HELPDESK);
    bed.finish().await;
}

#[tokio::test]
async fn a_webhook_that_is_gone_for_good_does_not_get_a_day_for_each_message() {
    let (received, url) = receiver().await;
    received.fails(true);
    let rule = "[[notify.rule]]\nname = \"all\"\nwebhook = \"siem\"\n";
    let bed = Bed::with("webhook gone", &config(&url, rule)).await;
    bed.expects_error("a notice could not be delivered anywhere");
    for device in ["LT-042", "IPAD-017", "FIELD-LT-1"] {
        bed.user("hanna").syncs(device).await;
    }
    bed.advance(23.hours()).await;
    assert_eq!(bed.metric("notices_dropped").await, Some(0), "there is hope yet");
    bed.advance(3.hours()).await;
    assert_eq!(bed.metric("notices_dropped").await, Some(3));
    received.fails(false);
    bed.user("omar").syncs("LT-042").await;
    bed.advance(5.minutes()).await;
    assert_eq!(received.bodies().len(), 1, "what comes later is told");
    bed.finish().await;
}
