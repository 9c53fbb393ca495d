//! How versions compare on the same requests, by the latest numbers.

use std::collections::BTreeMap;

use crate::model::{EventTime, Limit, ModelId, Reason, Reference, VersionId};
use crate::phrases::{by, count, moment, points};
use crate::shard::{Decision, SignalStatus, Status};

/// A version against another.
struct Pair {
    other: VersionId,
    value: f64,
    n: u64,
    since: Option<EventTime>,
}

/// What is known, by version.
#[derive(Default)]
pub(super) struct PairProgress(BTreeMap<(ModelId, VersionId), Pair>);

impl PairProgress {
    /// Takes live numbers.
    pub(super) fn take(&mut self, status: &Status) {
        for (model, known) in &status.models {
            let versions = &known.versions;
            for (version, known) in versions {
                let paired = |signal: &&SignalStatus| matches!(signal.limit, Limit::Paired(_));
                let Some(pair) = known.signals.iter().find(paired) else { continue };
                // Under the threshold no version is compared; of two versions it is the other one.
                let other = pair.better.first().map(|(other, _)| other).or_else(|| {
                    let mut others = versions.keys().filter(|other| *other != version);
                    others.next().filter(|_| others.next().is_none())
                });
                if let (Some(other), Some(value)) = (other, pair.value) {
                    let (other, n, since) = (other.clone(), pair.samples, pair.since);
                    let known = Pair { other, value, n, since };
                    self.0.insert((model.clone(), version.clone()), known);
                }
            }
        }
    }

    /// How the others do when the evidence against this version is over its threshold.
    pub(super) fn others(&self, decision: &Decision) -> String {
        let a = &decision.assessment;
        let Some(other) = a.against.first() else {
            return "Nothing shows that another version would be better.".to_owned();
        };
        let no_better = match a.reason {
            Reason::ReferenceAlsoOver => format!("{} is over the same limit", other.version),
            Reason::UnderThreshold
            | Reason::TooFewSamples
            | Reason::NoBaseline
            | Reason::Incomplete
            | Reason::Lost
            | Reason::LabelTypes
            | Reason::Silent
            | Reason::NoLabels
            | Reason::BenefitShown
            | Reason::PairedWithinTolerance
            | Reason::DriftShared
            | Reason::DriftOwn
            | Reason::BenefitUnproven
            | Reason::NoReference => format!("{} does no better", other.version),
        };
        match self.difference(decision).filter(|_| other.reference == Reference::Paired) {
            Some(difference) if a.reason == Reason::ReferenceAlsoOver => {
                format!("{no_better}; {difference}.")
            }
            // Since a start of their own the pairs may differ by more than is tolerated.
            Some(_) | None => format!("{no_better}{}.", by(other.reference)),
        }
    }

    /// How much more or less often a version was wrong than the other, in words.
    pub(super) fn difference(&self, decision: &Decision) -> Option<String> {
        let a = &decision.assessment;
        let key = (a.model.clone(), a.version.clone());
        let (other, value, n, since) = match a.evidence.limit {
            Limit::Paired(_) => {
                let e = &a.evidence;
                (&a.against.first()?.version, e.estimate?, e.samples, e.since)
            }
            Limit::Baseline(_) | Limit::Rate(_) | Limit::MeanMs { .. } | Limit::Psi { .. } => {
                let Pair { other, value, n, since } = self.0.get(&key)?;
                (other, *value, *n, *since)
            }
        };
        let shown = points(value.abs());
        let often = match value {
            _ if shown == points(0.0) => "as often as".to_owned(),
            value if value < 0.0 => format!("{shown} less often than"),
            _ => format!("{shown} more often than"),
        };
        let since = since.map_or(String::new(), |at| format!(" since {}", moment(at)));
        Some(format!(
            "on the same requests {} was wrong {often} {other} ({} pairs{since})",
            a.version,
            count(n)
        ))
    }
}
