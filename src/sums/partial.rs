//! What is summed of one version, in one role, in one pane: all signals together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Counts, Grid, HealthSums, Latency, RunSums};
use crate::model::FeatureName;

/// Everything summed of one version in one role.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct VersionSums {
    /// Predictions and the failed ones (error or time-out), in the pane of their answer.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub answers: Counts,
    /// The time-outs among them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub timeouts: u64,
    /// Their durations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Box<Latency>>,
    /// What they were asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub features: BTreeMap<FeatureName, Grid>,
    /// What they answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predictions: Option<Box<Grid>>,
    /// Labelled answers and the wrong ones, in the pane of the truth.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub labels: Counts,
    /// What its instances used.
    #[serde(default, skip_serializing_if = "HealthSums::is_empty")]
    pub health: HealthSums,
    /// Its trainings.
    #[serde(default, skip_serializing_if = "RunSums::is_empty")]
    pub training: RunSums,
    /// Its pipelines.
    #[serde(default, skip_serializing_if = "RunSums::is_empty")]
    pub pipeline: RunSums,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl VersionSums {
    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.answers.merge(other.answers);
        self.timeouts += other.timeouts;
        if let Some(latency) = &other.latency {
            self.latency.get_or_insert_default().merge(latency);
        }
        for (name, grid) in &other.features {
            match self.features.get_mut(name) {
                Some(mine) => mine.merge(grid),
                None => {
                    self.features.insert(name.clone(), grid.clone());
                }
            }
        }
        if let Some(predictions) = &other.predictions {
            self.predictions.get_or_insert_default().merge(predictions);
        }
        self.labels.merge(other.labels);
        self.health.merge(other.health);
        self.training.merge(other.training);
        self.pipeline.merge(other.pipeline);
    }

    /// What must reach the judge at once: failures and wrong answers.
    #[must_use]
    pub fn bad(&self) -> u64 {
        self.answers.bad + self.labels.bad + self.training.failed + self.pipeline.failed
    }
}
