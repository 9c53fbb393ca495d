//! The result of a run, and whether it is what it should be.

use std::path::Path;

use serde_json::Value as Json;

use super::callers::Requests;
use super::flights::{AFTER, BEFORE};
use crate::model::IncidentState;
use crate::replay::Replayed;
use crate::show::data::{CallCounts, Requested};

/// What callers counted.
pub(super) struct Observed<'a> {
    /// Requests for predictions.
    pub(super) requests: &'a Requests,
    /// Requests of the steady callers, and how many of their tries were repeated.
    pub(super) steady: (CallCounts, u64),
    /// Requests during the switch.
    pub(super) during_switch: CallCounts,
    /// Live answers of the withdrawn version when the switch was over, and at the end.
    pub(super) withdrawn: (Option<u64>, u64),
    /// The shares of right answers: served, and without a rollback.
    pub(super) shares: Option<(f64, f64)>,
}

impl Observed<'_> {
    /// The requests of the run.
    pub(super) fn requested(&self) -> Requested {
        let Requests { sent, failed, repeated, .. } = self.requests;
        let (steady, steady_repeated) = self.steady;
        let (at_switch, at_end) = self.withdrawn;
        Requested {
            sent: *sent,
            failed: failed + steady.failed,
            beside: steady.sent,
            repeated: repeated + steady_repeated,
            during_switch: self.during_switch,
            // A router that was restarted counts from zero.
            withdrawn_after_switch: at_end
                .checked_sub(at_switch.unwrap_or(at_end))
                .unwrap_or(at_end),
            accuracy_served: self.shares.map(|(served, _)| served),
            accuracy_without: self.shares.map(|(_, without)| without),
        }
    }
}

/// What went wrong. `first_failure`: the answer to the first request that failed; `registry`: the
/// registry's file.
pub(super) fn faults(
    replayed: &Replayed,
    requests: &Requested,
    first_failure: Option<&str>,
    registry: &Path,
) -> Vec<String> {
    let mut faults = Vec::new();
    let verified = |outcome| matches!(outcome, IncidentState::Verified | IncidentState::Resolved);
    match replayed.summary.rollbacks.as_slice() {
        [only] => {
            let to = only.to.as_ref().map_or("no version", |to| to.as_str());
            if (only.from.as_str(), to) != (AFTER, BEFORE) {
                faults.push(format!("{} was rolled back to {to}", only.from));
            }
            if only.verified_at.is_none() || !verified(only.outcome) {
                faults.push(format!("the rollback is not verified: {}", only.because));
            }
        }
        [] => faults.push("nothing was rolled back".to_owned()),
        several => faults.push(format!("there were {} rollbacks instead of one", several.len())),
    }
    if requests.failed > 0 {
        let why = first_failure.unwrap_or("health checks");
        faults.push(format!("{} requests failed: {why}", requests.failed));
    }
    if requests.withdrawn_after_switch > 0 {
        let n = requests.withdrawn_after_switch;
        faults.push(format!("{AFTER} answered {n} requests after the switch"));
    }
    if let Some(production) = production(registry).filter(|production| production != BEFORE) {
        faults.push(format!("the registry's file has {production} in production"));
    }
    faults
}

/// The production version in the registry's file.
fn production(registry: &Path) -> Option<String> {
    let text = std::fs::read_to_string(registry).ok()?;
    let registry: Json = serde_json::from_str(&text).ok()?;
    let entries = registry["models"].as_array()?;
    let production = entries.iter().find(|entry| entry["is_production"] == true)?;
    Some(production["version"].as_str()?.to_owned())
}
