//! What judge hands on: a verdict with the evidence that it can be computed again from.

use serde::{Deserialize, Serialize};

use super::PairTable;
use crate::model::{
    Baseline, Comparison, EventTime, FeatureName, Limit, ModelId, Reason, Reference, Signal,
    Statistic, TriggerId, Verdict, VersionId,
};

/// What judge says of one version and one trigger at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Which model.
    pub model: ModelId,
    /// Which version.
    pub version: VersionId,
    /// Which rule.
    pub trigger: TriggerId,
    /// What it reads.
    pub signal: Signal,
    /// Which input, where the signal is about one.
    pub feature: Option<FeatureName>,
    /// Event time up to which it holds.
    pub at: EventTime,
    /// What is said.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// It differs from what was last said of this version and trigger.
    pub changed: bool,
    /// An open bucket said it; the closed one may not.
    pub provisional: bool,
    /// What it rests on.
    pub evidence: Evidence,
    /// How the others would do.
    pub against: Vec<Comparison>,
    /// What the bucket that closed with it held; for pairs, once per other version.
    pub closed: Vec<BucketSums>,
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// How it was gathered.
    pub rule: Statistic,
    /// The statistic: for an e-detector the mean odds, for a window the value itself.
    pub statistic: f64,
    /// What fires: odds that are reached, or the limit that a window's value is past.
    pub threshold: f64,
    /// Where the tolerated ends, as configured.
    pub limit: Limit,
    /// Where it ends for this version; none: no baseline.
    pub null: Option<f64>,
    /// The baseline that the version is held against; none: none is known, or none is needed.
    pub baseline: Option<Baseline>,
    /// The value since the likely change.
    pub estimate: Option<f64>,
    /// Its 95 % interval, allowing for dependence.
    pub interval: Option<(f64, f64)>,
    /// Samples since the likely change.
    pub samples: u64,
    /// By how much dependence thins the samples.
    pub design_effect: f64,
    /// Healthy blocks that it was measured on, and how many it takes.
    pub calibration: (u32, u32),
    /// What the comparison rests on.
    pub reference: Reference,
    /// The likely start of what is seen.
    pub since: Option<EventTime>,
    /// ln(1 + odds) of each bet before the first of `buckets`; only where the verdict changed.
    pub before: Vec<f64>,
    /// The buckets since the likely change; only where the verdict changed.
    pub buckets: Vec<BucketSums>,
}

/// What a trigger took from one bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BucketSums {
    /// Its start.
    pub start: EventTime,
    /// Its end, exclusive.
    pub end: EventTime,
    /// The design effect it was weighed with.
    pub design_effect: f64,
    /// The sums.
    pub tally: Tally,
}

/// What one kind of trigger counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tally {
    /// Trials and bad ones.
    Rate {
        /// Trials.
        n: u64,
        /// Bad ones.
        bad: u64,
    },
    /// The version (a) and another (b) on the same requests.
    Paired {
        /// The other version.
        other: VersionId,
        /// Who was right.
        table: PairTable,
    },
    /// Durations: how many, their sum, and Σ count·ln(1 + λ(v − limit)) for each bet.
    Mean {
        /// Answers.
        n: u64,
        /// Sum of milliseconds, clipped at the time-out.
        sum_ms: f64,
        /// Sum of their squares.
        sum_sq: f64,
        /// Log growth of each bet.
        growth: Vec<f64>,
    },
    /// A distance of distributions.
    Distance {
        /// Samples in the window, on the smaller side.
        n: u64,
        /// The index.
        psi: f64,
    },
}

/// Who answered users in one pane, summed over the lanes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveTraffic {
    /// Which model.
    pub model: ModelId,
    /// Start of the pane.
    pub pane: EventTime,
    /// Its end, exclusive.
    pub end: EventTime,
    /// Answers stated to be live, and answers of unstated role, by version.
    pub versions: Vec<(VersionId, u64, u64)>,
}
