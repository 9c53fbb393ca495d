//! The processes, and their topics on Kafka.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, value_parser};

use super::values::{moment, rate, target};
use crate::model::{EventTime, TargetId};

pub(super) const UP: &str = "\
Stop it with Ctrl-C, or kill it at any moment: the next start continues where it
left off. On Kafka the roles can also run in separate processes: `ingest`,
`decide`, `work`, `route` and `serve`.";

pub(super) const INGEST: &str = "\
It reads all enabled sources. Start as many processes as you like: the lanes are
distributed among them, so more processes than partitions do not help.

Examples:
  ripcord ingest --config prod.toml
  RIPCORD__KAFKA__INSTANCE=ingest-1 ripcord ingest --config prod.toml
  ripcord ingest --config prod.toml --health 127.0.0.1:9100";

pub(super) const DECIDE: &str = "\
Start two or more: the shards are distributed among them, and if one fails, the
others take over its shards.

Examples:
  ripcord decide --config prod.toml
  RIPCORD__KAFKA__INSTANCE=decide-1 ripcord decide --config prod.toml";

pub(super) const WORK: &str = "\
Run a worker where it can reach its target. It records what it has done in
log.folder of the settings (exec workers: in fence_folder). Keep that folder
across restarts.

Examples:
  ripcord work registry --config prod.toml
  ripcord work exec traffic-switch --config prod.toml
  ripcord work router --config prod.toml
  ripcord work notice --config prod.toml";

pub(super) const ROUTE: &str = "\
It forwards POST /models/NAME/predict to a version chosen by weight, and
publishes telemetry. `ripcord up` also runs it if router.listen is set.

Examples:
  ripcord route --config prod.toml
  curl http://127.0.0.1:7800/admin/routes/credit-risk
  curl http://127.0.0.1:7800/models/credit-risk/predict -d @request.json";

pub(super) const SERVE: &str = "\
It keeps no state; start as many as you like.

Example:
  RIPCORD__HTTP__LISTEN=0.0.0.0:7700 RIPCORD_TOKEN=… \\
      ripcord serve --config prod.toml
  ripcord token                     make a token";

pub(super) const TOPICS: &str = "\
Examples:
  ripcord topics create --config prod.toml
  ripcord topics create --telemetry --config prod.toml   the sources' topics too
  ripcord topics check --config prod.toml                exit code 1: fix needed
  ripcord topics check --sample 2000 --config prod.toml  the keys, too
  ripcord topics acls --principal User:ripcord-ingest --role ingest \\
      --config prod.toml                                 its rights";

pub(super) const PUBLISH: &str = "\
Each line is sent unchanged. Its key is the request (or else the id, or else the
model), and its partition is the one that a Java producer would choose, so that
predictions and outcomes of a request share one. A line that is not a record of
the source is sent too, without a key, as a faulty producer would. Several files
are read as one stream, the oldest record first.

Examples:
  ripcord publish telemetry.jsonl.gz --config prod.toml
  ripcord publish day.jsonl --rate 2000 --until 2025-03-01T12:00:00Z \\
      --config prod.toml
  zcat log.gz | ripcord publish - --source loans --config prod.toml";

/// The health checks of a process.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct HealthArgs {
    /// Serve /livez, /readyz and /metrics here; or RIPCORD_HEALTH
    #[arg(
        long,
        global = true,
        value_name = "ADDRESS:PORT",
        env = "RIPCORD_HEALTH",
        hide_env = true
    )]
    pub health: Option<SocketAddr>,
}

/// One kind of target to act on.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum WorkArgs {
    /// Change the registry.json of the settings
    Registry,
    /// Run your own programs
    Exec {
        /// Only this [workers.exec.NAME] of the settings
        #[arg(value_parser = target)]
        name: Option<TargetId>,
    },
    /// Shift traffic at the built-in router
    Router,
    /// Notify people
    Notice,
}

/// A role that has rights of its own on the brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// `ripcord ingest`
    Ingest,
    /// `ripcord decide`
    Decide,
    /// `ripcord work`, all workers of the settings
    Work,
    /// `ripcord route`
    Route,
    /// `ripcord serve`
    Serve,
}

/// Create or check the topics that Ripcord needs on Kafka.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum TopicsCommand {
    /// Create the missing topics of Ripcord
    Create {
        /// Also create the missing topics of the enabled sources
        #[arg(long)]
        telemetry: bool,
    },
    /// Compare the topics with what is needed, and show how to fix them
    Check {
        /// Also show how keys are placed, by the newest records of each topic
        #[arg(long, value_name = "RECORDS", value_parser = value_parser!(u32).range(1..=1_000_000))]
        sample: Option<u32>,
    },
    /// Print the kafka-acls commands that give a user the rights of a role
    Acls {
        /// The user, such as User:ripcord-ingest
        #[arg(long, value_name = "USER")]
        principal: String,
        /// ingest, decide, work, route or serve; without it, all
        #[arg(long, value_name = "ROLE", value_enum, hide_possible_values = true)]
        role: Option<RoleName>,
    },
}

/// Send recorded telemetry to the topics of a source.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct PublishArgs {
    /// .jsonl, .jsonl.gz, or - for standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The source whose topics receive them; needed if several are enabled
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Records per second; as fast as possible by default
    #[arg(long, value_name = "N", value_parser = rate)]
    pub rate: Option<u32>,
    /// Stop before the first record at or after this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<EventTime>,
}
