//! What the bot is measured against: where `scripts/bench.sh` has put it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The folder with them.
pub(crate) struct Rivals(PathBuf);

impl Rivals {
    pub(crate) fn find() -> anyhow::Result<Self> {
        let folder = std::env::var_os("RIVALS").context("RIVALS is not set: run `make bench ARGS=…`, which sets it")?;
        let folder = PathBuf::from(folder);
        ensure!(folder.is_dir(), "there is no folder {}", folder.display());
        Ok(Self(folder))
    }

    pub(crate) fn python_loop(&self) -> Command {
        let mut command = Command::new(self.0.join("python/bin/python3"));
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/rivals/python/sync_loop.py"));
        command
    }

    pub(crate) fn javascript_loop(&self) -> Command {
        self.node("sync-loop.mjs")
    }

    pub(crate) fn discord_js(&self) -> Command {
        self.node("acknowledge.mjs")
    }

    pub(crate) fn poise(&self) -> Command {
        Command::new(self.0.join("poise"))
    }

    fn node(&self, script: &str) -> Command {
        let mut command = Command::new("node");
        command.arg(self.0.join("javascript").join(script));
        command
    }
}
