//! The REST API: one door through which every request goes: fault, token, rate limit, route, record.

mod call;
mod commands;
mod guild;
mod interactions;
mod messages;
mod webhooks;

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response};
use serde_json::Value;

use super::error::ApiError;
use super::faults::Fault;
use super::ids::{ChannelId, InteractionId, MessageId};
use super::limits::{Class, Headers};
use crate::traffic::InFlight;
use crate::{Discord, Exchange, Moment, Service};
use call::Call;

/// The largest body taken.
const MAX_BODY: usize = 30 * 1024 * 1024;

/// An answer: a status and perhaps a body.
type Reply = (u16, Option<Value>);
type Outcome = Result<Reply, ApiError>;

/// Serves everything under `/api/v10/`.
pub(super) async fn serve(State(discord): State<Discord>, request: Request) -> Response<Body> {
    let _serving = Serving { discord: discord.clone(), in_flight: Some(discord.traffic().begin()) };
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let call = Call::read(&parts, &bytes);
    let name = format!("{} {}", call.method, call.path.trim_start_matches("/api/v10"));
    let fault = discord.with(|state| state.faults.take(&name));
    if fault == Some(Fault::LostRequest) {
        record(&discord, &call, 0, None);
        hang_up();
    }
    if let Some(Fault::Slow(by)) = fault {
        tokio::time::sleep(by).await;
    }
    let holds = discord.traffic().holds();
    if holds.keeps(Service::Discord, &call.method, &call.path, Moment::Before).await {
        record(&discord, &call, 0, None);
        hang_up();
    }
    let (headers, outcome) = answer(&discord, &call, fault.as_ref());
    if outcome.as_ref().is_err_and(|error| matches!(error.status, 401 | 403 | 429)) {
        discord.count_invalid();
    }
    let held = holds.keeps(Service::Discord, &call.method, &call.path, Moment::After).await;
    let lost = held || fault == Some(Fault::LostAnswer);
    let (status, json, retry) = match outcome {
        Ok((status, json)) => (status, json, None),
        Err(error) => (error.status, Some(error.body), error.retry_after.map(|after| (after, error.global))),
    };
    record(&discord, &call, if lost { 0 } else { status }, if lost { None } else { json.clone() });
    if lost {
        hang_up();
    }
    response(status, json, headers, retry)
}

/// Takes the body of an endpoint's answer as a callback; whether it is a good one.
pub(super) fn answered_inline(discord: &Discord, id: InteractionId, body: &[u8]) -> bool {
    let token = discord.with(|state| state.tokens.iter().find(|(_, of)| **of == id).map(|(token, _)| token.clone()));
    let call = Call::inline(body);
    token.is_some_and(|token| interactions::callback(discord, &call, &id.to_string(), &token).is_ok())
}

/// Counts a request as being served, and tells listeners once it no longer is (also when the answer is lost).
struct Serving {
    discord: Discord,
    in_flight: Option<InFlight>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.in_flight = None;
        self.discord.notify();
    }
}

/// Breaks the connection: the task that serves it ends without a word, and without a panic message.
fn hang_up() -> ! {
    std::panic::resume_unwind(Box::new("the simulator was told to lose this answer"))
}

fn record(discord: &Discord, call: &Call, status: u16, response: Option<Value>) {
    discord.traffic().record(Exchange {
        service: Service::Discord,
        method: call.method.clone(),
        path: call.path.clone(),
        query: call.query.clone(),
        request: call.json.clone(),
        status,
        response,
        at: Some(discord.now()),
    });
}

fn answer(discord: &Discord, call: &Call, fault: Option<&Fault>) -> (Option<Headers>, Outcome) {
    let segments = call.segments();
    let (class, major, free) = class_of(&call.method, &segments);
    let now = discord.now();
    let (headers, verdict) = discord.with(|state| {
        let (headers, verdict) = state.limiter.count(class, &major, now);
        let global = if free { Ok(()) } else { state.limiter.count(Class::Global, "", now).1 };
        (headers, verdict.and(global))
    });
    let faulty = match fault {
        Some(Fault::RateLimited { retry_after, global }) => Err(ApiError::rate_limited(seconds(*retry_after), *global)),
        Some(Fault::ChannelWriteLimit { retry_after }) => Err(ApiError::channel_write_limit(seconds(*retry_after))),
        Some(Fault::Status(status)) => Err(ApiError::broken(*status)),
        _ => Ok(()),
    };
    let outcome = faulty.and(verdict).and_then(|()| route(discord, call, &segments));
    // Interaction callbacks carry no rate-limit headers worth reading, and the real ones none at all.
    let headers = (!matches!(segments.as_slice(), ["interactions", ..])).then_some(headers);
    (headers, outcome)
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// The bucket of a route; `free` routes are not bound to the global limit.
fn class_of(method: &str, segments: &[&str]) -> (Class, String, bool) {
    let major = |part: Option<&&str>| part.map_or_else(String::new, |part| (*part).to_owned());
    match (method, segments) {
        (_, ["interactions", id, ..]) => (Class::Other, format!("callback {id}"), true),
        (_, ["webhooks", _, token, ..]) => (Class::Webhook, (*token).to_owned(), true),
        ("POST", ["channels", id, "messages"]) => (Class::Create, (*id).to_owned(), false),
        ("PATCH" | "DELETE", ["channels", id, "messages", _]) => (Class::Edit, format!("{method} {id}"), false),
        ("PUT" | "POST" | "PATCH" | "DELETE", ["applications", ..]) => (Class::Commands, major(segments.get(3)), false),
        _ => (Class::Other, format!("{method} {}", segments.first().unwrap_or(&"")), false),
    }
}

fn route(discord: &Discord, call: &Call, segments: &[&str]) -> Outcome {
    let method = call.method.as_str();
    match (method, segments) {
        ("GET", ["gateway"]) => return Ok(guild::gateway(discord)),
        ("POST", ["interactions", id, token, "callback"]) => return interactions::callback(discord, call, id, token),
        (_, ["webhooks", app, token, rest @ ..]) => return webhooks::route(discord, call, app, token, rest),
        _ => {}
    }
    if !discord.with(|state| call.token.as_deref() == Some(state.token.as_str())) {
        return Err(ApiError::unauthorized());
    }
    let channel = |id: &str| ChannelId::parse(id).ok_or_else(ApiError::unknown_channel);
    let message = |id: &str| MessageId::parse(id).ok_or_else(ApiError::unknown_message);
    match (method, segments) {
        ("GET", ["gateway", "bot"]) => Ok(guild::gateway_bot(discord)),
        ("GET", ["users", "@me"]) => Ok(guild::me(discord)),
        ("GET", ["applications", "@me"] | ["oauth2", "applications", "@me"]) => Ok(guild::application(discord)),
        ("GET" | "PUT", ["applications", app, "commands"]) => commands::route(discord, call, app, None),
        ("GET" | "PUT", ["applications", app, "guilds", guild, "commands"]) => {
            commands::route(discord, call, app, Some(guild))
        }
        ("GET", ["guilds", guild]) => guild::guild(discord, guild),
        ("GET", ["guilds", guild, "members", user]) => guild::member(discord, guild, user),
        ("GET", ["channels", id]) => guild::channel(discord, channel(id)?),
        ("GET", ["channels", id, "messages"]) => messages::list(discord, call, channel(id)?),
        ("POST", ["channels", id, "messages"]) => messages::create(discord, call, channel(id)?),
        ("GET", ["channels", id, "messages", mid]) => messages::get(discord, channel(id)?, message(mid)?),
        ("PATCH", ["channels", id, "messages", mid]) => messages::edit(discord, call, channel(id)?, message(mid)?),
        ("DELETE", ["channels", id, "messages", mid]) => messages::delete(discord, channel(id)?, message(mid)?),
        (_, ["channels", _, "messages", ..] | ["gateway", ..] | ["applications", _, .., "commands"]) => {
            Err(ApiError::method_not_allowed())
        }
        _ => Err(ApiError::not_found()),
    }
}

fn response(status: u16, json: Option<Value>, limits: Option<Headers>, retry: Option<(f64, bool)>) -> Response<Body> {
    let body = json.map_or_else(Body::empty, |json| Body::from(json.to_string()));
    let mut response = Response::new(body);
    *response.status_mut() = axum::http::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    if status != 204 {
        set("content-type", "application/json".to_owned());
    }
    if let Some(limits) = limits {
        let reset_after = retry.map_or(limits.reset_after, |(after, _)| after);
        let remaining = if retry.is_some() { 0 } else { limits.remaining };
        set("x-ratelimit-limit", limits.limit.to_string());
        set("x-ratelimit-remaining", remaining.to_string());
        set("x-ratelimit-reset", format!("{:.3}", limits.reset.as_duration().as_secs_f64()));
        set("x-ratelimit-reset-after", format!("{reset_after:.3}"));
        set("x-ratelimit-bucket", limits.bucket);
    }
    if let Some((after, global)) = retry {
        set("retry-after", format!("{after:.3}"));
        set("x-ratelimit-scope", if global { "global" } else { "user" }.to_owned());
        if global {
            set("x-ratelimit-global", "true".to_owned());
        }
    }
    response
}
