//! The raw workers as what each needs, and which of them act for a model.

use std::path::PathBuf;

use super::check::{Checker, checked};
use super::problem::Path;
use super::raw;
use super::secret::{Environment, Secret, secret, wrong_variable};
use super::shape::{self, RegistryShape};
use super::units::SECOND;
use crate::model::{ModelId, Span, Stage, TargetId, TargetRule};

/// The name of the registry worker.
pub const REGISTRY: &str = "registry";
/// The name of the router's worker.
pub const ROUTER: &str = "router";
/// The name of the worker that notifies people.
pub const NOTICE: &str = "notice";

/// The workers of this Ripcord.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerSettings {
    /// The registry worker, if there is one.
    pub registry: Option<RegistrySettings>,
    /// How a registry file is read, by that worker and by a replay.
    pub registry_shape: RegistryShape,
    /// The router's worker, if there is one.
    pub router: Option<RouterWorkerSettings>,
    /// The user's programs.
    pub exec: Vec<ExecSettings>,
    /// The notice worker.
    pub notice: NoticeSettings,
}

/// The registry worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySettings {
    /// The registry.json.
    pub path: PathBuf,
    /// Whether files and hashes of versions are checked.
    pub check_artifacts: bool,
    /// The time between two reads of the state.
    pub poll: Span,
}

/// The worker of the built-in router.
#[derive(Debug, Clone, PartialEq)]
pub struct RouterWorkerSettings {
    /// The router's address.
    pub url: String,
    /// Time the router has to answer.
    pub time_limit: Span,
    /// The time between two reads of the state.
    pub poll: Span,
    /// Path to request from the model through the public route after a switch, if any.
    pub probe_path: Option<String>,
    /// Number of such requests.
    pub probes: u32,
    /// Percent of requests that stay with the withdrawn version, stage by stage, falling. Empty if
    /// all are switched at once.
    pub stages_percent: Vec<f64>,
    /// How long each stage lasts.
    pub hold: Span,
    /// Share of failures, 0 to 1, above which the earlier weights are restored …
    pub gate: f64,
    /// … of at least this many answers.
    pub gate_answers: u64,
    /// The token that the router requires for changes.
    pub token: Option<Secret>,
}

/// A program of the user as a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecSettings {
    /// The worker's name.
    pub id: TargetId,
    /// Program and arguments that report the current state; at least the program.
    pub probe: Vec<String>,
    /// Program and arguments that carry out a command; at least the program.
    pub act: Vec<String>,
    /// How long one run may take.
    pub time_limit: Span,
    /// The time between two probes without a command.
    pub poll: Span,
    /// Folder in which it records what it has done.
    pub fence_folder: PathBuf,
}

/// The notice worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeSettings {
    /// URL that notices are posted to. `None` if they go to the log only.
    pub webhook_url: Option<Secret>,
    /// The signing key.
    pub webhook_secret: Option<Secret>,
    /// How long one post may take.
    pub time_limit: Span,
}

/// All workers. `log` is the folder of the log, the default place for files.
pub(super) fn workers(
    check: &mut Checker<'_>,
    raw: &raw::Workers,
    environment: &Environment,
    log: &std::path::Path,
    token: Option<&Secret>,
) -> WorkerSettings {
    let at = Path::of(["workers"]);
    let registry_at = at.key("registry");
    let registry_poll =
        check.span(&registry_at.key("poll_seconds"), raw.registry.poll_seconds, SECOND, 1..=3600);
    let registry_shape =
        shape::shape(check, &registry_at.key("shape"), raw.registry.shape.as_ref());
    let registry = raw.registry.path.as_ref().map(|path| RegistrySettings {
        path: PathBuf::from(check.text(&registry_at.key("path"), path, "a file")),
        check_artifacts: raw.registry.check_artifacts,
        poll: registry_poll,
    });
    let router = router(check, &at, &raw.router, token);
    let notice_at = at.key("notice");
    let webhook_url = raw.notice.webhook_url.as_ref().map(|url| {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            check.refuse(&notice_at.key("webhook_url"), "must begin with https:// or http://");
        }
        Secret::new(url)
    });
    if let Some(why) = wrong_variable(environment, &raw.notice.webhook_secret_env) {
        check.refuse(&notice_at.key("webhook_secret_env"), why);
    }
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
    let exec = programs.filter_map(|(name, raw)| program(check, name, raw, log)).collect();
    WorkerSettings { registry, registry_shape, router, exec, notice }
}

fn router(
    check: &mut Checker<'_>,
    at: &Path,
    raw: &raw::RouterWorker,
    token: Option<&Secret>,
) -> Option<RouterWorkerSettings> {
    let at = at.key("router");
    let poll = checked!(check.span, at, raw.poll_seconds, SECOND, 1..=3600);
    let time_limit = checked!(check.span, at, raw.time_limit_seconds, SECOND, 1..=60);
    let probes = checked!(check.small, at, raw.probes, 1..=1000);
    for model in &raw.models {
        check.name(&at.key("models"), model, ModelId::new);
    }
    if raw.probe_path.as_ref().is_some_and(|path| !path.starts_with('/')) {
        check.refuse(&at.key("probe_path"), "must begin with /, such as /health");
    }
    let stages_at = at.key("stages_percent");
    let falls = raw.stages_percent.is_sorted_by(|more, less| more > less);
    let fits = |percent: &f64| {
        let hundredths = percent * 100.0;
        *percent > 0.0 && *percent < 100.0 && (hundredths - hundredths.round()).abs() < 1e-6
    };
    if !falls || !raw.stages_percent.iter().all(fits) {
        let why = "must fall from stage to stage, each above 0 and below 100 with at most two \
                   decimals, such as [50, 10]";
        check.refuse(&stages_at, why);
    }
    let hold = checked!(check.span, at, raw.hold_seconds, SECOND, 1..=3600);
    let gate = checked!(check.percent, at, raw.gate_percent);
    let gate_answers = checked!(check.count, at, raw.gate_answers, 1..=1_000_000);
    let url = raw.url.as_ref()?;
    if !url.starts_with("https://") && !url.starts_with("http://") {
        check.refuse(&at.key("url"), "must begin with http:// or https://");
    }
    let (url, token) = (url.trim_end_matches('/').to_owned(), token.cloned());
    let probe_path = raw.probe_path.clone();
    let stages_percent = raw.stages_percent.clone();
    Some(RouterWorkerSettings {
        url,
        time_limit,
        poll,
        probe_path,
        probes,
        stages_percent,
        hold,
        gate,
        gate_answers,
        token,
    })
}

/// The models that the router's worker acts for by name.
pub(super) fn routed(raw: &raw::Raw) -> impl Iterator<Item = &String> {
    let worker = &raw.workers.router;
    let named = worker.models.iter();
    let here = raw.router.models.iter().flatten().map(|(model, _)| model);
    let here = here.filter(|_| worker.url.is_some() && worker.models.is_empty());
    named.chain(here)
}

fn program(
    check: &mut Checker<'_>,
    name: &str,
    raw: &raw::Exec,
    log: &std::path::Path,
) -> Option<ExecSettings> {
    let at = Path::of(["workers", "exec", name]);
    if [REGISTRY, ROUTER, NOTICE].contains(&name) {
        check.refuse(&at, "is the name of a built-in worker; choose another");
    }
    if raw.stage == Stage::Notice {
        let why = "must be one of traffic, flag, registry, config, artifact for a program";
        check.refuse(&at.key("stage"), why);
    }
    for (key, command) in [("probe", &raw.probe), ("act", &raw.act)] {
        if command.first().is_none_or(|program| program.is_empty()) {
            check.refuse(&at.key(key), "names no program; write [\"program\", \"argument\"]");
        }
    }
    for model in &raw.models {
        check.name(&at.key("models"), model, ModelId::new);
    }
    let limit_at = at.key("time_limit_seconds");
    let fences_at = at.key("fence_folder");
    let fences = raw.fence_folder.as_ref();
    let fences = fences.map(|folder| PathBuf::from(check.text(&fences_at, folder, "a folder")));
    Some(ExecSettings {
        fence_folder: fences.unwrap_or_else(|| log.to_path_buf()),
        probe: raw.probe.clone(),
        act: raw.act.clone(),
        time_limit: check.span(&limit_at, raw.time_limit_seconds, SECOND, 1..=3600),
        poll: checked!(check.span, at, raw.poll_seconds, SECOND, 1..=3600),
        id: check.name(&at, name, TargetId::new)?,
    })
}

/// The workers that act for a model, in the order of their stages. `None` stands for any model that
/// the config does not name.
pub(super) fn targets(
    check: &mut Checker<'_>,
    all: &raw::Raw,
    model: Option<&str>,
) -> Vec<TargetRule> {
    let (at, raw) = (Path::of(["workers"]), &all.workers);
    let registry = raw.registry.path.as_ref().map(|_| (REGISTRY, Stage::Registry, true));
    let programs = raw.exec.iter().flatten();
    let for_it = programs.filter(|(_, raw)| {
        let named = model.is_some_and(|model| raw.models.iter().any(|name| name == model));
        raw.models.is_empty() || named
    });
    let programs = for_it.map(|(name, raw)| (name.as_str(), raw.stage, raw.authority));
    let names: Vec<_> = routed(all).collect();
    let is_routed = names.is_empty() || model.is_some_and(|m| names.iter().any(|name| *name == m));
    let router = raw.router.url.as_ref().filter(|_| is_routed);
    let router = router.map(|_| (ROUTER, Stage::Traffic, raw.router.authority));
    let all =
        registry.into_iter().chain(router).chain(programs).chain([(NOTICE, Stage::Notice, false)]);
    let mut targets: Vec<TargetRule> = all
        .filter_map(|(name, stage, authority)| {
            let id = check.name(&at, name, TargetId::new)?;
            Some(TargetRule { id, stage, authority })
        })
        .collect();
    targets.sort_by(|a, b| (a.stage, &a.id).cmp(&(b.stage, &b.id)));
    targets
}
