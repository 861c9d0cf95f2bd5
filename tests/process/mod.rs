//! The real binary in a process of its own, against a simulated world in real time.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use intune_sync_bot::demo::config_for;
use sim::{Clock, Options, Scenario, Sim};

/// How long a process may take for anything.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The bot.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_intune-sync-bot");

/// A simulated world whose time runs.
pub(crate) async fn world() -> Sim {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = Options { listen, scenario: Scenario::default(), clock: Clock::real(), traffic_log: None };
    Sim::start(options).await.expect("the simulated world starts")
}

/// A free address, below the ports of outgoing connections, so that nobody takes it before the bot does.
pub(crate) fn free_port() -> SocketAddr {
    let free = |addr: &SocketAddr| std::net::TcpListener::bind(addr).is_ok();
    let mut drawn = std::iter::repeat_with(|| SocketAddr::from(([127, 0, 0, 1], fastrand::u16(20_000..30_000))));
    drawn.find(free).expect("a free port")
}

/// What an operator would write for this world, with `more` laid over it.
pub(crate) fn config(sim: &Sim, http: bool, store: &str, ops: SocketAddr, web: SocketAddr, more: &str) -> String {
    let transport = if http { "http" } else { "gateway" };
    let own = format!(
        r#"
        [discord]
        team_channel_id = "900000000000000102"
        mode = "{transport}"
        [store]
        url = "{store}"
        [web]
        listen = "{web}"
        ops_listen = "{ops}"
        [access]
        require_link = false
        [[access.chat_role]]
        discord_role = "900000000000000201"
        intune_role = "Help Desk Operator"
        "#
    );
    config_for(sim, &[&own, more]).expect("both are TOML")
}

/// The bot in a process of its own; it ends with the value.
pub(crate) struct Bot {
    process: Child,
    log: Arc<Mutex<String>>,
}

impl Bot {
    /// Starts `run` with this config file, by a command that is or becomes the bot.
    pub(crate) fn start(command: &mut Command, config: &Path) -> Self {
        let mut process = command
            .arg("--config")
            .arg(config)
            .arg("run")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let log = Arc::new(Mutex::new(String::new()));
        let streams: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(process.stdout.take().expect("its output")),
            Box::new(process.stderr.take().expect("its errors")),
        ];
        for stream in streams {
            let log = Arc::clone(&log);
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                    log.push_str(&line);
                    log.push('\n');
                }
            });
        }
        Self { process, log }
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Everything that it wrote so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends SIGTERM and waits for the end: the exit code, and how long it took.
    pub(crate) fn terminate(mut self) -> (Option<i32>, Duration, String) {
        let told = Command::new("kill").args(["-s", "TERM", &self.process.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
        let began = Instant::now();
        let code = self.process.wait().expect("it ends").code();
        (code, began.elapsed(), self.log())
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // SIGKILL: where it stands.
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

/// What `/readyz` at this address says; nothing while nobody listens there.
pub(crate) async fn readiness(ops: SocketAddr) -> Option<String> {
    let answer = reqwest::get(format!("http://{ops}/readyz")).await.ok()?;
    Some(answer.text().await.ok()?.trim_end().to_owned())
}

/// Waits until `/readyz` says this.
pub(crate) async fn wait_for_readiness(ops: SocketAddr, wanted: &str) {
    let waiting = async {
        while readiness(ops).await.as_deref() != Some(wanted) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
    assert!(in_time, "{ops} never said {wanted:?}, but {:?}", readiness(ops).await);
}
