//! How far the steps of an incident have come.

use crate::model::{Incident, IncidentState, Stage, Step, StepResult, TargetId};

/// Whether answers to the steps of an incident in this state are still of use.
pub(super) const fn takes_answers(state: IncidentState) -> bool {
    match state {
        IncidentState::Mitigating | IncidentState::Stuck | IncidentState::Frozen => true,
        IncidentState::Open
        | IncidentState::Mitigated
        | IncidentState::Verified
        | IncidentState::MitigatedUnverified
        | IncidentState::Resolved => false,
    }
}

/// The first step that is not done, notices apart, and where it is in the plan.
pub(super) fn next_step(incident: &Incident) -> Option<(usize, &Step)> {
    let open = |(_, step): &(usize, &Step)| {
        step.stage != Stage::Notice && step.outcome != Some(StepResult::Done)
    };
    incident.plan.iter().enumerate().find(open)
}

/// Whether something was switched.
pub(super) fn some_done(incident: &Incident) -> bool {
    let done = |step: &Step| step.stage != Stage::Notice && step.outcome == Some(StepResult::Done);
    incident.plan.iter().any(done)
}

/// The step that was asked for without a sure answer so far: its number, and its target.
pub(super) fn doubt(incident: &Incident) -> Option<(usize, &TargetId)> {
    let open = |(_, step): &(usize, &Step)| {
        let unknown = matches!(step.outcome, None | Some(StepResult::Unknown));
        step.stage != Stage::Notice && step.asked_at.is_some() && unknown
    };
    let (n, step) = incident.plan.iter().enumerate().find(open)?;
    Some((n + 1, &step.target))
}

/// Why a step is not done, in words.
pub(super) fn not_done(n: usize, step: &Step) -> String {
    let said = match step.outcome {
        None => "has not answered",
        Some(StepResult::Unknown) => "does not know whether it is done",
        Some(StepResult::Failed) => "keeps failing",
        Some(StepResult::Refused) => "refused",
        Some(StepResult::Done) => "is done",
    };
    let (n, target, attempts) = (n + 1, &step.target, step.attempts);
    format!("Step {n} is not done: {target} {said} (asked {attempts}×).")
}
