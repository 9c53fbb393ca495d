//! All triggers, budgets and policies, checked and hashed, as plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ModelId, Namespace, Span, Stage, TargetId, TriggerId};

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

/// What happens on a breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is written down.
    Observe,
    /// A person is asked.
    Recommend,
    /// It is rolled back.
    Act,
}

impl Mode {
    /// Its name, as in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Recommend => "recommend",
            Self::Act => "act",
        }
    }
}

/// At most this many false rollbacks are expected per period and model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// How many.
    pub false_rollbacks: f64,
    /// Per this time.
    pub period: Span,
}

/// A rule on a signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// Its name.
    pub id: TriggerId,
    /// What it reads.
    pub signal: Signal,
    /// Where the tolerated ends.
    pub limit: Limit,
    /// How evidence is gathered.
    pub statistic: Statistic,
    /// What a breach asks for.
    pub action: Action,
    /// Lowers the model's mode for this trigger; none: the model's.
    pub mode: Option<Mode>,
    /// The interval in which it takes evidence.
    pub bucket: Span,
    /// Its share of the budget, 0 to 1. The shares of the e-detectors that roll back add up to 1
    /// at most; one that alerts has as much of its own; a window promises nothing and has 0.
    pub weight: f64,
    /// Under so many samples since the likely change nothing but `insufficient` is said.
    pub minimum_samples: u64,
    /// The share of lanes that must be heard, 0 to 1.
    pub completeness: f64,
    /// The design effect until one is measured, at least 1.
    pub design_effect: f64,
    /// Open buckets may fire too.
    pub provisional: bool,
    /// References 3 and 4 may show benefit for accuracy.
    pub act_without_reference: bool,
}

/// What is measured of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// Wrong answers among the labelled ones.
    Accuracy,
    /// Errors and time-outs among the predictions.
    ErrorRate,
    /// How long answers take.
    Latency,
    /// The distance of inputs from what they were.
    FeatureDrift,
}

/// Where the tolerated ends: the null hypothesis of a trigger. "More than" is strict.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The upper bound of the version's own baseline rate, and so much more.
    Baseline(Tolerance),
    /// This rate, 0 to 1.
    Rate(f64),
    /// So many more wrong answers than another version on the same requests, 0 to 1.
    Paired(f64),
    /// A mean of this many milliseconds.
    MeanMs {
        /// The tolerated mean.
        limit: f64,
        /// Longer answers count as this: nobody waits longer.
        timeout: f64,
    },
    /// A population stability index.
    Psi {
        /// The tolerated distance.
        limit: f64,
        /// Quantile bins of a numeric feature.
        bins: u32,
        /// Samples that the bins are learned from.
        learn: u64,
    },
}

/// A share in percent; two digits under one.
#[must_use]
pub fn percent(share: f64) -> String {
    let digits = if share.abs() < 0.01 { 2 } else { 1 };
    format!("{:.digits$} %", share * 100.0)
}

impl Limit {
    /// A value of what it limits, as people read it: `14.1 %`, `4.5 points`, `500 ms`, `0.25`.
    #[must_use]
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::Baseline(_) | Self::Rate(_) => percent(value),
            Self::Paired(_) => format!("{:.1} points", value * 100.0),
            Self::MeanMs { .. } => format!("{value:.0} ms"),
            Self::Psi { .. } => format!("{value:.2}"),
        }
    }
}

/// How far from a baseline is tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tolerance {
    /// Of the whole, 0 to 1: 0.05 takes an accuracy of 0.90 down to 0.85.
    Points(f64),
    /// Of the baseline accuracy, 0 to 1: 0.05 takes 0.90 down to 0.855.
    Relative(f64),
}

/// How evidence is gathered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Keeps the budget, whatever the traffic.
    EDetector,
    /// The value over the last `window`, strictly past the limit `breaches` times in a row.
    /// Carries no promise.
    Window {
        /// How far back, a multiple of the bucket.
        window: Span,
        /// The n-th in a row fires.
        breaches: u32,
    },
}

/// What a breach asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Tell people.
    Alert,
    /// Take the version back.
    Rollback,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shown_in_the_unit_of_its_limit() {
        for (limit, value, shown) in [
            (Limit::Rate(0.1), 0.397, "39.7 %"),
            (Limit::Rate(0.1), 0.0012, "0.12 %"),
            (Limit::Baseline(Tolerance::Points(0.05)), 0.01, "1.0 %"),
            (Limit::Paired(0.02), -0.1125, "-11.2 points"),
            (Limit::MeanMs { limit: 2000.0, timeout: 60_000.0 }, 1999.6, "2000 ms"),
            (Limit::Psi { limit: 0.25, bins: 10, learn: 5000 }, 1.494, "1.49"),
        ] {
            assert_eq!(limit.shown(value), shown, "{limit:?}");
        }
    }
}
