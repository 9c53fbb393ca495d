//! Assessments: a verdict, with evidence from which it can be recomputed.

use serde::{Deserialize, Serialize};

use super::PairTable;
use crate::model::{
    Baseline, Comparison, EventTime, FeatureName, Limit, ModelId, Reason, Reference, Signal,
    Statistic, TriggerId, Verdict, VersionId,
};

/// The verdict on one version by one trigger at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The model.
    pub model: ModelId,
    /// The version.
    pub version: VersionId,
    /// The trigger.
    pub trigger: TriggerId,
    /// The trigger's signal.
    pub signal: Signal,
    /// The feature, if the signal is about one.
    pub feature: Option<FeatureName>,
    /// Event time up to which it was judged.
    pub at: EventTime,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub reason: Reason,
    /// Whether the verdict differs from the previous one.
    pub changed: bool,
    /// Whether it comes from an open bucket; the closed one may differ.
    pub provisional: bool,
    /// The evidence.
    pub evidence: Evidence,
    /// Comparisons with other versions.
    pub against: Vec<Comparison>,
    /// The sums of the bucket that just closed; for pairs, once per other version.
    pub closed: Vec<BucketSums>,
}

/// The evidence for a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// How it was gathered.
    pub rule: Statistic,
    /// The statistic: the mean odds of an e-detector, or the value of a window.
    pub statistic: f64,
    /// Fires: odds that the e-detector reaches, or a limit that the window exceeds.
    pub threshold: f64,
    /// The limit, as configured.
    pub limit: Limit,
    /// The limit for this version as a number. `None` without a baseline.
    pub null: Option<f64>,
    /// The baseline it is compared with. `None` if unknown or not needed.
    pub baseline: Option<Baseline>,
    /// The estimated value since the likely change.
    pub estimate: Option<f64>,
    /// Its 95 % interval, adjusted for bursts.
    pub interval: Option<(f64, f64)>,
    /// Samples since the likely change.
    pub samples: u64,
    /// The design effect: how strongly errors come in bursts.
    pub design_effect: f64,
    /// Healthy blocks it was measured on, and how many are needed.
    pub calibration: (u32, u32),
    /// What the comparison is based on.
    pub reference: Reference,
    /// The likely time of the change.
    pub since: Option<EventTime>,
    /// ln(1 + odds) of each bet before the first of `buckets`. Only if the verdict changed.
    pub before: Vec<f64>,
    /// The buckets since the likely change. Only if the verdict changed.
    pub buckets: Vec<BucketSums>,
}

/// The sums of one bucket for one trigger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BucketSums {
    /// Start of the bucket.
    pub start: EventTime,
    /// End, exclusive.
    pub end: EventTime,
    /// The design effect used for it.
    pub design_effect: f64,
    /// The sums.
    pub tally: Tally,
    /// Samples that were lost in it, and are not in the sums.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The sums that a kind of trigger needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tally {
    /// Trials and how many were bad.
    Rate {
        /// Trials.
        n: u64,
        /// How many were bad.
        bad: u64,
    },
    /// The version (a) and another one (b) on the same requests.
    Paired {
        /// The other version.
        other: VersionId,
        /// Who was right.
        table: PairTable,
    },
    /// Durations: their number, their sums, and Σ count·ln(1 + λ(v − limit)) of each bet.
    Mean {
        /// Answers.
        n: u64,
        /// Sum in milliseconds, each clipped at the time-out.
        sum_ms: f64,
        /// Sum of their squares.
        sum_sq: f64,
        /// Log growth of each bet.
        growth: Vec<f64>,
    },
    /// The distance of two distributions.
    Distance {
        /// Samples in the window, of the smaller side.
        n: u64,
        /// The index.
        psi: f64,
    },
}

/// Which versions answered users in one pane, over all lanes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveTraffic {
    /// The model.
    pub model: ModelId,
    /// Start of the pane.
    pub pane: EventTime,
    /// End, exclusive.
    pub end: EventTime,
    /// By version: answers stated to be live, and answers without a stated role.
    pub versions: Vec<(VersionId, u64, u64)>,
}
