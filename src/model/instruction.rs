//! What a person or a program asks for.

use serde::{Deserialize, Serialize};

use super::{Mode, ModelId, VersionId};

/// A request, with who made it and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instruction {
    /// Unique; asking twice under one id is asking once.
    pub id: String,
    /// Who asks.
    pub by: String,
    /// Why.
    pub reason: String,
    /// What for.
    pub ask: Ask,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Take the production version back, to `to` or to the newest proven one.
    Rollback {
        /// Which model.
        model: ModelId,
        /// Where to; none: the version that Ripcord would choose.
        to: Option<VersionId>,
    },
    /// Stop the rollback under way, as long as nothing was switched.
    Abort {
        /// Which model.
        model: ModelId,
    },
    /// Carry out what was recommended.
    Approve {
        /// Which model.
        model: ModelId,
    },
    /// Change what happens on a breach.
    Mode {
        /// Of which.
        scope: Scope,
        /// To what.
        mode: Mode,
    },
    /// Stop all automatic action.
    Freeze {
        /// Of which.
        scope: Scope,
    },
    /// Allow it again.
    Unfreeze {
        /// Of which.
        scope: Scope,
    },
    /// This version went into production.
    Promoted {
        /// Which model.
        model: ModelId,
        /// Which version.
        version: VersionId,
    },
    /// This version is fit to roll back to: a person's word.
    Vouch {
        /// Which model.
        model: ModelId,
        /// Which version.
        version: VersionId,
    },
    /// This version may not serve.
    Quarantine {
        /// Which model.
        model: ModelId,
        /// Which version.
        version: VersionId,
    },
    /// It may again.
    Release {
        /// Which model.
        model: ModelId,
        /// Which version.
        version: VersionId,
    },
}

/// One model or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every model of the namespace.
    All,
    /// This one.
    Model(ModelId),
}

impl Ask {
    /// The one model it is about; none: all of them.
    #[must_use]
    pub fn model(&self) -> Option<&ModelId> {
        match self {
            Self::Rollback { model, .. }
            | Self::Abort { model }
            | Self::Approve { model }
            | Self::Promoted { model, .. }
            | Self::Vouch { model, .. }
            | Self::Quarantine { model, .. }
            | Self::Release { model, .. } => Some(model),
            Self::Mode { scope, .. } | Self::Freeze { scope } | Self::Unfreeze { scope } => {
                match scope {
                    Scope::All => None,
                    Scope::Model(model) => Some(model),
                }
            }
        }
    }
}
