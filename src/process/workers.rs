//! The workers that the config asks for, each with a function that makes its target.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{ProcessError, RoleSet, WorkerKind};
use crate::config::{
    Config, ExecSettings, NOTICE, NoticeSettings, REGISTRY, ROUTER, RegistrySettings,
    RegistryShape, RouterWorkerSettings,
};
use crate::edge::clock::SystemClock;
use crate::edge::diagnostics;
use crate::edge::files;
use crate::model::{Command, ModelId, Span, TargetId, Want};
use crate::router::Weight;
use crate::targets::Target;
use crate::targets::exec::{self, Exec};
use crate::targets::notice::{Notice, SigningKey, Webhook};
use crate::targets::registry::RegistryFile;
use crate::targets::router::{Router, RouterOptions, Stages};

/// A notice target has nothing to observe.
const NEVER: Span = Span::from_s(24 * 3600);

/// Makes a target each time its role starts.
type Make = Box<dyn Fn() -> Box<dyn Target> + Send>;

/// One worker.
pub(super) struct Worker {
    pub(super) id: TargetId,
    /// The time between two looks at the target.
    pub(super) poll: Span,
    pub(super) make: Make,
}

/// All workers of this process.
pub(super) fn workers(config: &Config, part: &RoleSet) -> Result<Vec<Worker>, ProcessError> {
    let settings = &config.settings.workers;
    let id = |name: &str| config.rules.default.targets.iter().find(|t| t.id.as_str() == name);
    let mut workers = Vec::new();
    if let Some((settings, rule)) = settings.registry.as_ref().zip(id(REGISTRY))
        && part.works(&WorkerKind::Registry)
    {
        let shape = &config.settings.workers.registry_shape;
        workers.push(registry(rule.id.clone(), settings, shape)?);
    }
    if let Some(settings) = &settings.router
        && part.works(&WorkerKind::Router)
    {
        workers.push(router(settings)?);
    }
    for settings in &settings.exec {
        if part.works(&WorkerKind::Exec(Some(settings.id.clone()))) {
            workers.push(program(config, settings)?);
        }
    }
    if let Some(rule) = id(NOTICE)
        && part.works(&WorkerKind::Notice)
    {
        workers.push(notice(rule.id.clone(), config, &settings.notice)?);
    }
    match part {
        RoleSet::Work(hands) if workers.is_empty() => Err(ProcessError::NoWorker(hands.set_by())),
        RoleSet::All
        | RoleSet::Ingest
        | RoleSet::Decide
        | RoleSet::Work(_)
        | RoleSet::Route
        | RoleSet::Serve => Ok(workers),
    }
}

/// A file that needs a shape stops the start: no rollback could switch it. Anything else that is
/// wrong with it may be mended while the worker runs.
fn registry(
    id: TargetId,
    settings: &RegistrySettings,
    shape: &RegistryShape,
) -> Result<Worker, ProcessError> {
    let file = RegistryFile::new(id.clone(), settings.path.clone()).in_shape(shape.clone());
    let file = if settings.check_artifacts { file.check_artifacts() } else { file };
    if let Err(error) = file.check()
        && error.needs_shape()
    {
        return Err(ProcessError::Registry(error));
    }
    let make = move || -> Box<dyn Target> { Box::new(file.clone()) };
    Ok(Worker { id, poll: settings.poll, make: Box::new(make) })
}

fn router(settings: &RouterWorkerSettings) -> Result<Worker, ProcessError> {
    let RouterWorkerSettings { url, time_limit, poll, probe_path, probes, token, .. } = settings;
    // The name need not be in any rule: the router may have no model.
    let id =
        TargetId::new(ROUTER).map_err(|_| ProcessError::NoWorker(WorkerKind::Router.set_by()))?;
    let router = Router::new(RouterOptions {
        target: id.clone(),
        url: url.clone(),
        token: token.clone(),
        time_limit: duration(*time_limit),
        probe_path: probe_path.clone(),
        probes: *probes,
        stages: stages(settings),
    })?;
    let make = move || -> Box<dyn Target> { Box::new(router.clone()) };
    Ok(Worker { id, poll: *poll, make: Box::new(make) })
}

/// The stages of a switch; `None` to switch at once.
fn stages(settings: &RouterWorkerSettings) -> Option<Stages> {
    let left = settings.stages_percent.iter().map(|percent| Weight::from_percent(*percent));
    // The settings were checked: each is a weight.
    let left: Vec<Weight> = left.filter_map(Result::ok).collect();
    let (hold, gate, minimum) = (settings.hold, settings.gate, settings.gate_answers);
    (!left.is_empty()).then_some(Stages { left, hold, gate, minimum })
}

/// A program of the user. The folder of its fences is created at the start, so that a rollback
/// never fails for want of it.
fn program(config: &Config, settings: &ExecSettings) -> Result<Worker, ProcessError> {
    let (id, fence_folder) = (&settings.id, &settings.fence_folder);
    let key = "fence_folder of workers.exec";
    files::make_folder(fence_folder).map_err(|why| ProcessError::Fences {
        folder: fence_folder.clone(),
        key,
        source: why.into(),
    })?;
    let of_it = config
        .rules
        .models
        .iter()
        .filter(|(_, rules)| rules.targets.iter().any(|target| target.id == *id));
    let models: Vec<ModelId> = of_it.map(|(model, _)| model.clone()).collect();
    let exec = exec::ExecOptions {
        target: id.clone(),
        models,
        probe: Some(settings.probe.clone()),
        act: settings.act.clone(),
        time_limit: duration(settings.time_limit),
        // As the config says of every relative path.
        folder: PathBuf::from("."),
        fence_folder: fence_folder.clone(),
        secrets: config.settings.secrets.clone(),
    };
    let make = move || -> Box<dyn Target> { Box::new(Exec::new(exec.clone())) };
    Ok(Worker { id: id.clone(), poll: settings.poll, make: Box::new(make) })
}

fn notice(
    id: TargetId,
    config: &Config,
    settings: &NoticeSettings,
) -> Result<Worker, ProcessError> {
    let (folder, key) = (&config.settings.log.folder, "log.folder");
    files::make_folder(folder).map_err(|why| ProcessError::Fences {
        folder: folder.clone(),
        key,
        source: why.into(),
    })?;
    let fences = folder.join("notice.fences.json");
    let secret = settings.webhook_secret.as_ref().map(|text| SigningKey::new(text.expose()));
    let secret = secret.transpose()?;
    let limit = duration(settings.time_limit);
    let webhook = settings.webhook_url.as_ref();
    let webhook = webhook.map(|url| Webhook::new(url.expose(), secret, limit)).transpose()?;
    let make = move || -> Box<dyn Target> {
        let clock = Arc::new(SystemClock);
        Box::new(Notice::new(Box::new(log_notice), webhook.clone(), clock, Some(fences.clone())))
    };
    Ok(Worker { id, poll: NEVER, make: Box::new(make) })
}

fn log_notice(command: &Command) {
    match &command.want {
        Want::Notice { summary, severity } => {
            diagnostics::notice(&command.model, &command.incident, severity, summary);
        }
        Want::Production { .. } => {}
    }
}

fn duration(span: Span) -> Duration {
    Duration::from_millis(span.as_ms().unsigned_abs())
}
