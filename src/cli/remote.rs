//! Questions and instructions to a running Ripcord.

use clap::{Args, Subcommand};

use super::values::{mode, model, reason, version};
use crate::model::{Mode, ModelId, Scope, VersionId};

/// A question or instruction to a running Ripcord.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Remote {
    /// Show the models: values, evidence, where a rollback would go
    #[command(after_help = COLUMNS)]
    Status {
        /// Only this model
        #[arg(value_parser = model)]
        model: Option<ModelId>,
        /// Show it again whenever it changes, until Ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// List the incidents, or explain one
    Incidents {
        /// An incident's id, or its first characters
        id: Option<String>,
    },
    /// Explain an incident or a decision, with the evidence
    Explain {
        /// The id of a decision, or the first characters of an incident's
        id: String,
    },
    /// Give an instruction
    #[command(flatten)]
    Order(Order),
    /// Change the rules of a running Ripcord
    #[command(subcommand, name = "config")]
    Rules(RulesCommand),
}

/// An instruction for the shards.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Order {
    /// Roll back a model's production version, in any mode
    #[command(after_help = ROLLBACK)]
    Rollback {
        /// Which model
        #[arg(value_parser = model)]
        model: ModelId,
        /// The version to roll back to; by default the one that `status` names
        #[arg(long, value_name = "VERSION", value_parser = version)]
        to: Option<VersionId>,
        /// Why
        #[command(flatten)]
        why: ReasonArgs,
        /// Print the plan without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// Stop a rollback before anything is switched
    Abort(OfModel),
    /// Carry out a recommended rollback
    Approve(OfModel),
    /// Set what happens on a breach
    #[command(
        after_help = "Examples:\n  ripcord mode credit-risk act\n  ripcord mode --all observe"
    )]
    #[command(allow_missing_positional = true)]
    Mode {
        /// Which models
        #[command(flatten)]
        scope: Which,
        /// observe records it, recommend asks a person, act rolls back
        #[arg(value_parser = mode, value_name = "observe|recommend|act")]
        mode: Mode,
        /// Why
        #[command(flatten)]
        why: MaybeReason,
    },
    /// Stop all automatic action at once
    Freeze(OfScope),
    /// Allow automatic action again
    Unfreeze(OfScope),
    /// Report that a version went into production
    Promoted(OfVersion),
    /// Declare that a version is safe to roll back to
    Vouch(OfVersion),
    /// Bar a version from being promoted or rolled back to
    Quarantine(OfVersion),
    /// Lift the quarantine of a version
    Release(OfVersion),
}

/// Change the rules of a running Ripcord.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum RulesCommand {
    /// Put the rules of --config and the environment in force
    Apply {
        /// Why
        #[command(flatten)]
        why: MaybeReason,
        /// Apply them even if targets are removed or a mode is lowered
        #[arg(long)]
        yes: bool,
    },
}

const COLUMNS: &str = "\
VALUE     the value measured since the likely change, or over all data if
          nothing has changed.
LIMIT     the largest tolerated value.
EVIDENCE  odds/threshold: the odds that the limit is exceeded, and the odds at
          which the trigger fires. Your budget of false rollbacks sets the
          threshold. Plain rules (window, drift) show none.
STATE     armed, calibrating, blind, breach, ...: see `ripcord help terms`.
SEES      the smallest value that would be detected at the current traffic,
          and how soon.";

const ROLLBACK: &str = "\
Examples:
  ripcord rollback credit-risk --reason 'wrong answers since noon' --dry-run
  ripcord rollback credit-risk --to v2 --reason 'wrong answers since noon'";

/// A model.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct OfModel {
    /// Which model
    #[arg(value_parser = model)]
    pub model: ModelId,
    /// Why
    #[command(flatten)]
    pub why: MaybeReason,
}

/// A version of a model.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct OfVersion {
    /// Which model
    #[arg(value_parser = model)]
    pub model: ModelId,
    /// Which version of it
    #[arg(id = "of_version", value_name = "VERSION", value_parser = version)]
    pub version: VersionId,
    /// Why
    #[command(flatten)]
    pub why: MaybeReason,
}

/// One model or all.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct OfScope {
    /// Which models
    #[command(flatten)]
    pub scope: Which,
    /// Why
    #[command(flatten)]
    pub why: MaybeReason,
}

/// One model or all: exactly one of the two is given.
#[derive(Debug, Clone, PartialEq, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// Which model
    #[arg(value_parser = model)]
    pub model: Option<ModelId>,
    /// Every model
    #[arg(long)]
    pub all: bool,
}

impl Which {
    /// One model or all.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.model.clone().map_or(Scope::All, Scope::Model)
    }
}

/// A reason that must be given.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ReasonArgs {
    /// Why, for the record
    #[arg(long, value_parser = reason)]
    pub reason: String,
}

/// A reason that may be given.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct MaybeReason {
    /// Why, for the record
    #[arg(long, value_parser = reason)]
    pub reason: Option<String>,
}
