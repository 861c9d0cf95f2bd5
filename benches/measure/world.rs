//! A simulated world in real time, and the bot's own binary in a process of its own before it.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use intune_sync_bot::demo::config_for;
use sim::{Clock, Options, Scenario, Sim, Tenant};
use tempfile::TempDir;

/// How long a process may take to be ready.
const PATIENCE: Duration = Duration::from_mins(2);

/// Between two looks at whether it is.
const LOOK: Duration = Duration::from_millis(100);

/// A world with so many devices that are made up, and as many people.
pub(crate) async fn world(devices: usize) -> anyhow::Result<Sim> {
    let mut scenario = Scenario::default();
    scenario.tenant.generate.devices = devices;
    scenario.tenant.generate.people = devices;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let sim = Sim::start(Options { listen, scenario, clock: Clock::real(), traffic_log: None }).await?;
    sim.discord.set_limits(sim::discord::Limits::generous());
    Ok(sim)
}

/// So many devices are made up for each Windows device that is wanted: about half of them run Windows, and some of these are not managed.
pub(crate) const ENOUGH: usize = 3;

/// The devices with Windows that can be synced.
pub(crate) fn windows(tenant: &Tenant) -> Vec<String> {
    let windows = tenant.devices().into_iter().filter(|device| device.platform == "Windows");
    let managed = windows.filter(|device| device.management_state == "managed" && device.agent == "mdm");
    managed.map(|device| device.id).collect()
}

/// Removes all of them but so many.
pub(crate) fn leave_windows(tenant: &Tenant, count: usize) -> anyhow::Result<()> {
    let windows = windows(tenant);
    ensure!(windows.len() >= count, "{} devices with Windows", windows.len());
    for device in &windows[count..] {
        tenant.remove_device(device)?;
    }
    Ok(())
}

/// A process that ends with the value.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        Ok(Self(command.spawn().with_context(|| format!("while starting {command:?}"))?))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// The bot.
pub(crate) struct Bot {
    pub(crate) process: Process,
    ops: SocketAddr,
    _folder: TempDir,
}

impl Bot {
    /// Starts it, with `more` laid over what an operator would write, and waits until it is ready.
    pub(crate) async fn start(sim: &Sim, http: bool, more: &str) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let (web, ops) = (free_port()?, free_port()?);
        let file = folder.path().join("config.toml");
        std::fs::write(&file, config(sim, http, &folder, web, ops, more)?)?;
        let log = File::create(folder.path().join("log"))?;
        let process = Process::start(
            Command::new(env!("CARGO_BIN_EXE_intune-sync-bot"))
                .arg("--config")
                .arg(&file)
                .arg("run")
                .stdout(log.try_clone()?)
                .stderr(log)
                .stdin(Stdio::null()),
        )?;
        let ready = format!("http://{ops}/readyz");
        let waiting = async {
            while !reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()) {
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            bail!("the bot was not ready in time:\n{}", std::fs::read_to_string(folder.path().join("log"))?);
        }
        if http {
            sim.discord.set_endpoint(Some(&format!("http://{web}/interactions"))).await?;
        }
        Ok(Self { process, ops, _folder: folder })
    }

    /// Waits until the bot has read the list of devices.
    pub(crate) async fn knows_devices(&self) -> anyhow::Result<()> {
        let known = async {
            while self.devices().await? == 0 {
                tokio::time::sleep(LOOK).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, known).await.context("the list of devices was read")?
    }

    /// How many devices it has in memory, as `/metrics` says.
    async fn devices(&self) -> anyhow::Result<usize> {
        let metrics = reqwest::get(format!("http://{}/metrics", self.ops)).await?.text().await?;
        let line = metrics.lines().find_map(|line| line.strip_prefix("intune_sync_bot_directory_devices "));
        Ok(line.context("the metric of devices")?.parse()?)
    }
}

/// Nobody listens there yet. Below the ports of outgoing connections, so that none takes it before the bot does.
fn free_port() -> anyhow::Result<SocketAddr> {
    let mut drawn = (0..100).map(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(20_000..30_000))));
    drawn.find(|addr| TcpListener::bind(addr).is_ok()).context("a free port")
}

fn config(
    sim: &Sim,
    http: bool,
    folder: &TempDir,
    web: SocketAddr,
    ops: SocketAddr,
    more: &str,
) -> anyhow::Result<String> {
    let (transport, database) = (if http { "http" } else { "gateway" }, folder.path().join("bot.db"));
    let own = format!(
        r#"
        [discord]
        mode = "{transport}"
        [store]
        url = "sqlite://{}"
        [web]
        listen = "{web}"
        ops_listen = "{ops}"
        [access]
        require_link = false
        [[access.chat_role]]
        discord_role = "900000000000000201"
        intune_role = "Help Desk Operator"
        "#,
        database.display()
    );
    config_for(sim, &[&own, more])
}
