//! The interactions endpoint as Discord has it: verified before it is taken, then told everything, signed.

mod common;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use common::{Rest, Socket, quiet, world};
use jiff::SignedDuration;
use serde_json::{Value, json};
use serenity::interactions_endpoint::Verifier;
use sim::Sim;
use sim::discord::InteractionState;

/// A bot's endpoint in a few lines: how it answers a PING, a bad signature, and anything else.
#[derive(Clone)]
struct Bot {
    verifier: Verifier,
    pong: Value,
    bad: StatusCode,
    other: Arc<Mutex<(StatusCode, Value)>>,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Bot {
    fn of(sim: &Sim) -> Self {
        Self {
            verifier: Verifier::new(&sim.discord.public_key()),
            pong: json!({"type": 1}),
            bad: StatusCode::UNAUTHORIZED,
            other: Arc::new(Mutex::new((StatusCode::ACCEPTED, Value::Null))),
            heard: Arc::default(),
        }
    }

    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/interactions", listener.local_addr().expect("an address"));
        let router = Router::new().route("/interactions", post(answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn says(&self, status: StatusCode, body: Value) {
        *self.other.lock().expect("nobody panicked") = (status, body);
    }
}

async fn answer(State(bot): State<Bot>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers[name].to_str().expect("text");
    if bot.verifier.verify(header("x-signature-ed25519"), header("x-signature-timestamp"), &body).is_err() {
        return bot.bad.into_response();
    }
    let event: Value = serde_json::from_slice(&body).expect("JSON");
    if event["type"] == 1 {
        return axum::Json(bot.pong).into_response();
    }
    bot.heard.lock().expect("nobody panicked").push(event);
    let (status, body) = bot.other.lock().expect("nobody panicked").clone();
    if body.is_null() { status.into_response() } else { (status, axum::Json(body)).into_response() }
}

async fn bed() -> (Sim, Rest, Bot) {
    let sim = world().await;
    let rest = Rest::new(&sim);
    assert_eq!(rest.register().await.status, 200);
    let bot = Bot::of(&sim);
    let url = bot.serve().await;
    sim.discord.set_endpoint(Some(&url)).await.expect("it is verified");
    (sim, rest, bot)
}

async fn sent(sim: &Sim) -> sim::discord::InteractionId {
    let id = sim.discord.user("hanna").run("helpdesk", "/sync device:LT-042").expect("typed");
    sim.discord.wait_until(|_| sim.traffic.in_flight() == 0).await;
    id
}

#[tokio::test]
async fn an_address_is_taken_only_if_it_answers_a_ping_and_refuses_a_bad_signature() {
    let sim = world().await;
    let silent = sim.discord.set_endpoint(Some("http://127.0.0.1:9/interactions")).await.unwrap_err();
    assert!(silent.to_string().contains("could not be verified"), "{silent}");
    let careless = Bot { bad: StatusCode::OK, ..Bot::of(&sim) }.serve().await;
    let refused = sim.discord.set_endpoint(Some(&careless)).await.unwrap_err();
    assert!(refused.0.contains("answered by 200, not by 401"), "{refused}");
    let mute = Bot { pong: json!({"type": 4}), ..Bot::of(&sim) }.serve().await;
    let refused = sim.discord.set_endpoint(Some(&mute)).await.unwrap_err();
    assert!(refused.0.contains("not by a PONG"), "{refused}");
    assert_eq!(sim.discord.endpoint(), None);
    let good = Bot::of(&sim).serve().await;
    sim.discord.set_endpoint(Some(&good)).await.unwrap();
    assert_eq!(sim.discord.endpoint(), Some(good.clone()));
    let rest = Rest::new(&sim);
    let application = rest.call("GET", "/applications/@me", None).await.body;
    assert_eq!(application["interactions_endpoint_url"], good);
    assert_eq!(application["verify_key"], sim.discord.public_key());
}

#[tokio::test]
async fn while_it_is_set_the_gateway_hears_nothing() {
    let (sim, _rest, bot) = bed().await;
    let mut socket = Socket::identified(&sim).await;
    sent(&sim).await;
    assert_eq!(bot.heard.lock().expect("nobody panicked").len(), 1);
    sim.discord.set_endpoint(None).await.unwrap();
    let over_the_gateway = sim.discord.user("hanna").run("helpdesk", "/sync device:LT-042").unwrap();
    assert_eq!(socket.interaction().await["id"], over_the_gateway.to_string());
    assert_eq!(bot.heard.lock().expect("nobody panicked").len(), 1);
}

#[tokio::test]
async fn an_answer_may_stand_in_the_response_or_follow_by_the_callback() {
    let (sim, rest, bot) = bed().await;
    bot.says(StatusCode::OK, json!({"type": 4, "data": quiet(json!({"content": "at once", "flags": 64}))}));
    let id = sent(&sim).await;
    assert_eq!(sim.discord.reply_to(id).unwrap().content, "at once");
    bot.says(StatusCode::ACCEPTED, Value::Null);
    let id = sent(&sim).await;
    assert_eq!(sim.discord.interaction(id), Some(InteractionState::Waiting));
    let event = bot.heard.lock().expect("nobody panicked").last().cloned().unwrap();
    assert_eq!(rest.reply(&event, json!({"type": 4, "data": quiet(json!({"content": "later"}))})).await.status, 204);
    assert_eq!(sim.discord.reply_to(id).unwrap().content, "later");
}

#[tokio::test]
async fn anything_but_a_good_answer_is_no_response() {
    let (sim, rest, bot) = bed().await;
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, Value::Null),
        (StatusCode::UNAUTHORIZED, Value::Null),
        (StatusCode::OK, json!({"type": 99})),
        (StatusCode::OK, Value::Null),
    ] {
        bot.says(status, body);
        let id = sent(&sim).await;
        assert_eq!(sim.discord.interaction(id), Some(InteractionState::Never), "{status}");
        let event = bot.heard.lock().expect("nobody panicked").last().cloned().unwrap();
        assert_eq!(rest.reply(&event, json!({"type": 5})).await.status, 404, "and it is too late for a callback");
    }
    assert_eq!(sim.discord.failed_interactions().len(), 4);
    bot.says(StatusCode::ACCEPTED, Value::Null);
    let id = sent(&sim).await;
    sim.clock.advance(SignedDuration::from_millis(3001));
    assert_eq!(sim.discord.interaction(id), Some(InteractionState::Never), "promised, and not kept");
}

#[tokio::test]
async fn deliveries_can_be_kept_back_changed_and_sent_again() {
    let (sim, _rest, bot) = bed().await;
    sim.discord.hold_deliveries(true);
    sent(&sim).await;
    assert!(bot.heard.lock().expect("nobody panicked").is_empty());
    let kept = sim.discord.deliveries().pop().unwrap();
    let status = |delivery| {
        let discord = sim.discord.clone();
        async move { discord.deliver(&delivery).await.unwrap().status }
    };
    assert_eq!(status(kept.tampered(|body| body["member"]["roles"] = json!([]))).await, 401);
    assert_eq!(status(sim.discord.sign_by_another_key(kept.body.clone())).await, 401);
    assert_eq!(status(kept.clone()).await, 202);
    assert_eq!(status(kept.clone()).await, 202, "a replay is for the bot to notice");
    let old = sim.discord.sign_at(sim.clock.now() - SignedDuration::from_hours(1), kept.body.clone());
    assert_eq!(status(old).await, 202, "and so is an old time");
    assert_eq!(bot.heard.lock().expect("nobody panicked").len(), 3);
}
