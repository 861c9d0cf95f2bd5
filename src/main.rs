//! The `intune-sync-bot` binary.

use std::process::ExitCode;

use clap::Parser as _;
use intune_sync_bot::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
