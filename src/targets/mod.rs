//! What a rollback acts on.
//!
//! Law: a target states facts and makes wanted states true; it never decides whether to act or
//! which version to go to. Every act is probed first, idempotent by command id, and fenced by
//! generation.

pub mod exec;
mod fences;
pub mod notice;
pub mod registry;
pub mod router;

use std::future::Future;
use std::pin::Pin;

pub use crate::edge::fence::Fence;

use crate::model::{Command, CommandResult, Fact, Proof, StepResult};

/// The result of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// Whether the wanted state is true now.
    pub outcome: StepResult,
    /// How that is known.
    pub proof: Option<Proof>,
    /// What was done; or what was wrong, where, and what to do.
    pub detail: String,
}

/// A value that is ready later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One thing a rollback acts on.
pub trait Target: Send {
    /// The current state, one fact per model. Errors are worded for people.
    fn observe(&mut self) -> Later<'_, Result<Vec<Fact>, String>>;

    /// Whether its facts may have changed since it was last observed. Cheap. A target that cannot
    /// tell returns `false`, and must be observed from time to time.
    fn changed(&mut self) -> bool {
        false
    }

    /// The fence of the command's model.
    fn fence<'a>(&'a mut self, command: &'a Command) -> Later<'a, Result<Fence, String>>;

    /// Makes the wanted state true, or finds that it already is. The caller has asked
    /// `undo::admit` first.
    fn act<'a>(&'a mut self, command: &'a Command) -> Later<'a, Acted>;
}

impl Acted {
    /// The wanted state is true, as the target itself reports.
    fn done(detail: String) -> Self {
        Self { outcome: StepResult::Done, proof: Some(Proof::L1), detail }
    }

    /// Certainly not done.
    fn failed(detail: String) -> Self {
        Self { outcome: StepResult::Failed, proof: None, detail }
    }

    /// It may have been done.
    fn unknown(detail: String) -> Self {
        Self { outcome: StepResult::Unknown, proof: None, detail }
    }

    /// Not allowed.
    fn refused(detail: String) -> Self {
        Self { outcome: StepResult::Refused, proof: None, detail }
    }

    /// The result of `command`, for the log.
    #[must_use]
    pub fn answer(self, command: &Command) -> CommandResult {
        CommandResult {
            command: command.id.clone(),
            incident: command.incident.clone(),
            model: command.model.clone(),
            target: command.target.clone(),
            outcome: self.outcome,
            proof: self.proof,
            detail: self.detail,
            code: None,
            fence: None,
            took_us: None,
        }
    }
}
