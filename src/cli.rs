//! What the user typed, as data. Nothing is done here, and nothing is decided.
//!
//! Exit codes: 0 done, 1 no or refused, 2 could not; a command line that cannot be understood
//! is a 2.

mod ask;
mod demo;
mod process;
mod replay;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use ask::{
    MaybeReason, OfModel, OfScope, OfVersion, Order, ReasonArgs, Remote, RulesCommand, Which,
};
pub use demo::DemoArgs;
pub use process::{HealthArgs, PublishArgs, TopicsCommand, WorkArgs};
pub use replay::{MappingArgs, ReplayArgs, ReplayMode};

/// Watches models in production, decides in seconds that a version went bad, and takes it back.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(name = "ripcord", version, about, after_help = EXAMPLES, max_term_width = 100)]
#[command(propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: CliCommand,
}

const EXAMPLES: &str = "\
Examples:
  ripcord demo                                                 see it work, in a minute
  ripcord replay telemetry.jsonl.gz --registry registry.json   what would have happened?
  ripcord up --config my.toml                                  watch, in observe mode
  ripcord status --watch                                       how are the models?
  ripcord topics create --config kafka.toml                    what many processes need
  ripcord rollback credit-risk --reason 'complaints' --dry-run what would a rollback do?

Exit codes: 0 done, 1 no or refused, 2 could not.";

/// What holds for every command.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Global {
    /// Settings over the shipped ones; more than once: the last wins, key by key
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
    /// File with the token for writing on its first line; else the variable RIPCORD_TOKEN
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// No colours; so does the variable NO_COLOR
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum CliCommand {
    /// See a live service go bad and be saved: real flights, model servers, router, registry
    #[command(after_help = demo::DEMO)]
    Demo(DemoArgs),
    /// Run recorded telemetry through the whole river, touching nothing outside
    #[command(after_help = replay::REPLAY)]
    Replay(ReplayArgs),
    /// Run all roles in one process
    #[command(after_help = process::UP)]
    Up,
    /// Measure the telemetry of the sources, beside other processes on Kafka
    #[command(after_help = process::INGEST)]
    Ingest(HealthArgs),
    /// Judge and decide, beside other processes on Kafka
    #[command(after_help = process::DECIDE)]
    Decide(HealthArgs),
    /// Act on commands, beside other processes on Kafka
    #[command(after_help = process::WORK)]
    Work {
        /// On which
        #[command(subcommand)]
        work: WorkArgs,
        /// How they do
        #[command(flatten)]
        health: HealthArgs,
    },
    /// Route requests to the versions of a model, beside other processes on Kafka
    #[command(after_help = process::ROUTE)]
    Route,
    /// Answer people and programs by HTTP, beside other processes on Kafka
    #[command(after_help = process::SERVE)]
    Serve,
    /// Make or compare what Ripcord needs on Kafka
    #[command(subcommand, after_help = process::TOPICS)]
    Topics(TopicsCommand),
    /// Send recorded telemetry to the topics of a source, on Kafka
    #[command(after_help = process::PUBLISH)]
    Publish(PublishArgs),
    /// Ask a running Ripcord
    #[command(flatten)]
    Remote(Remote),
    /// Show the settings in effect and what they mean, or all that is wrong with them
    CheckConfig,
    /// Show what is understood of a recording, and what would mend the rest
    CheckSource {
        /// .jsonl, .jsonl.gz, or - for standard input
        file: PathBuf,
        /// How its records map onto samples
        #[command(flatten)]
        mapping: MappingArgs,
        /// Map them as this source of the settings does
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
        /// How the records map onto samples
        #[command(flatten)]
        mapping: MappingArgs,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use serde_json::Value as Json;

    use super::*;
    use crate::model::{EventTime, Mode, Scope, TargetId};

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("ripcord").chain(line.split_whitespace()))
    }

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_is_understood() {
        for line in [
            "demo",
            "demo --serve --folder d --json",
            "replay a.jsonl b.jsonl.gz --registry r.json --report out.html --json",
            "replay - --production v3 --previous v2 --mode config --check-artifacts",
            "replay a --type outcome --field request=/ts --constant model=m --model m",
            "up --config a.toml --config b.toml",
            "ingest --config a.toml",
            "decide",
            "work registry",
            "work registry --health 127.0.0.1:9100",
            "work --health [::]:9100 exec lamp",
            "ingest --health 0.0.0.0:9100",
            "work exec",
            "work exec traffic-switch",
            "work notice --json",
            "work router",
            "route",
            "serve",
            "topics create",
            "topics create --telemetry",
            "topics check --json",
            "publish a.jsonl b.jsonl.gz --source s --rate 2000 --until 2025-03-01T12:00:00Z",
            "publish -",
            "status",
            "status m --watch --url http://h:1 --token-file t --no-color",
            "incidents",
            "incidents i-1",
            "explain i-1",
            "rollback m --reason why",
            "rollback m --to v2 --reason why --dry-run",
            "abort m",
            "approve m --reason seen",
            "mode m act",
            "mode --all observe",
            "freeze m",
            "freeze --all --reason storm",
            "unfreeze --all",
            "promoted m v3",
            "vouch m v2",
            "quarantine m v3",
            "release m v3",
            "check-config",
            "check-source f --source s",
            "baseline f --registry r.json",
            "config apply",
        ] {
            parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_hint() {
        for (line, hint) in [
            ("rollback m", "--reason"),
            ("rollback m --reason=", "a reason is empty"),
            ("mode m sleep", "observe, recommend, act"),
            ("mode m --all act", "observe, recommend, act"),
            ("freeze", "--all"),
            ("freeze m --all", "cannot be used with"),
            ("replay", "<FILES>"),
            ("replay f --registry r --production v", "cannot be used with"),
            ("replay f --previous v", "--production"),
            ("replay f --type thing", "prediction, outcome"),
            ("replay f --field id", "FIELD=PLACE"),
            ("rolback m --reason r", "rollback"),
            ("work", "registry"),
            ("decide --health 9100", "invalid socket address"),
            ("serve --health 127.0.0.1:9100", "unexpected argument"),
            ("work exec a b", "unexpected argument"),
            ("topics", "create"),
            ("topics check --telemetry", "--telemetry"),
            ("publish", "<FILES>"),
            ("publish f --rate 0", "records per second"),
            ("publish f --until noon", "RFC 3339"),
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.to_string().contains(hint), "{line}: {error}");
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn words_become_values() {
        let cli = parse("mode --all recommend").unwrap();
        let CliCommand::Remote(Remote::Order(Order::Mode { scope, mode, why })) = cli.command
        else {
            panic!("not mode")
        };
        assert_eq!((scope.scope(), mode, why.reason), (Scope::All, Mode::Recommend, None));
        let cli = parse("replay f --constant n=3 --constant model=m --field id=/a=b").unwrap();
        let CliCommand::Replay(replay) = cli.command else { panic!("not replay") };
        assert_eq!(replay.mode, ReplayMode::Act);
        assert_eq!(
            replay.mapping.constant,
            [("n".to_owned(), Json::from(3)), ("model".to_owned(), Json::from("m"))]
        );
        assert_eq!(replay.mapping.field, [("id".to_owned(), "/a=b".to_owned())]);
        let cli = parse("publish f --rate 20 --until 2013-06-20T06:00:00Z").unwrap();
        let CliCommand::Publish(publish) = cli.command else { panic!("not publish") };
        assert_eq!(publish.rate, Some(20));
        assert_eq!(publish.until, Some(EventTime::from_ms(1_371_708_000_000)));
        let name = Some(TargetId::new("lamp").unwrap());
        let cli = parse("work exec lamp").unwrap();
        let CliCommand::Work { work, health } = cli.command else { panic!("not work") };
        assert_eq!((work, health.health), (WorkArgs::Exec { name }, None));
    }
}
