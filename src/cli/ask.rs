//! What is asked and ordered of a running Ripcord, as data.

use clap::{Args, Subcommand};

use super::values::{mode, model, reason, version};
use crate::model::{Mode, ModelId, Scope, VersionId};

/// What is asked of a running Ripcord.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Remote {
    /// Show each model and signal: value, baseline, evidence, and who it would be rolled back to
    #[command(after_help = COLUMNS)]
    Status {
        /// Only this model
        #[arg(value_parser = model)]
        model: Option<ModelId>,
        /// Show it again whenever it changes, until Ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// List the incidents, or show one
    Incidents {
        /// The incident, or a beginning of its id that only it has
        id: Option<String>,
    },
    /// Tell why an incident or decision came to be, with all evidence
    Explain {
        /// The incident or decision, or a beginning of its id that only it has
        id: String,
    },
    /// Order something
    #[command(flatten)]
    Order(Order),
    /// Work on the rules of a running Ripcord
    #[command(subcommand, name = "config")]
    Rules(RulesCommand),
}

/// What a person orders: an instruction for the shards.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Order {
    /// Take a model's production version back, in any mode
    #[command(after_help = ROLLBACK)]
    Rollback {
        /// Which model
        #[arg(value_parser = model)]
        model: ModelId,
        /// The version to go back to; not given: the one that `status` names
        #[arg(long, value_name = "VERSION", value_parser = version)]
        to: Option<VersionId>,
        /// Why
        #[command(flatten)]
        why: ReasonArgs,
        /// Print the plan and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Stop a rollback under way, as long as nothing was switched
    Abort(OfModel),
    /// Carry out what was recommended
    Approve(OfModel),
    /// Set what happens on a breach
    #[command(
        after_help = "Examples:\n  ripcord mode credit-risk act\n  ripcord mode --all observe"
    )]
    #[command(allow_missing_positional = true)]
    Mode {
        /// Of which
        #[command(flatten)]
        scope: Which,
        /// observe writes it down, recommend asks a person, act rolls back
        #[arg(value_parser = mode, value_name = "observe|recommend|act")]
        mode: Mode,
        /// Why
        #[command(flatten)]
        why: MaybeReason,
    },
    /// Stop all automatic action, at once
    Freeze(OfScope),
    /// Allow automatic action again
    Unfreeze(OfScope),
    /// Say that a version went into production
    Promoted(OfVersion),
    /// Say that a version is fit to be rolled back to
    Vouch(OfVersion),
    /// Say that a version may not serve
    Quarantine(OfVersion),
    /// Say that a quarantined version may serve again
    Release(OfVersion),
}

/// Work on the rules of a running Ripcord.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum RulesCommand {
    /// Put the rules of --config and the environment in force, under a higher revision
    Apply {
        /// Why
        #[command(flatten)]
        why: MaybeReason,
        /// Also if targets go or a mode falls
        #[arg(long)]
        yes: bool,
    },
}

const COLUMNS: &str = "\
VALUE is taken since the likely change, or over all that counts where none is likely: where a
  version went bad it is what it did from then on, and not its average.
EVIDENCE is a/c: the odds against the limit still holding, of the c at which the trigger fires.
  c follows from the budget of false rollbacks; a plain rule (window, drift) has none: -.
SEES is the smallest value that would be noticed, and in what time, at the present traffic.";

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
    /// Of which
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

/// Why: it stands in every record of it.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ReasonArgs {
    /// Why; it stands in every record of it
    #[arg(long, value_parser = reason)]
    pub reason: String,
}

/// Why, for those who say it.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct MaybeReason {
    /// Why; it stands in every record of it
    #[arg(long, value_parser = reason)]
    pub reason: Option<String>,
}
