//! One step for one worker, and what the worker says back.

use serde::{Deserialize, Serialize};

use super::{CommandId, IncidentId, LogTime, Mode, ModelId, Namespace, TargetId, VersionId};

/// The highest generation that a target takes: one rollback a second for 136 years.
pub const MAX_GENERATION: u64 = 1 << 32;
/// The highest generation that is believed when a target reports it. It leaves room below
/// [`MAX_GENERATION`], so that no report can use up the generations that follow it.
pub const MAX_REPORTED_GENERATION: u64 = MAX_GENERATION / 2;

/// One step for one worker: a wanted state of the world, never "one back".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Derived from what it stands for: the same step is the same id.
    pub id: CommandId,
    /// The environment; a worker of another one refuses it.
    pub namespace: Namespace,
    /// What it serves.
    pub incident: IncidentId,
    /// Which model.
    pub model: ModelId,
    /// The fencing number; a worker refuses an older one than it has seen.
    pub generation: u64,
    /// Who acts.
    pub target: TargetId,
    /// Where in the plan.
    pub stage: Stage,
    /// What the world shall be.
    pub want: Want,
    /// Why, for people.
    pub reason: String,
    /// In which mode it was decided.
    pub mode: Mode,
    /// When.
    pub issued_at: LogTime,
    /// Void from then on.
    pub expires_at: LogTime,
    /// The inbox partition that the answer goes to.
    pub reply_to: u32,
}

/// What the world shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "want", rename_all = "snake_case")]
pub enum Want {
    /// Production is `version`; it was `instead_of`, which is put away.
    Production {
        /// The version that shall serve.
        version: VersionId,
        /// The version that shall not.
        instead_of: VersionId,
    },
    /// People know.
    Notice {
        /// One line.
        summary: String,
        /// How bad.
        severity: String,
    },
}

/// Where in a plan a step stands; stages go in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Where requests go.
    Traffic,
    /// What the application asks.
    Flag,
    /// What serving processes load.
    Registry,
    /// What they are configured with.
    Config,
    /// The files of the withdrawn version.
    Artifact,
    /// Telling people; beside the first step, and nothing waits for it.
    Notice,
}

impl Stage {
    /// Its name, as in settings. It stands in the ids of commands: it never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Traffic => "traffic",
            Self::Flag => "flag",
            Self::Registry => "registry",
            Self::Config => "config",
            Self::Artifact => "artifact",
            Self::Notice => "notice",
        }
    }
}

/// A step of a plan and how far it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its command.
    pub command: CommandId,
    /// Who acts.
    pub target: TargetId,
    /// Where in the plan.
    pub stage: Stage,
    /// What the world shall be.
    pub want: Want,
    /// When it was last asked for.
    pub asked_at: Option<LogTime>,
    /// How often it was asked for.
    pub attempts: u32,
    /// The last answer.
    pub outcome: Option<StepResult>,
}

/// What a worker says of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandResult {
    /// Which command.
    pub command: CommandId,
    /// Of which incident.
    pub incident: IncidentId,
    /// Of which model.
    pub model: ModelId,
    /// Who says it.
    pub target: TargetId,
    /// How it went.
    pub outcome: StepResult,
    /// How well that is known.
    pub proof: Option<Proof>,
    /// In words: what was wrong, where, what to do.
    pub detail: String,
    /// Why it was refused; `None` if it was not, or if the worker gives no code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ResultCode>,
    /// The newest generation that the target had taken before; `None` if it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// How long its worker was at it, in microseconds; `None` if not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
}

/// Why a worker refused a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultCode {
    /// It is of another environment.
    WrongNamespace,
    /// The target has taken a newer generation.
    StaleGeneration,
    /// It was read too late.
    Expired,
    /// It was not decided in order to act.
    NotActing,
    /// A reason that this build does not know.
    #[serde(other)]
    Other,
}

impl ResultCode {
    /// As in records and counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongNamespace => "wrong_namespace",
            Self::StaleGeneration => "stale_generation",
            Self::Expired => "expired",
            Self::NotActing => "not_acting",
            Self::Other => "other",
        }
    }
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepResult {
    /// The world is as wanted.
    Done,
    /// The worker may not: another generation, expired, another namespace.
    Refused,
    /// Surely not done.
    Failed,
    /// It may have been done.
    Unknown,
}

/// How well it is known that a rollback worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Proof {
    /// The target says so.
    L1,
    /// A probe through the public route says so.
    L2,
    /// Live traffic says so.
    L3,
    /// The statistic that fired says so.
    L4,
}
