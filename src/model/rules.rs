//! All triggers, budgets and policies, checked and hashed, as plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Mode, ModelId, Namespace, Span, Stage, TargetId, Trigger};

/// The full effective rules of one Ripcord.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleSet {
    /// The environment it serves.
    pub namespace: Namespace,
    /// Grows with each `config apply`; a shard takes only a higher one.
    pub revision: u64,
    /// SHA-256 of the rules, in hex; revision, by and reason left out.
    pub hash: String,
    /// Who put this revision in force; none: the first start did, with its config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For every model that has none of its own.
    pub default: ModelRules,
    /// For these models.
    pub models: BTreeMap<ModelId, ModelRules>,
}

impl RuleSet {
    /// The rules of a model.
    #[must_use]
    pub fn of(&self, model: &ModelId) -> &ModelRules {
        self.models.get(model).unwrap_or(&self.default)
    }
}

/// The rules of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRules {
    /// What happens on a breach.
    pub mode: Mode,
    /// What a healthy model may cost.
    pub budget: Budget,
    /// In order: at one bucket close the first with a breach names the incident.
    pub triggers: Vec<Trigger>,
    /// How an undoing goes.
    pub policy: Policy,
    /// What a rollback acts on, in the order of its stages.
    pub targets: Vec<TargetRule>,
}

/// At most this many false rollbacks are expected per period and model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// How many.
    pub false_rollbacks: f64,
    /// Per this time.
    pub period: Span,
}

/// How an undoing goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Production for so long, every armed trigger healthy: proven.
    pub proving_period: Span,
    /// The version before the first one seen in production may be rolled back to.
    pub trust_assumed: bool,
    /// After a rollback its signal is quiet for so long.
    pub cooldown: Span,
    /// Automatic rollbacks per `rollbacks_period`, then freeze.
    pub max_rollbacks: u32,
    /// See `max_rollbacks`.
    pub rollbacks_period: Span,
    /// A withdrawn version may not be promoted again for so long.
    pub quarantine: Span,
    /// A worker that has not answered by then is asked again.
    pub answer_within: Span,
    /// A command nobody took by then is void.
    pub command_expires: Span,
    /// Without live proof by then: stuck.
    pub mitigate_within: Span,
    /// Without statistical proof by then: `mitigated_unverified`.
    pub verify_within: Span,
    /// How often that time is given again while samples come and are only too few. Rules that were
    /// written before this setting never did.
    #[serde(default)]
    pub verify_prolong_times: u32,
    /// Live samples of the target that prove the switch.
    pub live_samples: u64,
    /// Samples of the target that verify it.
    pub verify_samples: u64,
    /// Event time that verifies a trigger of buckets under an hour.
    pub verify_after_minutes: Span,
    /// Event time that verifies a trigger of buckets of an hour and more.
    pub verify_after_hours: Span,
    /// A verified incident without a further breach is resolved after so long.
    pub resolve_after: Span,
    /// A lane silent for so long is stalled.
    pub stall_after: Span,
    /// A version's first buckets in production that are left out: the hand-over.
    pub hand_over: Span,
    /// Samples that a baseline is learned from.
    pub baseline_samples: u64,
}

/// What a rollback acts on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRule {
    /// The worker's name.
    pub id: TargetId,
    /// Where in the plan.
    pub stage: Stage,
    /// Its word on which version is in production is believed.
    pub authority: bool,
}
