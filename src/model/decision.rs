//! Verdicts, their reasons, and comparisons between versions.

use serde::{Deserialize, Serialize};

use super::VersionId;

/// The judgement of a version by one trigger. Only a breach can lead to a rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The evidence is under the threshold.
    Healthy,
    /// The evidence is over the threshold, and another version would serve better.
    Breach,
    /// The evidence is over the threshold, but other versions do no better: a common cause.
    Systemic,
    /// Too few samples, or no proof that another version would serve better.
    Insufficient,
    /// Measuring is behind, blind or incomplete.
    Stale,
    /// Of an incident: what is not measured may hide a fault. A verdict is then stale.
    Blind,
}

/// The reason for a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The evidence is under the threshold.
    UnderThreshold,
    /// Fewer samples than the trigger requires.
    TooFewSamples,
    /// There is no baseline yet.
    NoBaseline,
    /// Too few lanes are reporting.
    Incomplete,
    /// So much was lost that a fault could be hidden in it.
    Lost,
    /// Its answers are numbers and the outcomes texts, or the other way round.
    LabelTypes,
    /// It no longer answers, while others do.
    Silent,
    /// Labels no longer come, while it answers.
    NoLabels,
    /// Another version would serve better.
    BenefitShown,
    /// The version it is compared with went bad at the same time.
    ReferenceAlsoOver,
    /// On the same requests, the difference since the change is within the tolerance.
    PairedWithinTolerance,
    /// The other version drifts as much.
    DriftShared,
    /// Only this version drifts.
    DriftOwn,
    /// There is no proof yet that another version would serve better.
    BenefitUnproven,
    /// There is nothing to compare with.
    NoReference,
}

impl Reason {
    /// Whether a verdict is stale because a fault may be hidden in what was not measured.
    #[must_use]
    pub const fn is_blind(self) -> bool {
        matches!(self, Self::Lost | Self::LabelTypes | Self::Silent | Self::NoLabels)
    }
}

/// What a comparison is based on. The first of these that exists is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reference {
    /// The same requests, answered by both versions.
    Paired,
    /// Another version that is live at the same time.
    Live,
    /// The target's own last days in production.
    History,
    /// The target's baseline.
    Baseline,
    /// Nothing to compare with.
    None,
}

/// Whether another version would serve better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Benefit {
    /// It would serve better: benefit is shown.
    Better,
    /// No difference that matters.
    Same,
    /// It would serve worse.
    Worse,
    /// Not known.
    Unknown,
}

/// A comparison with another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The other version.
    pub version: VersionId,
    /// Whether it would serve better.
    pub better: Benefit,
    /// What the comparison is based on.
    pub reference: Reference,
}
