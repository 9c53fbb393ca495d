//! Runs a process from its start to its stop.

use std::net::SocketAddr;

use tokio::runtime::Runtime;

use super::{ProcessError, RoleSet, RunningProcess, asked_to_stop};
use crate::config::Config;
use crate::edge::diagnostics;
use crate::edge::log::LogError;
use crate::edge::terminal;
use crate::topics::open::OpenLog;

/// Runs roles until the process is asked to stop. `health`: the address for `/readyz` and
/// `/metrics` of a process that serves nothing else. `banner`: whether to print what runs, and
/// where, on standard output.
///
/// # Errors
/// It cannot start, or a role cannot continue.
pub fn run(
    config: &Config,
    part: &RoleSet,
    health: Option<SocketAddr>,
    banner: bool,
) -> Result<(), ProcessError> {
    for exposed in &config.settings.exposed {
        diagnostics::secret_exposed(&exposed.setting, &exposed.file);
    }
    let runtime = runtime()?;
    // Before anything answers, so that every client that got an answer can stop this process
    // cleanly.
    let asked = asked_to_stop(&runtime)?;
    let open = || -> Result<OpenLog, LogError> { OpenLog::open(&config.settings.log) };
    let running = RunningProcess::start(runtime, config, part, health, open)?;
    if banner {
        running.lines().iter().for_each(|line| terminal::line(line));
    }
    running.until(asked)
}

/// The runtime for the HTTP of a process.
pub(crate) fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
