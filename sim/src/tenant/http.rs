//! From the wire to the tenant and back: reads requests, sends or loses answers, records each exchange.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body as WireBody, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::{any, get, post};
use serde_json::Value;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::ReaderStream;

use super::Tenant;
use super::answer::{Answer, Body, http_date};
use super::dispatch::Served;
use super::entra::{recorded_answer, recorded_form};
use super::model::World;
use super::odata::{Call, Version, pairs};
use crate::{Clock, Exchange, Moment, Service, Traffic};

/// The largest request body taken.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The routes of Entra and Graph.
pub(crate) fn routes() -> axum::Router<Tenant> {
    axum::Router::new()
        .route("/v1.0/{*path}", any(graph))
        .route("/beta/{*path}", any(graph))
        .route("/{tenant}/oauth2/v2.0/token", post(token))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize_page).post(authorize))
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(openid_configuration))
        .route("/common/discovery/instance", get(instance_discovery))
}

/// What the record says of a request.
struct Asked {
    method: String,
    path: String,
    query: Option<String>,
    body: Option<Value>,
}

async fn graph(State(tenant): State<Tenant>, request: Request) -> Response {
    let under_way = tenant.traffic.begin();
    let (head, body) = request.into_parts();
    let header = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    let bytes = to_bytes(body, MOST_BYTES).await.unwrap_or_default();
    let json = if bytes.is_empty() { Ok(None) } else { serde_json::from_slice(&bytes).map(Some) };
    let path = head.uri.path();
    let (version, rest) = path
        .strip_prefix("/beta")
        .map_or_else(|| (Version::V1, path.strip_prefix("/v1.0").unwrap_or(path)), |rest| (Version::Beta, rest));
    let query = head.uri.query().map(str::to_owned);
    let call = Call {
        method: head.method.to_string(),
        version,
        path: rest.to_owned(),
        query: query.as_deref().map(pairs).unwrap_or_default(),
        raw_query: query.clone(),
        eventual: header(HeaderName::from_static("consistencylevel")) == Some("eventual"),
        body: json.as_ref().ok().cloned().flatten(),
        in_batch: false,
        person: None,
    };
    let token = header(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let client_request_id = header(HeaderName::from_static("client-request-id"));
    if tenant.traffic.holds().keeps(Service::Graph, &call.method, path, Moment::Before).await {
        return closed();
    }
    let mut served = if json.is_err() {
        Served::whole(Answer::error(400, "BadRequest", "Unable to read JSON request payload."))
    } else {
        tenant.with(|world| world.serve_with_token(&call, token))
    };
    served.lost |= tenant.traffic.holds().keeps(Service::Graph, &call.method, path, Moment::After).await;
    let asked = Asked { method: call.method.clone(), path: path.to_owned(), query, body: call.body.clone() };
    let response = finish(&tenant, Some(asked), served, client_request_id).await;
    drop(under_way);
    response
}

async fn token(State(tenant): State<Tenant>, Path(name): Path<String>, request: Request) -> Response {
    form_call(&tenant, request, true, |world, form| world.token(&name, form)).await
}

/// What a person chooses on the page. It is no client's call, so it is not in the record, where the only write that a
/// checker lets pass is a sync.
async fn authorize(State(tenant): State<Tenant>, Path(name): Path<String>, request: Request) -> Response {
    form_call(&tenant, request, false, |world, form| world.authorize(&name, form)).await
}

/// A form that is posted to Entra.
async fn form_call(
    tenant: &Tenant,
    request: Request,
    recorded: bool,
    act: impl FnOnce(&mut World, &[(String, String)]) -> Answer + Send,
) -> Response {
    let under_way = tenant.traffic.begin();
    let (head, body) = request.into_parts();
    let bytes = to_bytes(body, MOST_BYTES).await.unwrap_or_default();
    let form = pairs(&String::from_utf8_lossy(&bytes));
    let path = head.uri.path();
    let served = tenant.with(|world| world.with_fault("POST", path, |world| Served::whole(act(world, &form))));
    let asked = recorded.then(|| Asked {
        method: "POST".to_owned(),
        path: path.to_owned(),
        query: head.uri.query().map(str::to_owned),
        body: Some(recorded_form(&form)),
    });
    let response = finish(tenant, asked, served, None).await;
    drop(under_way);
    response
}

async fn authorize_page(State(tenant): State<Tenant>, Path(name): Path<String>, request: Request) -> Response {
    let query = pairs(request.uri().query().unwrap_or_default());
    plain_read(&tenant, request.uri(), |world| world.authorize_page(&name, &query)).await
}

async fn keys(State(tenant): State<Tenant>, Path(name): Path<String>, request: Request) -> Response {
    plain_read(&tenant, request.uri(), |world| world.signing_keys(&name)).await
}

async fn openid_configuration(State(tenant): State<Tenant>, Path(name): Path<String>, request: Request) -> Response {
    plain_read(&tenant, request.uri(), |world| world.openid_configuration(&name)).await
}

async fn instance_discovery(State(tenant): State<Tenant>, request: Request) -> Response {
    plain_read(&tenant, request.uri(), World::instance_discovery).await
}

/// A read from Entra that needs no token.
async fn plain_read(tenant: &Tenant, uri: &Uri, act: impl FnOnce(&World) -> Answer + Send) -> Response {
    let under_way = tenant.traffic.begin();
    let (path, query) = (uri.path().to_owned(), uri.query().map(str::to_owned));
    let served = tenant.with(|world| world.with_fault("GET", &path, |world| Served::whole(act(world))));
    let asked = Asked { method: "GET".to_owned(), path, query, body: None };
    let response = finish(tenant, Some(asked), served, None).await;
    drop(under_way);
    response
}

/// Waits where the answer is slow, records what was asked and answered, and sends the answer or loses it.
async fn finish(tenant: &Tenant, asked: Option<Asked>, served: Served, client_request_id: Option<&str>) -> Response {
    let Served { answer, slow, lost } = served;
    let note = |asked| Note { traffic: tenant.traffic.clone(), clock: tenant.clock.clone(), asked, sent: None };
    let mut note = asked.map(note);
    if !slow.is_zero() {
        tokio::time::sleep(slow).await;
    }
    let now = tenant.clock.now();
    let answer = answer.stamped(now, client_request_id);
    if lost {
        return closed();
    }
    if let Some(note) = &mut note {
        note.sent = Some((answer.status, answer.json_body().map(recorded_answer)));
    }
    drop(note);
    let (kind, body) = match &answer.body {
        Body::Empty => (None, String::new()),
        Body::Json(value) => (Some("application/json; charset=utf-8"), value.to_string()),
        Body::Stream(value) => (Some("application/octet-stream"), value.to_string()),
        Body::Broken(value) => {
            let mut text = value.to_string();
            text.truncate(text.floor_char_boundary(text.len() / 2));
            (Some("application/json; charset=utf-8"), text)
        }
        Body::Html(text) => (Some("text/html; charset=utf-8"), text.clone()),
    };
    let mut response = Response::new(WireBody::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers.extend(kind.map(|kind| (header::CONTENT_TYPE, HeaderValue::from_static(kind))));
    // Clients that go by the server's date must see the simulated one.
    headers.extend(HeaderValue::from_str(&http_date(now)).ok().map(|date| (header::DATE, date)));
    response
}

/// Records an exchange when it is over, also one that the client gave up: nothing was sent then.
struct Note {
    traffic: Traffic,
    clock: Clock,
    asked: Asked,
    sent: Option<(u16, Option<Value>)>,
}

impl Drop for Note {
    fn drop(&mut self) {
        let (status, response) = self.sent.take().unwrap_or((0, None));
        self.traffic.record(Exchange {
            service: Service::Graph,
            method: std::mem::take(&mut self.asked.method),
            path: std::mem::take(&mut self.asked.path),
            query: self.asked.query.take(),
            request: self.asked.body.take(),
            status,
            response,
            at: Some(self.clock.now()),
        });
    }
}

/// A response that makes the connection close before a byte of it is written.
fn closed() -> Response {
    Response::new(WireBody::from_stream(ReaderStream::new(Severed)))
}

/// A body whose first read fails.
struct Severed;

impl AsyncRead for Severed {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted)))
    }
}
