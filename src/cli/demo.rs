//! The demo, as data.

use std::path::PathBuf;

use clap::Args;

pub(super) const DEMO: &str = "\
It needs no server and no file, and touches nothing outside its folder. Exit code 0: the rollback is
verified, nothing else was rolled back, and no request failed.

Examples:
  ripcord demo
  ripcord demo --serve      leave it running: try status, freeze and rollback in another terminal
  ripcord demo --brokers localhost:9092   on your Kafka, in topics that are deleted afterwards
  ripcord demo --json       the figures

What the way to Kafka needs comes from variables: RIPCORD__KAFKA__PROPERTIES__SECURITY__PROTOCOL=…";

/// See a live service go bad and be saved.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct DemoArgs {
    /// Leave it running afterwards, with healthy traffic, until Ctrl-C
    #[arg(long)]
    pub serve: bool,
    /// On this Kafka, with each role in a process of its own; not given: no server is needed
    #[arg(long, value_name = "HOST:PORT,…")]
    pub brokers: Option<String>,
    /// Where its log, registry, settings and report go
    #[arg(long, value_name = "FOLDER", default_value = "ripcord-demo")]
    pub folder: PathBuf,
}
