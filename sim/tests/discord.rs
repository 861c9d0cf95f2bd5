//! What Discord enforces over REST: deadlines, tokens, sizes, visibility, rate limits and faults.

mod common;

use std::time::Duration;

use common::{APP, GUILD, HANNA, HELPDESK, Rest, Socket, quiet, text, world};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sim::Sim;
use sim::discord::{Fault, InteractionState, Limits, Ping};

/// A world with a bot that has registered its commands.
async fn bed() -> (Sim, Rest, Socket) {
    let sim = world().await;
    let rest = Rest::new(&sim);
    assert_eq!(rest.register().await.status, 200);
    let socket = Socket::identified(&sim).await;
    (sim, rest, socket)
}

/// Hanna's `/sync`, as the bot gets it.
async fn sync(sim: &Sim, socket: &mut Socket) -> (sim::discord::InteractionId, Value) {
    let id = sim.discord.user("hanna").run("helpdesk", "/sync device:LT-042 reason:INC-1").expect("typed");
    (id, socket.interaction().await)
}

fn message(content: &str) -> Value {
    quiet(json!({"content": content}))
}

fn answer(content: &str, flags: u64) -> Value {
    let mut data = message(content);
    data["flags"] = json!(flags);
    json!({"type": 4, "data": data})
}

fn buttons(ids: &[&str]) -> Value {
    let one = |id: &&str| json!({"type": 2, "style": 1, "label": id, "custom_id": id});
    json!([{"type": 1, "components": ids.iter().map(one).collect::<Vec<_>>()}])
}

#[tokio::test]
async fn an_interaction_carries_everything_that_discord_sends() {
    let (sim, _rest, mut socket) = bed().await;
    let (id, event) = sync(&sim, &mut socket).await;
    assert_eq!(text(&event, "id"), id.to_string());
    assert_eq!(
        (event["type"].as_u64(), event["version"].as_u64(), event["context"].as_u64()),
        (Some(2), Some(1), Some(0))
    );
    assert_eq!(event["member"]["roles"], json!(["900000000000000201"]));
    assert_eq!(event["member"]["user"]["id"], HANNA);
    assert_eq!(event["channel"]["name"], "helpdesk");
    assert_eq!(event["data"]["options"][0]["value"], "LT-042");
    assert!(text(&event, "token").len() >= 60);
    for key in [
        "application_id",
        "app_permissions",
        "entitlements",
        "authorizing_integration_owners",
        "attachment_size_limit",
        "locale",
        "guild_locale",
    ] {
        assert!(!event[key].is_null(), "{key}");
    }
    sim.discord.set_roles("hanna", &["Reporting"]);
    assert_eq!(sync(&sim, &mut socket).await.1["member"]["roles"], json!(["900000000000000205"]));
}

#[tokio::test]
async fn an_answer_after_three_seconds_is_refused_and_the_person_sees_no_response() {
    let (sim, rest, mut socket) = bed().await;
    let (id, event) = sync(&sim, &mut socket).await;
    assert_eq!(sim.discord.interaction(id), Some(InteractionState::Waiting));
    assert_eq!(sim.discord.unanswered(), 1);
    sim.clock.advance(SignedDuration::from_millis(3001));
    assert_eq!(sim.discord.interaction(id), Some(InteractionState::Never));
    assert_eq!(sim.discord.unanswered(), 0);
    assert_eq!(rest.reply(&event, answer("late", 64)).await.verdict(), (404, 10062));
    assert_eq!(sim.discord.interaction(id), Some(InteractionState::AnsweredLate { after_ms: 3001 }));
    assert!(sim.discord.transcript("helpdesk").contains("The application did not respond"));
}

#[tokio::test]
async fn an_interaction_is_answered_once_and_then_edited_for_fifteen_minutes() {
    let (sim, rest, mut socket) = bed().await;
    let (id, event) = sync(&sim, &mut socket).await;
    assert_eq!(rest.webhook("PATCH", &event, "/messages/@original", message("a")).await.verdict(), (404, 10015));
    assert_eq!(rest.reply(&event, json!({"type": 5, "data": {"flags": 64}})).await.status, 204);
    assert_eq!(rest.reply(&event, answer("again", 64)).await.verdict(), (400, 40060));
    assert!(sim.discord.reply_to(id).expect("a message").loading);
    let edited = rest.webhook("PATCH", &event, "/messages/@original", message("done")).await;
    assert_eq!((edited.status, edited.body["flags"].as_u64(), edited.body["type"].as_u64()), (200, Some(64), Some(20)));
    let card = sim.discord.reply_to(id).expect("a message");
    assert!(!card.loading && card.is_ephemeral() && card.edited.is_none());
    sim.clock.advance(SignedDuration::from_mins(15));
    assert_eq!(rest.webhook("PATCH", &event, "/messages/@original", message("more")).await.status, 200);
    sim.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(rest.webhook("PATCH", &event, "/messages/@original", message("late")).await.verdict(), (401, 50027));
}

#[tokio::test]
async fn an_ephemeral_message_does_not_exist_for_channel_routes_or_for_others() {
    let (sim, rest, mut socket) = bed().await;
    let (id, event) = sync(&sim, &mut socket).await;
    rest.reply(&event, answer("only you", 64)).await;
    let card = sim.discord.reply_to(id).expect("a message");
    let path = format!("/channels/{HELPDESK}/messages/{}", card.id);
    for method in ["GET", "PATCH", "DELETE"] {
        assert_eq!(rest.call(method, &path, message("x")).await.verdict(), (404, 10008), "{method}");
    }
    assert!(sim.discord.messages_seen_by("helpdesk", "omar").is_empty());
    assert!(sim.discord.user("omar").click_raw(card.id, "x").is_err());
    sim.discord.user("omar").click_forged(card.id, "v1:yes").expect("forged");
    let forged = socket.interaction().await;
    assert_eq!(
        (text(&forged["data"], "custom_id"), text(&forged["member"]["user"], "username")),
        ("v1:yes".to_owned(), "omar".to_owned())
    );
    assert_eq!(rest.reply(&forged, answer("Not yours.", 64)).await.status, 204);
    sim.discord.user("hanna").dismiss(card.id).expect("dismissed");
    assert_eq!(rest.webhook("PATCH", &event, "/messages/@original", message("x")).await.verdict(), (404, 10008));
}

#[tokio::test]
async fn a_click_updates_the_message_clicked_and_its_original_is_that_message() {
    let (sim, rest, mut socket) = bed().await;
    let body = quiet(json!({"content": "Sync?", "components": buttons(&["Yes", "No"])}));
    let sent = rest.post(body).await;
    let id = sim.discord.messages("helpdesk")[0].id;
    assert_eq!(text(&sent.body, "id"), id.to_string());
    let hanna = sim.discord.user("hanna");
    assert!(hanna.click(id, "Maybe").expect_err("no such button").0.contains("there are [\"Yes\", \"No\"]"));
    hanna.click(id, "Yes").expect("clicked");
    let click = socket.interaction().await;
    assert_eq!((click["type"].as_u64(), text(&click["data"], "custom_id")), (Some(3), "Yes".to_owned()));
    assert_eq!(click["message"]["content"], "Sync?");
    assert_eq!(rest.reply(&click, json!({"type": 6})).await.status, 204);
    let changed = quiet(json!({"content": "Accepted.", "components": []}));
    assert_eq!(text(&rest.webhook("PATCH", &click, "/messages/@original", changed).await.body, "id"), id.to_string());
    let view = sim.discord.message(id).expect("still there");
    assert_eq!((view.content.as_str(), view.rows.len(), view.history[0].content.as_str()), ("Accepted.", 0, "Sync?"));
    let follow_up = rest.webhook("POST", &click, "", answer("psst", 64)["data"].clone()).await;
    assert_eq!(follow_up.body["flags"], 64);
    assert_eq!(sim.discord.messages_seen_by("helpdesk", "omar").len(), 1);
}

#[tokio::test]
async fn the_same_interaction_can_arrive_twice() {
    let (sim, rest, mut socket) = bed().await;
    let (id, first) = sync(&sim, &mut socket).await;
    rest.reply(&first, answer("a", 64)).await;
    assert!(sim.discord.resend(id));
    let second = socket.interaction().await;
    assert_eq!(first, second);
    assert_eq!(rest.reply(&second, answer("b", 64)).await.verdict(), (400, 40060));
}

#[tokio::test]
async fn a_callback_must_fit_its_interaction() {
    let (sim, rest, mut socket) = bed().await;
    let (_, event) = sync(&sim, &mut socket).await;
    for body in [
        json!({"type": 6}),
        json!({"type": 7, "data": message("x")}),
        json!({"type": 8, "data": {"choices": []}}),
        json!({"type": 99}),
    ] {
        assert_eq!(rest.reply(&event, body).await.verdict(), (400, 50035));
    }
    let public_flag = json!({"type": 5, "data": {"flags": 4}});
    assert_eq!(rest.reply(&event, public_flag).await.verdict(), (400, 50035));
    let unquiet = rest.reply(&event, json!({"type": 4, "data": {"content": "x"}})).await;
    assert_eq!(unquiet.body["errors"]["data"]["allowed_mentions"]["_errors"][0]["code"], "BASE_TYPE_REQUIRED");
    let long = json!({"type": 9, "data": {"custom_id": "m", "title": "t".repeat(46), "components": []}});
    let errors = rest.reply(&event, long).await.body["errors"]["data"].to_string();
    assert!(errors.contains("title") && errors.contains("components"), "{errors}");
    assert_eq!(rest.reply(&event, answer("fine", 64)).await.status, 204);
}

#[tokio::test]
async fn choices_are_limited_and_a_picked_one_is_sent_by_value() {
    let (sim, rest, mut socket) = bed().await;
    let hanna = sim.discord.user("hanna");
    let asking = {
        let hanna = hanna.clone();
        tokio::spawn(async move { hanna.autocomplete("helpdesk", "/sync device:LT-0").await })
    };
    let event = socket.interaction().await;
    assert_eq!(event["data"]["options"][0], json!({"name": "device", "type": 3, "value": "LT-0", "focused": true}));
    let choice = |name: &str| json!({"name": name, "value": format!("id of {name}")});
    let too_many: Vec<Value> = (0..26).map(|n| choice(&n.to_string())).collect();
    assert_eq!(rest.reply(&event, json!({"type": 8, "data": {"choices": too_many}})).await.verdict(), (400, 50035));
    assert_eq!(
        rest.reply(&event, json!({"type": 8, "data": {"choices": [choice(&"n".repeat(101))]}})).await.verdict(),
        (400, 50035)
    );
    assert_eq!(
        rest.reply(&event, json!({"type": 8, "data": {"choices": [choice("LT-042 (Hanna)")]}})).await.status,
        204
    );
    assert_eq!(asking.await.expect("joined").expect("choices")[0].name, "LT-042 (Hanna)");
    hanna.run("helpdesk", "/sync device:LT-042 (Hanna)").expect("typed");
    assert_eq!(socket.interaction().await["data"]["options"][0]["value"], "id of LT-042 (Hanna)");
    hanna.run_with("helpdesk", "/sync", &[("device", "forged")]).expect("typed");
    assert_eq!(socket.interaction().await["data"]["options"][0]["value"], "forged");
}

#[tokio::test]
async fn a_dialog_opens_in_front_of_one_person_and_its_fields_come_back() {
    let (sim, rest, mut socket) = bed().await;
    let (_, event) = sync(&sim, &mut socket).await;
    let input = json!({"type": 4, "style": 1, "custom_id": "reason", "label": "Reason", "min_length": 3});
    let modal = json!({"custom_id": "v1:m", "title": "Why?", "components": [{"type": 1, "components": [input]}]});
    assert_eq!(rest.reply(&event, json!({"type": 9, "data": modal})).await.status, 204);
    assert!(sim.discord.modal("omar").is_none());
    let open = sim.discord.modal("hanna").expect("open");
    let hanna = sim.discord.user("hanna");
    assert!(hanna.submit(&open, &[("reason", "x")]).is_err(), "too short");
    hanna.submit(&open, &[("Reason", "INC-1")]).expect("sent");
    let submit = socket.interaction().await;
    assert_eq!(submit["data"]["components"][0]["components"][0]["value"], "INC-1");
    assert_eq!(rest.reply(&submit, json!({"type": 9, "data": {}})).await.verdict(), (400, 50035));
    assert_eq!(rest.reply(&submit, json!({"type": 6})).await.verdict(), (400, 50035));
    assert_eq!(rest.reply(&submit, answer("Thanks", 64)).await.status, 204);
}

#[tokio::test]
async fn a_nonce_makes_one_message_for_a_few_minutes() {
    let (sim, rest, _socket) = bed().await;
    let body = quiet(json!({"content": "done", "nonce": "job-1", "enforce_nonce": true}));
    let first = text(&rest.post(body.clone()).await.body, "id");
    assert_eq!(text(&rest.post(body.clone()).await.body, "id"), first);
    sim.clock.advance(SignedDuration::from_mins(6));
    assert_ne!(text(&rest.post(body).await.body, "id"), first);
    assert_eq!(sim.discord.messages("helpdesk").len(), 2);
}

#[tokio::test]
async fn only_allowed_mentions_ping() {
    let (sim, rest, _socket) = bed().await;
    let content = format!("<@{HANNA}> <@&900000000000000201> @everyone");
    rest.post(json!({"content": content, "allowed_mentions": {"parse": []}})).await;
    rest.post(json!({"content": content, "allowed_mentions": {"parse": [], "users": [HANNA]}})).await;
    rest.post(json!({"content": content, "allowed_mentions": {"parse": ["roles", "everyone"]}})).await;
    let pings: Vec<Vec<Ping>> = sim.discord.messages("helpdesk").into_iter().map(|message| message.pings).collect();
    let role = Ping::Role("Helpdesk".to_owned());
    assert_eq!(pings, [vec![], vec![Ping::User("hanna".to_owned())], vec![role, Ping::Everyone]]);
}

#[tokio::test]
async fn channels_can_be_hidden_forbidden_and_deleted() {
    let (sim, rest, _socket) = bed().await;
    sim.discord.forbid_channel("helpdesk", true);
    assert_eq!(rest.post(message("x")).await.verdict(), (403, 50013));
    sim.discord.hide_channel("helpdesk", true);
    assert_eq!(rest.post(message("x")).await.verdict(), (403, 50001));
    sim.discord.delete_channel("helpdesk", true);
    assert_eq!(rest.post(message("x")).await.verdict(), (404, 10003));
    assert_eq!(sim.discord.invalid_requests(), 2);
}

#[tokio::test]
async fn old_messages_take_only_so_many_edits() {
    let (sim, rest, _socket) = bed().await;
    let mut limits = Limits::generous();
    limits.old_edits = sim::discord::Rate::new(2, 3600);
    sim.discord.set_limits(limits);
    let id = text(&rest.post(message("x")).await.body, "id");
    let path = format!("/channels/{HELPDESK}/messages/{id}");
    sim.clock.advance(SignedDuration::from_mins(61));
    for _ in 0..2 {
        assert_eq!(rest.call("PATCH", &path, message("y")).await.status, 200);
    }
    assert_eq!(rest.call("PATCH", &path, message("y")).await.verdict(), (429, 30046));
}

#[tokio::test]
async fn rate_limits_are_announced_enforced_and_end_with_time() {
    let (sim, rest, _socket) = bed().await;
    let first = rest.post(message("1")).await;
    assert_eq!((first.header("x-ratelimit-limit"), first.header("x-ratelimit-remaining")), ("5", "4"));
    assert_eq!(first.header("x-ratelimit-reset-after"), "5.000");
    assert!(!first.header("x-ratelimit-bucket").is_empty() && !first.header("x-ratelimit-reset").is_empty());
    for _ in 0..4 {
        assert_eq!(rest.post(message("n")).await.status, 200);
    }
    let over = rest.post(message("6")).await;
    assert_eq!((over.status, over.header("retry-after"), &over.body["global"]), (429, "5.000", &json!(false)));
    assert_eq!(over.body["retry_after"], 5.0);
    sim.clock.advance(SignedDuration::from_secs(5));
    assert_eq!(rest.post(message("7")).await.status, 200);
}

#[tokio::test]
async fn requests_can_be_made_to_go_wrong() {
    let (sim, rest, _socket) = bed().await;
    let limited = Fault::RateLimited { retry_after: Duration::from_millis(1500), global: true };
    sim.discord.fault("POST /channels/", limited, 1);
    let answer = rest.post(message("x")).await;
    assert_eq!(
        (answer.status, answer.header("retry-after"), answer.header("x-ratelimit-global")),
        (429, "1.500", "true")
    );
    sim.discord.fault("", Fault::ChannelWriteLimit { retry_after: Duration::from_secs(1) }, 1);
    assert_eq!(rest.post(message("x")).await.verdict(), (429, 20028));
    sim.discord.fault("", Fault::Status(502), 1);
    assert_eq!(rest.post(message("x")).await.status, 502);
    assert!(sim.discord.messages("helpdesk").is_empty());
    sim.discord.fault("", Fault::LostAnswer, 1);
    let path = format!("/channels/{HELPDESK}/messages");
    assert!(rest.try_call("POST", &path, Some(message("lost answer"))).await.is_err());
    sim.discord.fault("", Fault::LostRequest, 1);
    assert!(rest.try_call("POST", &path, Some(message("lost request"))).await.is_err());
    let contents: Vec<String> = sim.discord.messages("helpdesk").into_iter().map(|message| message.content).collect();
    assert_eq!(contents, ["lost answer"]);
    let lost = sim.traffic.exchanges().into_iter().filter(|exchange| exchange.status == 0).count();
    assert_eq!((lost, sim.traffic.in_flight()), (2, 0));
}

#[tokio::test]
async fn a_wrong_token_and_unknown_routes_are_refused_and_commands_are_listed() {
    let (sim, rest, _socket) = bed().await;
    let stranger = Rest::new(&sim).with_token("guessed");
    assert_eq!(stranger.post(message("x")).await.verdict(), (401, 0));
    assert_eq!(rest.call("GET", "/nothing", None).await.verdict(), (404, 0));
    let listed = rest.call("GET", &format!("/applications/{APP}/guilds/{GUILD}/commands"), None).await;
    assert_eq!((listed.body[0]["name"].as_str(), listed.body[0]["guild_id"].as_str()), (Some("sync"), Some(GUILD)));
    let bad = json!([{"name": "Sync", "description": "d"}]);
    let answer = rest.call("PUT", &format!("/applications/{APP}/guilds/{GUILD}/commands"), bad).await;
    assert_eq!(
        (answer.verdict(), &answer.body["errors"]["0"]["name"]["_errors"][0]["code"]),
        ((400, 50035), &json!("APPLICATION_COMMAND_INVALID_NAME"))
    );
    assert_eq!(sim.discord.registered_commands().len(), 2, "a refused list changes nothing");
}

#[tokio::test]
async fn the_transcript_reads_like_the_channel() {
    let (sim, rest, mut socket) = bed().await;
    let (_, event) = sync(&sim, &mut socket).await;
    let mut card = quiet(
        json!({"embeds": [{"title": "Sync LT-042?", "fields": [{"name": "User", "value": "Hanna"}]}], "components": buttons(&["Yes", "No"])}),
    );
    card["flags"] = json!(64);
    rest.reply(&event, json!({"type": 4, "data": card})).await;
    insta::assert_snapshot!(sim.discord.transcript("helpdesk"), @r"
    hanna > /sync device:LT-042 reason:INC-1
    Intune Sync [BOT]  10:00:00
      ┌──────────────┐
      │ Sync LT-042? │
      │ User: Hanna  │
      └──────────────┘
      [Yes] [No]
      ~ only hanna can see this
    ");
}
