//! A load balancer before several bots: it looks at `/readyz`, goes round, and tries the next where nobody listens.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Between two looks at `/readyz`.
const LOOK: Duration = Duration::from_millis(20);

/// One bot, as the balancer knows it.
#[derive(Clone, Copy, Debug)]
struct Target {
    web: SocketAddr,
    ops: SocketAddr,
    ready: bool,
}

/// A balancer; it ends with the value.
pub(crate) struct Balancer {
    shared: Arc<Shared>,
    addr: SocketAddr,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Shared {
    targets: Mutex<Vec<Target>>,
    next: Mutex<usize>,
    http: reqwest::Client,
}

impl Shared {
    fn targets(&self) -> std::sync::MutexGuard<'_, Vec<Target>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that are ready, beginning with the one whose turn it is.
    fn in_turn(&self) -> Vec<Target> {
        let mut ready: Vec<_> = self.targets().iter().filter(|target| target.ready).copied().collect();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next += 1;
        let by = *next % ready.len().max(1);
        ready.rotate_left(by);
        ready
    }

    async fn look(&self) {
        let targets = self.targets().clone();
        for target in targets {
            let url = format!("http://{}/readyz", target.ops);
            let answer = self.http.get(url).timeout(Duration::from_secs(2)).send().await;
            let ready = answer.is_ok_and(|answer| answer.status().is_success());
            for known in self.targets().iter_mut().filter(|known| known.ops == target.ops) {
                known.ready = ready;
            }
        }
    }
}

impl Balancer {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let router = Router::new().fallback(pass_on).with_state(Arc::clone(&shared));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        let looking = Arc::clone(&shared);
        tasks.spawn(async move {
            loop {
                looking.look().await;
                tokio::time::sleep(LOOK).await;
            }
        });
        Self { shared, addr, _tasks: tasks }
    }

    /// Where Discord posts.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/interactions", self.addr)
    }

    /// Takes a bot in, and waits until it is seen to be ready.
    pub(crate) async fn add(&self, web: SocketAddr, ops: SocketAddr) {
        self.shared.targets().push(Target { web, ops, ready: false });
        while !self.shared.targets().iter().any(|target| target.web == web && target.ready) {
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn pass_on(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    for target in shared.in_turn() {
        let url = format!("http://{}/interactions", target.web);
        let sent = shared.http.post(url).headers(headers.clone()).body(body.clone()).send().await;
        match sent {
            Ok(answer) => {
                let (status, headers) = (answer.status(), answer.headers().clone());
                let body = answer.bytes().await.unwrap_or_default();
                return (status, headers, body).into_response();
            }
            // Nobody listens there any more, so nobody has heard of it: the next.
            Err(error) if error.is_connect() => {}
            Err(_) => return StatusCode::BAD_GATEWAY.into_response(),
        }
    }
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
