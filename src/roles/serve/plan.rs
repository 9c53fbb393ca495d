//! Dry runs: what a rollback would do.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{App, by_key};
use crate::edge::http::Problem;
use crate::edge::log::Topic;
use crate::model::{ModelId, RuleSet, Stage, TargetId, VersionId, Want};
use crate::shard::shard_of;
use crate::undo::{Plan, Undo};
use crate::wire::json;

/// What a rollback would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanView {
    /// Which model.
    pub model: ModelId,
    /// The version that would go.
    pub from: VersionId,
    /// The version that would come.
    pub to: VersionId,
    /// What makes it fit, in words; none: nothing proves it.
    pub fit: Option<String>,
    /// The fencing number it would carry.
    pub generation: u64,
    /// What each target would be asked for, in order.
    pub steps: Vec<StepView>,
}

/// A step that would be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// Who would act.
    pub target: TargetId,
    /// Where in the plan.
    pub stage: Stage,
    /// What the world would be.
    pub want: Want,
}

/// The plan of a rollback, from the live copy of what undo knows.
pub(super) fn dry_run(
    app: &App,
    model: &ModelId,
    to: Option<&VersionId>,
) -> Result<PlanView, Problem> {
    let shard = shard_of(model.as_str(), app.topics.shards);
    let mut told = by_key(app, Topic::Status, shard)?;
    let (Some(undo), Some(rules)) = (told.remove("undo"), told.remove("rules")) else {
        let detail = format!("shard {shard} has said nothing yet; is the decide role running?");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-status", detail).again_in(1));
    };
    let undo: Undo = json::decode("undo state", &undo.value)?;
    let rules: RuleSet = json::decode("rules", &rules.value)?;
    let plan = undo.plan_for(&rules, model, to).map_err(Problem::refused)?;
    Ok(view(model, plan))
}

fn view(model: &ModelId, plan: Plan) -> PlanView {
    let steps = plan.steps.into_iter();
    PlanView {
        model: model.clone(),
        from: plan.from,
        to: plan.to,
        fit: plan.how.map(|how| how.words().to_owned()),
        generation: plan.generation,
        steps: steps
            .map(|step| StepView { target: step.target, stage: step.stage, want: step.want })
            .collect(),
    }
}
