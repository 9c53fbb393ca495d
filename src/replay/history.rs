//! The live numbers of a replay over time, taken once an hour of event time and whenever a
//! version's verdict changed: what the charts draw.

use std::collections::BTreeMap;

use crate::model::{
    Baselines, EventTime, FeatureName, ModelId, Span, TriggerId, Verdict, VersionId,
};
use crate::shard::{Decision, Output, SignalStatus, Status};

/// The time between two looks.
const EVERY: Span = Span::from_s(3600);

/// Whose numbers: a version by one trigger, of one input where the trigger reads inputs.
pub type SeriesKey = (ModelId, VersionId, TriggerId, Option<FeatureName>);

/// A trigger's numbers at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Event time up to which they hold.
    pub at: EventTime,
    /// What is said.
    pub verdict: Verdict,
    /// The statistic.
    pub statistic: f64,
    /// What it must reach.
    pub threshold: f64,
    /// The value since the likely change.
    pub value: Option<f64>,
    /// Where the tolerated ends.
    pub null: Option<f64>,
    /// Samples since the likely change.
    pub samples: u64,
}

/// What a replay saw besides what was put out.
#[derive(Debug, Clone, Default)]
pub struct History {
    lines: BTreeMap<SeriesKey, Vec<Point>>,
    looked_at: Option<EventTime>,
    /// The version first seen in production, by model.
    pub production: BTreeMap<ModelId, VersionId>,
    /// What the registry said of each version's baselines at the start; no entry: it does not
    /// know the model.
    pub registry: BTreeMap<ModelId, BTreeMap<VersionId, Baselines>>,
    /// Predictions that stated no role and got one from the registry.
    pub stamped: u64,
    /// Records of models that were not asked for.
    pub passed_over: BTreeMap<String, u64>,
    /// Records that could not be used: the first few of each code, with file and line.
    pub refused: Vec<(String, crate::roles::ingest::pipeline::UnmeasuredRecord)>,
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
                    let line = (
                        model.clone(),
                        version.clone(),
                        signal.trigger.clone(),
                        signal.feature.clone(),
                    );
                    self.point(line, of_status(signal));
                }
            }
        }
    }

    /// Takes a verdict that changed.
    pub(crate) fn output(&mut self, output: &Output) {
        let Output::Decision(decision) = output else { return };
        let a = &decision.assessment;
        let line = (a.model.clone(), a.version.clone(), a.trigger.clone(), a.feature.clone());
        self.point(line, of_decision(decision));
    }

    fn point(&mut self, line: SeriesKey, point: Point) {
        let points = self.lines.entry(line).or_default();
        match points.last_mut() {
            Some(last) if last.at == point.at => *last = point,
            Some(last) if last.at > point.at => {}
            Some(_) | None => points.push(point),
        }
    }

    /// All lines.
    pub fn lines(&self) -> impl Iterator<Item = (&SeriesKey, &[Point])> {
        self.lines.iter().map(|(line, points)| (line, points.as_slice()))
    }

    /// The numbers of a version by a trigger without inputs.
    #[must_use]
    pub fn line(&self, model: &ModelId, version: &VersionId, trigger: &TriggerId) -> &[Point] {
        let line = (model.clone(), version.clone(), trigger.clone(), None);
        self.lines.get(&line).map_or(&[], Vec::as_slice)
    }
}

fn of_status(signal: &SignalStatus) -> Point {
    Point {
        at: signal.at,
        verdict: signal.verdict,
        statistic: signal.evidence,
        threshold: signal.threshold,
        value: signal.value,
        null: signal.null,
        samples: signal.samples,
    }
}

fn of_decision(decision: &Decision) -> Point {
    let (a, evidence) = (&decision.assessment, &decision.assessment.evidence);
    Point {
        at: a.at,
        verdict: a.verdict,
        statistic: evidence.statistic,
        threshold: evidence.threshold,
        value: evidence.estimate,
        null: evidence.null,
        samples: evidence.samples,
    }
}
