//! One value of a record, read where somebody asks for it.

use std::borrow::Cow;
use std::fmt;

use super::cursor::{RawValue, Text};
use super::number::{Number, number};
use crate::model::Feature;

/// One value; of arrays and objects only that they are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Whole(u64),
    Negative(i64),
    /// Finite, or one of the numbers that JSON does not have.
    Float(f64),
    Text(Cow<'a, str>),
    Array,
    Object,
    /// It cannot be read: why.
    Unreadable(&'static str),
}

impl From<Number> for Scalar<'_> {
    fn from(number: Number) -> Self {
        match number {
            Number::Whole(number) => Self::Whole(number),
            Number::Negative(number) => Self::Negative(number),
            Number::Float(number) => Self::Float(number),
        }
    }
}

impl<'a> Scalar<'a> {
    /// Reads a value.
    pub(super) fn of(raw: RawValue<'a>) -> Self {
        match raw {
            RawValue::Object(_) => Self::Object,
            RawValue::Array(_) => Self::Array,
            RawValue::Text(found) => match text(found) {
                Ok(text) => Self::Text(text),
                Err(why) => Self::Unreadable(why),
            },
            RawValue::Word(word) => match word {
                b"null" => Self::Null,
                b"true" => Self::Bool(true),
                b"false" => Self::Bool(false),
                b"NaN" => Self::Float(f64::NAN),
                b"Infinity" => Self::Float(f64::INFINITY),
                b"-Infinity" => Self::Float(f64::NEG_INFINITY),
                _ => number(word).map_or(Self::Unreadable("not a value of JSON"), Self::from),
            },
        }
    }

    /// The value of a JSON value that is at hand: a constant of a mapping.
    pub(super) fn of_json(value: &serde_json::Value) -> Scalar<'static> {
        use serde_json::Value as Json;
        match value {
            Json::Null => Scalar::Null,
            Json::Bool(value) => Scalar::Bool(*value),
            Json::String(text) => Scalar::Text(Cow::Owned(text.clone())),
            Json::Array(_) => Scalar::Array,
            Json::Object(_) => Scalar::Object,
            Json::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => Scalar::Whole(number),
                (None, Some(number)) => Scalar::Negative(number),
                (None, None) => Scalar::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
        }
    }

    /// The value of a number, finite or not.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(*number as f64),
            Self::Negative(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Text(text) => not_finite(text),
            Self::Null | Self::Bool(_) | Self::Array | Self::Object | Self::Unreadable(_) => None,
        }
    }

    /// Whether it is a number, finite or not, true or false.
    pub(super) const fn is_number_or_bool(&self) -> bool {
        matches!(self, Self::Whole(_) | Self::Negative(_) | Self::Float(_) | Self::Bool(_))
    }

    /// The value as an input of a model. Producers write the words for numbers that JSON does not
    /// have, too: a category is never called so.
    pub(super) fn into_feature(self) -> Feature<'a> {
        match self {
            Self::Null => Feature::Missing,
            Self::Bool(true) => Feature::Category(Cow::Borrowed("true")),
            Self::Bool(false) => Feature::Category(Cow::Borrowed("false")),
            Self::Whole(number) => Feature::Number(number as f64),
            Self::Negative(number) => Feature::Number(number as f64),
            Self::Float(number) => Feature::Number(number),
            Self::Text(text) => match not_finite(&text) {
                Some(number) => Feature::Number(number),
                None => Feature::Category(text),
            },
            Self::Array | Self::Object | Self::Unreadable(_) => Feature::Unusable,
        }
    }
}

/// A text without its escapes; borrowed where it has none.
#[inline]
pub(super) fn text(found: Text<'_>) -> Result<Cow<'_, str>, &'static str> {
    match found {
        Text::Plain(text) => Ok(Cow::Borrowed(text)),
        Text::Other(bytes) => other_text(bytes),
    }
}

fn other_text(bytes: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    let plain = bytes.iter().all(|byte| *byte >= 0x20 && *byte != b'\\');
    if plain {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| "not UTF-8");
    }
    let quoted = [b"\"", bytes, b"\""].concat();
    serde_json::from_slice(&quoted).map(Cow::Owned).map_err(|_| {
        if std::str::from_utf8(bytes).is_err() {
            "not UTF-8"
        } else if bytes.windows(4).any(is_surrogate) {
            "a text with half a surrogate pair"
        } else {
            "a text with a bare control character or an unknown escape"
        }
    })
}

/// Whether this escape begins one half of a surrogate pair.
fn is_surrogate(escape: &[u8]) -> bool {
    matches!(escape, [b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F'])
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
            Self::Unreadable(why) => f.write_str(why),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::telemetry::scan::whole;
    use proptest::prelude::*;

    fn read(text: &str) -> Scalar<'_> {
        Scalar::of(whole(text.as_bytes()).unwrap())
    }

    #[test]
    fn values_are_what_serde_reads() {
        for text in [
            "0",
            "-0",
            "1",
            "-1",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775808",
            "0.1",
            "1e3",
            "1E-3",
            "-2.5e+10",
            "true",
            "false",
            "null",
            "\"a\\u00e9\\n\"",
            "\"\"",
        ] {
            let json: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(read(text), Scalar::of_json(&json), "{text}");
        }
        assert_eq!(read("1e400"), Scalar::Float(f64::INFINITY));
        assert!(matches!(read("NaN"), Scalar::Float(number) if number.is_nan()));
        for text in
            ["01", "+1", "1.", ".5", "1e", "undefined", "1_000", "--1", "\"\\ud83d\"", "\"\\x\""]
        {
            assert!(matches!(read(text), Scalar::Unreadable(_)), "{text}: {}", read(text));
        }
    }

    proptest! {
        #[test]
        fn any_number_is_what_serde_reads(number in any::<f64>(), whole in any::<i64>()) {
            for json in [serde_json::json!(number), serde_json::json!(whole)] {
                let text = json.to_string();
                prop_assert_eq!(read(&text), Scalar::of_json(&json), "{}", text);
            }
        }
    }
}
