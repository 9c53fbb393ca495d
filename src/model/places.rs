//! How many names telemetry may bring, and which of them are named elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ModelId, Span, VersionId};

/// A name that sent nothing for this long gives its place to another one.
pub const PLACE_KEPT: Span = Span::from_s(3600);

/// How many names have a place. Names that the config, a target or a person gave have one anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameLimits {
    /// Models of a source.
    pub models: usize,
    /// Versions of a model.
    pub versions: usize,
    /// Features of a version.
    pub features: usize,
}

impl NameLimits {
    /// Those of rules from before the settings had any.
    #[must_use]
    pub const fn before_settings() -> Self {
        Self { models: 1000, versions: 100, features: 500 }
    }
}

/// The models that always have a place, each with such versions.
pub type NamedModels = BTreeMap<ModelId, BTreeSet<VersionId>>;

/// A kind of name that is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameKind {
    /// A model.
    Model,
    /// A version of a model.
    Version,
    /// A feature of a version.
    Feature,
}

impl NameKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Model, Self::Version, Self::Feature];

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Version => "version",
            Self::Feature => "feature",
        }
    }
}
