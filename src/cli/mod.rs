//! The command line, as data.
//!
//! Law: nothing is done here, and nothing is decided.

mod demo;
mod exit;
mod process;
mod remote;
mod replay;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use demo::DemoArgs;
pub use exit::{COULD_NOT, DONE, NO};
pub use process::{HealthArgs, PublishArgs, TopicsCommand, WorkArgs};
pub use remote::{
    MaybeReason, OfModel, OfScope, OfVersion, Order, ReasonArgs, Remote, RulesCommand, Which,
};
pub use replay::{MappingArgs, ReplayArgs, ReplayMode};

/// Watches models in production, detects bad versions within seconds, and rolls them back.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(name = "ripcord", version, about, after_help = EXAMPLES, max_term_width = 80)]
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

const EXAMPLES: &str = "\
Examples:
  ripcord demo                    see it work, in a minute
  ripcord replay telemetry.jsonl.gz --registry registry.json
                                  what would have happened?
  ripcord up --config my.toml     watch, in observe mode
  ripcord status --watch          how are the models?
  ripcord rollback credit-risk --reason 'complaints' --dry-run
                                  what would a rollback do?
  ripcord help terms              what do the words on the screens mean?

Exit codes: 0 done, 1 no or refused, 2 could not be carried out.";

/// Options of every command.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Global {
    /// Settings on top of the shipped ones; if repeated, the last one wins, key by key
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Where a running `ripcord up` or `ripcord serve` listens
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "RIPCORD_URL",
        default_value = "http://127.0.0.1:7700"
    )]
    pub url: String,
    /// File with the token for writing on its first line, instead of RIPCORD_TOKEN
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// No colours, as with the variable NO_COLOR
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum CliCommand {
    /// See a live service go bad and be saved, with real flights and model servers
    #[command(after_help = demo::DEMO)]
    Demo(DemoArgs),
    /// Run recorded telemetry through the whole pipeline, without side effects
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
    /// Route requests to the versions of a model, next to other processes on Kafka
    #[command(after_help = process::ROUTE)]
    Route,
    /// Answer people and programs by HTTP, next to other processes on Kafka
    #[command(after_help = process::SERVE)]
    Serve,
    /// Create or check the topics that Ripcord needs on Kafka
    #[command(subcommand, after_help = process::TOPICS)]
    Topics(TopicsCommand),
    /// Send recorded telemetry to the topics of a source on Kafka
    #[command(after_help = process::PUBLISH)]
    Publish(PublishArgs),
    /// Ask a running Ripcord
    #[command(flatten)]
    Remote(Remote),
    /// Show the settings in effect and what they mean, or every problem with them
    CheckConfig,
    /// Show what Ripcord understands of a recording, and how to fix the rest
    CheckSource {
        /// .jsonl, .jsonl.gz, or - for standard input
        file: PathBuf,
        /// How its records map to samples
        #[command(flatten)]
        mapping: MappingArgs,
        /// Map the records like this source of the settings
        #[arg(long, value_name = "NAME", conflicts_with_all = ["kind", "field", "constant"])]
        source: Option<String>,
    },
    /// Measure recorded healthy traffic and write the baselines into a registry
    Baseline {
        /// .jsonl, .jsonl.gz, or - for standard input
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The registry.json to write into
        #[arg(long, value_name = "FILE")]
        registry: PathBuf,
        /// How the records map to samples
        #[command(flatten)]
        mapping: MappingArgs,
    },
    /// Show the help of a command; `help terms` explains the words on the screens
    Help {
        /// A command, or `terms`
        topic: Vec<String>,
    },
}

#[cfg(test)]
mod tests;
