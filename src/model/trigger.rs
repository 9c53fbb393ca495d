//! A trigger: which signal it reads, its limit, and how it gathers evidence.

use serde::{Deserialize, Serialize};

use super::{Mode, Span, TriggerId};

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
