//! The sums of one version in one role and one pane, for all signals.

use serde::{Deserialize, Serialize};

use super::{Counts, Grid, HealthSums, Latency, Losses, RunSums};

/// All sums of one version in one role, but for its inputs, which are
/// [`FeatureGrids`](super::FeatureGrids).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct VersionSums {
    /// Predictions, and how many failed (error or time-out), in the pane of the answer.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub answers: Counts,
    /// How many of them timed out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub timeouts: u64,
    /// Their durations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Box<Latency>>,
    /// Their answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predictions: Option<Box<Grid>>,
    /// Labelled answers, and how many were wrong, in the pane of the outcome.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub labels: Counts,
    /// Seconds from those answers to their labels, as far as both are known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub label_delay_s: u64,
    /// Resources that its instances used.
    #[serde(default, skip_serializing_if = "HealthSums::is_empty")]
    pub health: HealthSums,
    /// Its training runs.
    #[serde(default, skip_serializing_if = "RunSums::is_empty")]
    pub training: RunSums,
    /// Its pipeline runs.
    #[serde(default, skip_serializing_if = "RunSums::is_empty")]
    pub pipeline: RunSums,
    /// What could not be used of it, in the pane that was the newest when it was read.
    #[serde(default, skip_serializing_if = "Losses::is_empty")]
    pub lost: Losses,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl VersionSums {
    /// Adds other sums.
    pub fn merge(&mut self, other: &Self) {
        self.answers.merge(other.answers);
        self.timeouts += other.timeouts;
        if let Some(latency) = &other.latency {
            self.latency.get_or_insert_default().merge(latency);
        }
        if let Some(predictions) = &other.predictions {
            self.predictions.get_or_insert_default().merge(predictions);
        }
        self.labels.merge(other.labels);
        self.label_delay_s = self.label_delay_s.saturating_add(other.label_delay_s);
        self.health.merge(other.health);
        self.training.merge(other.training);
        self.pipeline.merge(other.pipeline);
        self.lost.merge(other.lost);
    }

    /// Counts a labelled answer. `None`: it cannot be compared with the truth.
    pub fn label(&mut self, right: Option<bool>) {
        match right {
            Some(right) => self.labels.count(!right),
            None => self.lost.types += 1,
        }
    }

    /// Failures, wrong answers and losses, which are sent to the judge at once.
    #[must_use]
    pub fn bad(&self) -> u64 {
        let failed = self.answers.bad + self.training.failed + self.pipeline.failed;
        failed + self.labels.bad + self.lost.total()
    }
}
