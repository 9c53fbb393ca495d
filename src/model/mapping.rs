//! Mappings: how a record of any form becomes samples.
//!
//! Law: what stands where in whose telemetry is data. The config writes it, and the decoder reads
//! it; nothing else knows a producer's form.

mod path;
mod place;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{SampleKind, Span};
pub use path::{PathPattern, PathPiece};
pub use place::{FieldPlace, PathStep, Piece, PlaceMove, PlaceRoot, TextEncoding, TextView};
pub use tree::{InTree, PlaceNode, PlaceTree};

/// How the records of a topic become samples.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapping {
    /// The preset that it begins with.
    pub dialect: Option<String>,
    /// The kind of every record. `None` if the field `type` decides.
    pub kind: Option<SampleKind>,
    /// The rule of each sample field.
    pub fields: BTreeMap<String, FieldRule>,
    /// The inputs of the model.
    pub features: Option<FeaturesRule>,
    /// Sample fields that are the same for every record.
    pub constants: BTreeMap<String, Json>,
    /// Where the samples of one record stand, if it has several.
    pub each: EachRule,
    /// What a record, or an element of it, must say to be a sample at all.
    pub only: Vec<OnlyRule>,
    /// Whether pointers begin in the data of an event.
    pub envelope: bool,
    /// How the two halves of a call meet.
    pub pair: Option<PairRule>,
    /// What the path of a file says.
    pub path: Option<PathPattern>,
    /// Bytes before the value.
    pub skip_bytes: usize,
    /// Whether a second record of one id is another sample.
    pub numbers_repeats: bool,
    /// Whether a field without a rule is looked for under its own name.
    pub own_names: bool,
    /// Where those fields stand.
    pub own: Vec<(String, FieldPlace)>,
    /// Fields whose rules nobody wrote: they come with the preset.
    pub preset: BTreeSet<String>,
    /// The places in the record that are found in one pass.
    pub record: PlaceTree,
    /// The places in an element, likewise.
    pub element: PlaceTree,
}

/// What a sample's field is made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldRule {
    /// The places where it may stand; the first that has a value counts.
    pub from: Vec<FieldPlace>,
    /// What is subtracted: a duration is the difference of two times.
    pub minus: Option<FieldPlace>,
    /// The value if none of the places has one. It is used as it is.
    pub default: Option<Json>,
    /// Words for words; the first pattern that fits counts.
    pub values: Vec<(ValuePattern, String)>,
    /// What a number counts, for a time or a duration.
    pub unit: Option<TimeUnit>,
    /// The zone of a time that names none.
    pub zone: Option<Zone>,
    /// How the value is read.
    pub reading: Option<Reading>,
    /// What the elements of a list are called, so that the largest one has a name.
    pub names: Option<NamesRule>,
    /// Where the shape of a tensor may stand, of which each element is a row.
    pub shape: Vec<FieldPlace>,
}

impl FieldRule {
    /// The value that stands at this place.
    #[must_use]
    pub fn at(place: FieldPlace) -> Self {
        Self { from: vec![place], ..Self::default() }
    }

    /// Whether it is no more than a place.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let Self { from, minus, default, values, unit, zone, reading, names, shape } = self;
        from.len() == 1
            && minus.is_none()
            && default.is_none()
            && values.is_empty()
            && unit.is_none()
            && zone.is_none()
            && reading.is_none()
            && names.is_none()
            && shape.is_empty()
    }

    fn places_mut(&mut self) -> impl Iterator<Item = &mut FieldPlace> {
        let Self { from, minus, names, shape, .. } = self;
        let names = names.as_mut().and_then(NamesRule::place_mut);
        from.iter_mut().chain(minus).chain(names).chain(shape)
    }
}

/// What the inputs of the model are made of.
#[derive(Debug, Clone, PartialEq)]
pub enum FeaturesRule {
    /// Those that stand together.
    Together(FeatureSet),
    /// Each at a place of its own.
    Apart(BTreeMap<String, FieldRule>),
}

/// Inputs that stand together: an object of names and values, or a list of values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeatureSet {
    /// The places where they may stand; the first that has a value counts.
    pub from: Vec<FieldPlace>,
    /// The names of values in a list; none: `f0`, `f1` and so on.
    pub names: Option<NamesRule>,
    /// Where the shape of a tensor may stand, of which each element is a row.
    pub shape: Vec<FieldPlace>,
    /// Members of the object that are none.
    pub without: BTreeSet<String>,
    /// How the names of members begin that are inputs.
    pub prefix: Option<String>,
}

impl FeatureSet {
    /// Whether it is no more than the place of an object.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let Self { from, names, shape, without, prefix } = self;
        from.len() == 1
            && names.is_none()
            && shape.is_empty()
            && without.is_empty()
            && prefix.is_none()
    }
}

/// Names that stand apart from what they name.
#[derive(Debug, Clone, PartialEq)]
pub enum NamesRule {
    /// These.
    Given(Vec<String>),
    /// The list at this place.
    At(FieldPlace),
}

impl NamesRule {
    const fn place_mut(&mut self) -> Option<&mut FieldPlace> {
        match self {
            Self::Given(_) => None,
            Self::At(place) => Some(place),
        }
    }
}

/// Where the samples of one record stand; none: the record is one sample. The first place that has
/// a value counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EachRule {
    /// In a record that asks.
    pub asked: Vec<FieldPlace>,
    /// In one that answers.
    pub answered: Vec<FieldPlace>,
    /// In any other.
    pub others: Vec<FieldPlace>,
}

impl EachRule {
    /// The places for records of this kind.
    #[must_use]
    pub fn of(&self, kind: Option<SampleKind>) -> &[FieldPlace] {
        match kind {
            Some(SampleKind::Asked) => &self.asked,
            Some(SampleKind::Answered) => &self.answered,
            Some(_) | None => &self.others,
        }
    }
}

/// What a place must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct OnlyRule {
    /// The place.
    pub place: FieldPlace,
    /// One of these.
    pub is: Vec<ValuePattern>,
}

/// How the two halves of a call meet.
#[derive(Debug, Clone, PartialEq)]
pub struct PairRule {
    /// Where what both have in common may stand.
    pub by: Vec<FieldPlace>,
    /// How long the first one waits.
    pub within: Span,
    /// Whether a call that was not answered in time has failed; else it is left out.
    pub missing_is_error: bool,
}

/// Which values are meant.
#[derive(Debug, Clone, PartialEq)]
pub enum ValuePattern {
    /// The text of a value, with `*` at either end for anything.
    Text(String),
    /// Whole numbers from one to the other, both included.
    Numbers(i64, i64),
    /// Any value at all.
    Present,
    /// No value.
    Absent,
}

/// What a number of a time or a duration counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

impl TimeUnit {
    /// Nanoseconds in one of it.
    #[must_use]
    pub const fn nanoseconds(self) -> i128 {
        match self {
            Self::Seconds => 1_000_000_000,
            Self::Milliseconds => 1_000_000,
            Self::Microseconds => 1_000,
            Self::Nanoseconds => 1,
        }
    }
}

/// A time zone by its name in the database of the IANA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(pub chrono_tz::Tz);

/// How a label is read from what stands at its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    /// A number, also from a text.
    Number,
    /// A text, also from a number.
    Text,
    /// true or false, also from their texts.
    Boolean,
    /// The index or name of the largest number of a list.
    Argmax,
    /// The largest number of a list.
    Max,
    /// 1 if the number is at least this, else 0.
    Threshold(f64),
}

impl Mapping {
    /// Finds which places one pass over a record, or over an element, finds. Without it each place
    /// is looked for by itself.
    #[must_use]
    pub fn planned(mut self) -> Self {
        self.leave_out_fields();
        let (mut record, mut element) = (PlaceTree::default(), PlaceTree::default());
        for place in self.places_mut() {
            place.plan(&mut record, &mut element);
        }
        if let Some(FeaturesRule::Together(set)) = &self.features
            && set.is_plain()
            && let Some(place) = set.from.first()
        {
            record.read_features(place, PlaceRoot::is_record);
            element.read_features(place, PlaceRoot::is_element);
        }
        if let Some((_, place)) = self.own.iter().find(|(name, _)| name == "features") {
            record.read_features(place, PlaceRoot::is_record);
        }
        (self.record, self.element) = (record, element);
        self
    }

    /// Of the inputs that are a whole record or element, what other fields take is none.
    fn leave_out_fields(&mut self) {
        let Some(FeaturesRule::Together(set)) = &mut self.features else { return };
        let whole = set.from.iter().filter(|place| place.steps.is_empty());
        let roots: Vec<_> = whole.map(|place| place.root.clone()).collect();
        let places = self.fields.values().flat_map(|rule| rule.from.iter().chain(&rule.minus));
        let taken = places.filter(|place| roots.contains(&place.root));
        set.without.extend(taken.filter_map(|place| match place.steps.first() {
            Some(PathStep::Member(name)) => Some(name.clone()),
            Some(PathStep::Star | PathStep::Where(..)) | None => None,
        }));
    }

    /// Every place that it reads.
    pub fn places(&self) -> impl Iterator<Item = &FieldPlace> {
        let mut all: Vec<&FieldPlace> = Vec::new();
        for rule in self.fields.values() {
            all.extend(rule.from.iter().chain(&rule.minus).chain(&rule.shape));
        }
        match &self.features {
            Some(FeaturesRule::Together(set)) => all.extend(set.from.iter().chain(&set.shape)),
            Some(FeaturesRule::Apart(rules)) => {
                all.extend(rules.values().flat_map(|rule| &rule.from));
            }
            None => {}
        }
        all.extend(self.each.asked.iter().chain(&self.each.answered).chain(&self.each.others));
        all.extend(self.only.iter().map(|only| &only.place));
        all.extend(self.pair.iter().flat_map(|pair| &pair.by));
        all.into_iter()
    }

    fn places_mut(&mut self) -> impl Iterator<Item = &mut FieldPlace> {
        let mut all: Vec<&mut FieldPlace> = Vec::new();
        self.fields.values_mut().for_each(|rule| all.extend(rule.places_mut()));
        match &mut self.features {
            Some(FeaturesRule::Together(set)) => {
                let names = set.names.as_mut().and_then(NamesRule::place_mut);
                all.extend(set.from.iter_mut().chain(names).chain(&mut set.shape));
            }
            Some(FeaturesRule::Apart(rules)) => {
                rules.values_mut().for_each(|rule| all.extend(rule.places_mut()));
            }
            None => {}
        }
        let EachRule { asked, answered, others } = &mut self.each;
        all.extend(asked.iter_mut().chain(answered).chain(others));
        all.extend(self.only.iter_mut().map(|only| &mut only.place));
        all.extend(self.pair.iter_mut().flat_map(|pair| &mut pair.by));
        all.extend(self.own.iter_mut().map(|(_, place)| place));
        all.into_iter()
    }
}
