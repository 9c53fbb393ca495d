//! The live numbers of a replay over time, taken once an hour of event time and whenever a
//! version's verdict changed.

use std::collections::BTreeMap;

use crate::model::{Baselines, EventTime, ModelId, Span, VersionId};
use crate::roles::ingest::pipeline::UnmeasuredRecord;
use crate::shard::{Output, Status};
use crate::show::data::{Point, Series};

/// The time between two looks.
const EVERY: Span = Span::from_s(3600);

/// What a replay saw in addition to its outputs.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The live numbers over time.
    pub series: Series,
    looked_at: Option<EventTime>,
    /// The version first seen in production, by model.
    pub production: BTreeMap<ModelId, VersionId>,
    /// The baselines of each version in the registry at the start; no entry for a model that it
    /// does not know.
    pub registry: BTreeMap<ModelId, BTreeMap<VersionId, Baselines>>,
    /// Predictions that stated no role and got one from the registry.
    pub stamped: u64,
    /// Records of models that were not asked for.
    pub passed_over: BTreeMap<String, u64>,
    /// Health and run records, which no trigger judges.
    pub unjudged: u64,
    /// Records that could not be used: the first few of each code, with file and line.
    pub refused: Vec<(String, UnmeasuredRecord)>,
    /// What is odd about the files.
    pub notes: Vec<String>,
}

impl History {
    /// Whether it is time for another look.
    pub(super) fn due(&mut self, now: EventTime) -> bool {
        let due = self.looked_at.is_none_or(|last| now - last >= EVERY);
        if due {
            self.looked_at = Some(now);
        }
        due
    }

    /// Takes the live numbers.
    pub(crate) fn take(&mut self, status: &Status) {
        for (model, known) in &status.models {
            if let Some(production) = &known.production {
                self.production.entry(model.clone()).or_insert_with(|| production.clone());
            }
            for (version, known) in &known.versions {
                for signal in &known.signals {
                    let (trigger, feature) = (signal.trigger.clone(), signal.feature.clone());
                    let line = (model.clone(), version.clone(), trigger, feature);
                    self.series.add(line, Point::from(signal));
                }
            }
        }
    }

    /// Takes a verdict that changed.
    pub(crate) fn output(&mut self, output: &Output) {
        let Output::Decision(decision) = output else { return };
        let a = &decision.assessment;
        let line = (a.model.clone(), a.version.clone(), a.trigger.clone(), a.feature.clone());
        self.series.add(line, Point::from(decision.as_ref()));
    }
}
