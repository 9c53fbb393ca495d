//! What `baseline` wrote, beside what stood there.

use serde::Serialize;

use super::lines::table;
use crate::model::{Baseline, ModelId, Signal, VersionId};
use crate::phrases::words::{count, number, percent};

/// One baseline, before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BaselineChange {
    /// Which model.
    pub model: ModelId,
    /// Which version.
    pub version: VersionId,
    /// What was measured.
    pub signal: Signal,
    /// What the registry said.
    pub before: Option<Baseline>,
    /// What it says now; none: nothing was measured, and what stood there stands.
    pub after: Option<Baseline>,
}

/// A table of what was written.
#[must_use]
pub fn baselines(written: &[BaselineChange]) -> String {
    let rows: Vec<Vec<String>> = written
        .iter()
        .map(|one| {
            vec![
                one.model.to_string(),
                one.version.to_string(),
                name(one.signal).to_owned(),
                reads(one.signal, one.before),
                one.after.map_or("as before".to_owned(), |now| reads(one.signal, Some(now))),
            ]
        })
        .collect();
    table(&["model", "version", "baseline", "before", "now"], &rows, &[])
}

fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::Accuracy => "accuracy",
        Signal::ErrorRate => "error rate",
        Signal::Latency => "mean latency",
        Signal::FeatureDrift => "drift",
    }
}

fn reads(signal: Signal, baseline: Option<Baseline>) -> String {
    let Some(baseline) = baseline else { return "none".to_owned() };
    let value = match signal {
        Signal::Accuracy | Signal::ErrorRate => percent(baseline.value),
        Signal::Latency => format!("{} ms", number(baseline.value)),
        Signal::FeatureDrift => number(baseline.value),
    };
    format!("{value} of {}", count(baseline.n))
}
