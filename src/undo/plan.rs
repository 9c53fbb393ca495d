//! The plan of a rollback: a value, made once, whole.
//!
//! A step is known by what it stands for, so the same step made twice is one command.

use uuid::Uuid;

use super::proven::Fitness;
use super::saga::some_done;
use super::state::{Case, ModelState};
use super::{ModelContext, Output};
use crate::model::{
    Command, CommandId, Incident, IncidentId, IncidentState, LogTime, ModelId, ModelRules,
    Namespace, Stage, Step, StepResult, TargetId, VersionId, Want,
};

/// What a rollback would do, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The version that goes.
    pub from: VersionId,
    /// The version that comes.
    pub to: VersionId,
    /// What makes that one fit; none: a person names it and nothing proves it.
    pub how: Option<Fitness>,
    /// The fencing number it would carry.
    pub generation: u64,
    /// What each target is asked for, in order; notices go out beside the first.
    pub steps: Vec<Planned>,
}

/// One step that is not yet a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Who acts.
    pub target: TargetId,
    /// Where in the plan.
    pub stage: Stage,
    /// What the world shall be.
    pub want: Want,
}

impl Plan {
    pub(super) fn new(
        rules: &ModelRules,
        model: &ModelId,
        from: &VersionId,
        (to, how): (&VersionId, Option<Fitness>),
        generation: u64,
        half_way: Option<&Incident>,
    ) -> Self {
        let mut targets: Vec<_> = rules.targets.iter().collect();
        targets.sort_by_key(|target| target.stage);
        let step = |target: &&crate::model::TargetRule| Planned {
            target: target.id.clone(),
            stage: target.stage,
            want: match target.stage {
                Stage::Notice => Want::Notice {
                    summary: format!("{model}: {from} is being rolled back to {to}"),
                    severity: "warning".to_owned(),
                },
                Stage::Traffic
                | Stage::Flag
                | Stage::Registry
                | Stage::Config
                | Stage::Artifact => {
                    let instead_of = half_way.and_then(|over| made(over, &target.id));
                    let instead_of = instead_of.unwrap_or(from).clone();
                    Want::Production { version: to.clone(), instead_of }
                }
            },
        };
        let steps = targets.iter().map(step).collect();
        Self { from: from.clone(), to: to.clone(), how, generation, steps }
    }

    /// The steps as commands of an incident.
    pub(super) fn steps(&self, namespace: &Namespace, incident: &IncidentId) -> Vec<Step> {
        let step = |planned: &Planned| Step {
            command: command_id(namespace, incident, self.generation, planned),
            target: planned.target.clone(),
            stage: planned.stage,
            want: planned.want.clone(),
            asked_at: None,
            attempts: 0,
            outcome: None,
        };
        self.steps.iter().map(step).collect()
    }
}

/// The version that a rollback left a target with: where it was going, once that step is done,
/// else where it came from.
fn made<'a>(over: &'a Incident, target: &TargetId) -> Option<&'a VersionId> {
    let step = over.plan.iter().find(|step| step.target == *target)?;
    match step.outcome {
        Some(StepResult::Done) => over.to.as_ref(),
        Some(StepResult::Refused | StepResult::Failed | StepResult::Unknown) | None => {
            Some(&over.version)
        }
    }
}

impl ModelState {
    /// The plan of a rollback that a person asks for.
    pub(super) fn plan_for(
        &self,
        model: &ModelId,
        rules: &ModelRules,
        to: Option<&VersionId>,
        log: LogTime,
    ) -> Result<Plan, String> {
        let Some(production) = &self.production else {
            return Err(format!(
                "no source says which version of {model} serves; name a target with authority, or \
                 say `ripcord promoted {model} VERSION`"
            ));
        };
        has_targets(rules)?;
        let (to, how) = match to {
            Some(to) => {
                self.usable(to, log)?;
                (to.clone(), self.how(to))
            }
            None => {
                let (to, how) = self.pick(&rules.policy, log)?;
                (to, Some(how))
            }
        };
        let over = self.under_way().map(|case| &case.incident).filter(|over| some_done(over));
        let from = over.and_then(|over| over.to.as_ref()).unwrap_or(&production.version);
        if *from == to {
            return Err(format!(
                "{to} is where incident {} goes already",
                over.map_or("", |o| o.id.as_str())
            ));
        }
        let generation = self.generation.saturating_add(1);
        Ok(Plan::new(rules, model, from, (&to, how), generation, over))
    }
}

/// Whether anything can act.
pub(super) fn has_targets(rules: &ModelRules) -> Result<(), String> {
    if rules.targets.iter().any(|target| target.stage != Stage::Notice) {
        return Ok(());
    }
    Err("the rules name no target to act on; add one under [[targets]]".to_owned())
}

impl ModelContext<'_> {
    /// Emits the command of a step, void when the incident's patience ends.
    pub(super) fn emit(&mut self, at: usize, step: usize) {
        let Some(case) = self.model.cases.get_mut(at) else { return };
        let now = self.now.log;
        case.amend(|incident| {
            if let Some(step) = incident.plan.get_mut(step) {
                step.asked_at = Some(now);
                step.attempts = step.attempts.saturating_add(1);
            }
        });
        let Some(step) = case.incident.plan.get(step) else { return };
        let void = now + self.rules.policy.command_expires;
        let command = Command {
            id: step.command.clone(),
            namespace: self.namespace.clone(),
            incident: case.incident.id.clone(),
            model: self.id.clone(),
            generation: case.incident.generation.unwrap_or(self.model.generation),
            target: step.target.clone(),
            stage: step.stage,
            want: step.want.clone(),
            reason: case.incident.because.clone(),
            mode: case.incident.mode,
            issued_at: now,
            expires_at: case.deadline.map_or(void, |deadline| void.min(deadline)),
            reply_to: self.now.reply_to,
        };
        self.out.push(Output::Command(command));
    }

    /// Tells the notice targets how an incident stands.
    pub(super) fn notify(&mut self, at: usize) {
        let Some(case) = self.model.cases.get(at) else { return };
        let now = self.now.log;
        let generation = case.incident.generation.unwrap_or(self.model.generation);
        for target in self.rules.targets.iter().filter(|target| target.stage == Stage::Notice) {
            let planned = Planned {
                target: target.id.clone(),
                stage: target.stage,
                want: Want::Notice { summary: summary(case), severity: severity(case) },
            };
            let command = Command {
                id: command_id(self.namespace, &case.incident.id, generation, &planned),
                namespace: self.namespace.clone(),
                incident: case.incident.id.clone(),
                model: self.id.clone(),
                generation,
                target: planned.target,
                stage: planned.stage,
                want: planned.want,
                reason: case.incident.because.clone(),
                mode: case.incident.mode,
                issued_at: now,
                expires_at: now + self.rules.policy.command_expires,
                reply_to: self.now.reply_to,
            };
            self.out.push(Output::Command(command));
        }
    }
}

fn summary(case: &Case) -> String {
    let incident = &case.incident;
    let state = incident.state.words();
    format!("{} {}: {state}. {}", incident.model, incident.version, incident.because)
}

fn severity(case: &Case) -> String {
    let word = match case.incident.state {
        IncidentState::Frozen | IncidentState::Stuck | IncidentState::MitigatedUnverified => {
            "critical"
        }
        IncidentState::Open | IncidentState::Mitigating => "warning",
        IncidentState::Mitigated | IncidentState::Verified | IncidentState::Resolved => "info",
    };
    word.to_owned()
}

/// Names hold no control characters, so a line per part is never read two ways; free text is last.
fn derived(kind: &str, parts: &[&str]) -> String {
    let text = format!("ripcord:{kind}\n{}", parts.join("\n"));
    Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes()).hyphenated().to_string()
}

#[expect(clippy::expect_used, reason = "a UUID in hyphens is 36 plain characters")]
pub(super) fn incident_id(parts: &[&str]) -> IncidentId {
    IncidentId::new(&derived("incident", parts)).expect("a UUID is a name")
}

#[expect(clippy::expect_used, reason = "a UUID in hyphens is 36 plain characters")]
fn command_id(
    namespace: &Namespace,
    incident: &IncidentId,
    generation: u64,
    planned: &Planned,
) -> CommandId {
    let want = match &planned.want {
        Want::Production { version, instead_of } => {
            format!("production\n{version}\n{instead_of}")
        }
        Want::Notice { summary, severity } => format!("notice\n{severity}\n{summary}"),
    };
    let stage = planned.stage.name();
    let generation = generation.to_string();
    let parts =
        [namespace.as_str(), incident.as_str(), &generation, planned.target.as_str(), stage, &want];
    CommandId::new(&derived("command", &parts)).expect("a UUID is a name")
}
