//! `ripcord up`.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{DONE, config};
use crate::app::up;
use crate::cli::Global;
use crate::edge::diagnostics;

/// Runs all roles until it is asked to stop.
pub(super) fn run(global: &Global, environment: &BTreeMap<String, String>) -> Result<u8> {
    let config = config(global, environment)?;
    diagnostics::init(global.json);
    up::run(&config, !global.json)?;
    Ok(DONE)
}
