//! Commands that read recordings.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value as Json;

use super::values::{constant, field, kind, model, recording, version};
use crate::model::{ModelId, RecordingFile, SampleKind, VersionId};

pub(super) const REPLAY: &str = "\
Examples:
  ripcord replay examples/flights/telemetry.jsonl.gz \\
      --registry examples/flights/registry.json
  ripcord replay log.jsonl --production v3 --previous v2 --report out.html
  zcat log.gz | ripcord replay - --production v3 --type prediction \\
      --field id=/prediction_id --field ts=/meta/time \\
      --constant model=credit-risk";

/// Flags that map records, so that no source has to.
pub(super) const MAPPING: [&str; 6] = ["dialect", "each", "path", "kind", "field", "constant"];

/// Run recorded telemetry through the whole pipeline.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ReplayArgs {
    /// .jsonl, .jsonl.gz, or - for standard input; FILE=TOPIC: by its rules
    #[arg(required = true, value_parser = recording)]
    pub files: Vec<RecordingFile>,
    /// A registry.json with versions, baselines and production; never changed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["production", "previous"])]
    pub registry: Option<PathBuf>,
    /// Without a registry: the version in production at the start
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub production: Option<VersionId>,
    /// Without a registry: the version before it, safe to roll back to
    #[arg(long, value_name = "VERSION", value_parser = version, requires = "production")]
    pub previous: Option<VersionId>,
    /// Replay only this model; --production and --previous are its versions
    #[arg(long, value_parser = model)]
    pub model: Option<ModelId>,
    /// What happens on a breach; targets are only simulated
    #[arg(long, value_enum, default_value = "act", hide_possible_values = true)]
    #[arg(value_name = "config|observe|recommend|act")]
    pub mode: ReplayMode,
    /// Check that the files of each version exist, instead of assuming so
    #[arg(long)]
    pub check_artifacts: bool,
    /// Also write a page with charts to this file
    #[arg(long, value_name = "HTML")]
    pub report: Option<PathBuf>,
    /// Map the records as this source of the settings does
    #[arg(long, value_name = "NAME", conflicts_with_all = MAPPING)]
    pub source: Option<String>,
    /// How the records map to samples
    #[command(flatten)]
    pub mapping: MappingArgs,
}

/// What happens on a breach in a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReplayMode {
    /// As in the settings.
    Config,
    /// Record it.
    Observe,
    /// Recommend a rollback.
    Recommend,
    /// Roll back, on simulated targets.
    Act,
}

/// How records map to samples.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct MappingArgs {
    /// Map the records as this topic of the source does
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,
    /// A preset for the telemetry of another tool, such as kserve
    #[arg(long, value_name = "NAME")]
    pub dialect: Option<String>,
    /// Where the samples of one record stand, if it has several
    #[arg(long, value_name = "PLACE")]
    pub each: Option<String>,
    /// What a file's path says, such as {model}/{version}/*.jsonl
    #[arg(long, value_name = "PATTERN")]
    pub path: Option<String>,
    /// The type of every record: prediction, outcome, latency, health or run
    #[arg(long = "type", value_name = "TYPE", value_parser = kind)]
    pub kind: Option<SampleKind>,
    /// Where to find a sample's field: a place or a rule, as in a config
    #[arg(long, value_name = "FIELD=PLACE", value_parser = field)]
    pub field: Vec<(String, String)>,
    /// A value that a field has in all records, as JSON or text
    #[arg(long, value_name = "FIELD=VALUE", value_parser = constant)]
    pub constant: Vec<(String, Json)>,
}
