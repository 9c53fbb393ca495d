//! Runs a process from its start to its stop.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::stop::leave_within;
use super::{ProcessError, RoleSet, RunningProcess, asked_to_stop};
use crate::config::Config;
use crate::edge::diagnostics;
use crate::edge::log::LogError;
use crate::edge::terminal;
use crate::topics::open::OpenLog;

/// How long a stop may take, beyond what the router waits for requests under way.
const STOP_WITHIN: Duration = Duration::from_millis(9500);
const ZERO: Duration = Duration::ZERO;

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
    // It holds while the process starts, too.
    let most = STOP_WITHIN + config.settings.router.as_ref().map_or(ZERO, |r| r.limits.drain);
    let asked = runtime.spawn(async move {
        asked.await;
        leave_within(most);
    });
    let log = &config.settings.log;
    let open = || -> Result<OpenLog, LogError> {
        if *part == RoleSet::Route { OpenLog::unasked(log) } else { OpenLog::open(log) }
    };
    let running = RunningProcess::start(runtime, config, part, health, open)?;
    if banner {
        running.lines().iter().for_each(|line| terminal::line(line));
    }
    running.until(async {
        // If it broke off nobody could ask any more.
        let _asked = asked.await;
    })
}

/// The runtime for the HTTP of a process.
pub(crate) fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
