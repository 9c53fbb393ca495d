//! The demo, as data.

use std::path::PathBuf;

use clap::Args;

pub(super) const DEMO: &str = "\
It needs no server and no file, and writes only to its folder. Exit code 0
means that the rollback was verified, nothing else was rolled back, and no
request failed.

Examples:
  ripcord demo
  ripcord demo --serve            leave it running, and try status, freeze and
                                  rollback in another terminal
  ripcord demo --brokers localhost:9092
                                  on your Kafka, in topics that are deleted
                                  afterwards
  ripcord demo --json             the figures

Set other Kafka properties with environment variables, such as
RIPCORD__KAFKA__PROPERTIES__SECURITY__PROTOCOL=SASL_SSL.";

/// A live model goes bad and is rolled back.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct DemoArgs {
    /// Leave it running afterwards, with healthy traffic, until Ctrl-C
    #[arg(long)]
    pub serve: bool,
    /// Use this Kafka, with each role in a separate process
    #[arg(long, value_name = "HOST:PORT,…")]
    pub brokers: Option<String>,
    /// Folder for its log, registry and report
    #[arg(long, value_name = "FOLDER", default_value = "ripcord-demo")]
    pub folder: PathBuf,
}
