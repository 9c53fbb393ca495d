//! Commands: one step for one worker, and the worker's result.

use serde::{Deserialize, Serialize};

use super::{CommandId, IncidentId, LogTime, Mode, ModelId, Namespace, TargetId, VersionId};

/// The highest generation that is believed of a target that reports it, and of a caller that sets
/// it: one rollback a second for 136 years.
pub const MAX_GENERATION: u64 = 1 << 32;
/// How far a generation may be above one that a target has. The rollbacks after
/// [`MAX_GENERATION`] count on in small steps, so no report can use up what follows it.
const STEP: u64 = 1024;

/// Whether a target that has taken generation `seen` may take `generation`.
#[must_use]
pub const fn is_credible(generation: u64, seen: u64) -> bool {
    generation <= MAX_GENERATION || generation <= seen.saturating_add(STEP)
}

/// An order to one worker. It states the wanted state of the world, never a change such as "one
/// version back", so that doing it twice is doing it once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Derived from the step, so that a repeated step has the same id.
    pub id: CommandId,
    /// The environment. A worker in another one refuses the command.
    pub namespace: Namespace,
    /// The incident it belongs to.
    pub incident: IncidentId,
    /// The model.
    pub model: ModelId,
    /// The fencing number. A worker refuses a generation older than the newest it has seen.
    pub generation: u64,
    /// The worker's target.
    pub target: TargetId,
    /// Its stage in the plan.
    pub stage: Stage,
    /// The wanted state.
    pub want: Want,
    /// The reason, for people.
    pub reason: String,
    /// The mode in which it was decided.
    pub mode: Mode,
    /// When it was issued.
    pub issued_at: LogTime,
    /// When it becomes void.
    pub expires_at: LogTime,
    /// The inbox partition that the result is sent to.
    pub reply_to: u32,
}

/// The wanted state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "want", rename_all = "snake_case")]
pub enum Want {
    /// `version` is in production, and `instead_of` is archived.
    Production {
        /// The version to serve.
        version: VersionId,
        /// The version to withdraw.
        instead_of: VersionId,
    },
    /// People have been notified.
    Notice {
        /// One line of text.
        summary: String,
        /// The severity.
        severity: String,
    },
}

/// The stage of a step. Stages are carried out in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// How requests are routed.
    Traffic,
    /// Feature flags that the application reads.
    Flag,
    /// The registry that serving processes load models from.
    Registry,
    /// The configuration of serving processes.
    Config,
    /// The files of the withdrawn version.
    Artifact,
    /// Notifying people. It runs along with the first step, and nothing waits for it.
    Notice,
}

impl Stage {
    /// The name, as in settings. It is part of command ids, so it never changes.
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

/// A step of a plan and its progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The id of its command.
    pub command: CommandId,
    /// The worker's target.
    pub target: TargetId,
    /// Its stage in the plan.
    pub stage: Stage,
    /// The wanted state.
    pub want: Want,
    /// When its command was last sent.
    pub asked_at: Option<LogTime>,
    /// How many times its command was sent.
    pub attempts: u32,
    /// The latest result.
    pub outcome: Option<StepResult>,
}

/// A worker's answer to a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandResult {
    /// The command.
    pub command: CommandId,
    /// Its incident.
    pub incident: IncidentId,
    /// Its model.
    pub model: ModelId,
    /// The target that answers.
    pub target: TargetId,
    /// The result.
    pub outcome: StepResult,
    /// The strongest proof of that result.
    pub proof: Option<Proof>,
    /// For people: what was wrong, where, and what to do.
    pub detail: String,
    /// Why it was refused. `None` if it was not refused, or if the worker gives no code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ResultCode>,
    /// The newest generation that the target had accepted before. `None` if it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// How long the worker took, in microseconds. `None` if not measured.
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

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepResult {
    /// The wanted state is reached.
    Done,
    /// The worker must not do it: the generation is old, it expired, or the namespace is another.
    Refused,
    /// Certainly not done.
    Failed,
    /// It may or may not have been done.
    Unknown,
}

/// How strongly it is proven that a rollback worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Proof {
    /// The target reports it.
    L1,
    /// A probe through the public route confirms it.
    L2,
    /// Live traffic confirms it.
    L3,
    /// The statistic that fired confirms it.
    L4,
}
