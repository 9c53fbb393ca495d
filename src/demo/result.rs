//! What a run came to, and whether that is as it should be.

use serde::Serialize;
use serde_json::Value as Json;

use super::DemoError;
use super::callers::Requests;
use super::flights::{AFTER, BEFORE};
use super::journal::Phases;
use super::pulse::Counted;
use super::run::DemoRun;
use crate::config::RulesInWords;
use crate::model::IncidentState;
use crate::replay::Replayed;

/// What became of the requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Requested {
    /// Predictions that were asked for.
    pub sent: u64,
    /// Requests of any kind without a good answer.
    pub failed: u64,
    /// Requests of those who ask all the while, beside the predictions.
    pub beside: u64,
    /// Tries that were repeated, since nobody answered.
    pub repeated: u64,
    /// While the rollback was under way.
    pub during_switch: Counted,
    /// Answers of the withdrawn version after the switch, by the router's counters.
    pub withdrawn_after_switch: u64,
    /// Right answers that callers saw, as they counted them, 0 to 1.
    pub accuracy_served: Option<f64>,
    /// The same had the version that went bad answered throughout.
    pub accuracy_without: Option<f64>,
}

/// What a demo came to.
#[derive(Debug)]
pub struct DemoResult {
    /// As a replay would have it.
    pub replayed: Replayed,
    /// How long each phase took.
    pub phases: Phases,
    /// What callers saw.
    pub requests: Requested,
    /// What the rules mean, for the report.
    pub rules: Vec<RulesInWords>,
    /// What is not as it should be; empty: the rollback is verified, and nothing else happened.
    pub faults: Vec<String>,
}

impl DemoRun<'_> {
    /// What it came to.
    pub(super) fn ended(&self) -> Result<DemoResult, DemoError> {
        let replayed = self.journal.finish(self.config.rules.clone())?;
        let replayed = replayed.ok_or_else(|| DemoError::Stuck {
            at: self.opening(),
            why: "nothing was read".to_owned(),
        })?;
        let after = self.runtime.block_on(self.callers.answers(AFTER))?;
        let shares = self.callers.right.shares();
        let Requests { sent, failed, repeated, .. } = self.callers.requests;
        let (beside, beside_repeated) = self.pulse.all();
        let requests = Requested {
            sent,
            failed: failed + beside.failed,
            beside: beside.sent,
            repeated: repeated + beside_repeated,
            during_switch: self.during,
            // A router that began anew counts from zero.
            withdrawn_after_switch: after
                .checked_sub(self.withdrawn.unwrap_or(after))
                .unwrap_or(after),
            accuracy_served: shares.map(|(served, _)| served),
            accuracy_without: shares.map(|(_, without)| without),
        };
        let faults = self.faults(&replayed, &requests);
        let (rules, phases) = (self.config.report().rules, self.journal.phases);
        Ok(DemoResult { replayed, phases, requests, rules, faults })
    }

    /// What is not as it should be.
    fn faults(&self, replayed: &Replayed, requests: &Requested) -> Vec<String> {
        let mut faults = Vec::new();
        let rollbacks = &replayed.summary.rollbacks;
        let verified =
            |outcome| matches!(outcome, IncidentState::Verified | IncidentState::Resolved);
        match rollbacks.as_slice() {
            [only] => {
                let to = only.to.as_ref().map(|to| to.as_str());
                if (only.from.as_str(), to) != (AFTER, Some(BEFORE)) {
                    faults.push(format!("{} was taken back to {to:?}", only.from));
                }
                if only.verified_at.is_none() || !verified(only.outcome) {
                    faults.push(format!("the rollback is not verified: {}", only.because));
                }
            }
            [] => faults.push("nothing was rolled back".to_owned()),
            several => faults.push(format!("{} rollbacks were done, not one", several.len())),
        }
        if requests.failed > 0 {
            let why = self.callers.requests.first_failure.as_deref();
            let why = why.unwrap_or("of those who ask all the while");
            faults.push(format!("{} requests failed: {why}", requests.failed));
        }
        if requests.withdrawn_after_switch > 0 {
            let n = requests.withdrawn_after_switch;
            faults.push(format!("{AFTER} answered {n} requests after the switch"));
        }
        if let Some(production) = self.production().filter(|production| production != BEFORE) {
            faults.push(format!("the registry's file says that {production} is in production"));
        }
        faults
    }

    /// What the registry's file says.
    fn production(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.folder.registry()).ok()?;
        let registry: Json = serde_json::from_str(&text).ok()?;
        let entries = registry["models"].as_array()?;
        let production = entries.iter().find(|entry| entry["is_production"] == true)?;
        Some(production["version"].as_str()?.to_owned())
    }
}
