//! What processes run, and what they need on Kafka, as data.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::values::{moment, rate, target};
use crate::model::{EventTime, TargetId};

pub(super) const UP: &str = "\
Stop it with Ctrl-C, or kill it at any moment: it goes on where it was. On Kafka `ingest`, `decide`,
`work` and `serve` are the same roles, each in processes of its own.";

pub(super) const INGEST: &str = "\
It reads every enabled source of the settings. Start as many as you like: the lanes are shared out
among them, at most as many as a source's topics have partitions.

Examples:
  ripcord ingest --config prod.toml
  RIPCORD__KAFKA__INSTANCE=ingest-1 ripcord ingest --config prod.toml
  ripcord ingest --config prod.toml --health 127.0.0.1:9100";

pub(super) const DECIDE: &str = "\
Start two or more: the shards are shared out among them, and when one is gone the others take over
what it held.

Examples:
  ripcord decide --config prod.toml
  RIPCORD__KAFKA__INSTANCE=decide-1 ripcord decide --config prod.toml";

pub(super) const WORK: &str = "\
A worker runs where it can reach its target. What it did is remembered in the settings' log.folder
(a program's in its fence_folder): keep that folder over restarts.

Examples:
  ripcord work registry --config prod.toml
  ripcord work exec traffic-switch --config prod.toml
  ripcord work router --config prod.toml
  ripcord work notice --config prod.toml";

pub(super) const ROUTE: &str = "\
It answers POST /models/NAME/predict by the version that the weights say, and publishes what it saw.
Within `ripcord up` it runs too, where router.listen is set.

Examples:
  ripcord route --config prod.toml
  curl http://127.0.0.1:7800/admin/routes/credit-risk            how do its versions stand?
  curl http://127.0.0.1:7800/models/credit-risk/predict -d @request.json";

pub(super) const SERVE: &str = "\
It holds nothing of its own; start as many as you like.

Example:
  RIPCORD__HTTP__LISTEN=0.0.0.0:7700 RIPCORD_TOKEN=… ripcord serve --config prod.toml";

pub(super) const TOPICS: &str = "\
Examples:
  ripcord topics create --config prod.toml               make what Ripcord needs
  ripcord topics create --telemetry --config prod.toml   and the topics of the sources
  ripcord topics check --config prod.toml                is all as it must be? 1: something is not";

pub(super) const PUBLISH: &str = "\
Each line goes out as it stands. Its key is the request (else the id, else the model), and its
partition what a Java producer would choose for that key, so that predictions and outcomes of a
request lie in the same one. A line that is no record of the source goes out too, without a key:
Ripcord must bear it. Several files are read as one stream, the oldest record first.

Examples:
  ripcord publish telemetry.jsonl.gz --config prod.toml
  ripcord publish day.jsonl --rate 2000 --until 2025-03-01T12:00:00Z --config prod.toml
  zcat log.gz | ripcord publish - --source loans --config prod.toml";

/// Where a process of some roles says how they do.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct HealthArgs {
    /// Answer /livez, /readyz and /metrics there, to everybody who can reach it; not given: nowhere
    #[arg(long, global = true, value_name = "ADDRESS:PORT", env = "RIPCORD_HEALTH")]
    pub health: Option<SocketAddr>,
}

/// Act on commands: one kind of target.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum WorkArgs {
    /// Act on the registry.json of the settings
    Registry,
    /// Act through programs of yours
    Exec {
        /// Only this one, a [workers.exec.NAME] of the settings; not given: all of them
        #[arg(value_parser = target)]
        name: Option<TargetId>,
    },
    /// Move requests at the built-in router
    Router,
    /// Tell people
    Notice,
}

/// Make or compare what Ripcord needs on Kafka.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum TopicsCommand {
    /// Make the river's topics that are not there, with the first records of each shard
    Create {
        /// Also the topics of the enabled sources that are not there
        #[arg(long)]
        telemetry: bool,
    },
    /// Compare what stands there with what is needed, and say what would mend it
    Check,
}

/// Send recorded telemetry to the topics of a source.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct PublishArgs {
    /// .jsonl, .jsonl.gz, or - for standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// To the topics of this source of the settings; not given: the only one that is enabled
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// So many records per second; not given: as fast as the brokers take them
    #[arg(long, value_name = "N", value_parser = rate)]
    pub rate: Option<u32>,
    /// Stop before the first record of this moment or later, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<EventTime>,
}
