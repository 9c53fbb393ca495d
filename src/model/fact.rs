//! Facts: which versions exist, which one serves, and how good each was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BreakerState, EventTime, ModelId, Role, Signal, TargetId, VersionId};

/// What a worker observed of its target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// The model.
    pub model: ModelId,
    /// The target.
    pub target: TargetId,
    /// The version that the target has in production, if any.
    pub production: Option<VersionId>,
    /// All versions the target knows, newest first.
    pub versions: Vec<VersionFact>,
    /// The newest generation of this model that the target has accepted. A log that was lost does
    /// not know it.
    #[serde(default)]
    pub generation: u64,
    /// How requests are routed, if the target routes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: BTreeMap<VersionId, Routed>,
}

/// How a router treats a version.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Routed {
    /// Its share of the requests, 0 to 1.
    pub share: f64,
    /// The state of its circuit breaker.
    pub breaker: BreakerState,
}

/// What a registry knows about a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionFact {
    /// The version.
    pub version: VersionId,
    /// Archived; it can be restored.
    pub archived: bool,
    /// The registry vouches for it.
    pub proven_good: bool,
    /// Whether its files exist with the right hash. `None` if not checked.
    pub artifact_present: Option<bool>,
    /// When it was created.
    pub created_at: Option<EventTime>,
    /// Its baselines at creation.
    pub baselines: Baselines,
}

impl VersionFact {
    /// A version known by name only.
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

/// A version's baselines, by signal.
pub type Baselines = BTreeMap<Signal, Baseline>;

/// A measured level that a version is compared with later.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Accuracy: share of right answers; error rate: share of failures; latency: mean in ms.
    pub value: f64,
    /// Number of samples it was measured on.
    pub n: u64,
}

/// What undo knows about a model's versions, for judge.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// The version in production.
    pub production: Option<VersionId>,
    /// When it went into production, in event time, if Ripcord saw it happen.
    pub promoted_at: Option<EventTime>,
    /// All known versions.
    pub versions: BTreeMap<VersionId, VersionStanding>,
    /// A target or a person named the model, or an incident of it is open: telemetry alone is not
    /// all that is known of it.
    #[serde(default)]
    pub named: bool,
}

/// What undo knows about one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionStanding {
    /// Its role.
    pub role: Role,
    /// Whether it may be rolled back to.
    pub proven: bool,
    /// Its baselines in the registry.
    pub baselines: Baselines,
}
