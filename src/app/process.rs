//! `ripcord up`, `ingest`, `decide`, `work`, `route` and `serve`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Result;

use super::{DONE, config};
use crate::cli::{self, Global};
use crate::edge::diagnostics;
use crate::edge::parent::{WITH_PARENT, end_with_parent};
use crate::process::{self, Hands, Part};

/// Runs a part of the river until it is asked to stop.
pub(super) fn run(
    global: &Global,
    part: &Part,
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
pub(super) fn hands(work: &cli::Work) -> Part {
    Part::Work(match work {
        cli::Work::Registry => Hands::Registry,
        cli::Work::Exec { name } => Hands::Exec(name.clone()),
        cli::Work::Router => Hands::Router,
        cli::Work::Notice => Hands::Notice,
    })
}
