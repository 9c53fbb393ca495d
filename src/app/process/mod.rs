//! A process: all roles of the river, as `up` has them, or some of them, beside others.
//!
//! Each role has a thread and owns what it holds; they meet on the log alone, in one process as on
//! different machines. Law: stopping is a courtesy. What is acknowledged is on the log, so the
//! process may be killed at any moment and started again; a clean stop only starts faster.

mod health;
mod loops;
mod part;
mod ready;
mod roles;
mod router;
mod welcome;
mod workers;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use self::health::Health;
use self::ready::ready;
use self::roles::{Roles, Stop};
use super::carrier::{Carrier, place};
use super::river::{River, RoleError};
use super::serve::serve;
use crate::config::{Config, LogKind, Settings};
use crate::edge::diagnostics;
use crate::edge::log::Log;
use crate::edge::log::local::LocalLog;
use crate::edge::target::notice::NoticeError;
use crate::edge::terminal;

pub use part::{Hands, Part};
pub use ready::NotReady;
pub(super) use ready::fitting;

/// The longest time that a stop waits for the roles.
const STOP_WITHIN: Duration = Duration::from_secs(10);

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
    Alone(Part),
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
    RouterWorker(#[from] crate::edge::target::router::RouterError),
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
type Ended = Result<(), ProcessError>;

/// Runs until it is asked to stop. `health`: where it says how its roles do, if it does not serve
/// anyway. `tell`: says on standard output what runs and where.
///
/// # Errors
/// It cannot begin, or a role cannot go on.
pub fn run(
    config: &Config,
    part: &Part,
    health: Option<SocketAddr>,
    tell: bool,
) -> Result<(), ProcessError> {
    let settings = &config.settings;
    if *part == Part::Ingest && settings.sources.is_empty() {
        return Err(ProcessError::NoSource);
    }
    if *part == Part::Route && settings.router.is_none() {
        return Err(ProcessError::NoRouter);
    }
    let (river, carrier) = river(config, part)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Before anything answers: a stop is heard from the first answer on.
    let asked = asked_to_stop(&runtime)?;
    let (stopper, stop) = watch::channel(false);
    let (ended, mut endings) = mpsc::unbounded_channel();
    let wanted = match part.serves() {
        true => Some((settings.http.listen, "http.listen")),
        false => health.map(|at| (at, "--health")),
    };
    let listener = wanted.map(|(at, key)| runtime.block_on(listen(at, key))).transpose()?;
    let at = listener.as_ref().map(TcpListener::local_addr).transpose()?;
    let shared = carrier.is_shared();
    let health = Health::default();
    let mut roles =
        Roles::new(river.clone(), shared, Stop::new(stop.clone()), ended, health.clone());
    let router = runtime.block_on(router::open(config, part))?;
    let mut router = match router {
        Some(opened) => Some(roles.route(opened, &runtime, &stop)?),
        None => None,
    };
    // Workers may look at the router as soon as they begin.
    roles.start(config, part, &carrier)?;
    let lines = begins(&river, config, part, roles.names(), at)?;
    if tell {
        lines.iter().for_each(|line| terminal::line(line));
        router.iter().for_each(|router| terminal::line(&router.line()));
    }
    runtime.block_on(async {
        let first = tokio::select! {
            () = asked => Ok(()),
            Some(result) = endings.recv() => result,
            served = http(river, settings, part, health, listener, stop) => served,
        };
        diagnostics::stopping();
        let _no_role_is_left = stopper.send(true);
        if let Some(router) = router.take() {
            router.ended().await;
        }
        let rest = drain(&mut endings, roles).await;
        first.and(rest)
    })
}

/// The river on its log, ready to be read and written.
fn river(config: &Config, part: &Part) -> Result<(River, Carrier), ProcessError> {
    let settings = &config.settings;
    if settings.log.kind == LogKind::Local && *part != Part::All {
        return Err(ProcessError::Alone(part.clone()));
    }
    let carrier = Carrier::open(&settings.log).map_err(RoleError::from)?;
    let river = River {
        log: carrier.log(),
        namespace: config.rules.namespace.clone(),
        shards: settings.log.shards,
    };
    match &carrier {
        Carrier::Local(log) => {
            river.create(&config.rules)?;
            create_telemetry(log, settings)?;
        }
        Carrier::Kafka(_) => ready(&river, settings, part)?,
    }
    Ok((river, carrier))
}

/// Logs what begins, and answers what is said of it on a terminal.
fn begins(
    river: &River,
    config: &Config,
    part: &Part,
    roles: &[String],
    listen: Option<SocketAddr>,
) -> Result<Vec<String>, ProcessError> {
    let (namespace, place) = (river.namespace.as_str(), place(&config.settings.log));
    let Some(listen) = listen.filter(|_| *part == Part::All) else {
        diagnostics::started_part(&part.to_string(), namespace, &place, roles, listen);
        return Ok(welcome::part(river, config, part, roles, listen));
    };
    // None before the first start has folded anything: then the config's are.
    let book = river.rules()?.unwrap_or_else(|| config.rules.clone());
    let targets: Vec<_> = book.default.targets.iter().map(|target| target.id.clone()).collect();
    diagnostics::started(namespace, &place, book.default.mode, &targets);
    Ok(welcome::all(river, config, &book, listen)?)
}

/// Answers people and programs until it is stopped, if it listens at all.
async fn http(
    river: River,
    settings: &Settings,
    part: &Part,
    health: Health,
    listener: Option<TcpListener>,
    stop: watch::Receiver<bool>,
) -> Result<(), ProcessError> {
    let Some(listener) = listener else { return std::future::pending().await };
    if !part.serves() {
        return Ok(health.answer(listener, settings.http.limits, stop).await?);
    }
    let (http, sources) = (settings.http.clone(), settings.sources.clone());
    serve(river, http, sources, listener, stop).await.map_err(ProcessError::Http)
}

/// Where people and programs ask; `key` says so.
async fn listen(at: SocketAddr, key: &'static str) -> Result<TcpListener, ProcessError> {
    TcpListener::bind(at).await.map_err(|source| ProcessError::Listen { at, key, source })
}

/// The users' topics, which this log is the only one to have.
fn create_telemetry(log: &LocalLog, settings: &Settings) -> Result<(), RoleError> {
    for topic in settings.sources.iter().flat_map(|source| &source.topics) {
        log.create(&topic.name, settings.log.telemetry_lanes, false)?;
    }
    Ok(())
}

/// Listens for Ctrl-C and a supervisor's SIGTERM, from this call on.
fn asked_to_stop(runtime: &Runtime) -> std::io::Result<impl Future<Output = ()>> {
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

/// Waits for the roles, but not for ever. The first that failed is told.
async fn drain(
    endings: &mut mpsc::UnboundedReceiver<Ended>,
    roles: Roles,
) -> Result<(), ProcessError> {
    let mut left = roles.names().len();
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
