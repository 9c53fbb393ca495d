//! Dry runs: what a rollback would do.

use axum::http::StatusCode;

use super::App;
use super::stored::by_key;
use crate::edge::http::Problem;
use crate::edge::log::Topic;
use crate::model::{ModelId, RuleSet, VersionId};
use crate::shard::shard_of;
use crate::topics::{RULES, STATUS, undo_key};
use crate::undo::{Plan, Undo};
use crate::wire::api::{PlanView, StepView};
use crate::wire::json;

/// The plan of a rollback, from the live copy of what undo knows.
pub(super) fn dry_run(
    app: &App,
    model: &ModelId,
    to: Option<&VersionId>,
) -> Result<PlanView, Problem> {
    let shard = shard_of(model.as_str(), app.topics.shards);
    let mut told = by_key(app, Topic::Status, shard)?;
    let (Some(_), Some(rules)) = (told.remove(STATUS), told.remove(RULES)) else {
        let detail = format!("shard {shard} has not reported yet; is the decide role running?");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-status", detail).again_in(1));
    };
    let undo: Undo = match told.remove(&undo_key(model)) {
        Some(undo) => json::decode("undo state", &undo.value)?,
        None => Undo::default(),
    };
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
