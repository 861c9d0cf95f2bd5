//! The bot in a process of its own.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Between two looks at whether the process has ended.
const LOOK: Duration = Duration::from_millis(10);

/// A running bot; it ends with the value.
pub(crate) struct Bot(Child);

impl Bot {
    /// Starts it with these variables in its environment; what it logs is appended to `bot.log`.
    pub(crate) fn start(folder: &Path, env: &[(&str, &str)]) -> Self {
        let log = File::options().create(true).append(true).open(folder.join("bot.log")).expect("a log");
        let mut command = Self::command(folder);
        command.arg("run").envs(env.iter().copied()).stderr(log).stdout(Stdio::null());
        Self(command.spawn().expect("the binary starts"))
    }

    /// A verb of its command line.
    pub(crate) fn command(folder: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_intune-sync-bot"));
        command.arg("--config").arg(folder.join("config.toml"));
        command
    }

    /// Kills it: nothing is tidied up.
    pub(crate) fn kill(&mut self) {
        self.0.kill().expect("it can be killed");
    }

    /// Asks it to stop.
    pub(crate) fn stop(&self) {
        let told = Command::new("kill").args(["-s", "TERM", &self.0.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.has_ended() {
                return status;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How it ended, if it has.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("it can be asked")
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}
