//! A switch in stages: the withdrawn version keeps a share for a while, then a smaller one.
//!
//! Each stage returns *unknown*, so that the command is repeated; each repeat moves one stage
//! further once the current stage has been held long enough. The time of a stage is only in memory:
//! after a restart the worker continues from the weights it finds, with the next stage.

use std::collections::BTreeMap;

use super::admin::{ObservedRoute, RequestCounts};
use crate::edge::clock::Stopwatch;
use crate::model::{Span, VersionId};
use crate::router::Weight;

/// The stages of a switch.
#[derive(Debug, Clone, PartialEq)]
pub struct Stages {
    /// The share that the withdrawn version keeps in each stage, falling; after the last, none.
    pub left: Vec<Weight>,
    /// How long each stage is held.
    pub hold: Span,
    /// If a larger share of the target version's requests fails (0 to 1), the switch is reverted.
    pub gate: f64,
    /// How many requests it must have had in the stage before `gate` applies.
    pub minimum: u64,
}

/// A stage that was reached, and since when.
#[derive(Debug, Clone)]
pub(super) struct StageProgress {
    left: Weight,
    since: Stopwatch,
    counts: RequestCounts,
    /// The weights before the first stage.
    origin: BTreeMap<VersionId, Weight>,
    /// The switch is being reverted.
    pub(super) back: bool,
    pub(super) detail: String,
}

/// How far a switch may proceed.
pub(super) enum Ahead {
    /// To the end.
    All,
    /// Not yet.
    Wait(String),
    /// To these weights; this is the stage then.
    Set(BTreeMap<VersionId, Weight>, StageProgress),
}

/// How far a switch may proceed now.
pub(super) fn ahead(
    stages: &Stages,
    now: Option<&StageProgress>,
    seen: &ObservedRoute,
    version: &VersionId,
    instead_of: &VersionId,
) -> Ahead {
    let weight = |version| seen.weights_percent.get(version).copied().unwrap_or_default();
    let (up, down) = (weight(version), weight(instead_of));
    let counts = seen.versions.get(version).map(|version| version.live).unwrap_or_default();
    let held = stages.hold.as_s();
    // A stage does not count if others have changed the weights since.
    let now = now.filter(|stage| stage.left == down);
    if let Some(stage) = now {
        let passed = stage.since.elapsed();
        let RequestCounts { total, error, timeout } = stage.counts;
        let answers = counts.total.saturating_sub(total);
        let failed = (counts.error + counts.timeout).saturating_sub(error + timeout);
        if answers >= stages.minimum && failed as f64 > stages.gate * answers as f64 {
            let detail = format!(
                "{failed} of {answers} requests to {version} failed while {instead_of} kept \
                 {down}, so the former weights were restored; fix {version} or choose another one"
            );
            let back = StageProgress { back: true, detail, ..stage.clone() };
            return Ahead::Set(stage.origin.clone(), back);
        }
        if passed < stages.hold {
            return Ahead::Wait(format!(
                "{instead_of} keeps {down} for {held} s; {failed} of {answers} requests to \
                 {version} failed so far"
            ));
        }
    }
    let Some(left) = stages.left.iter().copied().find(|left| *left < down && left.is_some()) else {
        return Ahead::All;
    };
    let moved = Weight::from_percent(down.percent() - left.percent()).unwrap_or_default();
    let mut weights = seen.weights_percent.clone();
    weights.insert(version.clone(), up.plus(moved));
    weights.insert(instead_of.clone(), left);
    let origin = now.map_or_else(|| seen.weights_percent.clone(), |stage| stage.origin.clone());
    let detail = format!("{instead_of} keeps {left} for {held} s, {version} gets the rest");
    let since = Stopwatch::start();
    Ahead::Set(weights, StageProgress { left, since, counts, origin, back: false, detail })
}
