//! What Ripcord does when a version is in breach.

use serde::{Deserialize, Serialize};

/// What happens on a breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Record it.
    Observe,
    /// Ask a person.
    Recommend,
    /// Roll back.
    Act,
}

impl Mode {
    /// The name, as in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Recommend => "recommend",
            Self::Act => "act",
        }
    }
}
