//! Mapped records, and CloudEvents with an envelope.
//!
//! A pointer points into the value as it is on the log, so into the envelope too if there is one. A
//! constant wins over a mapped field, and that over the record's own field; a mapped field that is
//! absent is missing, not looked for elsewhere.

use std::borrow::Cow;

use super::cursor::RawValue;
use super::fields::{FieldSlot, Fields, Found};
use super::parse::{at, broken, fields_of, member, no_object};
use super::scan::whole;
use super::value::Scalar;
use super::{Context, Raw, Rejected};
use crate::model::{Field, Reject};

/// The known fields of a record, and the event type that its envelope states.
pub(super) fn fields<'a>(
    record: &Raw<'a>,
    context: &Context<'_>,
) -> Result<(Fields<'a>, Option<String>), Rejected> {
    let root = whole(record.value).map_err(|why| broken(record.value, why))?;
    let RawValue::Object(object) = root else {
        return Err(no_object(record.value));
    };
    let (own, envelope) = unwrap(object)?;
    let mut fields = fields_of(own)?;
    for slot in FieldSlot::ALL {
        if let Some(found) = from_elsewhere(slot.name(), root, record, context) {
            *fields.slot(slot) = found;
        }
    }
    if let Some(found) = from_elsewhere("features", root, record, context) {
        fields.features = found;
    }
    Ok((fields, envelope))
}

/// The record in a CloudEvent's envelope and the event's type; a bare record is its own.
fn unwrap(object: &[u8]) -> Result<(&[u8], Option<String>), Rejected> {
    let find = |name| member(object, name).ok().flatten();
    if find("specversion").is_none() {
        return Ok((object, None));
    }
    let kind = match find("type").map(Scalar::of) {
        Some(Scalar::Text(kind)) => Some(kind.into_owned()),
        _ => None,
    };
    match find("data") {
        Some(RawValue::Object(data)) => Ok((data, kind)),
        None if find("data_base64").is_some() => Err(Rejected::new(
            Reject::WrongType,
            "the event's data is in base64; send it as JSON, with datacontenttype \
             application/json",
        )),
        None => Ok((object, None)),
        Some(found) => {
            let detail = format!("the event's data is {}; write a JSON object", Scalar::of(found));
            Err(Rejected::new(Reject::WrongType, detail))
        }
    }
}

/// The value of a field from constants and the mapping. `None` if they do not name it.
fn from_elsewhere<'a>(
    name: &str,
    root: RawValue<'a>,
    record: &Raw<'a>,
    context: &Context<'_>,
) -> Option<Found<'a>> {
    let mapping = context.mapping?;
    if let Some(constant) = mapping.constants.get(name) {
        return Some(Found::Given(Scalar::of_json(constant)));
    }
    let bytes = match mapping.fields.get(name)? {
        Field::Pointer(pointer) => {
            return Some(match at(root, pointer) {
                Ok(Some(value)) => Found::Raw(value),
                Ok(None) => Found::Nowhere,
                Err(()) => Found::Twice,
            });
        }
        Field::Key => record.key,
        Field::Header(header) => {
            let mut headers = record.headers.iter();
            headers.find(|(key, _)| key.eq_ignore_ascii_case(header)).map(|(_, value)| &**value)
        }
    };
    let Some(bytes) = bytes else {
        return Some(Found::Nowhere);
    };
    Some(Found::Given(match std::str::from_utf8(bytes) {
        Ok(text) => plain(name, text),
        Err(_) => Scalar::Unreadable("a key or header that is not UTF-8"),
    }))
}

/// Keys and headers have no types: what reads as a number, true or false is one, but in names.
fn plain<'a>(name: &str, text: &'a str) -> Scalar<'a> {
    if !FieldSlot::named(name).is_some_and(FieldSlot::is_name)
        && let Ok(word @ RawValue::Word(_)) = whole(text.as_bytes())
        && let found = Scalar::of(word)
        && found.is_number_or_bool()
    {
        return found;
    }
    Scalar::Text(Cow::Borrowed(text))
}
