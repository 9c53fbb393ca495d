//! What may follow what: every legal pair is listed once, everything else is a typed error.

use crate::model::{IncidentEvent, IncidentState, StepResult};

/// A move that an incident may not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an incident in state {from:?} cannot take {phase:?}; this is a defect of Ripcord, report it"
)]
pub struct IllegalMove {
    /// The state it is in.
    pub from: IncidentState,
    /// The event that should have moved it.
    pub phase: IncidentEvent,
}

/// An answer that a step may not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a step that is {from:?} takes no further answer, such as {answer:?}; it stays as it is")]
pub struct IllegalAnswer {
    /// The answer it has.
    pub from: StepResult,
    /// The one that came.
    pub answer: StepResult,
}

/// The state that follows.
///
/// # Errors
/// The pair is not in the table.
pub const fn next_state(
    from: IncidentState,
    phase: IncidentEvent,
) -> Result<IncidentState, IllegalMove> {
    use IncidentEvent as P;
    use IncidentState as S;
    match (from, phase) {
        // A stuck or frozen rollback is tried again, as a new generation.
        (S::Open | S::Frozen | S::Stuck, P::Act) => Ok(S::Mitigating),
        // Traffic may show the switch after it was given up.
        (S::Mitigating | S::Stuck, P::Mitigate) => Ok(S::Mitigated),
        (S::Mitigated, P::Verify) => Ok(S::Verified),
        (S::Mitigated, P::Expire) => Ok(S::MitigatedUnverified),
        // Out of `Mitigating` only while nothing was switched.
        (S::Open | S::Mitigating, P::Freeze) => Ok(S::Frozen),
        // Frozen: a worker switched after it was called off. Restored: something undid it.
        (
            S::Mitigating | S::Frozen | S::Mitigated | S::Verified | S::MitigatedUnverified,
            P::Stick,
        ) => Ok(S::Stuck),
        // Mitigating: a person goes to another version, and that rollback supersedes it.
        (
            S::Open
            | S::Mitigating
            | S::Frozen
            | S::Stuck
            | S::Mitigated
            | S::Verified
            | S::MitigatedUnverified,
            P::Resolve,
        ) => Ok(S::Resolved),
        (S::Open, P::Mitigate | P::Verify | P::Expire | P::Stick)
        | (S::Mitigating, P::Act | P::Verify | P::Expire)
        | (S::Mitigated, P::Act | P::Mitigate | P::Freeze)
        | (
            S::Verified | S::MitigatedUnverified,
            P::Act | P::Mitigate | P::Verify | P::Expire | P::Freeze,
        )
        | (
            S::Resolved,
            P::Act | P::Mitigate | P::Verify | P::Expire | P::Resolve | P::Freeze | P::Stick,
        )
        | (S::Frozen, P::Mitigate | P::Verify | P::Expire | P::Freeze)
        | (S::Stuck, P::Verify | P::Expire | P::Freeze | P::Stick) => {
            Err(IllegalMove { from, phase })
        }
    }
}

/// The result of a step after one more answer.
///
/// # Errors
/// It is done or refused, and that is final.
pub const fn next_outcome(
    from: Option<StepResult>,
    answer: StepResult,
) -> Result<StepResult, IllegalAnswer> {
    match from {
        // Failed is surely not done, so a later asking may still succeed.
        None | Some(StepResult::Unknown | StepResult::Failed) => Ok(answer),
        Some(from @ (StepResult::Done | StepResult::Refused)) => {
            Err(IllegalAnswer { from, answer })
        }
    }
}
