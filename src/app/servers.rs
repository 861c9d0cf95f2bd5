//! The two listeners: health and metrics for machines, and the link page for people. Each has an address of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Starter;
use crate::clock::Clock;
use crate::identity::Linking;
use crate::settings::Settings;
use crate::web::{LinkServer, Ops, OpsParts};

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
    serve(starter, stop, listener, Ops::new(parts).router(), "health and metrics").map(Some)
}

/// Serves the link page, where `[link]` is set.
pub(super) async fn link_page(
    starter: &Starter,
    stop: &CancellationToken,
    settings: &Settings,
    linking: Arc<Linking>,
    clock: &Clock,
) -> anyhow::Result<Option<SocketAddr>> {
    let Some(link) = &settings.link else { return Ok(None) };
    let listen = link.listen;
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("while listening on web.listen = {listen}"))?;
    let router = LinkServer::new(linking, &link.public_url, &settings.entra.authority_url, clock).router();
    serve(starter, stop, listener, router, "the link page").map(Some)
}

fn serve(
    starter: &Starter,
    stop: &CancellationToken,
    listener: TcpListener,
    router: Router,
    what: &'static str,
) -> anyhow::Result<SocketAddr> {
    let addr = listener.local_addr()?;
    let stopped = stop.clone();
    starter.start(async move {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(stopped.cancelled_owned()).await {
            tracing::error!(%error, what, "a listener ended");
        }
    });
    Ok(addr)
}
