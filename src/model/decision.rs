//! The words of a judgement.

use serde::{Deserialize, Serialize};

use super::VersionId;

/// What is said of a version and a trigger. Only a breach ever rolls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The evidence is under the threshold.
    Healthy,
    /// Over it, and another version would serve better.
    Breach,
    /// Over it, and the others fare no better: a common cause.
    Systemic,
    /// Too few samples, or nothing shows that another version would serve better.
    Insufficient,
    /// The measuring is behind, blind or incomplete.
    Stale,
}

/// Why a verdict is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The evidence is under the threshold.
    UnderThreshold,
    /// Fewer samples than the trigger asks for.
    TooFewSamples,
    /// No baseline yet.
    NoBaseline,
    /// Too few lanes were heard.
    Incomplete,
    /// Another version would serve better.
    BenefitShown,
    /// What it is compared with went bad at the same time.
    ReferenceAlsoOver,
    /// On the same requests the difference since the change is tolerated.
    PairedWithinTolerance,
    /// The other version drifts as much.
    DriftShared,
    /// The distance lies on this version's side.
    DriftOwn,
    /// Nothing shows yet that another version would serve better.
    BenefitUnproven,
    /// There is nothing to compare with.
    NoReference,
}

/// What a comparison rests on; the first that exists is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reference {
    /// The same requests, answered by both.
    Paired,
    /// Another version, live at the same time.
    Live,
    /// The target's own last days in production.
    History,
    /// The target's baseline.
    Baseline,
    /// Nothing.
    None,
}

/// How another version would do in this one's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Benefit {
    /// It would serve better: benefit is shown.
    Better,
    /// No difference that matters.
    Same,
    /// It would serve worse.
    Worse,
    /// Cannot be told.
    Unknown,
}

/// How another version would do, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The other version.
    pub version: VersionId,
    /// How it would do.
    pub better: Benefit,
    /// How that is known.
    pub reference: Reference,
}
