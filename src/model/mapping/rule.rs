//! What a mapping says of one field, and of whole records.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::place::FieldPlace;
use crate::model::{SampleKind, Span};

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
    /// The value at this place.
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

    pub(super) fn places_mut(&mut self) -> impl Iterator<Item = &mut FieldPlace> {
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
    pub(super) const fn place_mut(&mut self) -> Option<&mut FieldPlace> {
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

/// A time zone by its name in the database of the IANA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(pub chrono_tz::Tz);

/// How a label is read from the value at its place.
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
