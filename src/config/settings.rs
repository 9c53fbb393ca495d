//! Settings that no pure room needs: log, HTTP, ingest, sources, workers and router.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::check::{Checker, checked};
use super::kafka::{KafkaSettings, kafka};
use super::problem::Path;
use super::raw;
use super::router::{RouterSettings, router};
use super::secret::{
    Environment, NO_PATH, Secret, is_usual_path, is_usual_variable, secret, wrong_variable,
};
use super::units::{DAY, HOUR, SECOND};
use super::workers::{WorkerSettings, workers};
use crate::model::{Source, SourceId, Span};

/// All settings that are not rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where topics are stored.
    pub log: LogSettings,
    /// The HTTP server.
    pub http: HttpSettings,
    /// Measuring.
    pub ingest: IngestSettings,
    /// The sources, by name.
    pub sources: Vec<Source>,
    /// The workers.
    pub workers: WorkerSettings,
    /// The built-in router, if it runs.
    pub router: Option<RouterSettings>,
}

/// Where topics are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// The kind of log.
    pub kind: LogKind,
    /// Folder of the local log, and of what this machine's workers remember with any log.
    pub folder: PathBuf,
    /// Partitions of the inbox.
    pub shards: u32,
    /// Partitions of telemetry topics that Ripcord creates.
    pub telemetry_lanes: u32,
    /// How long records are kept.
    pub retention: Span,
}

/// The kind of log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogKind {
    /// A SQLite file in the folder.
    Local,
    /// A Kafka cluster.
    Kafka(KafkaSettings),
}

/// The HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Address and port.
    pub listen: SocketAddr,
    /// The token for write requests. Without one, they are accepted on loopback only.
    pub token: Option<Secret>,
    /// Its limits.
    pub limits: HttpLimits,
    /// How long the result of an instruction can be asked for.
    pub keep_replies: Span,
}

/// The limits of the HTTP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// The largest request body.
    pub max_body_bytes: usize,
    /// The largest telemetry body once it is unpacked.
    pub max_unpacked_bytes: usize,
    /// Connections at once.
    pub connections: usize,
    /// Requests answered at once.
    pub requests: usize,
    /// Telemetry bodies received or written at once.
    pub uploads: usize,
    /// Time for a request's headers, and between two requests.
    pub head: Duration,
    /// Time for the body.
    pub body: Duration,
    /// Time for the answer once the body has arrived.
    pub answer: Duration,
}

/// Measuring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestSettings {
    /// The shortest time between two frames of a lane.
    pub flush: Span,
    /// The time between two heartbeats.
    pub heartbeat: Span,
    /// Time after which a lane that is at its end is idle.
    pub idle_after: Span,
    /// The names of all sources: those that are gone no longer count.
    pub known: Vec<SourceId>,
}

/// Converts the raw settings. `None` if something is refused.
pub(super) fn settings(
    check: &mut Checker<'_>,
    raw: &raw::Raw,
    environment: &Environment,
    sources: Vec<Source>,
) -> Option<Settings> {
    let mut log = log(check, &raw.log, &sources);
    let http = http(check, &raw.http, environment)?;
    let token = http.token.as_ref();
    let workers = workers(check, &raw.workers, environment, &log.folder, token);
    let kafka = kafka(check, raw, environment, log.retention, &workers);
    if raw.log.kind == raw::LogKind::Kafka {
        log.kind = LogKind::Kafka(kafka);
    }
    let settings = Settings {
        router: router(check, &raw.router, &sources, token.is_some(), &log.folder),
        workers,
        log,
        http,
        ingest: ingest(check, &raw.ingest, &sources),
        sources,
    };
    let stall = raw.rules.policy.stall_after_seconds.saturating_mul(SECOND);
    if raw.ingest.heartbeat_milliseconds.saturating_mul(2) > stall {
        let why = "must be at most half of rules.policy.stall_after_seconds, or healthy lanes \
                   count as stalled";
        check.refuse(&Path::of(["ingest", "heartbeat_milliseconds"]), why);
    }
    Some(settings)
}

fn log(check: &mut Checker<'_>, raw: &raw::Log, sources: &[Source]) -> LogSettings {
    let at = Path::of(["log"]);
    let retention_at = at.key("retention_days");
    let retention = check.span(&retention_at, raw.retention_days, DAY, 1..=3650);
    let horizon = sources.iter().map(|source| source.label_horizon).max().unwrap_or_default();
    if retention.as_ms() < horizon.as_ms() + DAY as i64 {
        let why = format!(
            "must be at least a day more than the longest label horizon, which is {} hours",
            horizon.as_ms() / HOUR as i64
        );
        check.refuse(&retention_at, why);
    }
    let folder = check.text(&at.key("folder"), &raw.folder, "a folder");
    LogSettings {
        kind: LogKind::Local,
        folder: PathBuf::from(folder),
        shards: checked!(check.small, at, raw.shards, 1..=1024),
        telemetry_lanes: checked!(check.small, at, raw.telemetry_lanes, 1..=1024),
        retention,
    }
}

fn http(
    check: &mut Checker<'_>,
    raw: &raw::Http,
    environment: &Environment,
) -> Option<HttpSettings> {
    let at = Path::of(["http"]);
    let (listen_at, file_at) = (at.key("listen"), at.key("token_file"));
    if let Some(why) = wrong_variable(environment, &raw.token_env) {
        check.refuse(&at.key("token_env"), why);
    }
    let from_variable = secret(environment, &raw.token_env);
    let from_file = raw.token_file.as_ref().and_then(|file| match std::fs::read_to_string(file) {
        Ok(text) => {
            let line = text.lines().next().unwrap_or_default().trim();
            if line.is_empty() {
                check.refuse(&file_at, "has an empty first line; put the token there");
            }
            Some(Secret::new(line))
        }
        Err(_) if !is_usual_path(file) => {
            check.refuse(&file_at, NO_PATH);
            None
        }
        Err(why) => {
            check.refuse(&file_at, format!("cannot be read: {why}"));
            None
        }
    });
    if from_variable.is_some() && from_file.is_some() {
        let why = format!("the variable {} also holds a token; keep one of the two", raw.token_env);
        check.refuse(&file_at, why);
    }
    let token = from_file.or(from_variable).map(|token| Secret::new(token.expose().trim()));
    if token.as_ref().is_some_and(|t| !t.expose().bytes().all(|byte| byte.is_ascii_graphic())) {
        let place = raw.token_file.as_ref().map_or(at.key("token_env"), |_| file_at.clone());
        let why = "the token cannot be sent in an HTTP header; use ASCII letters, digits and \
                   punctuation, without spaces";
        check.refuse(&place, why);
    }
    let Ok(listen) = raw.listen.parse::<SocketAddr>() else {
        check.refuse(&listen_at, "must be an address and a port, such as 127.0.0.1:7700");
        return None;
    };
    if !listen.ip().is_loopback() && token.is_none() && raw.token_file.is_none() {
        let why = format!(
            "this address can be reached from other machines and needs a token; set the variable \
             {} or http.token_file, or listen on 127.0.0.1",
            if is_usual_variable(&raw.token_env) { &raw.token_env } else { "of http.token_env" }
        );
        check.refuse(&listen_at, why);
    }
    let limits = HttpLimits {
        max_body_bytes: checked!(check.size, at, raw.max_body_bytes, 1024..=1_073_741_824),
        max_unpacked_bytes: checked!(check.size, at, raw.max_unpacked_bytes, 1024..=1_073_741_824),
        connections: checked!(check.size, at, raw.connections_at_once, 8..=65_536),
        requests: checked!(check.size, at, raw.requests_at_once, 1..=65_536),
        uploads: checked!(check.size, at, raw.telemetry_at_once, 1..=65_536),
        head: Duration::from_secs(checked!(check.count, at, raw.head_seconds, 1..=3600)),
        body: Duration::from_secs(checked!(check.count, at, raw.body_seconds, 1..=3600)),
        answer: Duration::from_secs(checked!(check.count, at, raw.answer_seconds, 1..=3600)),
    };
    let keep_replies = checked!(check.span, at, raw.keep_replies_hours, HOUR, 1..=8760);
    Some(HttpSettings { listen, token, limits, keep_replies })
}

fn ingest(check: &mut Checker<'_>, raw: &raw::Ingest, sources: &[Source]) -> IngestSettings {
    let at = Path::of(["ingest"]);
    IngestSettings {
        flush: checked!(check.span, at, raw.flush_milliseconds, 1, 1..=10_000),
        heartbeat: checked!(check.span, at, raw.heartbeat_milliseconds, 1, 100..=60_000),
        idle_after: checked!(check.span, at, raw.idle_after_seconds, SECOND, 1..=86_400),
        known: sources.iter().map(|source| source.id.clone()).collect(),
    }
}
