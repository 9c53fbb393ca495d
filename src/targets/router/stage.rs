//! The way down in stages: so much stays with the withdrawn version for a while, then less.
//!
//! A stage is one answer: *unknown*, so that the same is asked again, and each ask goes one stage on
//! when its time has come. Only memory knows since when: a worker that begins anew goes on from
//! where it finds the weights, with the next stage.

use std::collections::BTreeMap;

use super::admin::{ObservedRoute, RequestCounts};
use crate::edge::clock::Stopwatch;
use crate::model::{Span, VersionId};
use crate::router::Weight;

/// The way down.
#[derive(Debug, Clone, PartialEq)]
pub struct Stages {
    /// What stays with the withdrawn version, stage by stage, falling; then nothing.
    pub left: Vec<Weight>,
    /// How long each stage is held.
    pub hold: Span,
    /// More failures of the version that comes than this share, 0 to 1, and all goes back.
    pub gate: f64,
    /// If there were so many answers of it in the stage.
    pub minimum: u64,
}

/// A stage that was reached, and since when.
#[derive(Debug, Clone)]
pub(super) struct StageProgress {
    left: Weight,
    since: Stopwatch,
    counts: RequestCounts,
    /// As it was before the first stage.
    origin: BTreeMap<VersionId, Weight>,
    /// It is the way back.
    pub(super) back: bool,
    pub(super) detail: String,
}

/// What may be done now.
pub(super) enum Ahead {
    /// The rest of it.
    All,
    /// Nothing yet.
    Wait(String),
    /// These weights, and then there is this stage.
    Set(BTreeMap<VersionId, Weight>, StageProgress),
}

/// How far the way may be gone now.
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
    // A stage that others have since moved away from is none.
    let now = now.filter(|stage| stage.left == down);
    if let Some(stage) = now {
        let passed = stage.since.elapsed();
        let RequestCounts { total, error, timeout } = stage.counts;
        let answers = counts.total.saturating_sub(total);
        let failed = (counts.error + counts.timeout).saturating_sub(error + timeout);
        if answers >= stages.minimum && failed as f64 > stages.gate * answers as f64 {
            let detail = format!(
                "{failed} of {answers} requests to {version} failed while {down} stayed with \
                 {instead_of}, so all went back to how it was; mend {version}, or take another"
            );
            let back = StageProgress { back: true, detail, ..stage.clone() };
            return Ahead::Set(stage.origin.clone(), back);
        }
        if passed < stages.hold {
            return Ahead::Wait(format!(
                "{down} stay with {instead_of} for {held} s; {answers} requests to {version}, \
                 {failed} failed"
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
    let detail =
        format!("{left} stay with {instead_of} for {held} s, the rest of it is {version}'s");
    let since = Stopwatch::start();
    Ahead::Set(weights, StageProgress { left, since, counts, origin, back: false, detail })
}
