//! A process while it runs: its roles, its router and its HTTP server, and how they stop together.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};

use super::error::RoleEnd;
use super::health::HealthBoard;
use super::listen::listen;
use super::ready::{ready, ready_to_route};
use super::roles::RoleThreads;
use super::stop::StopSignal;
use super::{ProcessError, RoleSet, rights, router, welcome};
use crate::config::{Config, LogKind, Settings};
use crate::edge::diagnostics;
use crate::edge::log::local::LocalLog;
use crate::edge::log::{Log, LogError};
use crate::roles::serve::serve_with;
use crate::topics::open::{OpenLog, place};
use crate::topics::{RoleError, Topics};

/// The longest time that a stop waits for the HTTP server …
const ANSWERED_WITHIN: Duration = Duration::from_secs(4);
/// … and then for the roles.
const STOP_WITHIN: Duration = Duration::from_secs(4);
/// The longest time that the end of a process waits for threads that wait for the log.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// A process that has started.
pub(crate) struct RunningProcess {
    runtime: Runtime,
    roles: RoleThreads,
    router: Option<router::RunningRouter>,
    http: JoinHandle<RoleEnd>,
    health: HealthBoard,
    endings: mpsc::UnboundedReceiver<RoleEnd>,
    stopper: watch::Sender<bool>,
    lines: Vec<String>,
}

impl RunningProcess {
    /// Starts it. `open` opens the log.
    ///
    /// # Errors
    /// See [`ProcessError`].
    pub(crate) fn start(
        runtime: Runtime,
        config: &Config,
        part: &RoleSet,
        health: Option<SocketAddr>,
        open: impl FnOnce() -> Result<OpenLog, LogError>,
    ) -> Result<Self, ProcessError> {
        let settings = &config.settings;
        if *part == RoleSet::Ingest && settings.sources.is_empty() {
            return Err(ProcessError::NoSource);
        }
        if *part == RoleSet::Route && settings.router.is_none() {
            return Err(ProcessError::NoRouter);
        }
        let (topics, carrier) = topics(config, part, open)?;
        let (stopper, stop) = watch::channel(false);
        let (ended, endings) = mpsc::unbounded_channel();
        let wanted = match part.serves() {
            true => Some((settings.http.listen, "http.listen")),
            false => health.map(|at| (at, "--health")),
        };
        let listener = wanted.map(|(at, key)| runtime.block_on(listen(at, key))).transpose()?;
        let at = listener.as_ref().map(TcpListener::local_addr).transpose()?;
        let shared = carrier.is_shared();
        let health = HealthBoard::default();
        let mut roles = RoleThreads::new(
            topics.clone(),
            shared,
            StopSignal::new(stop.clone()),
            ended,
            health.clone(),
        );
        let router = runtime.block_on(router::open(config, part))?;
        let router = match router {
            Some(opened) => Some(roles.route(opened, &runtime, &stop)?),
            None => None,
        };
        // Workers may look at the router as soon as they begin.
        roles.start(config, part, &carrier)?;
        let mut lines = begins(&topics, config, part, roles.names(), at)?;
        lines.extend(router.iter().map(router::RunningRouter::line));
        let answers = http(topics, settings.clone(), part.clone(), health.clone(), listener, stop);
        let http = runtime.spawn(answers);
        Ok(Self { runtime, roles, router, http, health, endings, stopper, lines })
    }

    /// Its banner.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Which roles are not ready, and why; `None` if all are.
    pub(crate) fn unready(&self) -> Option<String> {
        self.health.unready()
    }

    /// Why it cannot continue; `None` while it can.
    pub(crate) fn broken(&mut self) -> Option<ProcessError> {
        self.endings.try_recv().ok()?.err()
    }

    /// Waits until it is asked to stop or cannot continue; then stops in order: requests under way
    /// are answered first, since what they write must reach the log.
    ///
    /// # Errors
    /// A role that cannot continue; the first one is reported.
    pub(crate) fn until(self, asked: impl Future<Output = ()>) -> Result<(), ProcessError> {
        let Self { runtime, roles, router, mut http, mut endings, stopper, .. } = self;
        let ended = runtime.block_on(async {
            let (first, http) = tokio::select! {
                () = asked => (Ok(()), Some(http)),
                Some(result) = endings.recv() => (result, Some(http)),
                served = &mut http => (served_end(served), None),
            };
            diagnostics::stopping();
            let _no_role_is_left = stopper.send(true);
            let routed = async {
                if let Some(router) = router {
                    router.ended().await;
                }
            };
            let (served, ()) = tokio::join!(http_end(http), routed);
            let rest = drain(&mut endings, roles).await;
            first.and(served).and(rest)
        });
        // Whatever is still stuck is left behind: the log knows what was acknowledged.
        runtime.shutdown_timeout(LEAVE_WITHIN);
        ended
    }
}

/// Waits until the HTTP server has answered what was under way, but not for ever.
async fn http_end(http: Option<JoinHandle<RoleEnd>>) -> RoleEnd {
    let Some(mut http) = http else { return Ok(()) };
    match tokio::time::timeout(ANSWERED_WITHIN, &mut http).await {
        Ok(served) => served_end(served),
        Err(_) => {
            http.abort();
            Ok(())
        }
    }
}

fn served_end(served: Result<RoleEnd, JoinError>) -> RoleEnd {
    served.unwrap_or_else(|crashed| Err(ProcessError::Http(anyhow::Error::new(crashed))))
}

/// The topics on their log, ready to be read and written.
fn topics(
    config: &Config,
    part: &RoleSet,
    open: impl FnOnce() -> Result<OpenLog, LogError>,
) -> Result<(Topics, OpenLog), ProcessError> {
    let settings = &config.settings;
    if settings.log.kind == LogKind::Local && *part != RoleSet::All {
        return Err(ProcessError::Alone(part.clone()));
    }
    let carrier = open().map_err(RoleError::from)?;
    let topics = Topics {
        log: carrier.log(),
        namespace: config.rules.namespace.clone(),
        shards: settings.log.shards,
        keys: settings.log.instruction_keys.clone(),
    };
    let unsigned = topics.keys.is_empty() && carrier.is_shared();
    if unsigned && (part.decides() || part.serves()) {
        diagnostics::instructions_unsigned(&part.to_string());
    }
    match &carrier {
        OpenLog::Local(log) => {
            topics.create(&config.rules)?;
            create_telemetry(log, settings)?;
        }
        OpenLog::Kafka(log) => {
            if let Some(group) = rights::scan_group(config, part) {
                log.scan_as(&group);
            }
            match part {
                RoleSet::Route => ready_to_route(&topics, config)?,
                RoleSet::All
                | RoleSet::Ingest
                | RoleSet::Decide
                | RoleSet::Work(_)
                | RoleSet::Serve => ready(&topics, config, part)?,
            }
        }
    }
    Ok((topics, carrier))
}

/// Creates the users' topics, which exist on this log only.
fn create_telemetry(log: &LocalLog, settings: &Settings) -> Result<(), RoleError> {
    for topic in settings.sources.iter().flat_map(|source| &source.topics) {
        log.create(&topic.name, settings.log.telemetry_lanes, false)?;
    }
    Ok(())
}

/// Logs what starts, and returns the banner.
fn begins(
    topics: &Topics,
    config: &Config,
    part: &RoleSet,
    roles: &[String],
    listen: Option<SocketAddr>,
) -> Result<Vec<String>, ProcessError> {
    let (namespace, place) = (topics.namespace.as_str(), place(&config.settings.log));
    let Some(listen) = listen.filter(|_| *part == RoleSet::All) else {
        diagnostics::started_part(&part.to_string(), namespace, &place, roles, listen);
        return Ok(welcome::part(topics, config, part, roles, listen));
    };
    // Before the first start has folded anything, the config's rules are in force.
    let rule_set = topics.rules()?.unwrap_or_else(|| config.rules.clone());
    let targets: Vec<_> = rule_set.default.targets.iter().map(|target| target.id.clone()).collect();
    diagnostics::started(namespace, &place, rule_set.default.mode, &targets);
    Ok(welcome::all(topics, config, &rule_set, listen)?)
}

/// Answers HTTP requests until the stop, if the process listens at all.
async fn http(
    topics: Topics,
    settings: Settings,
    part: RoleSet,
    health: HealthBoard,
    listener: Option<TcpListener>,
    mut stop: watch::Receiver<bool>,
) -> RoleEnd {
    let Some(listener) = listener else {
        // That nobody is left to ask for a stop means the same.
        let _stopped = stop.wait_for(|stop| *stop).await;
        return Ok(());
    };
    if !part.serves() {
        return Ok(health.answer(listener, settings.http.limits, stop).await?);
    }
    let (http, sources) = (settings.http, settings.sources);
    let trouble = std::sync::Arc::new(move || health.failing());
    let served = serve_with(topics, http, sources, trouble, listener, stop).await;
    served.map_err(ProcessError::Http)
}

/// Waits for the roles, but not for ever. The first that failed is reported.
async fn drain(
    endings: &mut mpsc::UnboundedReceiver<RoleEnd>,
    roles: RoleThreads,
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
