//! Rules: the budget, triggers, policy and targets of every model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Mode, ModelId, NameLimits, Namespace, Span, Stage, TargetId, Trigger};

/// The complete rules of one Ripcord.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleSet {
    /// The environment it serves.
    pub namespace: Namespace,
    /// Grows with each `config apply`. A shard accepts only a higher revision.
    pub revision: u64,
    /// SHA-256 of the rules in hex, without revision, by and reason.
    pub hash: String,
    /// Who put this revision in force. `None` if the first start did, from its config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason they gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many names telemetry may bring; those of the first settings in older rules.
    #[serde(default = "NameLimits::before_settings")]
    pub limits: NameLimits,
    /// Rules of every model without its own.
    pub default: ModelRules,
    /// Rules of single models.
    pub models: BTreeMap<ModelId, ModelRules>,
}

impl RuleSet {
    /// The rules that apply to a model.
    #[must_use]
    pub fn of(&self, model: &ModelId) -> &ModelRules {
        self.models.get(model).unwrap_or(&self.default)
    }
}

/// The rules of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRules {
    /// What to do on a breach.
    pub mode: Mode,
    /// How many false rollbacks are accepted.
    pub budget: Budget,
    /// In order: if several breach at the same bucket, the first one names the incident.
    pub triggers: Vec<Trigger>,
    /// How a rollback is carried out.
    pub policy: Policy,
    /// What a rollback acts on, in the order of the stages.
    pub targets: Vec<TargetRule>,
}

/// The accepted number of false rollbacks per period and model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Expected number, at most.
    pub false_rollbacks: f64,
    /// The period.
    pub period: Span,
}

/// How a rollback is carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Time in production, with every armed trigger healthy, until a version is proven.
    pub proving_period: Span,
    /// Whether the version before the first one seen in production may be rolled back to.
    pub trust_assumed: bool,
    /// Time after a rollback in which its signal cannot trigger another.
    pub cooldown: Span,
    /// Automatic rollbacks per `rollbacks_period`, at most; then the model is frozen.
    pub max_rollbacks: u32,
    /// The period of `max_rollbacks`.
    pub rollbacks_period: Span,
    /// Time in which a withdrawn version cannot be promoted again.
    pub quarantine: Span,
    /// Time after which an unanswered command is sent again.
    pub answer_within: Span,
    /// Time after which an unanswered command is void.
    pub command_expires: Span,
    /// Time for live traffic to confirm the switch; then the rollback is stuck.
    pub mitigate_within: Span,
    /// Time for the statistic to confirm the benefit; then `mitigated_unverified`.
    pub verify_within: Span,
    /// How many times `verify_within` is extended while samples keep arriving but are too few. 0 in
    /// rules from before this setting.
    #[serde(default)]
    pub verify_prolong_times: u32,
    /// Live samples of the restored version that confirm the switch.
    pub live_samples: u64,
    /// Samples of the restored version that verify the rollback.
    pub verify_samples: u64,
    /// Event time to verify a trigger with buckets shorter than an hour.
    pub verify_after_minutes: Span,
    /// Event time to verify any other trigger.
    pub verify_after_hours: Span,
    /// Time without a further breach after which a verified incident is resolved.
    pub resolve_after: Span,
    /// Silence after which a lane is stalled.
    pub stall_after: Span,
    /// Start of a version's time in production that is not judged: the hand-over.
    pub hand_over: Span,
    /// Number of samples that a baseline is learned from.
    pub baseline_samples: u64,
    /// The share of durations in percent that may be lost before a mean is not believed.
    #[serde(default)]
    pub max_loss_percent: f64,
    /// Time after which a version is forgotten that sent nothing and that no target lists. 30 days
    /// in rules from before this setting.
    #[serde(default = "thirty_days")]
    pub forget_after: Span,
}

const fn thirty_days() -> Span {
    Span::from_s(30 * 24 * 3600)
}

/// A target that a rollback acts on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRule {
    /// The name of its worker.
    pub id: TargetId,
    /// Its stage in the plan.
    pub stage: Stage,
    /// Whether it is trusted on which version is in production.
    pub authority: bool,
}
