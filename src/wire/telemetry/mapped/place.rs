//! The value at a place: steps through JSON, and into the texts that stand there.
//!
//! Law: a place that leads nowhere has no value. One that leads to several, or into a text that is
//! not what the place says, has a value that cannot be read: it is never taken for another one.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bumpalo::Bump;

use super::super::Raw;
use super::super::cursor::RawValue;
use super::super::fields::TWICE;
use super::super::parse::member;
use super::super::scan::{elements, members, whole};
use super::super::value::{Scalar, text};
use super::part::part;
use crate::model::{TextEncoding, EventTime, FieldPlace, PlaceRoot, PathStep};

/// What a record is, for the places in it.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a, 'r> {
    /// Its value.
    pub(super) root: RawValue<'a>,
    /// Its key and headers.
    pub(super) record: &'r Raw<'a>,
    /// Where texts live that do not stand in the record as they are.
    pub(super) texts: &'a Bump,
}

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stands<'a> {
    /// A value of JSON.
    Json(RawValue<'a>),
    /// A text without its quotes and escapes.
    Text(&'a str),
    /// A row of cells.
    Row(&'a str),
    /// A time.
    Time(EventTime),
}

/// Why what stands at a place cannot be read.
pub(super) type Unreadable = &'static str;

impl<'a> Stands<'a> {
    /// Whether it counts as no value, so that the next place is asked.
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Json(RawValue::Word(word)) => *word == b"null",
            Self::Json(RawValue::Text(text)) => text.bytes().is_empty(),
            Self::Text(text) | Self::Row(text) => text.is_empty(),
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
            Self::Row(_) => Scalar::Array,
            Self::Text(text) => {
                if !is_name
                    && let Ok(word @ RawValue::Word(_)) = whole(text.as_bytes())
                    && let found = Scalar::of(word)
                    && found.is_number_or_bool()
                {
                    return found;
                }
                Scalar::Text(Cow::Borrowed(text))
            }
        }
    }

    /// Its text, if it is one value.
    pub(super) fn text(self, texts: &'a Bump) -> Result<&'a str, Unreadable> {
        match self {
            Self::Text(text) | Self::Row(text) => Ok(text),
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

impl<'a> Seen<'a, '_> {
    /// What stands at a place. `None`: nothing.
    pub(super) fn at(self, place: &FieldPlace) -> Result<Option<Stands<'a>>, Unreadable> {
        let start = match &place.root {
            PlaceRoot::Record => Some(Stands::Json(self.root)),
            PlaceRoot::Key => bytes(self.record.key)?,
            PlaceRoot::Header(name) => bytes(self.record.header_bytes(name))?,
            PlaceRoot::LogTime => self.record.log_time.map(Stands::Time),
            PlaceRoot::Nothing => None,
        };
        let Some(mut found) = go(start, &place.steps)? else { return Ok(None) };
        for view in &place.views {
            if found.is_nothing() {
                return Ok(None);
            }
            let Some(next) = go(self.inside(found, &view.of)?, &view.steps)? else {
                return Ok(None);
            };
            found = next;
        }
        Ok(Some(found))
    }

    /// What a text contains.
    fn inside(self, found: Stands<'a>, of: &TextEncoding) -> Result<Option<Stands<'a>>, Unreadable> {
        let json = |text: &'a str| {
            whole(text.as_bytes()).map(Stands::Json).map_err(|_| "a text that is no JSON")
        };
        match (of, found) {
            // Some exports write the object, others its text.
            (
                TextEncoding::Json | TextEncoding::Auto,
                Stands::Json(RawValue::Object(_) | RawValue::Array(_)),
            ) => Ok(Some(found)),
            (TextEncoding::Json, _) => json(found.text(self.texts)?).map(Some),
            (TextEncoding::Auto, _) => {
                let text = found.text(self.texts)?;
                match text.trim_start().starts_with(['{', '[']) {
                    true => json(text).map(Some),
                    false => Ok(Some(Stands::Row(text))),
                }
            }
            (TextEncoding::Base64, _) => self.base64(found).map(Some),
            (TextEncoding::Stated(place), _) => {
                let word = self.at(place)?.map(|word| word.text(self.texts)).transpose()?;
                match word.is_some_and(|word| word.eq_ignore_ascii_case("base64")) {
                    true => self.base64(found).map(Some),
                    false => Ok(Some(found)),
                }
            }
            (TextEncoding::Csv(cell), _) => {
                let row = Stands::Row(found.text(self.texts)?);
                match cell {
                    Some(cell) => Ok(self.cell(row, *cell)),
                    None => Ok(Some(row)),
                }
            }
            (TextEncoding::Part(pieces), _) => {
                Ok(part(found.text(self.texts)?, pieces).map(Stands::Text))
            }
        }
    }

    fn base64(self, found: Stands<'a>) -> Result<Stands<'a>, Unreadable> {
        let packed = found.text(self.texts)?;
        let bytes = STANDARD.decode(packed.trim_end()).map_err(|_| "not base64")?;
        let text = std::str::from_utf8(&bytes).map_err(|_| "base64 of what is no text")?;
        Ok(Stands::Text(self.texts.alloc_str(text)))
    }

    fn cell(self, row: Stands<'a>, nth: usize) -> Option<Stands<'a>> {
        let Stands::Row(text) = row else { return None };
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let first = rows.records().next()?.ok()?;
        first.get(nth).map(|cell| Stands::Text(self.texts.alloc_str(cell.trim())))
    }
}

fn bytes(found: Option<&[u8]>) -> Result<Option<Stands<'_>>, Unreadable> {
    let text = found.map(std::str::from_utf8).transpose();
    Ok(text.map_err(|_| "a key or header that is not UTF-8")?.map(Stands::Text))
}

/// The value at the end of some steps.
fn go<'a>(
    start: Option<Stands<'a>>,
    steps: &[PathStep],
) -> Result<Option<Stands<'a>>, Unreadable> {
    let Some(mut found) = start else { return Ok(None) };
    for step in steps {
        let Stands::Json(value) = found else { return Ok(None) };
        match self::step(value, step)? {
            Some(next) => found = Stands::Json(next),
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

fn step<'a>(value: RawValue<'a>, step: &PathStep) -> Result<Option<RawValue<'a>>, Unreadable> {
    match (value, step) {
        (RawValue::Object(object), PathStep::Member(name)) => member(object, name).map_err(|()| TWICE),
        (RawValue::Array(list), PathStep::Member(name)) => {
            let nth = name.parse::<usize>().ok();
            Ok(nth.and_then(|nth| elements(list).nth(nth)?.ok()))
        }
        (RawValue::Object(object), PathStep::Only) => {
            only(members(object).map_while(Result::ok).map(|(_, value)| value))
        }
        (RawValue::Array(list), PathStep::Only) => only(elements(list).map_while(Result::ok)),
        (RawValue::Array(list), PathStep::Where(name, is)) => {
            let fits = |element: &RawValue<'a>| match element {
                RawValue::Object(object) => match member(object, name) {
                    Ok(Some(RawValue::Text(found))) => text(found).is_ok_and(|found| found == *is),
                    Ok(Some(RawValue::Word(word))) => word == is.as_bytes(),
                    Ok(_) | Err(()) => false,
                },
                RawValue::Array(_) | RawValue::Text(_) | RawValue::Word(_) => false,
            };
            only(elements(list).map_while(Result::ok).filter(fits))
        }
        (RawValue::Object(_), PathStep::Where(..)) | (RawValue::Text(_) | RawValue::Word(_), _) => {
            Ok(None)
        }
    }
}

fn only<'a>(
    mut values: impl Iterator<Item = RawValue<'a>>,
) -> Result<Option<RawValue<'a>>, Unreadable> {
    let first = values.next();
    if values.next().is_some() {
        return Err("one of several");
    }
    Ok(first)
}
