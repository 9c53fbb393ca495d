//! What is said of recordings, as data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value as Json;

use super::values::{constant, field, kind, model, version};
use crate::model::{ModelId, SampleKind, VersionId};

pub(super) const REPLAY: &str = "\
Examples:
  ripcord replay examples/flights/telemetry.jsonl.gz --registry examples/flights/registry.json
  ripcord replay log.jsonl --production v3 --previous v2 --report out.html
  zcat log.gz | ripcord replay - --production v3 --type prediction \\
      --field id=/prediction_id --field ts=/meta/time --constant model=credit-risk";

/// Run recorded telemetry through the whole river.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ReplayArgs {
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
