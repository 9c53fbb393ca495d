//! What was lost of a version: records or values that could not be used, by what they would have
//! said.

use serde::{Deserialize, Serialize};

use crate::model::{LostField, LostFields, Sample, SampleKind, Signal};

/// How many units of each signal were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Losses {
    /// Answers of which nobody knows whether they failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub answers: u64,
    /// Durations.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub latencies: u64,
    /// Labelled answers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub labels: u64,
    /// Labelled answers that cannot be compared with the truth: one is a number, the other a text.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub types: u64,
    /// Answers with at least one input that cannot be used.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub features: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Losses {
    /// A record that could not be used at all; `None`: nobody knows of which kind.
    #[must_use]
    pub const fn of_record(kind: Option<SampleKind>) -> Self {
        let none = Self { answers: 0, latencies: 0, labels: 0, types: 0, features: 0 };
        match kind {
            None | Some(SampleKind::Prediction | SampleKind::Asked | SampleKind::Answered) => {
                Self { answers: 1, latencies: 1, labels: 1, features: 1, ..none }
            }
            Some(SampleKind::Outcome) => Self { labels: 1, ..none },
            Some(SampleKind::Latency) => Self { latencies: 1, ..none },
            Some(SampleKind::Health | SampleKind::Run) => none,
        }
    }

    /// A sample that came too late for its pane. What the join remembers of it is not lost.
    #[must_use]
    pub fn of_late(sample: &Sample<'_>) -> Self {
        match sample {
            Sample::Prediction(p) => Self {
                answers: 1,
                latencies: u64::from(p.latency_us.is_some()),
                labels: u64::from(p.actual.is_some()),
                types: 0,
                features: u64::from(!p.features.is_empty()),
            },
            Sample::Latency(_) => Self::of_record(Some(SampleKind::Latency)),
            Sample::Outcome(_) => Self::of_record(Some(SampleKind::Outcome)),
            Sample::Half(half) => {
                let calls = half.predictions.len() as u64;
                Self { answers: calls, latencies: calls, labels: calls, types: 0, features: calls }
            }
            Sample::Health(_) | Sample::Run(_) => Self::default(),
        }
    }

    /// The fields of a sample that could not be used.
    #[must_use]
    pub fn of_fields(lost: LostFields) -> Self {
        let one = |fields: &[LostField]| u64::from(fields.iter().any(|field| lost.has(*field)));
        Self {
            answers: one(&[LostField::Status]),
            latencies: one(&[LostField::Latency]),
            labels: one(&[LostField::Prediction, LostField::Actual]),
            types: 0,
            features: one(&[LostField::Features]),
        }
    }

    /// Units of a signal.
    #[must_use]
    pub const fn of(self, signal: Signal) -> u64 {
        match signal {
            Signal::Accuracy => self.labels + self.types,
            Signal::ErrorRate => self.answers,
            Signal::Latency => self.latencies,
            Signal::FeatureDrift => self.features,
        }
    }

    /// Whether units of this signal were lost by themselves, and not only with whole records: then
    /// its producer sends it.
    #[must_use]
    pub const fn feeds(self, signal: Signal) -> bool {
        match signal {
            Signal::Accuracy => self.types > 0 || self.labels > self.answers,
            Signal::ErrorRate => self.answers > 0,
            Signal::Latency => self.latencies > self.answers,
            Signal::FeatureDrift => self.features > self.answers,
        }
    }

    /// All units.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.answers + self.latencies + self.labels + self.types + self.features
    }

    /// Adds others.
    pub fn merge(&mut self, other: Self) {
        self.answers += other.answers;
        self.latencies += other.latencies;
        self.labels += other.labels;
        self.types += other.types;
        self.features += other.features;
    }

    /// Whether nothing was lost.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
