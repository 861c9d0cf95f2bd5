//! The two listeners: health and metrics, and what the outside reaches (the link page, the interactions endpoint).

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Starter;
use crate::clock::Clock;
use crate::discord::Endpoint;
use crate::identity::Linking;
use crate::settings::Settings;
use crate::web::{InteractionsServer, LinkServer, Ops, OpsParts};

/// Serves health and metrics.
pub(super) async fn ops(
    starter: &Starter,
    stop: &CancellationToken,
    listen: Option<SocketAddr>,
    parts: OpsParts,
) -> anyhow::Result<Option<SocketAddr>> {
    let Some(listen) = listen else { return Ok(None) };
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("while listening on web.ops_listen = {listen}"))?;
    serve(starter, stop, listener, Ops::new(parts).router(), "health and metrics", || ()).map(Some)
}

/// Serves the link page where `[link]` is set, and the interactions endpoint where there is one.
pub(super) async fn public(
    starter: &Starter,
    stop: &CancellationToken,
    settings: &Settings,
    linking: Arc<Linking>,
    endpoint: Option<&Arc<Endpoint>>,
    clock: &Clock,
) -> anyhow::Result<Option<SocketAddr>> {
    let link = settings
        .link
        .as_ref()
        .map(|link| LinkServer::new(linking, &link.public_url, &settings.entra.authority_url, clock).router());
    let interactions = endpoint.map(|endpoint| InteractionsServer::new(Arc::clone(endpoint)).router());
    let router = match (link, interactions) {
        (Some(link), Some(interactions)) => link.merge(interactions),
        (Some(router), None) | (None, Some(router)) => router,
        (None, None) => return Ok(None),
    };
    let listen = settings.web.listen.context("web.listen is not set")?;
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("while listening on web.listen = {listen}"))?;
    let status = endpoint.map(|endpoint| Arc::clone(endpoint.status()));
    if let Some(status) = &status {
        status.listens(true);
    }
    let ended = move || {
        if let Some(status) = status {
            status.listens(false);
        }
    };
    serve(starter, stop, listener, router, "the public pages", ended).map(Some)
}

fn serve(
    starter: &Starter,
    stop: &CancellationToken,
    listener: TcpListener,
    router: Router,
    what: &'static str,
    ended: impl FnOnce() + Send + 'static,
) -> anyhow::Result<SocketAddr> {
    let addr = listener.local_addr()?;
    let stopped = stop.clone();
    starter.start(async move {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(stopped.cancelled_owned()).await {
            tracing::error!(%error, what, "a listener ended");
        }
        ended();
    });
    Ok(addr)
}
