//! `ripcord up`, `ingest`, `decide`, `work`, `route` and `serve`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Result;

use super::config;
use crate::cli::{self, DONE, Global};
use crate::edge::diagnostics;
use crate::edge::parent::{WITH_PARENT, end_with_parent};
use crate::process::{self, RoleSet, WorkerKind};

/// Runs roles until asked to stop.
pub(super) fn run(
    global: &Global,
    part: &RoleSet,
    health: Option<SocketAddr>,
    environment: &BTreeMap<String, String>,
) -> Result<u8> {
    if environment.contains_key(WITH_PARENT) {
        end_with_parent();
    }
    let config = config(global, environment)?;
    diagnostics::init(global.json);
    process::run(&config, part, health, !global.json)?;
    Ok(DONE)
}

/// The workers that were named.
pub(super) fn workers(work: &cli::WorkArgs) -> RoleSet {
    RoleSet::Work(match work {
        cli::WorkArgs::Registry => WorkerKind::Registry,
        cli::WorkArgs::Exec { name } => WorkerKind::Exec(name.clone()),
        cli::WorkArgs::Router => WorkerKind::Router,
        cli::WorkArgs::Notice => WorkerKind::Notice,
    })
}
