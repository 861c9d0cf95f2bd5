//! What an operator types: `run`, `demo`, `commands`, `register`, `explain`, `links`, `config check`, `health`.

mod audit;
mod backup;
mod config;
mod explain;
mod health;
mod import;
mod jobs;
mod links;
mod print;
mod rules;
mod run;
mod telemetry;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use print::say;

use print::complain;

use crate::settings::Source;

/// A Discord bot with which a helpdesk makes Microsoft Intune devices check in.
#[derive(Debug, Parser)]
#[command(name = "intune-sync-bot", version, about, propagate_version = true)]
pub struct Cli {
    /// The config file (TOML), laid over the defaults; the environment (`SYNC_BOT_`…) is laid over both
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the bot
    Run,
    /// Try it without a Discord application and without a tenant: a simulated chat and a simulated tenant
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
    /// Print the slash commands as the JSON that is registered with Discord
    Commands,
    /// Register the slash commands now, in every configured server (`run` does it when they have changed)
    Register,
    /// Explain an app error code, in any notation
    ///
    /// Exit status: 0 for a code of Microsoft's retry table, 1 for any other code, 2 for what is no code.
    Explain {
        /// 2016330897, -2016330897, 2278636399 or 0x87D13B6F
        #[arg(allow_hyphen_values = true)]
        code: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Look after the links between chat accounts and Entra people; works while the bot runs
    Links {
        #[command(subcommand)]
        verb: LinksVerb,
    },
    /// Look after device syncs that the bot gave up because it failed itself; works while the bot runs
    Jobs {
        #[command(subcommand)]
        verb: JobsVerb,
    },
    /// Prove who did what: check, print and read out the audit; works while the bot runs
    Audit {
        #[command(subcommand)]
        verb: AuditVerb,
    },
    /// Copy the SQLite database into a new file, while the bot runs
    Backup {
        /// The copy
        file: PathBuf,
    },
    /// Look at the configuration
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
    /// Ask a running bot whether it is ready (for container health checks)
    Health,
}

#[derive(Debug, Subcommand)]
enum LinksVerb {
    /// List every link, ended ones included
    List {
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Forget a link, ended or not: the chat account counts as never linked, so its chat roles may count again
    Remove {
        /// The chat account's id
        #[arg(value_name = "CHAT_USER_ID")]
        chat_user: crate::chat::ChatUserId,
    },
    /// Link everyone of a CSV file with the header `chat_user_id,entra_object_id`: all of it, or nothing
    Import {
        /// The file
        file: PathBuf,
        /// Do not look the people up in Entra; their names stay empty
        #[arg(long)]
        offline: bool,
    },
}

#[derive(Debug, Subcommand)]
enum JobsVerb {
    /// List them, the newest first
    List {
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Take one up where it was: watched where a call was made, or else through every check again
    Retry {
        /// Its id
        #[arg(value_name = "ID")]
        id: crate::store::DeviceSyncId,
    },
}

#[derive(Debug, Subcommand)]
enum AuditVerb {
    /// Check that no row was changed, removed, reordered or added
    ///
    /// Exit status: 0 when every row is what was written, 1 when not.
    Verify {
        /// A head that the log holds, POSITION:SEAL; it must be in the chain (may be repeated)
        #[arg(long = "head", value_name = "HEAD", value_parser = audit::head)]
        heads: Vec<crate::store::Head>,
    },
    /// Print the end of the chain, POSITION:SEAL
    Head,
    /// Read the audit out, oldest row first
    Export {
        /// How
        #[arg(long, value_enum, default_value_t)]
        format: audit::Format,
        /// Only rows from this moment on, such as 2026-11-01T00:00:00Z
        #[arg(long, value_name = "TIME", value_parser = audit::moment)]
        from: Option<jiff::Timestamp>,
        /// Only rows from before this moment
        #[arg(long, value_name = "TIME", value_parser = audit::moment)]
        to: Option<jiff::Timestamp>,
    },
    /// Seal every row anew with the `[audit] key` of the config, after checking them with the old one; stop the bot first
    Rekey {
        /// The file of the old key; left out: there was none
        #[arg(long, value_name = "FILE")]
        old_key_file: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// Read the whole configuration and say what it amounts to; secrets are not printed
    Check,
}

/// How to run the demo.
#[cfg(feature = "demo")]
#[derive(Debug, clap::Args)]
struct DemoArgs {
    /// Where the chat page is served (loopback only)
    #[arg(long, default_value = "127.0.0.1:4300")]
    listen: std::net::SocketAddr,
    /// Play the scenes in this terminal instead, and check how each ends
    #[arg(long)]
    script: bool,
    /// Another scenario file for the simulated world
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
}

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> ExitCode {
        let source = Source::of_process(self.config);
        let result = match self.verb {
            Verb::Explain { code, json } => return explain::explain(&code, json),
            Verb::Commands => commands_json(),
            Verb::Run => with_runtime(run::run(&source)),
            Verb::Register => with_runtime(run::register(&source)),
            Verb::Health => with_runtime(health::health(&source)),
            Verb::Links { verb: LinksVerb::List { json } } => with_runtime(links::list(&source, json)),
            Verb::Links { verb: LinksVerb::Remove { chat_user } } => with_runtime(links::remove(&source, chat_user)),
            Verb::Links { verb: LinksVerb::Import { file, offline } } => {
                with_runtime(import::import(&source, &file, offline))
            }
            Verb::Jobs { verb: JobsVerb::List { json } } => with_runtime(jobs::list(&source, json)),
            Verb::Jobs { verb: JobsVerb::Retry { id } } => with_runtime(jobs::retry(&source, id)),
            Verb::Audit { verb } => with_runtime(async {
                match verb {
                    AuditVerb::Verify { heads } => audit::verify(&source, &heads).await,
                    AuditVerb::Head => audit::show_head(&source).await,
                    AuditVerb::Export { format, from, to } => audit::export(&source, format, from, to).await,
                    AuditVerb::Rekey { old_key_file } => audit::rekey(&source, old_key_file.as_deref()).await,
                }
            }),
            Verb::Backup { file } => with_runtime(backup::backup(&source, &file)),
            Verb::Config { verb: ConfigVerb::Check } => config::check(&source),
            #[cfg(feature = "demo")]
            Verb::Demo(args) => {
                telemetry::for_demo();
                with_runtime(crate::demo::demo(args.listen, args.script, args.scenario))
            }
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&format!("error: {error:#}"));
                ExitCode::FAILURE
            }
        }
    }
}

fn commands_json() -> anyhow::Result<()> {
    say(&serde_json::to_string_pretty(&commands::definitions())?);
    Ok(())
}

fn with_runtime(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // A thread that still waits for DNS or for a slow disk must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_negative_code_needs_no_dashes_before_it() {
        let cli = Cli::try_parse_from(["intune-sync-bot", "explain", "-2016330897", "--json"]).unwrap();
        assert!(matches!(cli.verb, Verb::Explain { code, json: true } if code == "-2016330897"));
    }
}
