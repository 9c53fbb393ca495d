//! What the user typed, as data. Nothing is done here, and nothing is decided.
//!
//! Exit codes: 0 done, 1 no or refused, 2 could not; a command line that cannot be understood
//! is a 2.
//!
//! Over 300 lines: it is one list, every command with its arguments and its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::Value as Json;

use crate::model::{Mode, ModelId, SampleKind, Scope, VersionId};

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
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  ripcord replay telemetry.jsonl.gz --registry registry.json   what would have happened?
  ripcord up --config my.toml                                  watch, in observe mode
  ripcord status --watch                                       how are the models?
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
    /// Where a running `ripcord up` listens
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
pub enum Command {
    /// Run recorded telemetry through the whole river, touching nothing outside
    #[command(after_help = REPLAY)]
    Replay(Replay),
    /// Run all roles in one process on the local log
    #[command(
        after_help = "Stop it with Ctrl-C, or kill it at any moment: it goes on where it was."
    )]
    Up,
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

/// What is asked of a running Ripcord.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Remote {
    /// Show each model and signal: value, baseline, evidence, and who it would be rolled back to
    #[command(after_help = COLUMNS)]
    Status {
        /// Only this model
        #[arg(value_parser = model)]
        model: Option<ModelId>,
        /// Show it again whenever it changes, until Ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// List the incidents, or show one
    Incidents {
        /// The incident, or a beginning of its id that only it has
        id: Option<String>,
    },
    /// Tell why an incident or decision came to be, with all evidence
    Explain {
        /// The incident or decision, or a beginning of its id that only it has
        id: String,
    },
    /// Order something
    #[command(flatten)]
    Order(Order),
    /// Work on the rules of a running Ripcord
    #[command(subcommand, name = "config")]
    Rules(RulesCommand),
}

/// What a person orders: an instruction for the shards.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Order {
    /// Take a model's production version back, in any mode
    #[command(after_help = ROLLBACK)]
    Rollback {
        /// Which model
        #[arg(value_parser = model)]
        model: ModelId,
        /// The version to go back to; not given: the one that `status` names
        #[arg(long, value_name = "VERSION", value_parser = version)]
        to: Option<VersionId>,
        /// Why
        #[command(flatten)]
        why: Reason,
        /// Print the plan and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Stop a rollback under way, as long as nothing was switched
    Abort(OfModel),
    /// Carry out what was recommended
    Approve(OfModel),
    /// Set what happens on a breach
    #[command(
        after_help = "Examples:\n  ripcord mode credit-risk act\n  ripcord mode --all observe"
    )]
    #[command(allow_missing_positional = true)]
    Mode {
        /// Of which
        #[command(flatten)]
        scope: Which,
        /// observe writes it down, recommend asks a person, act rolls back
        #[arg(value_parser = mode, value_name = "observe|recommend|act")]
        mode: Mode,
        /// Why
        #[command(flatten)]
        why: MaybeReason,
    },
    /// Stop all automatic action, at once
    Freeze(OfScope),
    /// Allow automatic action again
    Unfreeze(OfScope),
    /// Say that a version went into production
    Promoted(OfVersion),
    /// Say that a version is fit to be rolled back to
    Vouch(OfVersion),
    /// Say that a version may not serve
    Quarantine(OfVersion),
    /// Say that a quarantined version may serve again
    Release(OfVersion),
}

/// Work on the rules of a running Ripcord.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum RulesCommand {
    /// Put the rules of --config and the environment in force, under a higher revision
    Apply {
        /// Why
        #[command(flatten)]
        why: MaybeReason,
        /// Also if targets go or a mode falls
        #[arg(long)]
        yes: bool,
    },
}

const COLUMNS: &str = "\
EVIDENCE is a/c: the odds against the limit still holding, of the c at which the trigger fires.
  c follows from the budget of false rollbacks; a plain rule (window, drift) has none: -.
SEES is the smallest value that would be noticed, and in what time, at the present traffic.";

const REPLAY: &str = "\
Examples:
  ripcord replay examples/flights/telemetry.jsonl.gz --registry examples/flights/registry.json
  ripcord replay log.jsonl --production v3 --previous v2 --report out.html
  zcat log.gz | ripcord replay - --production v3 --type prediction \\
      --field id=/prediction_id --field ts=/meta/time --constant model=credit-risk";

const ROLLBACK: &str = "\
Examples:
  ripcord rollback credit-risk --reason 'wrong answers since noon' --dry-run
  ripcord rollback credit-risk --to v2 --reason 'wrong answers since noon'";

/// Run recorded telemetry through the whole river.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Replay {
    /// .jsonl, .jsonl.gz, or - for standard input; read as one stream
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// A registry.json: versions, baselines, which one is in production; it is only read
    #[arg(long, value_name = "FILE", conflicts_with_all = ["production", "previous"])]
    pub registry: Option<PathBuf>,
    /// Without a registry: the version in production at the start, of --model or the first model
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub production: Option<VersionId>,
    /// Without a registry: the version before it, vouched for by saying so
    #[arg(long, value_name = "VERSION", value_parser = version, requires = "production")]
    pub previous: Option<VersionId>,
    /// Only this model: records of others are passed over, and the versions named are its own
    #[arg(long, value_parser = model)]
    pub model: Option<ModelId>,
    /// What happens on a breach, on shadow targets: config means what the settings say
    #[arg(long, value_enum, default_value = "act")]
    pub mode: ReplayMode,
    /// Look whether the files of versions are there, instead of taking it so
    #[arg(long)]
    pub check_artifacts: bool,
    /// Also write a page with charts
    #[arg(long, value_name = "HTML")]
    pub report: Option<PathBuf>,
    /// Map the records as this source of the settings does
    #[arg(long, value_name = "NAME", conflicts_with_all = ["kind", "field", "constant"])]
    pub source: Option<String>,
    /// How the records map onto samples
    #[command(flatten)]
    pub mapping: MappingArgs,
}

/// What happens on a breach in a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReplayMode {
    /// What the settings say.
    Config,
    /// Written down.
    Observe,
    /// Recommended.
    Recommend,
    /// Rolled back, on shadow targets.
    Act,
}

/// How records map onto samples.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct MappingArgs {
    /// Every record is of this type: prediction, outcome, latency, health or run
    #[arg(long = "type", value_name = "TYPE", value_parser = kind)]
    pub kind: Option<SampleKind>,
    /// Where a sample's field stands: a JSON pointer, header:NAME or key
    #[arg(long, value_name = "FIELD=PLACE", value_parser = field)]
    pub field: Vec<(String, String)>,
    /// A field that every record has: JSON, else text
    #[arg(long, value_name = "FIELD=VALUE", value_parser = constant)]
    pub constant: Vec<(String, Json)>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct OfModel {
    /// Which model
    #[arg(value_parser = model)]
    pub model: ModelId,
    /// Why
    #[command(flatten)]
    pub why: MaybeReason,
}

/// A version of a model.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct OfVersion {
    /// Which model
    #[arg(value_parser = model)]
    pub model: ModelId,
    /// Which version of it
    #[arg(id = "of_version", value_name = "VERSION", value_parser = version)]
    pub version: VersionId,
    /// Why
    #[command(flatten)]
    pub why: MaybeReason,
}

/// One model or all.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct OfScope {
    /// Of which
    #[command(flatten)]
    pub scope: Which,
    /// Why
    #[command(flatten)]
    pub why: MaybeReason,
}

/// One model or all: exactly one of the two is given.
#[derive(Debug, Clone, PartialEq, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// Which model
    #[arg(value_parser = model)]
    pub model: Option<ModelId>,
    /// Every model
    #[arg(long)]
    pub all: bool,
}

impl Which {
    /// One model or all.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.model.clone().map_or(Scope::All, Scope::Model)
    }
}

/// Why: it stands in every record of it.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Reason {
    /// Why; it stands in every record of it
    #[arg(long, value_parser = reason)]
    pub reason: String,
}

/// Why, for those who say it.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct MaybeReason {
    /// Why; it stands in every record of it
    #[arg(long, value_parser = reason)]
    pub reason: Option<String>,
}

fn model(text: &str) -> Result<ModelId, String> {
    ModelId::new(text).map_err(|why| why.to_string())
}

fn version(text: &str) -> Result<VersionId, String> {
    VersionId::new(text).map_err(|why| why.to_string())
}

fn reason(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("a reason is empty; say in a few words why".to_owned());
    }
    Ok(text.to_owned())
}

/// One of the words that a type of the model has in JSON.
fn word<T: serde::de::DeserializeOwned>(text: &str, words: &str) -> Result<T, String> {
    serde_json::from_value(Json::from(text)).map_err(|_| format!("it is one of {words}"))
}

fn mode(text: &str) -> Result<Mode, String> {
    word(text, "observe, recommend, act")
}

fn kind(text: &str) -> Result<SampleKind, String> {
    word(text, "prediction, outcome, latency, health, run")
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, place)) if !name.is_empty() => Ok((name.to_owned(), place.to_owned())),
        Some(_) | None => Err("write FIELD=PLACE, such as id=/prediction_id".to_owned()),
    }
}

fn constant(text: &str) -> Result<(String, Json), String> {
    let (name, value) =
        field(text).map_err(|_| "write FIELD=VALUE, such as model=credit-risk".to_owned())?;
    Ok((name, serde_json::from_str(&value).unwrap_or(Json::String(value))))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

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
            "replay a.jsonl b.jsonl.gz --registry r.json --report out.html --json",
            "replay - --production v3 --previous v2 --mode config --check-artifacts",
            "replay a --type outcome --field request=/ts --constant model=m --model m",
            "up --config a.toml --config b.toml",
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
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.to_string().contains(hint), "{line}: {error}");
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn words_become_values() {
        let cli = parse("mode --all recommend").unwrap();
        let Command::Remote(Remote::Order(Order::Mode { scope, mode, why })) = cli.command else {
            panic!("not mode")
        };
        assert_eq!((scope.scope(), mode, why.reason), (Scope::All, Mode::Recommend, None));
        let cli = parse("replay f --constant n=3 --constant model=m --field id=/a=b").unwrap();
        let Command::Replay(replay) = cli.command else { panic!("not replay") };
        assert_eq!(replay.mode, ReplayMode::Act);
        assert_eq!(
            replay.mapping.constant,
            [("n".to_owned(), Json::from(3)), ("model".to_owned(), Json::from("m"))]
        );
        assert_eq!(replay.mapping.field, [("id".to_owned(), "/a=b".to_owned())]);
    }
}
