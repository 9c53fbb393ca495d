//! Incidents, their steps and their proofs.

use crate::model::{IncidentState, Proof, StepResult, Want};

/// The state of an incident.
#[must_use]
pub const fn incident_state(state: IncidentState) -> &'static str {
    match state {
        IncidentState::Open => "open",
        IncidentState::Mitigating => "rolling back",
        IncidentState::Mitigated => "mitigated",
        IncidentState::Verified => "verified",
        IncidentState::MitigatedUnverified => "mitigated (unverified)",
        IncidentState::Resolved => "resolved",
        IncidentState::Frozen => "frozen",
        IncidentState::Stuck => "stuck",
    }
}

/// What proves a rollback so far.
#[must_use]
pub const fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::L1 => "L1, the target reports the switch",
        Proof::L2 => "L2, a probe through the public route reached the target version",
        Proof::L3 => "L3, live traffic shows the switch",
        Proof::L4 => "L4, the statistic is within its limit again",
    }
}

/// How a step ended.
#[must_use]
pub const fn step_result(result: Option<StepResult>) -> &'static str {
    match result {
        None => "no answer yet",
        Some(StepResult::Done) => "done",
        Some(StepResult::Refused) => "refused by the worker",
        Some(StepResult::Failed) => "failed, not done",
        Some(StepResult::Unknown) => "unknown, may have been done",
    }
}

/// What a step makes true.
#[must_use]
pub fn want(want: &Want) -> String {
    match want {
        Want::Production { version, instead_of } => {
            format!("production is {version} instead of {instead_of}")
        }
        Want::Notice { summary, .. } => format!("notify people: {summary}"),
    }
}
