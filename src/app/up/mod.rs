//! Up: all roles in one process on the local log.
//!
//! Each role has a thread and owns what it holds; they meet on the log alone, as they would on
//! different machines. Law: stopping is a courtesy. What is acknowledged is on the disk, so the
//! process may be killed at any moment and started again; a clean stop only starts faster.

mod loops;
mod roles;
mod welcome;
mod workers;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use self::roles::{Roles, Stop};
use super::river::{River, RoleError};
use super::serve::serve;
use crate::config::{Config, HttpSettings, LogKind, Settings};
use crate::edge::clock::SystemClock;
use crate::edge::diagnostics;
use crate::edge::log::Log;
use crate::edge::log::local::LocalLog;
use crate::edge::target::notice::NoticeError;
use crate::edge::terminal;

/// The longest time that a stop waits for the roles.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Why `up` ended.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// The log or its topics cannot be used.
    #[error("the river cannot be set up")]
    River(#[from] RoleError),
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
    /// Where a worker remembers what it has done.
    #[error("{} cannot be made; set fence_folder of workers.exec to a folder", folder.display())]
    Fences {
        /// Where.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The address is taken, or not this machine's.
    #[error("nothing can listen at {at}; set http.listen to another address or port")]
    Listen {
        /// Where.
        at: SocketAddr,
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
type Ended = Result<(), UpError>;

/// Runs until it is asked to stop. `tell`: says on standard output what is watched and where.
///
/// # Errors
/// It cannot begin, or a role cannot go on.
pub fn run(config: &Config, tell: bool) -> Result<(), UpError> {
    let settings = &config.settings;
    let LogKind::Local(folder) = &settings.log.kind;
    let log = LocalLog::open(folder, Arc::new(SystemClock)).map_err(RoleError::from)?;
    let river = River {
        log: Arc::new(log.clone()),
        namespace: config.rules.namespace.clone(),
        shards: settings.log.shards,
    };
    river.create(&config.rules)?;
    create_telemetry(&log, settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (stopper, stop) = watch::channel(false);
    let (ended, mut endings) = mpsc::unbounded_channel();
    let listener = runtime.block_on(listen(&settings.http))?;
    let mut roles = Roles::new(river.clone(), Stop::new(stop.clone()), ended);
    roles.start(config, &log)?;
    // None before the first start has folded anything: then the config's are.
    let book = river.rules()?.unwrap_or_else(|| config.rules.clone());
    let targets: Vec<_> = book.default.targets.iter().map(|target| target.id.clone()).collect();
    diagnostics::started(
        river.namespace.as_str(),
        &folder.display().to_string(),
        book.default.mode,
        &targets,
    );
    if tell {
        let lines = welcome::lines(&river, config, &book, listener.local_addr()?)?;
        lines.iter().for_each(|line| terminal::line(line));
    }
    runtime.block_on(async {
        let first = tokio::select! {
            asked = asked_to_stop() => asked.map_err(UpError::from),
            Some(result) = endings.recv() => result,
            served = http(river, settings, listener, stop) => served,
        };
        diagnostics::stopping();
        let _no_role_is_left = stopper.send(true);
        let rest = drain(&mut endings, roles).await;
        first.and(rest)
    })
}

/// Answers people and programs until it is stopped.
async fn http(
    river: River,
    settings: &Settings,
    listener: TcpListener,
    stop: watch::Receiver<bool>,
) -> Result<(), UpError> {
    let (http, sources) = (settings.http.clone(), settings.sources.clone());
    serve(river, http, sources, listener, stop).await.map_err(UpError::Http)
}

/// Where people and programs ask.
async fn listen(settings: &HttpSettings) -> Result<TcpListener, UpError> {
    let at = settings.listen;
    TcpListener::bind(at).await.map_err(|source| UpError::Listen { at, source })
}

/// The users' topics, which this log is the only one to have.
fn create_telemetry(log: &LocalLog, settings: &Settings) -> Result<(), RoleError> {
    for topic in settings.sources.iter().flat_map(|source| &source.topics) {
        log.create(&topic.name, settings.log.telemetry_lanes, false)?;
    }
    Ok(())
}

/// Until Ctrl-C or a supervisor's SIGTERM.
async fn asked_to_stop() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

/// Waits for the roles, but not for ever. The first that failed is told.
async fn drain(endings: &mut mpsc::UnboundedReceiver<Ended>, roles: Roles) -> Result<(), UpError> {
    let mut left = roles.count();
    // Its sender would keep the channel open.
    drop(roles);
    let mut first = Ok(());
    let all = async {
        while let Some(result) = endings.recv().await {
            left = left.saturating_sub(1);
            if first.is_ok() {
                first = result;
            }
        }
    };
    match tokio::time::timeout(STOP_WITHIN, all).await {
        Ok(()) => diagnostics::stopped(),
        Err(_) => diagnostics::stopped_late(left),
    }
    first
}
