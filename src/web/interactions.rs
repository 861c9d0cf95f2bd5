//! `POST /interactions`: hands what Discord posts to the endpoint, unchanged, and its word back.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use crate::discord::{Endpoint, NotDiscord, Told};

/// Where Discord posts to.
pub const PATH: &str = "/interactions";

/// Largest body; Discord's own are a few kilobytes, and a dialog's texts some more.
const LARGEST: usize = 256 * 1024;

/// How long a body may take to arrive: after three seconds Discord has given up.
const ARRIVES_WITHIN: Duration = Duration::from_secs(3);

/// The signature's header.
const SIGNATURE: HeaderName = HeaderName::from_static("x-signature-ed25519");

/// The header of the time that is signed along.
const TIMESTAMP: HeaderName = HeaderName::from_static("x-signature-timestamp");

/// The server of the interactions endpoint.
#[derive(Clone)]
pub struct InteractionsServer(Arc<Endpoint>);

impl InteractionsServer {
    /// A server over `endpoint`.
    pub fn new(endpoint: Arc<Endpoint>) -> Self {
        Self(endpoint)
    }

    /// Its route.
    pub fn router(self) -> Router {
        Router::new().route(PATH, post(take)).layer(DefaultBodyLimit::max(LARGEST)).with_state(self)
    }

    async fn taken(&self, from: IpAddr, request: Request) -> Result<Response, NotDiscord> {
        let headers = request.headers();
        let sealed = self.0.sealed(from, only(headers, &SIGNATURE), only(headers, &TIMESTAMP))?;
        let body = match tokio::time::timeout(ARRIVES_WITHIN, Bytes::from_request(request, &())).await {
            Ok(Ok(body)) => body,
            Ok(Err(rejection)) => return Ok(rejection.into_response()),
            Err(_elapsed) => return Ok(StatusCode::REQUEST_TIMEOUT.into_response()),
        };
        Ok(match self.0.take(from, &sealed, &body)? {
            Told::Pong => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], r#"{"type":1}"#)
                .into_response(),
            Told::Taken => StatusCode::ACCEPTED.into_response(),
            Told::Unreadable | Told::NotOurs => StatusCode::BAD_REQUEST.into_response(),
        })
    }
}

/// A header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none()).map(HeaderValue::as_bytes)
}

async fn take(
    State(server): State<InteractionsServer>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    server.taken(peer.ip(), request).await.unwrap_or_else(|NotDiscord { hang_up }| {
        let mut response = StatusCode::UNAUTHORIZED.into_response();
        if hang_up {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    })
}
