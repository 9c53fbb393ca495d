//! Whether a breach may roll back by itself, and what stands against it.

use super::ModelContext;
use super::plan::has_targets;
use super::state::{Case, ProductionSource};
use crate::model::{Benefit, IncidentState, Mode, Signal, Trigger, VersionId};
use crate::sums::Assessment;

/// Why a breach does not roll back at once.
pub(super) enum Hold {
    /// It waits; the same breach may go on later.
    Hold(String),
    /// A person must look.
    Freeze(String),
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

    /// Where an automatic rollback would go, or what stands against it.
    pub(super) fn may_act(&mut self, a: &Assessment, mode: Mode) -> Result<VersionId, Hold> {
        let now = self.now.log;
        if let Some(why) = self.frozen() {
            let again = format!("say `ripcord unfreeze {}` to allow it again.", self.id);
            return Err(Hold::Hold(format!("Automatic action is frozen ({why}); {again}")));
        }
        if let Some(words) = &self.model.disputed {
            return Err(Hold::Hold(format!("Which version serves is disputed: {words}.")));
        }
        let stuck = |case: &&Case| {
            let serves = |version| self.model.serves(version);
            case.incident.state == IncidentState::Stuck
                && (serves(&case.incident.version) || case.incident.to.as_ref().is_some_and(serves))
        };
        if let Some(case) = self.model.cases.iter().find(stuck) {
            let id = &case.incident.id;
            return Err(Hold::Hold(format!("Incident {id} is stuck and needs a person first.")));
        }
        has_targets(self.rules).map_err(|why| Hold::Freeze(format!("Cannot act: {why}.")))?;
        let (to, _) = self.model.pick(&self.rules.policy, now).map_err(|nobody| {
            Hold::Freeze(format!(
                "Would roll back to {nobody}. Vouch for a version with `ripcord vouch`, or go to \
                 one with `ripcord rollback {} --to VERSION`.",
                self.id
            ))
        })?;
        let restored = |case: &Case| case.incident.to.as_ref() == Some(&a.version);
        let again = self.model.cases.iter().any(|case| case.restored() && restored(case));
        let quiet = self.model.cooldowns.get(&a.signal).filter(|until| now < **until);
        if let (Some(until), false) = (quiet, again) {
            let signal = signal_name(a.signal);
            let because = format!("{signal} is in cooldown until {until}; {to} would be next.");
            return Err(Hold::Hold(because));
        }
        let shown = a.against.iter().find(|other| other.version == to);
        if shown.is_none_or(|other| other.better != Benefit::Better) {
            return Err(Hold::Hold(format!("Benefit against {to} unproven.")));
        }
        self.within_budget(mode)?;
        Ok(to)
    }

    fn within_budget(&mut self, mode: Mode) -> Result<(), Hold> {
        let since = self.now.log - self.rules.policy.rollbacks_period;
        self.model.rollbacks.retain(|at| *at > since);
        let max = self.rules.policy.max_rollbacks;
        if self.model.rollbacks.len() < usize::try_from(max).unwrap_or(usize::MAX) {
            return Ok(());
        }
        let why = format!("The automatic rollbacks of this period are used up ({max})");
        if mode == Mode::Act {
            self.model.frozen = Some(why.clone());
        }
        Err(Hold::Freeze(format!(
            "{why}. Look at what goes wrong, then say `ripcord unfreeze {}`.",
            self.id
        )))
    }
}

const fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Accuracy => "Accuracy",
        Signal::ErrorRate => "The error rate",
        Signal::Latency => "Latency",
        Signal::FeatureDrift => "Drift",
    }
}
