//! A PostgreSQL server of the soak's own, which can be stopped and started again while bots use it.
//!
//! It does not wait for the disk, but everything that it has committed was handed to the system before: it survives the death of the server,
//! as it would not survive the death of the machine.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use secrecy::SecretString;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

/// Debian keeps the server's programs out of PATH, one folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The user that Debian's package brings: PostgreSQL refuses to run as root.
const USER: &str = "postgres";

/// Between two looks at whether it has started.
const LOOK: Duration = Duration::from_millis(50);

/// How long a start may take, recovery included.
const PATIENCE: Duration = Duration::from_mins(1);

/// How it is told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Connections are broken, and everything is written down.
    Fast,
    /// Nothing is tidied up: the next start recovers, as after a crash.
    Immediate,
}

/// The server; it ends with the value.
pub(crate) struct Server {
    folder: TempDir,
    programs: PathBuf,
    running: Option<Child>,
}

impl Server {
    /// A new, empty one, which runs.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("postgres-for-soak").tempdir().expect("a folder");
        let mut server = Self { folder, programs: programs(), running: None };
        if is_root() {
            let given = Command::new("chown").arg(USER).arg(server.folder.path()).status();
            assert!(
                given.expect("chown runs").success(),
                "there is no user {USER:?}; scripts/setup.sh test installs it"
            );
        }
        let made = server
            .program("initdb")
            .args(["--username", "tester", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"])
            .arg("--pgdata")
            .arg(server.data())
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.resume().await;
        server
    }

    /// Where it is reached.
    pub(crate) fn url(&self) -> SecretString {
        SecretString::from(format!("postgres://tester@localhost/postgres?host={}", self.folder.path().display()))
    }

    /// A connection to it.
    pub(crate) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        use secrecy::ExposeSecret as _;
        PgConnection::connect(self.url().expose_secret()).await
    }

    /// Starts it again, and waits until it takes connections.
    pub(crate) async fn resume(&mut self) {
        let log = File::options().create(true).append(true).open(self.folder.path().join("server.log"));
        let log = log.expect("a log");
        let child = self
            .program("postgres")
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(self.folder.path())
            .args(["-c", "listen_addresses=", "-c", "max_connections=100", "-c", "shared_buffers=128MB"])
            // A commit is written to the system before it is answered; only the disk is not waited for.
            .args(["-c", "fsync=off", "-c", "synchronous_commit=on", "-c", "full_page_writes=on"])
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .stdin(Stdio::null())
            .spawn();
        self.running = Some(child.expect("postgres starts"));
        let started = async {
            while self.connect().await.is_err() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, started).await.expect("the server starts");
    }

    /// Stops it, and waits until it is gone.
    pub(crate) async fn stop(&mut self, end: End) {
        let Some(mut child) = self.running.take() else { return };
        tell(&child, end);
        while child.try_wait().expect("it can be asked").is_none() {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of its programs, run as a user that it accepts.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            tell(&child, End::Immediate);
            let _gone = child.wait();
        }
    }
}

fn tell(child: &Child, end: End) {
    let signal = match end {
        End::Fast => "INT",
        End::Immediate => "QUIT",
    };
    let _told = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
}

fn is_root() -> bool {
    // Whose the process is, its own folder says.
    Path::new("/proc/self").metadata().is_ok_and(|of| of.uid() == 0)
}

/// The folder of the newest version; else they are found in PATH.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let number = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let newest = versions.filter(|path| path.join("bin/initdb").exists()).max_by_key(number);
    newest.map(|path| path.join("bin")).unwrap_or_default()
}
