//! A process: all roles of the river, as `up` has them, or some of them, beside others.
//!
//! Each role has a thread and owns what it holds; they meet on the log alone, in one process as on
//! different machines. Law: stopping is a courtesy. What is acknowledged is on the log, so the
//! process may be killed at any moment and started again; a clean stop only starts faster.

mod health;
mod loops;
mod ready;
mod role_set;
mod roles;
mod router;
mod running;
pub mod topics;
mod welcome;
mod workers;

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::runtime::Runtime;

use crate::config::Config;
use crate::edge::log::LogError;
use crate::edge::terminal;
use crate::targets::notice::NoticeError;
use crate::topics::RoleError;
use crate::topics::open::OpenLog;

pub use ready::NotReady;
pub(super) use ready::fitting;
pub use role_set::{RoleSet, WorkerKind};
pub(super) use running::RunningProcess;

/// Why a process ended.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The log or its topics cannot be used.
    #[error("the river cannot be set up")]
    River(#[from] RoleError),
    /// What others must have made is not there.
    #[error("this process cannot begin")]
    NotReady(#[from] NotReady),
    /// Roles apart need a log that several processes can use.
    #[error(
        "`ripcord {0}` runs beside other processes, and the local log serves one, `ripcord up`; \
         use that, or set log.kind = \"kafka\""
    )]
    Alone(RoleSet),
    /// Nothing to measure.
    #[error("no source is enabled, so there is nothing to measure; enable a [sources.NAME]")]
    NoSource,
    /// A worker that the settings do not ask for.
    #[error("the settings ask for no such worker; set {0}")]
    NoWorker(String),
    /// A role cannot go on, and without it the river does not flow.
    #[error("{role} cannot go on")]
    Role {
        /// Which.
        role: String,
        /// Why.
        #[source]
        source: RoleError,
    },
    /// A role ended by a fault of the program.
    #[error("{0} broke off; this is a fault of the program, report it with the lines above")]
    Broke(String),
    /// The webhook of notices.
    #[error("notices cannot be posted; mend workers.notice")]
    Notice(#[from] NoticeError),
    /// The worker of the router.
    #[error("the router's worker cannot be set up")]
    RouterWorker(#[from] crate::targets::router::RouterClientError),
    /// The router.
    #[error("the router cannot be set up")]
    Router(#[from] crate::edge::router::RouterError),
    /// No router.
    #[error("there is nothing to route; set listen in [router], and a [router.models.NAME]")]
    NoRouter,
    /// Where a worker remembers what it has done.
    #[error("{} cannot be made; set {key} to a folder", folder.display())]
    Fences {
        /// Where.
        folder: PathBuf,
        /// What of the settings says so.
        key: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The address is taken, or not this machine's.
    #[error("nothing can listen at {at}; set {key} to another address or port")]
    Listen {
        /// Where.
        at: SocketAddr,
        /// What says so.
        key: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// HTTP broke off.
    #[error("the HTTP server cannot go on")]
    Http(#[source] anyhow::Error),
    /// Threads, signals or the runtime.
    #[error("the process cannot be set up")]
    Process(#[from] std::io::Error),
}

/// How a role ended.
type RoleEnd = Result<(), ProcessError>;

/// Runs until it is asked to stop. `health`: where it says how its roles do, if it does not serve
/// anyway. `tell`: says on standard output what runs and where.
///
/// # Errors
/// It cannot begin, or a role cannot go on.
pub fn run(
    config: &Config,
    part: &RoleSet,
    health: Option<SocketAddr>,
    tell: bool,
) -> Result<(), ProcessError> {
    let runtime = runtime()?;
    // Before anything answers: a stop is heard from the first answer on.
    let asked = asked_to_stop(&runtime)?;
    let open = || -> Result<OpenLog, LogError> { OpenLog::open(&config.settings.log) };
    let running = RunningProcess::start(runtime, config, part, health, open)?;
    if tell {
        running.lines().iter().for_each(|line| terminal::line(line));
    }
    running.until(asked)
}

/// What carries the HTTP of a process.
pub(super) fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Listens for Ctrl-C and a supervisor's SIGTERM, from this call on.
pub(super) fn asked_to_stop(
    runtime: &Runtime,
) -> std::io::Result<impl Future<Output = ()> + Send + use<>> {
    use tokio::signal::unix::{SignalKind, signal};
    let _inside = runtime.enter();
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}
