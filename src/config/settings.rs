//! What the edge and the app need to know, and no pure room.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::check::{Check, DAY, HOUR, SECOND};
use super::problem::Path;
use super::raw;
use crate::model::{ModelId, Source, Span, Stage, TargetId, TargetRule};

/// All that is no rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What carries the river.
    pub log: LogSettings,
    /// Where people and programs ask.
    pub http: HttpSettings,
    /// How measuring goes.
    pub ingest: IngestSettings,
    /// In a recording a clock may jump so far before others must confirm it.
    pub replay_max_jump: Span,
    /// What is read, by name.
    pub sources: Vec<Source>,
    /// What a rollback acts on.
    pub workers: WorkerSettings,
}

/// What carries the river.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// Which of the logs.
    pub kind: LogKind,
    /// Partitions of the inbox.
    pub shards: u32,
    /// Partitions of telemetry topics that Ripcord makes itself.
    pub telemetry_lanes: u32,
    /// How long records are kept.
    pub retention: Span,
}

/// Which of the logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogKind {
    /// A SQLite file in this folder.
    Local(PathBuf),
}

/// Where people and programs ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Address and port.
    pub listen: SocketAddr,
    /// What a writer must show; none: writing works on loopback only.
    pub token: Option<Secret>,
    /// The largest request body.
    pub max_body_bytes: usize,
}

/// How measuring goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestSettings {
    /// The longest time between two flushes under load.
    pub flush: Span,
    /// The shortest time between two sendings of one cell.
    pub resend: Span,
    /// The time between two signs of life.
    pub heartbeat: Span,
    /// A lane read to its end is idle after so long.
    pub idle_after: Span,
}

/// What a rollback acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSettings {
    /// The file that serving processes load from.
    pub registry: Option<RegistrySettings>,
    /// Programs of the user.
    pub exec: Vec<ExecSettings>,
    /// Telling people.
    pub notice: NoticeSettings,
}

/// The registry worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySettings {
    /// The registry.json.
    pub path: PathBuf,
    /// Whether files and hashes of versions are looked at.
    pub check_artifacts: bool,
    /// The time between two looks.
    pub poll: Span,
}

/// A program of the user as a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecSettings {
    /// The worker's name.
    pub id: TargetId,
    /// Program and arguments that say what stands there; at least the program.
    pub probe: Vec<String>,
    /// Program and arguments that make it so; at least the program.
    pub act: Vec<String>,
    /// How long one run may take.
    pub time_limit: Span,
    /// The time between two probes without a command.
    pub poll: Span,
}

/// Telling people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeSettings {
    /// Where notices are posted; none: in the log only.
    pub webhook_url: Option<Secret>,
    /// What signs them.
    pub webhook_secret: Option<Secret>,
    /// How long one post may take.
    pub time_limit: Span,
}

/// A text that no log and no report shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being shown.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The variables that the settings may point at.
pub(super) type Environment = BTreeMap<String, String>;

/// Raw settings into settings; none: something is refused.
pub(super) fn settings(
    check: &mut Check<'_>,
    raw: &raw::Raw,
    environment: &Environment,
    sources: Vec<Source>,
) -> Option<Settings> {
    let replay_at = Path::of(["replay", "max_jump_days"]);
    let settings = Settings {
        log: log(check, &raw.log, &sources),
        http: http(check, &raw.http, environment)?,
        ingest: ingest(check, &raw.ingest),
        replay_max_jump: check.span(&replay_at, raw.replay.max_jump_days, DAY, 1..=3650),
        workers: workers(check, &raw.workers, environment),
        sources,
    };
    let stall = raw.rules.policy.stall_after_seconds.saturating_mul(SECOND);
    if raw.ingest.heartbeat_milliseconds.saturating_mul(2) > stall {
        let would_do = "two of them fit into rules.policy.stall_after_seconds, or a healthy lane \
                        counts as stalled";
        check.refuse(&Path::of(["ingest", "heartbeat_milliseconds"]), would_do);
    }
    Some(settings)
}

fn log(check: &mut Check<'_>, raw: &raw::Log, sources: &[Source]) -> LogSettings {
    let at = Path::of(["log"]);
    let retention_at = at.key("retention_days");
    let retention = check.span(&retention_at, raw.retention_days, DAY, 1..=3650);
    let horizon = sources.iter().map(|source| source.label_horizon).max().unwrap_or_default();
    if retention.as_ms() < horizon.as_ms() + DAY as i64 {
        let would_do = format!(
            "the longest label horizon is {} hours; keep records a day longer than that",
            horizon.as_ms() / HOUR as i64
        );
        check.refuse(&retention_at, would_do);
    }
    let folder = check.text(&at.key("folder"), &raw.folder, "a folder");
    LogSettings {
        kind: match raw.kind {
            raw::LogKind::Local => LogKind::Local(PathBuf::from(folder)),
        },
        shards: check.small(&at.key("shards"), raw.shards, 1..=1024),
        telemetry_lanes: check.small(&at.key("telemetry_lanes"), raw.telemetry_lanes, 1..=1024),
        retention,
    }
}

fn http(check: &mut Check<'_>, raw: &raw::Http, environment: &Environment) -> Option<HttpSettings> {
    let at = Path::of(["http"]);
    let (listen_at, file_at) = (at.key("listen"), at.key("token_file"));
    let from_variable = secret(environment, &raw.token_env);
    let from_file = raw.token_file.as_ref().and_then(|file| match std::fs::read_to_string(file) {
        Ok(text) => {
            let line = text.lines().next().unwrap_or_default().trim();
            if line.is_empty() {
                check.refuse(&file_at, "its first line is empty; write the token there");
            }
            Some(Secret::new(line))
        }
        Err(why) => {
            check.refuse(&file_at, format!("it cannot be read: {why}"));
            None
        }
    });
    if from_variable.is_some() && from_file.is_some() {
        let would_do = format!("the variable {} holds a token too; keep one", raw.token_env);
        check.refuse(&file_at, would_do);
    }
    let token = from_file.or(from_variable);
    let Ok(listen) = raw.listen.parse::<SocketAddr>() else {
        check.refuse(&listen_at, "it is an address and a port, such as 127.0.0.1:7700");
        return None;
    };
    if !listen.ip().is_loopback() && token.is_none() && raw.token_file.is_none() {
        let would_do = format!(
            "others can reach it there, so it needs a token; set the variable {} or \
             http.token_file, or listen on 127.0.0.1",
            raw.token_env
        );
        check.refuse(&listen_at, would_do);
    }
    let max_body_bytes =
        check.size(&at.key("max_body_bytes"), raw.max_body_bytes, 1024..=1_073_741_824);
    Some(HttpSettings { listen, token, max_body_bytes })
}

fn secret(environment: &Environment, variable: &str) -> Option<Secret> {
    environment.get(variable).filter(|text| !text.is_empty()).map(|text| Secret::new(text))
}

fn ingest(check: &mut Check<'_>, raw: &raw::Ingest) -> IngestSettings {
    let at = Path::of(["ingest"]);
    let mut ms = |key: &str, n, range| check.span(&at.key(key), n, 1, range);
    IngestSettings {
        flush: ms("flush_milliseconds", raw.flush_milliseconds, 1..=10_000),
        resend: ms("resend_milliseconds", raw.resend_milliseconds, 1..=60_000),
        heartbeat: ms("heartbeat_milliseconds", raw.heartbeat_milliseconds, 100..=60_000),
        idle_after: check.span(
            &at.key("idle_after_seconds"),
            raw.idle_after_seconds,
            SECOND,
            1..=86_400,
        ),
    }
}

fn workers(check: &mut Check<'_>, raw: &raw::Workers, environment: &Environment) -> WorkerSettings {
    let at = Path::of(["workers"]);
    let registry_at = at.key("registry");
    let registry_poll =
        check.span(&registry_at.key("poll_seconds"), raw.registry.poll_seconds, SECOND, 1..=3600);
    let registry = raw.registry.path.as_ref().map(|path| RegistrySettings {
        path: PathBuf::from(check.text(&registry_at.key("path"), path, "a file")),
        check_artifacts: raw.registry.check_artifacts,
        poll: registry_poll,
    });
    let notice_at = at.key("notice");
    let webhook_url = raw.notice.webhook_url.as_ref().map(|url| {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            check.refuse(&notice_at.key("webhook_url"), "it begins with https:// or http://");
        }
        Secret::new(url)
    });
    let notice = NoticeSettings {
        webhook_url,
        webhook_secret: secret(environment, &raw.notice.webhook_secret_env),
        time_limit: check.span(
            &notice_at.key("time_limit_seconds"),
            raw.notice.time_limit_seconds,
            SECOND,
            1..=60,
        ),
    };
    let programs = raw.exec.iter().flatten();
    let exec = programs.filter_map(|(name, raw)| program(check, name, raw)).collect();
    WorkerSettings { registry, exec, notice }
}

fn program(check: &mut Check<'_>, name: &str, raw: &raw::Exec) -> Option<ExecSettings> {
    let at = Path::of(["workers", "exec", name]);
    if [REGISTRY, NOTICE].contains(&name) {
        check.refuse(&at, "a built-in worker has this name; choose another");
    }
    if raw.stage == Stage::Notice {
        let would_do = "a program stands in one of traffic, flag, registry, config, artifact";
        check.refuse(&at.key("stage"), would_do);
    }
    for (key, command) in [("probe", &raw.probe), ("act", &raw.act)] {
        if command.first().is_none_or(|program| program.is_empty()) {
            check.refuse(&at.key(key), "no program; write [\"program\", \"argument\"]");
        }
    }
    for model in &raw.models {
        check.name(&at.key("models"), model, ModelId::new);
    }
    let limit_at = at.key("time_limit_seconds");
    Some(ExecSettings {
        probe: raw.probe.clone(),
        act: raw.act.clone(),
        time_limit: check.span(&limit_at, raw.time_limit_seconds, SECOND, 1..=3600),
        poll: check.span(&at.key("poll_seconds"), raw.poll_seconds, SECOND, 1..=3600),
        id: check.name(&at, name, TargetId::new)?,
    })
}

/// The name of the registry worker.
pub const REGISTRY: &str = "registry";
/// The name of the worker that tells people.
pub const NOTICE: &str = "notice";

/// The workers that act for a model, in the order of their stages; none: a model nobody names.
pub(super) fn targets(
    check: &mut Check<'_>,
    raw: &raw::Workers,
    model: Option<&str>,
) -> Vec<TargetRule> {
    let at = Path::of(["workers"]);
    let registry = raw.registry.path.as_ref().map(|_| (REGISTRY, Stage::Registry, true));
    let programs = raw.exec.iter().flatten();
    let for_it = programs.filter(|(_, raw)| {
        let named = model.is_some_and(|model| raw.models.iter().any(|name| name == model));
        raw.models.is_empty() || named
    });
    let programs = for_it.map(|(name, raw)| (name.as_str(), raw.stage, raw.authority));
    let all = registry.into_iter().chain(programs).chain([(NOTICE, Stage::Notice, false)]);
    let mut targets: Vec<TargetRule> = all
        .filter_map(|(name, stage, authority)| {
            let id = check.name(&at, name, TargetId::new)?;
            Some(TargetRule { id, stage, authority })
        })
        .collect();
    targets.sort_by(|a, b| (a.stage, &a.id).cmp(&(b.stage, &b.id)));
    targets
}
