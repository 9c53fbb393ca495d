//! Whether a breach may roll back by itself, and if not, why.
//!
//! Law: this only answers. What follows from the answer is done by the caller.

use super::context::ModelContext;
use super::plan::has_targets;
use super::state::ProductionSource;
use crate::model::{Benefit, IncidentId, IncidentState, LogTime, Mode, Signal, Trigger, VersionId};
use crate::phrases::{log_moment, signal as signal_word};
use crate::sums::Assessment;

/// Why a breach does not roll back at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hold {
    /// Automatic action is frozen, for this reason.
    Frozen(String),
    /// Two sources disagree on the version in production.
    Disputed(String),
    /// Another rollback of this version is stuck.
    Stuck(IncidentId),
    /// Nothing can act.
    NoTarget(String),
    /// No version is fit to roll back to, for these reasons.
    NoVersion(String),
    /// A rollback on this signal was done lately.
    Cooldown {
        /// Which signal.
        signal: Signal,
        /// When it may roll back again.
        until: LogTime,
        /// Where that would go.
        to: VersionId,
    },
    /// Nothing shows that this version would be better.
    Unproven(VersionId),
    /// This many automatic rollbacks were done in the period, and more are not allowed.
    BudgetUsed(u32),
}

impl Hold {
    /// Whether a person must act before it can go on; else the same breach may go on later.
    pub(super) const fn freezes(&self) -> bool {
        match self {
            Self::NoTarget(_) | Self::NoVersion(_) | Self::BudgetUsed(_) => true,
            Self::Frozen(_)
            | Self::Disputed(_)
            | Self::Stuck(_)
            | Self::Cooldown { .. }
            | Self::Unproven(_) => false,
        }
    }

    /// Its kind.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Frozen(_) => "frozen",
            Self::Disputed(_) => "disputed",
            Self::Stuck(_) => "stuck",
            Self::NoTarget(_) => "no_target",
            Self::NoVersion(_) => "no_version",
            Self::Cooldown { .. } => "cooldown",
            Self::Unproven(_) => "unproven",
            Self::BudgetUsed(_) => "budget_used",
        }
    }

    /// For people.
    pub(super) fn because(&self) -> String {
        match self {
            Self::Frozen(why) => format!("Automatic action is frozen ({why})."),
            Self::Disputed(words) => {
                format!("It is disputed which version is in production: {words}.")
            }
            Self::Stuck(id) => format!("Incident {id} is stuck and must be dealt with first."),
            Self::NoTarget(why) => format!("Cannot act: {why}."),
            Self::NoVersion(why) => format!("There is no version to roll back to: {why}."),
            Self::Cooldown { signal, until, to } => format!(
                "The cooldown for {} lasts until {}; a rollback would go to {to}.",
                signal_word(*signal),
                log_moment(*until)
            ),
            Self::Unproven(to) => format!("Nothing shows yet that {to} would be better."),
            Self::BudgetUsed(max) => format!("{}.", budget_used(*max)),
        }
    }
}

/// That a model may not be rolled back automatically any more in this period.
pub(super) fn budget_used(max: u32) -> String {
    format!("The limit on automatic rollbacks in this period has been reached ({max})")
}

impl ModelContext<'_> {
    /// The trigger's mode, at most the model's; at most recommend where the role is inferred.
    pub(super) fn mode_of(&self, rule: &Trigger) -> Mode {
        let mode = rule.mode.map_or(self.mode(), |own| own.min(self.mode()));
        match self.model.production.as_ref().map(|p| p.source) {
            Some(ProductionSource::Inferred) | None => mode.min(Mode::Recommend),
            Some(
                ProductionSource::Fact | ProductionSource::Promoted | ProductionSource::Telemetry,
            ) => mode,
        }
    }

    /// Where an automatic rollback would go, or why there is none.
    pub(super) fn may_act(&self, a: &Assessment) -> Result<VersionId, Hold> {
        let now = self.now.log;
        if let Some(why) = self.frozen() {
            return Err(Hold::Frozen(why.to_owned()));
        }
        if let Some(words) = &self.model.disputed {
            return Err(Hold::Disputed(words.clone()));
        }
        if let Some(id) = self.stuck() {
            return Err(Hold::Stuck(id.clone()));
        }
        has_targets(self.rules).map_err(Hold::NoTarget)?;
        let (to, _) = self.model.pick(&self.rules.policy, now).map_err(Hold::NoVersion)?;
        let restored = self.model.cases.iter().filter(|case| case.restored());
        let again = restored.into_iter().any(|case| case.incident.to.as_ref() == Some(&a.version));
        let quiet = self.model.cooldowns.get(&a.signal).filter(|until| now < **until);
        if let (Some(until), false) = (quiet, again) {
            return Err(Hold::Cooldown { signal: a.signal, until: *until, to });
        }
        let shown = a.against.iter().find(|other| other.version == to);
        if shown.is_none_or(|other| other.better != Benefit::Better) {
            return Err(Hold::Unproven(to));
        }
        let since = now - self.rules.policy.rollbacks_period;
        let done = self.model.rollbacks.iter().filter(|at| **at > since).count();
        let max = self.rules.policy.max_rollbacks;
        if done >= usize::try_from(max).unwrap_or(usize::MAX) {
            return Err(Hold::BudgetUsed(max));
        }
        Ok(to)
    }

    /// A stuck rollback of, or to, the version in production.
    fn stuck(&self) -> Option<&IncidentId> {
        let serves = |version| self.model.serves(version);
        let mut stuck = self.model.cases.iter().map(|case| &case.incident).filter(|incident| {
            incident.state == IncidentState::Stuck
                && (serves(&incident.version) || incident.to.as_ref().is_some_and(serves))
        });
        stuck.next().map(|incident| &incident.id)
    }
}
