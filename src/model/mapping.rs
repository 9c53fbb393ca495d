//! Mappings: how a record of any form becomes samples.
//!
//! Law: what stands where in whose telemetry is data. The config writes it, and the decoder reads
//! it; nothing else knows a producer's form.

use std::collections::BTreeMap;
use std::fmt;

use super::SampleKind;

/// How the records of a topic become samples.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapping {
    /// The kind of every record. `None` if the field `type` decides.
    pub kind: Option<SampleKind>,
    /// The rule of each sample field.
    pub fields: BTreeMap<String, FieldRule>,
    /// Sample fields that are the same for every record.
    pub constants: BTreeMap<String, serde_json::Value>,
}

/// What a sample's field is made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldRule {
    /// The places where it may stand; the first that has a value counts.
    pub from: Vec<FieldPlace>,
    /// What is subtracted: a duration is the difference of two times.
    pub minus: Option<FieldPlace>,
    /// The value if none of the places has one. It is used as it is.
    pub default: Option<serde_json::Value>,
    /// Words for words; the first pattern that fits counts.
    pub values: Vec<(ValuePattern, String)>,
    /// What a number counts, for a time or a duration.
    pub unit: Option<TimeUnit>,
    /// The zone of a time that names none.
    pub zone: Option<Zone>,
    /// How the value is read.
    pub reading: Option<Reading>,
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
        let Self { from, minus, default, values, unit, zone, reading } = self;
        from.len() == 1
            && minus.is_none()
            && default.is_none()
            && values.is_empty()
            && unit.is_none()
            && zone.is_none()
            && reading.is_none()
    }
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
    /// The index of the largest number of a list.
    Argmax,
    /// The largest number of a list.
    Max,
    /// 1 if the number is at least this, else 0.
    Threshold(f64),
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldPlace {
    /// As it was written.
    pub text: String,
    /// Where to begin.
    pub root: PlaceRoot,
    /// The way from there.
    pub steps: Vec<PathStep>,
    /// What is inside the text that stands there.
    pub views: Vec<TextView>,
}

/// Where a place begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceRoot {
    /// The record's value.
    Record,
    /// A header of the record.
    Header(String),
    /// The record's key.
    Key,
    /// When the log took the record.
    LogTime,
    /// Nowhere: the record does not say it.
    Nothing,
}

/// A step from a value to one in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    /// The member of this name, or the element of this number.
    Member(String),
    /// The only member or element.
    Only,
    /// The element of a list whose member of the first name has the second as its text.
    Where(String, String),
}

/// What a text contains, and the way on in there.
#[derive(Debug, Clone, PartialEq)]
pub struct TextView {
    /// How to read the text.
    pub of: TextEncoding,
    /// The way from there.
    pub steps: Vec<PathStep>,
}

/// How a text contains what it says.
#[derive(Debug, Clone, PartialEq)]
pub enum TextEncoding {
    /// JSON.
    Json,
    /// Base64 of another text.
    Base64,
    /// Base64 if the word at the place says so, else as it is.
    Stated(Box<FieldPlace>),
    /// A row of cells separated by commas, of which this one; `None`: all of them as a list.
    Csv(Option<usize>),
    /// JSON if it begins like an object or a list, else a row of cells.
    Auto,
    /// What stands between two texts: after the first, up to the second or the end.
    Part(Vec<Piece>),
}

/// A piece of a pattern for a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// This text.
    Text(String),
    /// Anything, up to what follows.
    Any,
    /// The same, and that is the value.
    Value,
}

impl fmt::Display for FieldPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
