//! Recorded inputs, kept until another version may have answered the same request.
//!
//! They are large, so they are kept for [`TOGETHER`] and not for the label horizon, side by side
//! in one block per pane, and a block is dropped whole.

use std::collections::BTreeMap;

use super::names::FeatureIx;
use super::panes::Panes;
use crate::model::{EventTime, Feature, Span};
use crate::sums::Grid;

/// How far apart two versions may answer for their inputs to be compared.
pub(super) const TOGETHER: Span = Span::from_s(300);

/// One input.
#[derive(Debug)]
pub(super) enum InputValue {
    Number(f64),
    Category(Box<str>),
    Missing,
    Unusable,
}

impl InputValue {
    fn of(feature: &Feature<'_>) -> Self {
        match feature {
            Feature::Number(number) => Self::Number(*number),
            Feature::Category(name) => Self::Category(name.as_ref().into()),
            Feature::Missing => Self::Missing,
            Feature::Unusable => Self::Unusable,
        }
    }

    pub(super) fn count(&self, grid: &mut Grid, cap: usize) {
        match self {
            Self::Number(number) => grid.number(*number),
            Self::Category(name) => grid.category(name, cap),
            Self::Missing => grid.missing += 1,
            Self::Unusable => grid.unusable += 1,
        }
    }
}

/// Where the inputs of an answer stand in the block of its time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InputRange {
    start: u32,
    len: u32,
}

/// The inputs of recent answers, by the end of the pane in which they are last needed.
#[derive(Debug, Default)]
pub(super) struct RecentInputs(BTreeMap<EventTime, Vec<(FeatureIx, InputValue)>>);

impl RecentInputs {
    /// Keeps the inputs of an answer given at `ts`, unless they are too old to be needed.
    pub(super) fn keep<'a>(
        &mut self,
        ts: EventTime,
        inputs: impl Iterator<Item = (FeatureIx, &'a Feature<'a>)>,
        panes: &Panes,
    ) -> InputRange {
        if panes.passed(ts + TOGETHER) {
            return InputRange::default();
        }
        let block = self.0.entry(panes.end_of(ts + TOGETHER)).or_default();
        let start = block.len();
        block.extend(inputs.map(|(index, feature)| (index, InputValue::of(feature))));
        let kept = block.get_mut(start..).unwrap_or_default();
        kept.sort_by_key(|(index, _)| *index);
        match (u32::try_from(start), u32::try_from(kept.len())) {
            (Ok(start), Ok(len)) => InputRange { start, len },
            (Err(_), _) | (_, Err(_)) => InputRange::default(),
        }
    }

    /// The inputs of an answer given at `ts`, in the order of their indices.
    pub(super) fn at(
        &self,
        ts: EventTime,
        place: InputRange,
        panes: &Panes,
    ) -> &[(FeatureIx, InputValue)] {
        let (start, len) = (place.start as usize, place.len as usize);
        let block = self.0.get(&panes.end_of(ts + TOGETHER));
        block.and_then(|block| block.get(start..start + len)).unwrap_or_default()
    }

    /// Drops what no open pane can need.
    pub(super) fn forget(&mut self, mark: EventTime) {
        while self.0.first_entry().is_some_and(|first| *first.key() <= mark) {
            self.0.pop_first();
        }
    }
}
