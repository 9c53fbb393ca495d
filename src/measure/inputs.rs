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

/// The place of an answer's inputs in the block of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InputsPlace(pub(super) u32);

impl InputsPlace {
    /// There are none, or they were not kept.
    pub(super) const NONE: Self = Self(u32::MAX);
}

/// The inputs of recent answers, by the end of the pane in which they are last needed.
#[derive(Debug, Default)]
pub(super) struct RecentInputs(BTreeMap<EventTime, Vec<KeptInputs>>);

/// The inputs of one answer, in the order of their indices.
type KeptInputs = Box<[(FeatureIx, InputValue)]>;

impl RecentInputs {
    /// Keeps the inputs of an answer given at `ts`, unless they are too old to be needed.
    pub(super) fn keep<'a>(
        &mut self,
        ts: EventTime,
        inputs: impl Iterator<Item = (FeatureIx, &'a Feature<'a>)>,
        panes: &Panes,
    ) -> InputsPlace {
        if panes.passed(ts + TOGETHER) {
            return InputsPlace::NONE;
        }
        let block = self.0.entry(panes.end_of(ts + TOGETHER)).or_default();
        let Ok(place) = u32::try_from(block.len()) else { return InputsPlace::NONE };
        let kept = inputs.map(|(index, feature)| (index, InputValue::of(feature)));
        let mut kept: Box<[_]> = kept.collect();
        kept.sort_by_key(|(index, _)| *index);
        block.push(kept);
        InputsPlace(place)
    }

    /// The inputs of an answer given at `ts`, in the order of their indices.
    pub(super) fn at(
        &self,
        ts: EventTime,
        place: InputsPlace,
        panes: &Panes,
    ) -> &[(FeatureIx, InputValue)] {
        let block = self.0.get(&panes.end_of(ts + TOGETHER));
        block.and_then(|block| block.get(place.0 as usize)).map_or(&[], |kept| kept)
    }

    /// Drops what no open pane can need.
    pub(super) fn forget(&mut self, mark: EventTime) {
        while self.0.first_entry().is_some_and(|first| *first.key() <= mark) {
            self.0.pop_first();
        }
    }
}
