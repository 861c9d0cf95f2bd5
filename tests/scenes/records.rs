//! What is written down: the exact audit trail, and that no secret is in it or in the log.

use serde_json::Value;

use crate::bed::{Bed, Spans as _};

/// Ids of our own and of Graph's are new in every run.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    text.split('"').map(|part| if is_id(part) { "(id)" } else { part }).collect::<Vec<_>>().join("\"")
}

fn trail(audit: &[(String, Value)]) -> String {
    audit.iter().map(|(event, detail)| without_ids(&format!("{event} {detail}"))).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn one_whole_sync_leaves_exactly_this_trail() {
    let bed = Bed::new("the audit trail").await;
    let asked = bed.user("hanna").runs("/sync device:LT-042 reason:INC-4711").await;
    bed.user("omar").clicks_on(&asked, "Yes").await;
    asked.clicks("Yes").await;
    bed.advance(4.minutes()).await;
    insta::assert_snapshot!("the_audit_trail_of_one_sync", trail(&bed.audit().await));
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn a_sync_that_takes_a_second_call_leaves_exactly_this_trail() {
    let bed = Bed::new("the audit trail of two calls").await;
    bed.graph_fails(sim::tenant::Fault::on_sync(sim::tenant::FaultKind::LostRequest).times(1));
    bed.user("hanna").syncs("LT-042").await;
    bed.advance(10.minutes()).await;
    insta::assert_snapshot!("the_audit_trail_of_two_calls", trail(&bed.audit().await));
    assert_eq!(bed.team().len(), 1);
    bed.finish().await;
}

#[tokio::test]
async fn the_log_tells_of_the_work_and_of_no_secret() {
    // Every scene's end looks through its whole log and audit for tokens; this one makes sure that there is
    // something to look through, with troubles of every kind in it.
    let bed = Bed::new("the log").await;
    bed.graph_fails(sim::tenant::Fault::on_sync(sim::tenant::FaultKind::LostAnswer).times(1));
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    bed.discord.fault("PATCH /webhooks", sim::discord::Fault::Status(502), 2);
    bed.discord.fault("POST /channels", sim::discord::Fault::LostRequest, 1);
    bed.tenant.revoke_tokens();
    bed.tenant.set_secret("another secret");
    bed.advance(5.seconds()).await;
    asked.clicks("Yes").await;
    bed.advance(1.minutes()).await;
    bed.tenant.set_secret("sim-client-secret");
    bed.advance(13.minutes()).await;
    assert_eq!(bed.team().len(), 1);
    for words in
        ["Entra gave no token", "Graph did not answer", "read the list of devices", "slash commands registered"]
    {
        assert!(bed.has_logged(words), "the log should say {words:?}");
    }
    bed.finish().await;
}
