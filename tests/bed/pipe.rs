//! A pipe before the database server, which can be cut or stopped up: the database away for a while.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;

/// What the pipe does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Everything passes.
    Open,
    /// Connections break, and new ones break at once: the server was stopped.
    Cut,
    /// Nothing passes, and nobody is told: the machine hangs, or the network swallows everything.
    Stuck,
}

/// A pipe; it ends with the value.
pub(crate) struct Pipe {
    url: SecretString,
    flow: watch::Sender<Flow>,
    _tasks: JoinSet<()>,
}

impl Pipe {
    /// A pipe to the database of this address, whose server listens on a socket in the folder that it names.
    pub(crate) async fn to(database: &SecretString) -> Self {
        let mut url: Url = database.expose_secret().parse().expect("an address");
        let folder = url.query_pairs().find(|(key, _)| key == "host").expect("a socket").1.into_owned();
        let socket = Arc::new(PathBuf::from(folder).join(".s.PGSQL.5432"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let addr: SocketAddr = listener.local_addr().expect("an address");
        url.set_query(Some("sslmode=disable"));
        url.set_ip_host(addr.ip()).expect("a host");
        url.set_port(Some(addr.port())).expect("a port");
        let flow = watch::Sender::new(Flow::Open);
        let state = flow.subscribe();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut passing = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.expect("a connection");
                passing.spawn(pass(client, Arc::clone(&socket), state.clone()));
            }
        });
        Self { url: SecretString::from(url.to_string()), flow, _tasks: tasks }
    }

    /// The database's address through the pipe.
    pub(crate) fn url(&self) -> &SecretString {
        &self.url
    }

    pub(crate) fn set(&self, flow: Flow) {
        self.flow.send_replace(flow);
    }
}

async fn pass(mut client: TcpStream, socket: Arc<PathBuf>, mut flow: watch::Receiver<Flow>) {
    if *flow.borrow() == Flow::Cut {
        return;
    }
    let Ok(mut server) = UnixStream::connect(socket.as_path()).await else { return };
    let (mut from_client, mut from_server) = ([0; 16_384], [0; 16_384]);
    loop {
        let now = *flow.borrow_and_update();
        tokio::select! {
            _ = flow.changed() => {}
            read = client.read(&mut from_client), if now == Flow::Open => match read {
                Ok(0) | Err(_) => return,
                Ok(read) => if server.write_all(&from_client[..read]).await.is_err() { return },
            },
            read = server.read(&mut from_server), if now == Flow::Open => match read {
                Ok(0) | Err(_) => return,
                Ok(read) => if client.write_all(&from_server[..read]).await.is_err() { return },
            },
            () = tokio::time::sleep(Duration::ZERO), if now == Flow::Cut => return,
        }
    }
}
