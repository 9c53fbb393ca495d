//! What a place in a record holds, not yet read as what it is meant.

use std::borrow::Cow;

use bumpalo::Bump;

use crate::model::EventTime;
use crate::wire::telemetry::cursor::RawValue;
use crate::wire::telemetry::fields::Found;
use crate::wire::telemetry::scan::whole;
use crate::wire::telemetry::value::{Scalar, text};

/// An element of a record.
pub(super) struct ElementAt<'a> {
    /// What it is. `None`: only its number is known.
    pub(super) value: Option<Stands<'a>>,
    /// What one pass over it found.
    pub(super) found: &'a [Found<'a>],
    /// Its number in each list on the way to it.
    pub(super) indices: Vec<usize>,
    /// Its number among all elements of the record.
    pub(super) nth: usize,
}

/// What is at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stands<'a> {
    /// A value of JSON.
    Json(RawValue<'a>),
    /// A text without its quotes and escapes.
    Text(&'a str),
    /// The cells of a row, or rows.
    List(&'a [Stands<'a>]),
    /// A time.
    Time(EventTime),
}

/// Why the value at a place cannot be read.
pub(super) type Unreadable = &'static str;

/// The value at a place, if there is one.
pub(super) type Looked<'a> = Result<Option<Stands<'a>>, Unreadable>;

impl<'a> Stands<'a> {
    /// Whether it counts as no value, so that the next place is asked.
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Json(RawValue::Word(word)) => *word == b"null",
            Self::Json(RawValue::Text(text)) => text.bytes().is_empty(),
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Json(RawValue::Object(_) | RawValue::Array(_)) | Self::Time(_) => false,
        }
    }

    /// The value. A text that came out of another one, a key or a header has no type: it is a
    /// number, true or false where it reads as one, unless a name is wanted.
    pub(super) fn scalar(self, is_name: bool) -> Scalar<'a> {
        match self {
            Self::Json(value) => Scalar::of(value),
            Self::Time(time) => match u64::try_from(time.as_ms()) {
                Ok(ms) => Scalar::Whole(ms),
                Err(_) => Scalar::Negative(time.as_ms()),
            },
            Self::List([one]) => one.scalar(is_name),
            Self::List(_) => Scalar::Array,
            Self::Text(text) => {
                let text = text.trim();
                let read = whole(text.as_bytes()).ok();
                let read = read.filter(|read| matches!(read, RawValue::Word(_)));
                match read.map(Scalar::of).filter(|_| !is_name) {
                    Some(read) if read.is_number_or_bool() => read,
                    Some(_) | None => Scalar::Text(Cow::Borrowed(text)),
                }
            }
        }
    }

    /// Its text, if it is one value.
    pub(super) fn text(self, texts: &'a Bump) -> Result<&'a str, Unreadable> {
        match self {
            Self::Text(text) => Ok(text),
            Self::List([one]) => one.text(texts),
            Self::List(_) => Err("a list"),
            Self::Time(time) => Ok(texts.alloc_str(&time.as_ms().to_string())),
            Self::Json(RawValue::Text(found)) => match text(found)? {
                Cow::Borrowed(text) => Ok(text),
                Cow::Owned(text) => Ok(texts.alloc_str(&text)),
            },
            Self::Json(RawValue::Word(word)) => std::str::from_utf8(word).map_err(|_| "not UTF-8"),
            Self::Json(RawValue::Object(_)) => Err("an object"),
            Self::Json(RawValue::Array(_)) => Err("an array"),
        }
    }
}
