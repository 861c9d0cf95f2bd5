//! The link page: four addresses under `/link`, with every header that keeps a page to itself.
//!
//! It speaks plain HTTP and stands behind a proxy that brings TLS. A GET changes nothing, so that a link preview uses
//! nothing up; only Entra's return, which carries a state, is taken by GET, and that once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use jiff::SignedDuration;
use serde::Deserialize;
use url::Url;

use super::link_pages as pages;
use crate::budget::BudgetPer;
use crate::clock::Clock;
use crate::identity::{LinkRefusal, Linking, Return, Step};
use crate::settings::Rate;

/// Requests from one address. Behind a proxy that is the proxy's, so it bounds everyone together; a person needs four.
const RATE: Rate = Rate { count: 240, per: SignedDuration::from_secs(60) };

/// Seconds that the browser's cookie lives: as long as an attempt.
const COOKIE_SECONDS: u32 = 600;

/// A year: browsers come back with TLS only.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Headers of every answer, besides the content policy.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

/// The server of the link page.
#[derive(Clone, Debug)]
pub struct LinkServer(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    linking: Arc<Linking>,
    clock: Clock,
    people: BudgetPer<IpAddr>,
    /// The path under which browsers reach us, without the slash at its end.
    base: String,
    is_https: bool,
    policy: HeaderValue,
}

impl LinkServer {
    /// A server over `linking`. `public_url`: how browsers reach it; `authority`: where Continue leads in the end.
    pub fn new(linking: Arc<Linking>, public_url: &Url, authority: &Url, clock: &Clock) -> Self {
        // Chromium holds a form's redirects to `form-action` too.
        let policy = format!(
            "default-src 'none'; style-src 'self'; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'",
            authority.origin().ascii_serialization()
        );
        Self(Arc::new(Parts {
            linking,
            clock: clock.clone(),
            people: BudgetPer::new(RATE, clock),
            base: public_url.path().trim_end_matches('/').to_owned(),
            is_https: public_url.scheme() == "https",
            policy: HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'")),
        }))
    }

    /// Its routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/link/style.css", get(style))
            .route("/link/callback", get(callback))
            .route("/link/{ticket}", get(landing))
            .route("/link/{ticket}/start", post(start))
            .fallback(nothing)
            .method_not_allowed_fallback(nothing)
            .layer(from_fn_with_state(self.clone(), guard))
            .with_state(self)
    }

    fn cookie_name(&self) -> &'static str {
        if self.0.is_https { "__Host-link" } else { "link" }
    }

    /// The browser's cookie of ours.
    fn cookie(&self, headers: &HeaderMap) -> Option<String> {
        let pairs = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        let mut pairs = pairs.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.cookie_name()).map(|(_, value)| value.to_owned())
    }

    fn set_cookie(&self, value: &str) -> Option<HeaderValue> {
        let secure = if self.0.is_https { "; Secure" } else { "" };
        let name = self.cookie_name();
        let cookie = format!("{name}={value}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}");
        let mut cookie = HeaderValue::from_str(&cookie).ok()?;
        cookie.set_sensitive(true);
        Some(cookie)
    }

    /// The page of a step that went well, or what stands in its place.
    fn shown<T>(&self, step: Step<T>, well: impl FnOnce(T) -> Response) -> Response {
        match step {
            Ok(Ok(value)) => well(value),
            Ok(Err(refusal)) => pages::refusal(&self.0.base, refusal),
            Err(error) => {
                let reference = format!("{:08X}", fastrand::u32(..));
                tracing::error!(%error, reference, "the link page could not be served");
                pages::trouble(&self.0.base, &reference)
            }
        }
    }
}

/// Around every request: the limit, and the headers of its answer.
async fn guard(State(server): State<LinkServer>, request: Request, next: Next) -> Response {
    let parts = &server.0;
    let _busy = parts.clock.busy();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let is_style = request.uri().path() == "/link/style.css";
    let mut response = if is_style || parts.people.take(&peer.unwrap_or(Ipv4Addr::UNSPECIFIED.into())).is_ok() {
        next.run(request).await
    } else {
        tracing::warn!("the link page is asked for too often from one address");
        pages::too_fast(&parts.base)
    };
    let headers = response.headers_mut();
    headers.extend(HEADERS);
    headers.insert(header::CONTENT_SECURITY_POLICY, parts.policy.clone());
    if parts.is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    response
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], pages::STYLE).into_response()
}

async fn nothing(State(server): State<LinkServer>) -> Response {
    pages::refusal(&server.0.base, LinkRefusal::Unknown)
}

async fn landing(State(server): State<LinkServer>, Path(ticket): Path<String>) -> Response {
    let step = server.0.linking.landing(&ticket).await;
    server.shown(step, |landing| pages::landing(&server.0.base, &ticket, &landing))
}

async fn start(State(server): State<LinkServer>, Path(ticket): Path<String>, headers: HeaderMap) -> Response {
    // A form that another site sends would skip the page that names the account. Every current browser says so.
    let foreign = headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin");
    let cookie = server.cookie(&headers);
    let step = server.0.linking.start(&ticket, cookie.as_deref(), foreign).await;
    server.shown(step, |departure| {
        let mut response = Redirect::to(departure.url.as_str()).into_response();
        if let Some(cookie) = server.set_cookie(&departure.cookie) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    })
}

/// What Entra's redirect carries.
#[derive(Deserialize)]
struct Returned {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

async fn callback(
    State(server): State<LinkServer>,
    method: Method,
    headers: HeaderMap,
    returned: Result<Query<Returned>, QueryRejection>,
) -> Response {
    // Axum serves HEAD with GET's handler, and a look must not use the state up.
    if method != Method::GET {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let Ok(Query(Returned { code, state, error })) = returned else {
        return pages::refusal(&server.0.base, LinkRefusal::Unknown);
    };
    let cookie = server.cookie(&headers);
    let step = server.0.linking.arrive(Return { code, state, error, cookie }).await;
    server.shown(step, |arrival| pages::arrived(&server.0.base, &arrival))
}
