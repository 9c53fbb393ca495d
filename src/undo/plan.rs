//! The plan of a rollback: a value, made once, whole.
//!
//! A step is identified by what it does, so the same step made twice is one command.

use super::ids::CommandKey;
use super::progress::some_done;
use super::proven::Fitness;
use super::state::ModelState;
use crate::model::{
    Incident, IncidentId, LogTime, ModelId, ModelRules, Namespace, Stage, Step, StepResult,
    TargetId, VersionId, Want,
};
use crate::phrases::command;

/// What a rollback would do, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The version that is withdrawn.
    pub from: VersionId,
    /// The version that is restored.
    pub to: VersionId,
    /// What makes that one fit; `None` if a person chose it and nothing proves it.
    pub how: Option<Fitness>,
    /// The fencing number it would carry.
    pub generation: u64,
    /// What each target is asked for, in order; notices go out with the first.
    pub steps: Vec<Planned>,
}

/// One step that is not yet a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Who acts.
    pub target: TargetId,
    /// Where in the plan.
    pub stage: Stage,
    /// The wanted state.
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
            command: CommandKey {
                namespace,
                incident,
                generation: self.generation,
                target: &planned.target,
                stage: planned.stage,
            }
            .step(&planned.want),
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

/// The version that a rollback left a target with: the restored one once that step is done, the
/// withdrawn one before.
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
                "it is not known which version of {model} is in production; give a target \
                 authority in the config, or run `{}`",
                command("promoted", &[model.as_str(), "VERSION"], &[])
            ));
        };
        has_targets(rules)?;
        let (to, how) = match to {
            Some(to) => {
                self.usable(to, log)?;
                (to.clone(), self.fitness(to))
            }
            None => {
                let (to, how) = self.pick(&rules.policy, log).map_err(|why| no_version(&why))?;
                (to, Some(how))
            }
        };
        let over = self.under_way().map(|case| &case.incident).filter(|over| some_done(over));
        let from = over.and_then(|over| over.to.as_ref()).unwrap_or(&production.version);
        if *from == to {
            let id = over.map_or("", |over| over.id.as_str());
            return Err(format!("incident {id} is already rolling back to {to}"));
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
    Err("the rules name no target to act on; configure a worker under [workers]".to_owned())
}

/// That nothing can be rolled back to, with the reasons.
pub(super) fn no_version(why: &str) -> String {
    format!("there is no version to roll back to: {why}")
}
