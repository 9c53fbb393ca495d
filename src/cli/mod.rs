//! The command line, as data.
//!
//! Law: nothing is done here, and nothing is decided.

mod demo;
mod exit;
mod process;
mod remote;
mod replay;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use self::replay::MAPPING;
use self::values::recording;
use crate::model::RecordingFile;

pub use demo::DemoArgs;
pub use exit::{COULD_NOT, DONE, NO};
pub use process::{HealthArgs, PublishArgs, RoleName, TopicsCommand, WorkArgs};
pub use remote::{
    MaybeReason, OfModel, OfScope, OfVersion, Order, ReasonArgs, Remote, RulesCommand, Which,
};
pub use replay::{MappingArgs, ReplayArgs, ReplayMode};

/// Watches models in production, detects bad versions, and rolls them back.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(name = "ripcord", version, about = ABOUT, after_help = EXAMPLES)]
#[command(propagate_version = true, arg_required_else_help = true)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: CliCommand,
}

const ABOUT: &str = "Watches models in production, detects bad versions, and rolls them back";

const EXAMPLES: &str = "\
Examples:
  ripcord demo                    see it work, in a minute
  ripcord replay telemetry.jsonl.gz --registry registry.json
                                  see what would have happened
  ripcord up --config my.toml     watch your models, in observe mode
  ripcord status --watch          see how your models are doing
  ripcord rollback credit-risk --reason 'complaints' --dry-run
                                  see what a rollback would do
  ripcord help terms              learn what the words on screen mean

Exit codes: 0 success; 1 the answer is no, or it was refused; 2 it failed.";

impl Cli {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// It cannot be understood, or it asks for help.
    pub fn read(
        words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let matches = Self::parser().try_get_matches_from(words)?;
        Self::from_arg_matches(&matches)
    }

    /// The options of a command have a line of their own, so that they fit into 80 columns.
    fn parser() -> clap::Command {
        Self::command().mut_subcommands(|command| command.next_line_help(true))
    }
}

/// Options of every command.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Global {
    /// Settings file; can be repeated, and the last one wins
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Server; default: RIPCORD_URL or http://127.0.0.1:7700
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "RIPCORD_URL",
        hide_env = true,
        hide_default_value = true,
        default_value = "http://127.0.0.1:7700"
    )]
    pub url: String,
    /// File with the access token; or RIPCORD_TOKEN
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// No colours, as with the variable NO_COLOR
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum CliCommand {
    /// Watch a live model go bad and be rolled back
    #[command(after_help = demo::DEMO)]
    Demo(DemoArgs),
    /// Replay recorded telemetry, without side effects
    #[command(after_help = replay::REPLAY)]
    Replay(ReplayArgs),
    /// Run all roles in one process
    #[command(after_help = process::UP)]
    Up,
    /// Measure telemetry, as one of several processes on Kafka
    #[command(after_help = process::INGEST)]
    Ingest(HealthArgs),
    /// Judge and decide, as one of several processes on Kafka
    #[command(after_help = process::DECIDE)]
    Decide(HealthArgs),
    /// Act on commands, as one of several processes on Kafka
    #[command(after_help = process::WORK)]
    Work {
        /// Which target
        #[command(subcommand)]
        work: WorkArgs,
        /// Health checks
        #[command(flatten)]
        health: HealthArgs,
    },
    /// Route requests to models, as one of several processes on Kafka
    #[command(after_help = process::ROUTE)]
    Route,
    /// Serve the HTTP API, as one of several processes on Kafka
    #[command(after_help = process::SERVE)]
    Serve,
    /// Create or check the topics on Kafka, and show the rights
    #[command(subcommand, after_help = process::TOPICS)]
    Topics(TopicsCommand),
    /// Send recorded telemetry to the topics of a source on Kafka
    #[command(after_help = process::PUBLISH)]
    Publish(PublishArgs),
    /// Ask a running Ripcord
    #[command(flatten)]
    Remote(Remote),
    /// Check the settings, and show what they mean
    CheckConfig,
    /// Show what Ripcord understands of a recording
    CheckSource {
        /// .jsonl, .jsonl.gz, or - for standard input; FILE=TOPIC: by its rules
        #[arg(required = true, value_parser = recording)]
        files: Vec<RecordingFile>,
        /// How their records map to samples
        #[command(flatten)]
        mapping: MappingArgs,
        /// Map the records as this source of the settings does
        #[arg(long, value_name = "NAME", conflicts_with_all = MAPPING)]
        source: Option<String>,
    },
    /// Write baselines of recorded healthy traffic to a registry
    Baseline {
        /// .jsonl, .jsonl.gz, or - for standard input; FILE=TOPIC: by its rules
        #[arg(required = true, value_parser = recording)]
        files: Vec<RecordingFile>,
        /// The registry.json to write into
        #[arg(long, value_name = "FILE")]
        registry: PathBuf,
        /// Map the records as this source of the settings does
        #[arg(long, value_name = "NAME", conflicts_with_all = MAPPING)]
        source: Option<String>,
        /// How the records map to samples
        #[command(flatten)]
        mapping: MappingArgs,
    },
    /// Make an access token, and print its hash for the settings
    Token {
        /// Make a key of this id that signs instructions
        #[arg(long, value_name = "ID")]
        instruction_key: Option<String>,
    },
    /// Show help; `help terms` explains the words on screen
    Help {
        /// A command, or `terms`
        topic: Vec<String>,
    },
}

#[cfg(test)]
mod tests;
