//! What a rollback acts on.
//!
//! A target states facts and makes wanted states true. Every act is probed first, idempotent by
//! command id and fenced by generation; it never decides whether or where to.

pub mod exec;
mod fences;
pub mod notice;
pub mod registry;
pub mod router;

use std::future::Future;
use std::pin::Pin;

pub use crate::edge::fence::Fence;

use crate::model::{Command, CommandResult, Fact, Proof, StepResult};

/// What an act came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// How it went.
    pub outcome: StepResult,
    /// How well that is known.
    pub proof: Option<Proof>,
    /// What was wrong, where, what to do; or what was done.
    pub detail: String,
}

/// A promise of a value.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One thing a rollback acts on.
pub trait Target: Send {
    /// What stands there now, one fact per model. Errors are worded for people.
    fn observe(&mut self) -> Later<'_, Result<Vec<Fact>, String>>;

    /// Whether it may say something else than when it was last observed. Cheap. A target that
    /// cannot tell says no, and is to be observed from time to time.
    fn changed(&mut self) -> bool {
        false
    }

    /// The fence of the command's model.
    fn fence<'a>(&'a mut self, command: &'a Command) -> Later<'a, Result<Fence, String>>;

    /// Makes what the command wants true, or finds that it is. The caller has asked
    /// `undo::admit` before.
    fn act<'a>(&'a mut self, command: &'a Command) -> Later<'a, Acted>;
}

impl Acted {
    /// As wanted, and the target itself says so.
    fn done(detail: String) -> Self {
        Self { outcome: StepResult::Done, proof: Some(Proof::L1), detail }
    }

    /// Surely not done.
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

    /// The answer to `command`.
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
