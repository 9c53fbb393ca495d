//! Instructions: what a person or a program asks for.

use serde::{Deserialize, Serialize};

use super::{Mode, ModelId, VersionId};

/// A request, with its author and reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instruction {
    /// Unique. Asking twice with the same id is asking once.
    pub id: String,
    /// The author.
    pub by: String,
    /// The reason.
    pub reason: String,
    /// The request.
    pub ask: Ask,
}

/// The request in an instruction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Roll back the production version.
    Rollback {
        /// The model.
        model: ModelId,
        /// The version to restore. `None` for the one that Ripcord chooses.
        to: Option<VersionId>,
    },
    /// Stop the rollback in progress, if nothing has been switched yet.
    Abort {
        /// The model.
        model: ModelId,
    },
    /// Carry out the recommended rollback.
    Approve {
        /// The model.
        model: ModelId,
    },
    /// Change the mode.
    Mode {
        /// For one model or all.
        scope: Scope,
        /// The new mode.
        mode: Mode,
    },
    /// Stop all automatic action.
    Freeze {
        /// For one model or all.
        scope: Scope,
    },
    /// Allow automatic action again.
    Unfreeze {
        /// For one model or all.
        scope: Scope,
    },
    /// Record that a version went into production.
    Promoted {
        /// The model.
        model: ModelId,
        /// The version.
        version: VersionId,
    },
    /// Declare that a version may be rolled back to.
    Vouch {
        /// The model.
        model: ModelId,
        /// The version.
        version: VersionId,
    },
    /// Forbid a version to serve.
    Quarantine {
        /// The model.
        model: ModelId,
        /// The version.
        version: VersionId,
    },
    /// End the quarantine of a version.
    Release {
        /// The model.
        model: ModelId,
        /// The version.
        version: VersionId,
    },
}

/// One model or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every model of the namespace.
    All,
    /// One model.
    Model(ModelId),
}

impl Ask {
    /// The model it is about. `None` if it is about all models.
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
