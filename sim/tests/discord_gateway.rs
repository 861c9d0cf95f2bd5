//! The gateway: who gets in, what a session is, how it ends, and interactions that lie.

mod common;

use std::time::Duration;

use common::{GUILD, HANNA, Rest, Socket, identify, quiet, text, world};
use serde_json::json;

#[tokio::test]
async fn only_the_right_token_known_intents_and_the_right_order_get_in() {
    let sim = world().await;
    let cases = [
        (identify("guessed", 0), 4004),
        (identify("sim-bot-token", 1 << 40), 4013),
        (identify("sim-bot-token", 1 << 15), 4014),
        (json!({"op": 3, "d": {}}), 4003),
        (json!({"op": 77}), 4001),
    ];
    for (frame, code) in cases {
        let mut socket = Socket::open(&sim).await;
        socket.send(frame.clone()).await;
        assert_eq!(socket.next().await, Err(code), "{frame}");
    }
    assert!(!sim.discord.connected());
    let mut twice = Socket::identified(&sim).await;
    twice.send(identify("sim-bot-token", 0)).await;
    assert_eq!(twice.next().await, Err(4005));
}

#[tokio::test]
async fn heartbeats_are_acknowledged_unless_discord_falls_silent() {
    let sim = world().await;
    let mut socket = Socket::identified(&sim).await;
    socket.send(json!({"op": 1, "d": socket.seq})).await;
    assert_eq!(socket.next().await.expect("an answer")["op"], 11);
    sim.discord.silence_gateway(true);
    socket.send(json!({"op": 1, "d": socket.seq})).await;
    let nothing = tokio::time::timeout(Duration::from_millis(100), socket.next()).await;
    assert!(nothing.is_err());
}

#[tokio::test]
async fn a_dropped_session_resumes_and_gets_what_it_missed() {
    let sim = world().await;
    Rest::new(&sim).register().await;
    let mut first = Socket::identified(&sim).await;
    sim.discord.drop_gateway();
    assert_eq!(first.next().await, Err(0));
    let id = sim.discord.user("hanna").run("helpdesk", "/sync device:LT-042").expect("typed");
    assert_eq!(sim.discord.unanswered(), 0, "nobody got it yet");
    let mut second = Socket::open(&sim).await;
    second.resume(&first.session, first.seq).await;
    assert_eq!(text(&second.interaction().await, "id"), id.to_string());
    assert_eq!(second.next().await.expect("a frame")["t"], "RESUMED");
    assert!(sim.discord.connected());
    let mut liar = Socket::open(&sim).await;
    liar.resume(&first.session, 9999).await;
    assert_eq!(liar.next().await, Err(4007));
}

#[tokio::test]
async fn a_clean_close_ends_the_session_and_an_unknown_one_is_invalid() {
    let sim = world().await;
    let socket = Socket::identified(&sim).await;
    let session = socket.session.clone();
    socket.close(1000).await;
    sim.discord.wait_until(|discord| !discord.connected()).await;
    let mut again = Socket::open(&sim).await;
    again.resume(&session, 1).await;
    let answer = again.next().await.expect("a frame");
    assert_eq!((answer["op"].as_u64(), answer["d"].as_bool()), (Some(9), Some(false)));
    again.send(identify("sim-bot-token", 0)).await;
    assert_eq!(again.next().await.expect("a frame")["t"], "READY");
}

#[tokio::test]
async fn discord_can_ask_to_reconnect_invalidate_sessions_and_hang_up() {
    let sim = world().await;
    let mut socket = Socket::identified(&sim).await;
    sim.discord.ask_to_reconnect();
    assert_eq!(socket.next().await.expect("a frame")["op"], 7);
    sim.discord.invalidate_sessions(true);
    let invalid = socket.next().await.expect("a frame");
    assert_eq!((invalid["op"].as_u64(), invalid["d"].as_bool()), (Some(9), Some(true)));
    sim.discord.close_gateway(4000);
    assert_eq!(socket.next().await, Err(4000));
    assert!(!sim.discord.connected());
    sim.discord.refuse_gateway(Some(4004));
    let mut refused = Socket::open(&sim).await;
    refused.send(identify("sim-bot-token", 0)).await;
    assert_eq!(refused.next().await, Err(4004));
}

#[tokio::test]
async fn an_interaction_can_lie_about_roles_while_rest_tells_the_truth() {
    let sim = world().await;
    let rest = Rest::new(&sim);
    rest.register().await;
    let mut socket = Socket::identified(&sim).await;
    let (nora, roles) = (sim.discord.user("nora"), ["Helpdesk", "900000000000000206"]);
    let id = nora.run_claiming("helpdesk", "/sync device:LT-042", &roles).expect("typed");
    let event = socket.interaction().await;
    assert_eq!(event["member"]["roles"], json!(["900000000000000201", "900000000000000206"]));
    let truth = rest.call("GET", &format!("/guilds/{GUILD}/members/900000000000000308"), None).await;
    assert_eq!(truth.body["roles"], json!([]));
    let row = json!([{"type": 1, "components": [{"type": 2, "style": 1, "label": "Yes", "custom_id": "yes"}]}]);
    let card = quiet(json!({"content": "Sure?", "flags": 64, "components": row}));
    assert_eq!(rest.reply(&event, json!({"type": 4, "data": card})).await.status, 204);
    let card = sim.discord.reply_to(id).expect("a card").id;
    nora.claiming(&["Helpdesk"]).click(card, "Yes").expect("clicked");
    assert_eq!(socket.interaction().await["member"]["roles"], json!(["900000000000000201"]));
    nora.click(card, "Yes").expect("clicked");
    assert_eq!(socket.interaction().await["member"]["roles"], json!([]));
    assert!(nora.run_claiming("helpdesk", "/sync device:LT-042", &["no such role"]).is_err());
}

#[tokio::test]
async fn an_interaction_can_come_from_elsewhere_and_its_answer_is_found() {
    let sim = world().await;
    let rest = Rest::new(&sim);
    rest.register().await;
    let mut socket = Socket::identified(&sim).await;
    let hanna = sim.discord.user("hanna");
    let other = "900000000000000999";
    let from_other = hanna.run_in_guild(other, "helpdesk", "/sync device:LT-042").expect("typed");
    let event = socket.interaction().await;
    let named = ["/guild_id", "/guild/id", "/channel/guild_id", "/authorizing_integration_owners/0"];
    assert!(named.iter().all(|path| event.pointer(path) == Some(&json!(other))), "{event}");
    let no = quiet(json!({"content": "Not here.", "flags": 64}));
    assert_eq!(rest.reply(&event, json!({"type": 4, "data": no})).await.status, 204);
    assert_eq!(sim.discord.reply_to(from_other).expect("an answer").content, "Not here.");

    let direct = hanna.run_in_direct_message("/sync device:LT-042").expect("typed");
    let event = socket.interaction().await;
    assert!(["guild_id", "guild", "member"].iter().all(|name| event.get(name).is_none()), "{event}");
    assert_eq!((&event["user"]["id"], &event["channel"]["type"]), (&json!(HANNA), &json!(1)));
    assert_eq!((&event["context"], &event["channel"]["id"]), (&json!(1), &event["channel_id"]));
    let no = quiet(json!({"content": "Not in private."}));
    assert_eq!(rest.reply(&event, json!({"type": 4, "data": no})).await.status, 204);
    assert_eq!(sim.discord.reply_to(direct).expect("an answer").content, "Not in private.");
    assert!(sim.discord.messages("helpdesk").iter().all(|message| message.content != "Not in private."));
}
