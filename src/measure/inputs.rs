//! Recorded inputs, kept until another version may have answered the same request.
//!
//! They are large, so they are kept for [`TOGETHER`] and not for the label horizon, side by side
//! in one block per pane, and a block is dropped whole. Past the bytes that they may take, the
//! oldest block goes early: what two versions were asked long apart is then not compared.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::names::FeatureIx;
use super::panes::Panes;
use super::table::Table;
use crate::model::{EventTime, Feature, Span};
use crate::sums::Grid;

/// How far apart two versions may answer for their inputs to be compared.
pub(super) const TOGETHER: Span = Span::from_s(300);

/// Lists of features of which an answer may share one.
const LISTS: usize = 16;

/// One input.
#[derive(Debug, Clone, Copy)]
pub(super) enum InputValue<'a> {
    Number(f64),
    Category(&'a str),
    Missing,
    Unusable,
}

impl InputValue<'_> {
    pub(super) fn count(self, grid: &mut Grid, cap: usize) {
        match self {
            Self::Number(number) => grid.number(number),
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

/// An input in eight bytes: a number, or a NaN whose bits say what else it is.
#[derive(Debug, Clone, Copy)]
struct PackedInput(u64);

impl PackedInput {
    const OTHER: u64 = 0x7ff8 << 48;
    const MISSING: Self = Self(Self::OTHER);
    const UNUSABLE: Self = Self(Self::OTHER | 1);
    const NAN: Self = Self(Self::OTHER | 2);
    /// From here on a category, by its number in the block.
    const CATEGORY: u64 = Self::OTHER | 3;

    fn number(number: f64) -> Self {
        if number.is_nan() { Self::NAN } else { Self(number.to_bits()) }
    }

    fn category(number: u32) -> Self {
        Self(Self::CATEGORY + u64::from(number))
    }
}

/// The inputs of one answer, in the order of their indices.
#[derive(Debug)]
struct KeptInputs {
    of: Arc<[FeatureIx]>,
    values: Box<[PackedInput]>,
}

/// The inputs of answers that are needed until the same time.
#[derive(Debug)]
struct InputsBlock {
    answers: Vec<KeptInputs>,
    categories: Table<Box<str>, ()>,
    bytes: usize,
}

impl InputsBlock {
    fn new() -> Self {
        Self { answers: Vec::new(), categories: Table::new(), bytes: 0 }
    }

    fn packed(&mut self, feature: &Feature<'_>) -> PackedInput {
        match feature {
            Feature::Number(number) => PackedInput::number(*number),
            Feature::Category(name) => PackedInput::category(match self.categories.find(0, name) {
                Some(known) => known,
                None => {
                    self.bytes += name.len() + size_of::<Box<str>>();
                    self.categories.add(0, name.as_ref().into(), ())
                }
            }),
            Feature::Missing => PackedInput::MISSING,
            Feature::Unusable => PackedInput::UNUSABLE,
        }
    }

    fn value(&self, packed: PackedInput) -> InputValue<'_> {
        match packed.0.checked_sub(PackedInput::OTHER) {
            Some(0) => InputValue::Missing,
            Some(1) => InputValue::Unusable,
            Some(2) => InputValue::Number(f64::NAN),
            Some(other @ ..=0xffff_ffff) => {
                InputValue::Category(self.categories.at((other - 3) as u32).1)
            }
            // Negative numbers are above, all others below.
            Some(_) | None => InputValue::Number(f64::from_bits(packed.0)),
        }
    }
}

/// The inputs of recent answers, by the end of the pane in which they are last needed.
#[derive(Debug)]
pub(super) struct RecentInputs {
    blocks: BTreeMap<EventTime, InputsBlock>,
    /// Features that the last answers had, in the order of their indices: most have the same.
    lists: VecDeque<Arc<[FeatureIx]>>,
    bytes: usize,
    most: usize,
    /// Blocks up to this one went early: nothing more is kept in them.
    gone: Option<EventTime>,
    dropped: u64,
    /// Scratch: the inputs being kept.
    pairs: Vec<(FeatureIx, PackedInput)>,
}

impl RecentInputs {
    pub(super) fn new() -> Self {
        let (blocks, lists, pairs) = Default::default();
        Self { blocks, lists, bytes: 0, most: usize::MAX, gone: None, dropped: 0, pairs }
    }

    /// How many bytes they may take.
    pub(super) fn limit(&mut self, most: usize) {
        self.most = most;
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Answers whose inputs went early, since this was last asked.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

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
        let until = panes.end_of(ts + TOGETHER);
        // Past its bytes with one block alone it keeps no more in that one.
        let full = self.bytes > self.most && self.blocks.len() == 1;
        if Some(until) <= self.gone || full && self.blocks.contains_key(&until) {
            self.dropped += 1;
            return InputsPlace::NONE;
        }
        let block = self.blocks.entry(until).or_insert_with(InputsBlock::new);
        let Ok(place) = u32::try_from(block.answers.len()) else { return InputsPlace::NONE };
        let before = block.bytes;
        self.pairs.clear();
        self.pairs.extend(inputs.map(|(index, feature)| (index, block.packed(feature))));
        self.pairs.sort_by_key(|(index, _)| *index);
        let known = Arc::strong_count;
        let of = shared(&mut self.lists, self.pairs.iter().map(|(index, _)| *index));
        // The list of features counts with the first who has it.
        block.bytes += if known(&of) == 2 { size_of_val(&*of) } else { 0 };
        let values: Box<[_]> = self.pairs.iter().map(|(_, value)| *value).collect();
        block.bytes += size_of::<KeptInputs>() + size_of_val(&*values);
        block.answers.push(KeptInputs { of, values });
        self.bytes += block.bytes - before;
        self.trim(until);
        InputsPlace(place)
    }

    /// Past their bytes the oldest go, but for the block that was just added to.
    fn trim(&mut self, added: EventTime) {
        while self.bytes > self.most {
            match self.blocks.first_entry().filter(|first| *first.key() != added) {
                Some(first) => {
                    self.gone = Some(*first.key());
                    let block = first.remove();
                    self.bytes -= block.bytes;
                    self.dropped += block.answers.len() as u64;
                }
                None => return,
            }
        }
    }

    /// The inputs of an answer given at `ts`, in the order of their indices.
    pub(super) fn at<'a>(
        &'a self,
        ts: EventTime,
        place: InputsPlace,
        panes: &Panes,
    ) -> impl Iterator<Item = (FeatureIx, InputValue<'a>)> + use<'a> {
        let block = self.blocks.get(&panes.end_of(ts + TOGETHER));
        let kept = block.and_then(|block| Some((block, block.answers.get(place.0 as usize)?)));
        kept.into_iter().flat_map(|(block, kept)| {
            let values = kept.values.iter().map(|packed| block.value(*packed));
            kept.of.iter().copied().zip(values)
        })
    }

    /// Drops what no open pane can need.
    pub(super) fn forget(&mut self, mark: EventTime) {
        while let Some(first) = self.blocks.first_entry().filter(|first| *first.key() <= mark) {
            self.bytes -= first.remove().bytes;
        }
    }
}

/// The list of these features: one that an answer before had, if it is the same.
fn shared(
    lists: &mut VecDeque<Arc<[FeatureIx]>>,
    features: impl ExactSizeIterator<Item = FeatureIx> + Clone,
) -> Arc<[FeatureIx]> {
    let known = lists
        .iter()
        .find(|list| list.len() == features.len() && list.iter().copied().eq(features.clone()));
    if let Some(known) = known {
        return Arc::clone(known);
    }
    let new: Arc<[_]> = features.collect();
    if lists.len() == LISTS {
        lists.pop_front();
    }
    lists.push_back(Arc::clone(&new));
    new
}
