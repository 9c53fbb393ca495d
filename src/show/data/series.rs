//! The live numbers over time: what charts draw.

use std::collections::BTreeMap;

use crate::model::{EventTime, FeatureName, ModelId, TriggerId, Verdict, VersionId};
use crate::shard::{Decision, SignalStatus};

/// Whose numbers: a version by one trigger, and the input where the trigger reads inputs.
pub type SeriesKey = (ModelId, VersionId, TriggerId, Option<FeatureName>);

/// A trigger's numbers at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Event time up to which they hold.
    pub at: EventTime,
    /// The verdict.
    pub verdict: Verdict,
    /// The statistic.
    pub statistic: f64,
    /// The value at which the trigger fires.
    pub threshold: f64,
    /// The value since the likely change.
    pub value: Option<f64>,
    /// The largest value that is tolerated.
    pub null: Option<f64>,
    /// Samples since the likely change.
    pub samples: u64,
}

impl From<&SignalStatus> for Point {
    fn from(signal: &SignalStatus) -> Self {
        Self {
            at: signal.at,
            verdict: signal.verdict,
            statistic: signal.evidence,
            threshold: signal.threshold,
            value: signal.value,
            null: signal.null,
            samples: signal.samples,
        }
    }
}

impl From<&Decision> for Point {
    fn from(decision: &Decision) -> Self {
        let (a, evidence) = (&decision.assessment, &decision.assessment.evidence);
        Self {
            at: a.at,
            verdict: a.verdict,
            statistic: evidence.statistic,
            threshold: evidence.threshold,
            value: evidence.estimate,
            null: evidence.null,
            samples: evidence.samples,
        }
    }
}

/// The numbers of every version by every trigger.
#[derive(Debug, Clone, Default)]
pub struct Series(BTreeMap<SeriesKey, Vec<Point>>);

impl Series {
    /// Adds a point; it replaces one of the same moment, and an older one is left out.
    pub fn add(&mut self, line: SeriesKey, point: Point) {
        let points = self.0.entry(line).or_default();
        match points.last_mut() {
            Some(last) if last.at == point.at => *last = point,
            Some(last) if last.at > point.at => {}
            Some(_) | None => points.push(point),
        }
    }

    /// All lines.
    pub fn lines(&self) -> impl Iterator<Item = (&SeriesKey, &[Point])> {
        self.0.iter().map(|(line, points)| (line, points.as_slice()))
    }

    /// The numbers of a version by a trigger that reads no inputs.
    #[must_use]
    pub fn line(&self, model: &ModelId, version: &VersionId, trigger: &TriggerId) -> &[Point] {
        let line = (model.clone(), version.clone(), trigger.clone(), None);
        self.0.get(&line).map_or(&[], Vec::as_slice)
    }
}
