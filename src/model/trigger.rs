//! A trigger: which signal it reads, its limit, and how it gathers evidence.

use serde::{Deserialize, Serialize};

use super::{Mode, Span, TriggerId};

/// A rule on one signal of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// The name.
    pub id: TriggerId,
    /// The signal it reads.
    pub signal: Signal,
    /// The limit of what is tolerated.
    pub limit: Limit,
    /// How evidence is gathered.
    pub statistic: Statistic,
    /// What to do on a breach.
    pub action: Action,
    /// Lowers the mode for this trigger. `None` for the model's mode.
    pub mode: Option<Mode>,
    /// The interval of event time in which evidence is gathered.
    pub bucket: Span,
    /// Its share of the budget, 0 to 1. The shares of the e-detectors that roll back add up to at
    /// most 1. One that alerts has its own budget; a window makes no promise and has 0.
    pub weight: f64,
    /// Samples needed before a version can be called healthy.
    pub minimum_samples: u64,
    /// Share of lanes that must be reporting, 0 to 1.
    pub completeness: f64,
    /// How strongly errors come in bursts, until that has been measured. At least 1.
    pub design_effect: f64,
    /// Whether open buckets may fire.
    pub provisional: bool,
    /// Whether history or a baseline alone may show benefit for accuracy.
    pub act_without_reference: bool,
}

/// A measured quantity of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// Wrong answers among the labelled ones.
    Accuracy,
    /// Errors and time-outs among the predictions.
    ErrorRate,
    /// Time to answer.
    Latency,
    /// Distance of the inputs' distribution from the reference.
    FeatureDrift,
}

/// The limit of a trigger, which is its null hypothesis. Only a value past the limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The upper bound of the version's baseline rate plus this tolerance.
    Baseline(Tolerance),
    /// A rate, 0 to 1.
    Rate(f64),
    /// Difference in wrong answers to another version on the same requests, 0 to 1.
    Paired(f64),
    /// A mean in milliseconds.
    MeanMs {
        /// The tolerated mean.
        limit: f64,
        /// Longer answers count as this long.
        timeout: f64,
    },
    /// A population stability index.
    Psi {
        /// The tolerated distance.
        limit: f64,
        /// Quantile bins of a numeric feature.
        bins: u32,
        /// Number of samples that the bins are learned from.
        learn: u64,
    },
}

/// The tolerated distance from a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tolerance {
    /// As a share of all answers: 0.05 lowers an accuracy of 0.90 to 0.85.
    Points(f64),
    /// As a share of the baseline accuracy: 0.05 lowers 0.90 to 0.855.
    Relative(f64),
}

/// How evidence is gathered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Keeps false alarms within the budget at any traffic.
    EDetector,
    /// Fires when the value over the last `window` is past the limit `breaches` times in a row.
    /// Makes no promise about false alarms.
    Window {
        /// Length of the window, a multiple of the bucket.
        window: Span,
        /// Times in a row that fire.
        breaches: u32,
    },
}

/// What to do on a breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Notify people.
    Alert,
    /// Roll the version back.
    Rollback,
}
