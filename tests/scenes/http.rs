//! Interactions that Discord posts: who is believed, what is answered, and what nobody but Discord can bring about.

use std::time::Duration;

use serde_json::{Value, json};
use sim::discord::{Delivery, InteractionState};
use sim::tenant::{Fault, FaultKind};

use crate::bed::{Allowed, Bed, Spans as _};

/// What Discord is told about a request.
async fn told(bed: &Bed, delivery: &Delivery) -> u16 {
    let told = bed.discord.deliver(delivery).await.expect("the endpoint answers");
    bed.settle().await;
    told.status
}

/// Ends a scene in which interactions were kept from the bot.
async fn finish_unanswered(bed: Bed) {
    bed.allows(Allowed::NoResponse);
    bed.advance(4.seconds()).await;
    bed.finish().await;
}

async fn ops(bed: &Bed, path: &str) -> String {
    let url = format!("{}{path}", bed.ops().await);
    reqwest::get(url).await.expect("health answers").text().await.expect("in text")
}

/// The value of a metric, if it is served.

#[tokio::test]
async fn a_whole_sync_goes_over_http_and_no_gateway_session_is_ever_opened() {
    let bed = Bed::over_http("a sync", "").await;
    assert!(bed.user("hanna").types("/sync device:LT-04").await[0].starts_with("LT-042"));
    let asked = bed.user("hanna").syncs("LT-042").await;
    bed.restart().await;
    bed.advance(4.minutes()).await;
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    assert_eq!(bed.discord.deliveries().len(), 3, "a keystroke, a command and a click");
    assert!(bed.discord.identifies() == 0 && !bed.discord.connected());
    bed.finish().await;
}

#[tokio::test]
async fn a_dialog_is_answered_over_http_too() {
    let bed = Bed::over_http("linking", "").await;
    bed.user("hanna").links_as("hanna").await.says("Linked");
    bed.user("hanna").runs("/access").await.says("Help Desk Operator");
    bed.finish().await;
}

#[tokio::test]
async fn readiness_and_metrics_speak_of_the_endpoint() {
    let bed = Bed::over_http("health", "").await;
    assert_eq!(ops(&bed, "/readyz").await, "ready\n");
    assert_eq!(bed.metric("gateway_connected").await, None, "there is no gateway to be connected to");
    assert_eq!(bed.metric("interactions_refused").await, Some(1), "Discord's own check at the start");
    assert_eq!(bed.metric("interactions_unreadable").await, Some(0));
    bed.finish().await;
}

#[tokio::test]
async fn a_ping_is_answered_by_a_pong_and_other_methods_by_nothing() {
    let bed = Bed::over_http("a ping", "").await;
    let told = bed.discord.deliver(&bed.discord.sign(bed.discord.ping())).await.expect("an answer");
    assert_eq!((told.status, told.content_type.as_str()), (200, "application/json"));
    assert_eq!(told.body, br#"{"type":1}"#);
    let endpoint = bed.discord.endpoint().expect("it is set");
    assert_eq!(reqwest::get(&endpoint).await.expect("an answer").status(), 405);
    bed.finish().await;
}

#[tokio::test]
async fn without_a_link_page_the_endpoint_is_all_there_is() {
    let config = "[link]\nclient_id = \"\"\nclient_secret = \"\"\n[web]\npublic_url = \"\"";
    let bed = Bed::over_http("no link page", config).await;
    let endpoint = bed.discord.endpoint().expect("it is set");
    for path in ["/", "/link/style.css", "/interactions/more"] {
        let url = endpoint.replace("/interactions", path);
        assert_eq!(reqwest::get(url).await.expect("an answer").status(), 404, "{path}");
    }
    bed.user("hanna").runs("/help").await.says("Intune sync");
    bed.finish().await;
}

#[tokio::test]
async fn what_discord_did_not_sign_is_refused_and_leaves_no_trace() {
    let bed = Bed::over_http("forged", "").await;
    let good = bed.user("hanna").loses("/sync device:LT-042");
    let signature = good.signature.clone().expect("signed");
    let later = (bed.now() + 1.seconds()).as_second().to_string();
    let with_signature = |signature: &str| Delivery { signature: Some(signature.to_owned()), ..good.clone() };
    let forged = [
        Delivery { signature: None, ..good.clone() },
        Delivery { timestamp: None, ..good.clone() },
        Delivery { signature: None, timestamp: None, ..good.clone() },
        Delivery { timestamp: Some(later), ..good.clone() },
        Delivery { timestamp: Some("now".to_owned()), ..good.clone() },
        with_signature(""),
        with_signature("0"),
        with_signature(&"0".repeat(128)),
        with_signature(&"z".repeat(128)),
        with_signature(&signature[2..]),
        good.tampered(|body| body["id"] = json!("1")),
        good.tampered(|body| body["data"]["options"][0]["value"] = json!("LT-043")),
        Delivery { body: [good.body.as_slice(), b" "].concat(), ..good.clone() },
        Delivery { body: Vec::new(), ..good.clone() },
        bed.discord.sign_by_another_key(good.body.clone()),
    ];
    for delivery in &forged {
        assert_eq!(told(&bed, delivery).await, 401, "{delivery:?}");
    }
    let refused = i64::try_from(forged.len()).expect("few");
    assert_eq!(bed.metric("interactions_refused").await, Some(refused + 1));
    assert!(bed.events().await.is_empty(), "{:?}", bed.events().await);
    finish_unanswered(bed).await;
}

#[tokio::test]
async fn a_chat_role_spoofed_on_the_way_gives_nothing() {
    let bed = Bed::over_http("spoofed roles", "").await;
    let helpdesk = "900000000000000201";
    let truth = bed.user("nora").loses("/sync device:LT-042");
    let spoof = |body: &mut Value| body["member"]["roles"] = json!([helpdesk]);
    assert_eq!(told(&bed, &truth.tampered(spoof)).await, 401, "under the old signature");
    let forged = bed.discord.sign_by_another_key(truth.changed(spoof));
    assert_eq!(told(&bed, &forged).await, 401, "under a signature of the forger's own");
    assert!(bed.events().await.is_empty() && bed.calls().is_empty());
    // What Discord did say is believed, and refused by the gate.
    assert_eq!(told(&bed, &truth).await, 202);
    assert!(bed.calls().is_empty());
    let said = bed.discord.messages("helpdesk");
    assert!(said[0].text().contains("may not"), "{}", said[0].text());
    bed.finish().await;
}

#[tokio::test]
async fn a_request_counts_for_five_minutes_around_its_time() {
    let bed = Bed::over_http("old", "").await;
    let lost = bed.user("hanna").loses("/help");
    for seconds in [-301, 301, -86_400] {
        let delivery = bed.discord.sign_at(bed.now() + seconds.seconds(), lost.body.clone());
        assert_eq!(told(&bed, &delivery).await, 401, "{seconds} s");
    }
    assert!(bed.has_logged("is this machine's clock right?"));
    let delivery = bed.discord.sign_at(bed.now() - 299.seconds(), lost.body);
    assert_eq!(told(&bed, &delivery).await, 202);
    bed.finish().await;
}

#[tokio::test]
async fn a_replay_byte_for_byte_changes_nothing() {
    let bed = Bed::over_http("replayed", "").await;
    let asked = bed.user("hanna").syncs("LT-042").await;
    let events = bed.events().await;
    let deliveries = bed.discord.deliveries();
    assert_eq!(deliveries.len(), 2);
    for delivery in &deliveries {
        assert_eq!(told(&bed, delivery).await, 202, "Discord must not hear an error for a second delivery");
    }
    bed.restart().await;
    for delivery in &deliveries {
        assert_eq!(told(&bed, delivery).await, 202, "what was claimed outlives a restart");
    }
    let decided =
        |events: &[String]| events.iter().filter(|event| ["asked", "confirmed"].contains(&event.as_str())).count();
    assert_eq!(decided(&bed.events().await), decided(&events));
    bed.advance(6.minutes()).await;
    for delivery in &deliveries {
        assert_eq!(told(&bed, delivery).await, 401, "and in the end it is too old");
    }
    asked.says("`LT-042` checked in");
    assert_eq!((bed.calls().len(), bed.team().len()), (1, 1));
    bed.finish().await;
}

#[tokio::test]
async fn another_applications_interaction_is_refused_though_it_is_signed() {
    let bed = Bed::over_http("another application", "").await;
    let lost = bed.user("hanna").loses("/sync device:LT-042");
    let other = |body: &mut Value| body["application_id"] = json!("900000000000000011");
    assert_eq!(told(&bed, &bed.discord.sign(lost.changed(other))).await, 400);
    let ping = bed.discord.sign(bed.discord.ping());
    assert_eq!(
        told(&bed, &bed.discord.sign(ping.changed(other))).await,
        400,
        "so it is noticed when the address is set"
    );
    assert!(bed.has_logged("do application_id and public_key belong together?"));
    assert!(bed.events().await.is_empty());
    finish_unanswered(bed).await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_counted() {
    let bed = Bed::over_http("garbage", "").await;
    bed.expects_error("an interaction came in a shape that cannot be read");
    let garbage: [&[u8]; 6] = [b"", b"{", b"null", b"{\"type\":2}", b"{\"type\":99}", &[0xff, 0xfe]];
    for body in garbage {
        assert_eq!(told(&bed, &bed.discord.sign(body.to_vec())).await, 400, "{body:?}");
    }
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    assert_eq!(told(&bed, &bed.discord.sign(deep)).await, 400);
    assert_eq!(bed.metric("interactions_unreadable").await, Some(7));
    bed.finish().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_taken() {
    let bed = Bed::over_http("too large", "").await;
    let lost = bed.user("hanna").loses("/help");
    let padded = |to: usize| [lost.body.as_slice(), &b" ".repeat(to - lost.body.len())].concat();
    assert_eq!(told(&bed, &bed.discord.sign(padded(256 * 1024 + 1))).await, 413);
    assert_eq!(told(&bed, &bed.discord.sign(padded(256 * 1024))).await, 202);
    bed.finish().await;
}

#[tokio::test]
async fn whoever_hammers_fills_no_log_and_changes_nothing_for_discord() {
    let bed = Bed::over_http("hammered", "").await;
    let forged = bed.discord.sign_by_another_key(bed.discord.ping());
    for _attempt in 0..200 {
        assert_eq!(bed.discord.deliver(&forged).await.expect("an answer").status, 401);
    }
    let logged = bed.times_logged("a request without Discord's signature was refused");
    assert!((10..=60).contains(&logged), "{logged} lines");
    // From the same address, as everything is behind a proxy: Discord's interactions, and its own bad signatures.
    bed.user("hanna").runs("/help").await.says("Intune sync");
    let endpoint = bed.discord.endpoint().expect("it is set");
    bed.discord.set_endpoint(Some(&endpoint)).await.expect("it is verified once more");
    bed.finish().await;
}

#[tokio::test]
async fn a_stop_finishes_the_interaction_that_is_being_handled() {
    let bed = Bed::over_http("stopped while asking", "").await;
    bed.graph_fails(Fault::new(FaultKind::Slow(Duration::from_millis(500))).path("/managedDevices").times(1));
    let asked = bed.user("hanna").starts("/sync device:LT-042");
    bed.discord.wait_until(|_| matches!(asked.state(), InteractionState::Acknowledged { .. })).await;
    assert!(bed.events().await.is_empty(), "Graph has not answered yet");
    bed.restart().await;
    asked.says("Sync `LT-042`?").clicks("No").await.says("Nothing was sent.");
    bed.finish().await;
}

#[tokio::test]
async fn a_slow_database_is_said_in_time_and_nothing_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite://{}", folder.path().join("slow.db").display());
    let config = format!("[store]\nurl = \"{database}\"");
    let bed = Bed::on_stage("a slow database", &config, |options| {
        options.http = true;
        options.store_budget = Duration::from_secs(1);
    })
    .await;
    bed.expects_error("the database did not take a click in time");
    let asked = bed.user("hanna").runs("/sync device:LT-042").await;
    let before = bed.events().await;
    let mut other = <sqlx::SqliteConnection as sqlx::Connection>::connect(&database).await.expect("the same file");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("the file is ours");
    let yes = asked.clicks("Yes").await;
    sqlx::query("ROLLBACK").execute(&mut other).await.expect("and is given back");
    yes.says("Nothing was recorded and nothing was sent");
    let slowest = bed.discord.ack_latencies().into_iter().max().expect("answers");
    assert!(slowest < Duration::from_millis(2_500), "it took {slowest:?}");
    bed.settle().await;
    assert_eq!(bed.events().await, before);
    assert!(bed.calls().is_empty());
    asked.clicks("No").await;
    bed.finish().await;
}
