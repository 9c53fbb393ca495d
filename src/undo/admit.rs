//! The one question that every worker asks before it acts.
//!
//! Law: with it, the whole command topic may be replayed into live workers and nothing changes.

use std::fmt;

use crate::model::{Command, LogTime, Mode, Namespace, ResultCode, Want};

/// What a target remembers of the commands of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TargetMemory<'a> {
    /// The newest generation taken.
    pub generation: u64,
    /// The newest command done.
    pub command: Option<&'a str>,
}

/// What a worker may do with a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Act.
    Act,
    /// It is done already; answer that again.
    AlreadyDone,
    /// Leave it, and answer [`crate::model::StepResult::Refused`] with this as the detail.
    Refuse(Refusal),
}

/// Why a worker may not. Its text starts with its code, which is all that older builds read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is of another environment.
    WrongNamespace {
        /// The command's.
        of: Namespace,
        /// The worker's.
        here: Namespace,
    },
    /// The target has already taken a newer rollback of this model.
    StaleGeneration {
        /// The command's.
        of: u64,
        /// The newest that the target took.
        seen: u64,
    },
    /// It was read too late.
    Expired {
        /// When it expired.
        at: LogTime,
        /// When it was read.
        now: LogTime,
    },
    /// It was not decided in order to act.
    NotActing {
        /// In which mode it was decided.
        mode: Mode,
    },
}

impl Refusal {
    /// The code that answers and counters carry.
    #[must_use]
    pub const fn code(&self) -> ResultCode {
        match self {
            Self::WrongNamespace { .. } => ResultCode::WrongNamespace,
            Self::StaleGeneration { .. } => ResultCode::StaleGeneration,
            Self::Expired { .. } => ResultCode::Expired,
            Self::NotActing { .. } => ResultCode::NotActing,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.code().name())?;
        match self {
            Self::WrongNamespace { of, here } => {
                write!(f, "the command is for namespace {of}, and this worker serves {here}")
            }
            Self::StaleGeneration { of, seen } => {
                write!(f, "the command has generation {of}, and the target has taken {seen}")
            }
            Self::Expired { at, now } => {
                write!(f, "the command expired at {at} and was read at {now}")
            }
            Self::NotActing { mode } => {
                write!(f, "the command was decided in mode {}, which changes nothing", mode.name())
            }
        }
    }
}

/// Whether a worker of `here` may carry out `command` at `now`, the log's time, on a target that
/// remembers `seen`.
#[must_use]
pub fn admit(
    command: &Command,
    seen: TargetMemory<'_>,
    here: &Namespace,
    now: LogTime,
) -> Admission {
    if command.namespace != *here {
        let of = command.namespace.clone();
        return Admission::Refuse(Refusal::WrongNamespace { of, here: here.clone() });
    }
    if seen.command == Some(command.id.as_str()) {
        return Admission::AlreadyDone;
    }
    // A notice of an older generation may still go out; it moves nothing back.
    let moves = match command.want {
        Want::Production { .. } => true,
        Want::Notice { .. } => false,
    };
    if moves && command.generation < seen.generation {
        return Admission::Refuse(Refusal::StaleGeneration {
            of: command.generation,
            seen: seen.generation,
        });
    }
    if now >= command.expires_at {
        return Admission::Refuse(Refusal::Expired { at: command.expires_at, now });
    }
    if moves && command.mode != Mode::Act {
        return Admission::Refuse(Refusal::NotActing { mode: command.mode });
    }
    Admission::Act
}
