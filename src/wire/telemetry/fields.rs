//! The known fields of a record, each read but not yet judged.

use std::borrow::Cow;
use std::fmt;

use crate::model::Feature;

/// A known field that holds one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldSlot {
    Type,
    Id,
    Request,
    Model,
    Version,
    Ts,
    Status,
    Role,
    Prediction,
    Score,
    LatencyMs,
    Actual,
    CpuRatio,
    MemoryBytes,
    Kind,
    Tags,
}

impl FieldSlot {
    pub(super) const ALL: [Self; 16] = [
        Self::Type,
        Self::Id,
        Self::Request,
        Self::Model,
        Self::Version,
        Self::Ts,
        Self::Status,
        Self::Role,
        Self::Prediction,
        Self::Score,
        Self::LatencyMs,
        Self::Actual,
        Self::CpuRatio,
        Self::MemoryBytes,
        Self::Kind,
        Self::Tags,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Id => "id",
            Self::Request => "request",
            Self::Model => "model",
            Self::Version => "version",
            Self::Ts => "ts",
            Self::Status => "status",
            Self::Role => "role",
            Self::Prediction => "prediction",
            Self::Score => "score",
            Self::LatencyMs => "latency_ms",
            Self::Actual => "actual",
            Self::CpuRatio => "cpu_ratio",
            Self::MemoryBytes => "memory_bytes",
            Self::Kind => "kind",
            Self::Tags => "tags",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "type" => Self::Type,
            "id" => Self::Id,
            "request" => Self::Request,
            "model" => Self::Model,
            "version" => Self::Version,
            "ts" => Self::Ts,
            "status" => Self::Status,
            "role" => Self::Role,
            "prediction" => Self::Prediction,
            "score" => Self::Score,
            "latency_ms" => Self::LatencyMs,
            "actual" => Self::Actual,
            "cpu_ratio" => Self::CpuRatio,
            "memory_bytes" => Self::MemoryBytes,
            "kind" => Self::Kind,
            "tags" => Self::Tags,
            _ => return None,
        })
    }

    /// Whether its value is a name, which a header's text is never taken for a number.
    pub(super) const fn is_name(self) -> bool {
        matches!(self, Self::Id | Self::Request | Self::Model | Self::Version)
    }
}

/// One value; of arrays and objects only that they are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Whole(u64),
    Negative(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Array,
    Object,
}

impl Scalar<'_> {
    /// The value of a number.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(*number as f64),
            Self::Negative(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Null | Self::Bool(_) | Self::Text(_) | Self::Array | Self::Object => None,
        }
    }
}

/// As a person reads it, cut short: details are made for every record of a flood.
impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Negative(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Text(text) => write!(f, "{}", Quoted(text)),
            Self::Array => f.write_str("an array"),
            Self::Object => f.write_str("an object"),
        }
    }
}

/// A text in quotes, at most 40 characters of it.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(40) {
            None => write!(f, "{:?}", self.0),
            Some((end, _)) => {
                write!(f, "{:?}… ({} bytes)", self.0.get(..end).unwrap_or(""), self.0.len())
            }
        }
    }
}

/// The features of a record.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Features<'a> {
    #[default]
    Absent,
    Read(Vec<(Cow<'a, str>, Feature<'a>)>),
    /// What was found instead of an object.
    NoObject(Scalar<'a>),
    /// A feature that is an array or object.
    Nested(Cow<'a, str>, Scalar<'a>),
}

/// The value of a feature. `None` if it is nested.
///
/// JSON has no NaN, so producers write the words; they are numbers that are not finite.
pub(super) fn feature(value: Scalar<'_>) -> Result<Feature<'_>, Scalar<'_>> {
    Ok(match value {
        Scalar::Null => Feature::Missing,
        Scalar::Bool(true) => Feature::Category(Cow::Borrowed("true")),
        Scalar::Bool(false) => Feature::Category(Cow::Borrowed("false")),
        Scalar::Whole(number) => Feature::Number(number as f64),
        Scalar::Negative(number) => Feature::Number(number as f64),
        Scalar::Float(number) => Feature::Number(number),
        Scalar::Text(text) => match not_finite(&text) {
            Some(number) => Feature::Number(number),
            None => Feature::Category(text),
        },
        nested @ (Scalar::Array | Scalar::Object) => return Err(nested),
    })
}

/// The infinite or NaN number that a word means.
pub(super) fn not_finite(text: &str) -> Option<f64> {
    match text {
        "NaN" | "nan" => Some(f64::NAN),
        "Infinity" | "inf" => Some(f64::INFINITY),
        "-Infinity" | "-inf" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// What a record says, by known field.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    slots: [Option<Scalar<'a>>; FieldSlot::ALL.len()],
    pub(super) features: Features<'a>,
    /// It may be a CloudEvent with its envelope: it has a `specversion`.
    pub(super) cloud_event: bool,
}

impl<'a> Fields<'a> {
    /// Puts a value in; false: there was one.
    pub(super) fn put(&mut self, slot: FieldSlot, value: Scalar<'a>) -> bool {
        match self.slots.get_mut(slot as usize) {
            Some(place @ None) => {
                *place = Some(value);
                true
            }
            Some(Some(_)) | None => false,
        }
    }

    pub(super) fn get(&self, slot: FieldSlot) -> Option<&Scalar<'a>> {
        self.slots.get(slot as usize)?.as_ref()
    }

    pub(super) fn take(&mut self, slot: FieldSlot) -> Option<Scalar<'a>> {
        self.slots.get_mut(slot as usize)?.take()
    }
}

/// The first key that appears twice, in one pass if keys are few.
pub(super) fn repeated<T>(items: &[T], key: impl Fn(&T) -> &str) -> Option<&str> {
    const FEW: usize = 64;
    if items.len() > FEW {
        let mut keys: Vec<&str> = items.iter().map(key).collect();
        keys.sort_unstable();
        let mut pairs = keys.iter().zip(keys.iter().skip(1));
        return pairs.find(|(a, b)| a == b).map(|(a, _)| *a);
    }
    let mut seen = 0_u64;
    for (nth, item) in items.iter().enumerate() {
        let key_here = key(item);
        let bytes = key_here.as_bytes();
        let ends = [bytes.first(), bytes.last()];
        let mix = ends.iter().flatten().fold(bytes.len(), |mix, byte| mix * 31 + **byte as usize);
        let bit = 1_u64 << (mix % 64);
        if seen & bit != 0 && items.iter().take(nth).any(|earlier| key(earlier) == key_here) {
            return Some(key_here);
        }
        seen |= bit;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_stand_where_their_number_says() {
        for (nth, slot) in FieldSlot::ALL.into_iter().enumerate() {
            assert_eq!(slot as usize, nth);
            assert_eq!(FieldSlot::named(slot.name()), Some(slot));
        }
    }

    #[test]
    fn a_repeated_key_is_found_among_few_and_many() {
        for count in [2_usize, 3, 60, 64, 65, 500] {
            let mut keys: Vec<String> = (0..count).map(|i| format!("k{i}x")).collect();
            assert_eq!(repeated(&keys, String::as_str), None);
            let first = keys[0].clone();
            *keys.last_mut().unwrap() = first.clone();
            assert_eq!(repeated(&keys, String::as_str), Some(&*first));
        }
    }
}
