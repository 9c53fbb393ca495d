//! The user's own programs as a target: one reports the current state, one changes it.
//!
//! Both get JSON on stdin: the command, or `{"model": …}` if only facts are wanted. The probe may
//! print a fact, `{"production": "v2"}`; if it prints nothing, its exit code says whether the
//! wanted state is true. Exit code 0: done. 1: certainly not. Anything else is unknown, and so is
//! exit code 0 with an output that is not a fact.

mod holders;
mod redact;
mod run;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use self::run::{End, Ran, run};
use super::fences::Fences;
use super::{Acted, Fence, Later, Target};
use crate::config::KeptSecrets;
use crate::edge::fence::{AcceptedCommands, CommandAge};
use crate::model::{Command, Fact, ModelId, StepResult, TargetId, VersionFact, VersionId, Want};

/// The settings of the user's programs.
#[derive(Debug, Clone)]
pub struct ExecOptions {
    /// The target's name in the config.
    pub target: TargetId,
    /// The models to report facts for.
    pub models: Vec<ModelId>,
    /// Program and arguments that report the current state, if there are any.
    pub probe: Option<Vec<String>>,
    /// Program and arguments that change it.
    pub act: Vec<String>,
    /// How long each may run.
    pub time_limit: Duration,
    /// The working directory of both.
    pub folder: PathBuf,
    /// The folder of `TARGET.fences.json`. It exists.
    pub fence_folder: PathBuf,
    /// What both must not get, and must not repeat.
    pub secrets: KeptSecrets,
}

/// The user's programs as a target.
#[derive(Debug)]
pub struct Exec {
    settings: ExecOptions,
    fences: Fences,
}

/// The output of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Stated {
    /// Required; null if no version is in production.
    #[serde(deserialize_with = "Option::deserialize")]
    production: Option<VersionId>,
    #[serde(default)]
    versions: Vec<VersionId>,
}

/// What a probe says about the wanted state.
enum Probed {
    /// It is true.
    So(String),
    /// It is not true, and may be made true.
    NotSo,
    /// Others have changed the state to a third one.
    Moved(String),
    /// The probe did not run.
    NotRun(String),
    /// The probe cannot tell.
    Unclear(String),
}

impl Exec {
    /// The target that consists of these programs.
    #[must_use]
    pub fn new(settings: ExecOptions) -> Self {
        let file = settings.fence_folder.join(format!("{}.fences.json", settings.target));
        Self { settings, fences: Fences::new(Some(file)) }
    }

    async fn run(&self, program: &[String], input: &[u8]) -> Ran {
        let ExecOptions { folder, time_limit, secrets, .. } = &self.settings;
        run(program, folder, input, *time_limit, secrets).await
    }

    fn detail(&self, ran: &Ran, program: &[String]) -> String {
        ran.detail(program, self.settings.time_limit)
    }

    async fn facts(&mut self) -> Result<Vec<Fact>, String> {
        self.fences.read()?;
        let Some(probe) = &self.settings.probe else { return Ok(Vec::new()) };
        let mut facts = Vec::new();
        for model in &self.settings.models {
            let input = serde_json::json!({ "model": model }).to_string();
            let ran = self.run(probe, input.as_bytes()).await;
            let detail = || self.detail(&ran, probe);
            if ran.end != End::Code(0) {
                return Err(format!("the production version of {model} is unknown: {}", detail()));
            }
            let stated = stated(&ran.stdout).ok_or_else(|| {
                format!(
                    "{}; the probe must print a fact such as {{\"production\": \"v2\"}}",
                    detail()
                )
            })?;
            let generation = self.fences.of(model).generation;
            facts.push(fact(model, &self.settings.target, stated, generation));
        }
        Ok(facts)
    }

    async fn probe(&self, want: &(VersionId, VersionId), model: &ModelId, input: &[u8]) -> Probed {
        let Some(probe) = &self.settings.probe else { return Probed::NotSo };
        let ran = self.run(probe, input).await;
        let detail = self.detail(&ran, probe);
        let (version, instead_of) = want;
        let now = stated(&ran.stdout).map(|stated| stated.production);
        match (&ran.end, now) {
            (End::Code(0), Some(Some(now))) if now == *version => {
                Probed::So(format!("{model} is {version}"))
            }
            (End::Code(0 | 1), Some(Some(now))) if now == *instead_of => Probed::NotSo,
            (End::Code(0 | 1), Some(now)) => {
                let now = now.map_or("no version".to_owned(), String::from);
                Probed::Moved(format!(
                    "{model} should go from {instead_of} to {version}, but the probe reports \
                     {now}: changed by others"
                ))
            }
            (End::Code(0), None) if ran.stdout.trim().is_empty() => Probed::So(detail),
            (End::Code(0), None) => Probed::Unclear(format!(
                "{detail}; this output is not a fact: print {{\"production\": \"v2\"}} or nothing"
            )),
            (End::Code(1), None) => Probed::NotSo,
            (End::NotStarted(_), _) => Probed::NotRun(detail),
            (End::Code(_) | End::Signal | End::TimedOut | End::Lost(_), _) => {
                Probed::Unclear(detail)
            }
        }
    }

    async fn work(&mut self, command: &Command) -> Acted {
        // Another process needs up to three runs: probe, act, probe.
        let _held = match self.fences.hold(self.settings.time_limit * 4).await {
            Ok(held) => held,
            Err(why) => return Acted::failed(format!("{why}; nothing was done")),
        };
        let mut taken = self.fences.of(&command.model);
        let before = taken.knows(command);
        if before == CommandAge::Older {
            return Acted::refused(taken.too_old(command));
        }
        taken.raise(command);
        if let Err(why) = self.fences.keep(&command.model, taken.clone()) {
            return Acted::failed(format!("{why}; nothing was done"));
        }
        let input = match serde_json::to_vec(command) {
            Ok(input) => input,
            Err(error) => {
                return Acted::failed(format!("the command cannot be written as JSON: {error}"));
            }
        };
        let acted = match &command.want {
            Want::Production { version, instead_of } => {
                let want = (version.clone(), instead_of.clone());
                self.production(command, before, &want, &input).await
            }
            Want::Notice { .. } if before == CommandAge::Done => {
                Acted::done("this command was already done".to_owned())
            }
            Want::Notice { .. } => self.act_once(&input).await,
        };
        self.finish(command, taken, acted)
    }

    /// Probe, act, probe.
    async fn production(
        &self,
        command: &Command,
        before: CommandAge,
        want: &(VersionId, VersionId),
        input: &[u8],
    ) -> Acted {
        let model = &command.model;
        match self.probe(want, model, input).await {
            Probed::So(detail) => return Acted::done(format!("{detail}; no change was needed")),
            Probed::NotRun(detail) => return Acted::failed(format!("{detail}; nothing was done")),
            Probed::Unclear(detail) => {
                return Acted::unknown(format!("{detail}; nothing was done"));
            }
            Probed::Moved(detail) => return Acted::failed(format!("{detail}; nothing was done")),
            Probed::NotSo if before == CommandAge::Done && self.settings.probe.is_none() => {
                return Acted::done("this command was already done".to_owned());
            }
            Probed::NotSo if before == CommandAge::Done => {
                return Acted::failed(format!(
                    "this command moved {model} to {}, but others have since moved it back; \
                     nothing was done",
                    want.0
                ));
            }
            Probed::NotSo => {}
        }
        let acted = self.act_once(input).await;
        if self.settings.probe.is_none() || acted.outcome != StepResult::Done {
            return acted;
        }
        let said = acted.detail;
        match self.probe(want, model, input).await {
            Probed::So(_) => Acted::done(said),
            Probed::NotSo => {
                Acted::unknown(format!("{said}, but the probe does not confirm it yet"))
            }
            Probed::Moved(detail) | Probed::NotRun(detail) | Probed::Unclear(detail) => {
                Acted::unknown(format!("{said}, but then: {detail}"))
            }
        }
    }

    async fn act_once(&self, input: &[u8]) -> Acted {
        let ran = self.run(&self.settings.act, input).await;
        let detail = self.detail(&ran, &self.settings.act);
        match ran.end {
            End::Code(0) => Acted::done(detail),
            End::Code(1) | End::NotStarted(_) => Acted::failed(detail),
            End::Code(_) | End::Signal | End::TimedOut | End::Lost(_) => Acted::unknown(detail),
        }
    }

    fn finish(&mut self, command: &Command, mut taken: AcceptedCommands, acted: Acted) -> Acted {
        if acted.outcome != StepResult::Done || taken.knows(command) == CommandAge::Done {
            return acted;
        }
        taken.take(command);
        match self.fences.keep(&command.model, taken) {
            Ok(()) => acted,
            Err(why) => Acted::unknown(format!("{}; then: {why}", acted.detail)),
        }
    }
}

/// The fact in an output: all of it, or its last line.
fn stated(stdout: &str) -> Option<Stated> {
    let last = || stdout.lines().rev().find(|line| !line.trim().is_empty());
    serde_json::from_str(stdout).ok().or_else(|| serde_json::from_str(last()?).ok())
}

fn fact(model: &ModelId, target: &TargetId, stated: Stated, generation: u64) -> Fact {
    let mut versions = stated.versions;
    if let Some(production) = &stated.production
        && !versions.contains(production)
    {
        versions.insert(0, production.clone());
    }
    Fact {
        routes: BTreeMap::new(),
        model: model.clone(),
        target: target.clone(),
        production: stated.production,
        versions: versions.into_iter().map(VersionFact::named).collect(),
        generation,
    }
}

impl Target for Exec {
    fn observe(&mut self) -> Later<'_, Result<Vec<Fact>, String>> {
        Box::pin(self.facts())
    }

    fn fence<'a>(&'a mut self, command: &'a Command) -> Later<'a, Result<Fence, String>> {
        Box::pin(async { self.fences.fence(command) })
    }

    fn act<'a>(&'a mut self, command: &'a Command) -> Later<'a, Acted> {
        Box::pin(self.work(command))
    }
}
