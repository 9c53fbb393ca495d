//! What is known of the world outside: versions, which one serves, how good each was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BreakerState, EventTime, ModelId, Role, Signal, TargetId, VersionId};

/// What a worker observed of its target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Of which model.
    pub model: ModelId,
    /// Where.
    pub target: TargetId,
    /// The version that the target has in production; none: it has none.
    pub production: Option<VersionId>,
    /// All versions it knows, newest first.
    pub versions: Vec<VersionFact>,
    /// The newest generation that the target took of this model: a log that was lost does not know.
    #[serde(default)]
    pub generation: u64,
    /// How requests are routed, where the target routes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: BTreeMap<VersionId, Routed>,
}

/// How a router treats a version.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Routed {
    /// Its share of the requests, 0 to 1.
    pub share: f64,
    /// How its breaker stands.
    pub breaker: BreakerState,
}

/// What a registry says of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionFact {
    /// Which.
    pub version: VersionId,
    /// Put away; it can be taken back out.
    pub archived: bool,
    /// The registry vouches for it.
    pub proven_good: bool,
    /// Its files are there, with the right hash; none: not checked.
    pub artifact_present: Option<bool>,
    /// When it was made.
    pub created_at: Option<EventTime>,
    /// How good it was when it was made.
    pub baselines: Baselines,
}

impl VersionFact {
    /// A version of which only the name is known.
    #[must_use]
    pub fn named(version: VersionId) -> Self {
        Self {
            version,
            archived: false,
            proven_good: false,
            artifact_present: None,
            created_at: None,
            baselines: Baselines::new(),
        }
    }
}

/// How good a version was, by signal.
pub type Baselines = BTreeMap<Signal, Baseline>;

/// How good a version was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Accuracy: share of right answers; error rate: share of failures; latency: mean in ms.
    pub value: f64,
    /// Samples that it was measured on.
    pub n: u64,
}

/// What undo knows of a model's versions and judge needs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// The version in production.
    pub production: Option<VersionId>,
    /// Since when, in event time, where Ripcord saw it happen.
    pub promoted_at: Option<EventTime>,
    /// Every version known.
    pub versions: BTreeMap<VersionId, VersionStanding>,
}

/// What undo knows of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionStanding {
    /// What it is.
    pub role: Role,
    /// Fit to roll back to.
    pub proven: bool,
    /// The registry's.
    pub baselines: Baselines,
}
