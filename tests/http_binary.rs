//! The real binary with interactions posted to it: it starts, is verified by Discord, answers, and stops when told.

use std::net::SocketAddr;
use std::process::{Child, Command};
use std::time::Duration;

use intune_sync_bot::demo::config_for;
use sim::{Clock, Options, Scenario, Sim};
use tempfile::TempDir;

/// How long the process may take for anything.
const PATIENCE: Duration = Duration::from_mins(1);

/// The bot in a process of its own; it ends with the value.
struct Bot(Child);

impl Bot {
    fn start(folder: &TempDir) -> Self {
        let config = folder.path().join("config.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_intune-sync-bot"));
        Self(command.arg("--config").arg(config).arg("run").spawn().expect("the binary starts"))
    }

    /// Sends SIGTERM, and waits for the exit code.
    fn terminate(mut self) -> Option<i32> {
        let told = Command::new("kill").args(["-s", "TERM", &self.0.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
        self.0.wait().expect("it ends").code()
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

fn config(sim: &Sim, folder: &TempDir, listen: SocketAddr) -> String {
    let folder = folder.path().display();
    let own = format!(
        "[discord]\nmode = \"http\"\n[store]\nurl = \"sqlite://{folder}/bot.db\"\n[web]\nlisten = \"{listen}\"\nops_listen = \"\"\n"
    );
    config_for(sim, &[&own]).expect("both are TOML")
}

#[tokio::test]
async fn the_binary_takes_interactions_by_http() {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = Options { listen, scenario: Scenario::default(), clock: Clock::real(), traffic_log: None };
    let sim = Sim::start(options).await.expect("the simulated world starts");
    let folder = TempDir::new().expect("a folder");
    // Below the ports of outgoing connections, so that nobody takes it before the bot does.
    let public = SocketAddr::from(([127, 0, 0, 1], fastrand::u16(20_000..30_000)));
    std::fs::write(folder.path().join("config.toml"), config(&sim, &folder, public)).expect("written");
    let bot = Bot::start(&folder);
    let endpoint = format!("http://{public}/interactions");
    let verified = async {
        while sim.discord.set_endpoint(Some(&endpoint)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, verified).await.expect("Discord verifies the endpoint");
    let asked = sim.discord.user("hanna").run("helpdesk", "/help").expect("the command is registered");
    let answered = |discord: &sim::Discord| {
        discord.reply_to(asked).is_some_and(|reply| !reply.loading && reply.text().contains("Intune sync"))
    };
    tokio::time::timeout(PATIENCE, sim.discord.wait_until(answered)).await.expect("an answer");
    assert_eq!(sim.discord.identifies(), 0, "no gateway session");
    assert_eq!(tokio::task::spawn_blocking(|| bot.terminate()).await.expect("it ends"), Some(0));
}
