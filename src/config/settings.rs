//! Settings that no pure room needs: log, HTTP, ingest, sources, workers and router.

use std::path::PathBuf;

use super::check::{Checker, checked};
use super::file::ExposedFile;
use super::http::{HttpSettings, http};
use super::instruction_keys::{InstructionKeys, instruction_keys};
use super::kafka::{KafkaSettings, kafka};
use super::problem::Path;
use super::raw;
use super::router::{RouterSettings, router};
use super::secret::{Environment, KeptSecrets};
use super::units::{DAY, HOUR, SECOND};
use super::workers::{NoticeSettings, WorkerSettings, workers};
use crate::model::{ModelId, NameLimits, Source, SourceId, Span};

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
    /// Files with secrets that every user of the machine may read.
    pub exposed: Vec<ExposedFile>,
    /// What programs that Ripcord runs must not get.
    pub secrets: KeptSecrets,
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
    /// What signs instructions and rules. None: they are not signed.
    pub instruction_keys: InstructionKeys,
}

/// The kind of log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogKind {
    /// A SQLite file in the folder.
    Local,
    /// A Kafka cluster.
    Kafka(KafkaSettings),
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
    /// Bytes that waiting requests may take. `None`: half of the process's memory.
    pub max_waiting_bytes: Option<usize>,
    /// Old records of a lane that are read again before new ones are; if there are more, new ones
    /// are measured meanwhile, without labels of requests from before.
    pub reread_first: u64,
    /// The names of all sources: those that are gone no longer count.
    pub known: Vec<SourceId>,
    /// Models that the settings name: they always have a place.
    pub named: Vec<ModelId>,
}

/// Converts the raw settings. `None` if something is refused.
pub(super) fn settings(
    check: &mut Checker<'_>,
    raw: &raw::Raw,
    environment: &Environment,
    sources: Vec<Source>,
) -> Option<Settings> {
    let mut log = log(check, &raw.log, &sources);
    let http = http(check, (&raw.http, &raw.metrics), environment)?;
    let token = http.token.as_ref();
    let workers = workers(check, &raw.workers, environment, &log.folder, token);
    let kafka = kafka(check, raw, environment, log.retention, &workers);
    let keys_env = &raw.kafka.instruction_keys_env;
    let (instruction_keys, key_texts) = instruction_keys(check, keys_env, environment);
    log.instruction_keys = instruction_keys;
    let names = [&raw.http.token_env, &raw.workers.notice.webhook_secret_env, keys_env];
    let names = names.into_iter().chain(raw.kafka.properties_from_env.values());
    let NoticeSettings { webhook_url, webhook_secret, .. } = &workers.notice;
    let own = [&http.token, webhook_url, webhook_secret].into_iter().flatten();
    let own = own.chain(kafka.secrets.values()).chain(&key_texts);
    let secrets = KeptSecrets::new(environment, names, own);
    if raw.log.kind == raw::LogKind::Kafka {
        log.kind = LogKind::Kafka(kafka);
    }
    let settings = Settings {
        router: router(check, &raw.router, &sources, !http.tokens.is_empty(), &log.folder),
        workers,
        log,
        http,
        ingest: ingest(check, &raw.ingest, &sources),
        sources,
        exposed: check.exposed(),
        secrets,
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
        instruction_keys: InstructionKeys::default(),
    }
}

fn ingest(check: &mut Checker<'_>, raw: &raw::Ingest, sources: &[Source]) -> IngestSettings {
    let at = Path::of(["ingest"]);
    let mebibytes = checked!(check.size, at, raw.max_waiting_mebibytes, 0..=1_048_576);
    IngestSettings {
        flush: checked!(check.span, at, raw.flush_milliseconds, 1, 1..=10_000),
        heartbeat: checked!(check.span, at, raw.heartbeat_milliseconds, 1, 100..=60_000),
        idle_after: checked!(check.span, at, raw.idle_after_seconds, SECOND, 1..=86_400),
        max_waiting_bytes: Some(mebibytes * 1024 * 1024).filter(|most| *most > 0),
        reread_first: checked!(check.size, at, raw.reread_first_records, 0..=1_000_000_000) as u64,
        known: sources.iter().map(|source| source.id.clone()).collect(),
        named: Vec::new(),
    }
}

/// How many names telemetry may bring.
pub(super) fn limits(check: &mut Checker<'_>, raw: &raw::Ingest) -> NameLimits {
    let at = Path::of(["ingest"]);
    NameLimits {
        models: checked!(check.size, at, raw.max_models, 1..=50_000),
        versions: checked!(check.size, at, raw.max_versions, 1..=10_000),
        features: checked!(check.size, at, raw.max_features, 1..=100_000),
    }
}
