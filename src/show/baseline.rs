//! What `baseline` wrote, next to what was there before.

use serde::Serialize;

use super::Screen;
use crate::model::{Baseline, ModelId, Signal, VersionId};
use crate::phrases::{Unit, count, signal};

/// One baseline, before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BaselineChange {
    /// Which model.
    pub model: ModelId,
    /// Which version.
    pub version: VersionId,
    /// What was measured.
    pub signal: Signal,
    /// What the registry had.
    pub before: Option<Baseline>,
    /// What it has now; `None` if nothing was measured and the old one stays.
    pub after: Option<Baseline>,
}

/// A table of what was written.
#[must_use]
pub fn baselines(written: &[BaselineChange], screen: Screen) -> String {
    let rows: Vec<Vec<String>> = written
        .iter()
        .map(|one| {
            vec![
                one.model.to_string(),
                one.version.to_string(),
                signal(one.signal).to_owned(),
                reads(one.signal, one.before),
                one.after.map_or("unchanged".to_owned(), |now| reads(one.signal, Some(now))),
            ]
        })
        .collect();
    screen.table(&["model", "version", "baseline", "before", "now"], &rows, &[])
}

fn reads(signal: Signal, baseline: Option<Baseline>) -> String {
    let Some(baseline) = baseline else { return "none".to_owned() };
    // A registry keeps the share of right answers, which is shown as it is kept.
    format!("{} of {}", Unit::new(signal, false).value(baseline.value), count(baseline.n))
}
