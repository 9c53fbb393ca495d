//! CloudEvents with their envelope in the value, and the records in them.
//!
//! Law: where an event's data is no object, that costs only what needs its data. A mapping by
//! pointers into the envelope needs none.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Rejected;
use super::cursor::RawValue;
use super::fields::Fields;
use super::parse::{broken, fields_of, member, no_object};
use super::scan::{elements, members, whole};
use super::value::{Scalar, text};
use crate::model::{Mapping, PathStep, Reject};

/// What the envelope of an event says.
struct Envelope<'a> {
    /// The event's type.
    kind: Option<String>,
    /// The record, which is an object; or why there is none.
    record: Result<&'a [u8], Rejected>,
}

/// The envelope that a record is; a bare record has none.
fn envelope(object: &[u8]) -> Option<Envelope<'_>> {
    let find = |name| member(object, name).ok().flatten();
    find("specversion")?;
    let kind = match find("type").map(Scalar::of) {
        Some(Scalar::Text(kind)) => Some(kind.into_owned()),
        _ => None,
    };
    let record = match (find("data"), find("data_base64")) {
        (Some(RawValue::Object(data)), _) => Ok(data),
        (Some(RawValue::Array(list)), _) => Err(format!("a list of {}", elements(list).count())),
        (Some(RawValue::Text(_)), _) => Err("a text that is no JSON object".to_owned()),
        (Some(found), _) => Err(Scalar::of(found).to_string()),
        (None, Some(_)) => Err("not base64 of a JSON object".to_owned()),
        (None, None) => Ok(object),
    };
    let record = record.map_err(|found| {
        let detail = format!(
            "the event's data is {found}; send one JSON object per event, or map every field to \
             its place in the event"
        );
        Rejected::new(Reject::WrongType, detail)
    });
    Some(Envelope { kind, record })
}

/// What the record in an event, or a bare one, says under its own names.
pub(super) struct Own<'a> {
    pub(super) fields: Fields<'a>,
    /// The event's type.
    pub(super) kind: Option<String>,
    /// Why the event has no record.
    pub(super) record: Result<(), Rejected>,
}

/// Reads the record in an event by its own names.
pub(super) fn own(value: &[u8]) -> Result<Own<'_>, Rejected> {
    let root = whole(value).map_err(|why| broken(value, why))?;
    let RawValue::Object(object) = root else { return Err(no_object(value)) };
    let (kind, own) = match envelope(object) {
        Some(Envelope { kind, record }) => (kind, record),
        None => (None, Ok(object)),
    };
    let mut fields = Fields::default();
    let record = own.and_then(|own| fields_of(own, &mut fields));
    Ok(Own { fields, kind, record })
}

/// The event with its data as an object, where it is one that is packed: as a text, in base64, or
/// alone in a list.
pub(super) fn opened(value: &[u8], mapping: Option<&Mapping>) -> Option<Vec<u8>> {
    let object = event(value)?;
    let data = data(object)?;
    match (whole(&data).ok()?, member(object, "data")) {
        (RawValue::Object(_), Ok(Some(RawValue::Object(_)))) => None,
        (RawValue::Object(data), _) => Some(with_data(object, RawValue::Object(data))),
        (RawValue::Array(list), _) if !reads_elements(mapping) => {
            let mut list = elements(list);
            let only = list.next()?.ok().filter(|only| matches!(only, RawValue::Object(_)))?;
            list.next().is_none().then(|| with_data(object, only))
        }
        (RawValue::Array(_) | RawValue::Text(_) | RawValue::Word(_), _) => None,
    }
}

/// Calls `take` with an event for each record in the list that is the data of this one. `None` if
/// there is no such list, or the mapping reads it by itself.
pub(super) fn each_in_list<E>(
    value: &[u8],
    mapping: Option<&Mapping>,
    mut take: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Option<Result<(), E>> {
    let object = event(value)?;
    let data = data(object)?;
    let RawValue::Array(list) = whole(&data).ok()? else { return None };
    if reads_elements(mapping) {
        return None;
    }
    // The list was found whole.
    let mut records = (1..).zip(elements(list).map_while(Result::ok));
    // What is the same for all is written once.
    let (mut event, head) = (Vec::new(), head(object));
    Some(records.try_for_each(|(nth, record)| {
        event.clear();
        event.extend_from_slice(&head);
        write(b"data", record, &mut event);
        event.push(b'}');
        take(nth, &event)
    }))
}

/// The object of what may be an event.
fn event(value: &[u8]) -> Option<&[u8]> {
    // Most records are none, and this is faster than to look through their members.
    memchr::memmem::find(value, b"\"specversion\"")?;
    match whole(value) {
        Ok(RawValue::Object(object)) if member(object, "specversion") != Ok(None) => Some(object),
        _ => None,
    }
}

/// The JSON that is an event's data.
pub(super) fn data(object: &[u8]) -> Option<Cow<'_, [u8]>> {
    match member(object, "data").ok()? {
        Some(RawValue::Object(data) | RawValue::Array(data)) => Some(Cow::Borrowed(data)),
        Some(RawValue::Text(packed)) => match text(packed).ok()? {
            Cow::Borrowed(plain) => Some(Cow::Borrowed(plain.as_bytes())),
            Cow::Owned(plain) => Some(Cow::Owned(plain.into_bytes())),
        },
        Some(RawValue::Word(_)) => None,
        None => match member(object, "data_base64").ok()?? {
            RawValue::Text(packed) => {
                STANDARD.decode(text(packed).ok()?.as_bytes()).ok().map(Cow::Owned)
            }
            RawValue::Object(_) | RawValue::Array(_) | RawValue::Word(_) => None,
        },
    }
}

/// Whether a pointer of the mapping leads into a list that is the data.
fn reads_elements(mapping: Option<&Mapping>) -> bool {
    if mapping.is_some_and(|mapping| !mapping.own_names) {
        return true;
    }
    let fields = mapping.iter().flat_map(|mapping| mapping.fields.values());
    fields.flat_map(|rule| &rule.from).any(|place| match place.steps.as_slice() {
        [PathStep::Member(data), PathStep::Member(nth), ..] => {
            data == "data" && nth.starts_with(|next: char| next.is_ascii_digit())
        }
        _ => false,
    })
}

/// The event, with other data.
fn with_data(object: &[u8], data: RawValue<'_>) -> Vec<u8> {
    let mut event = head(object);
    write(b"data", data, &mut event);
    event.push(b'}');
    event
}

/// The event up to its data.
fn head(object: &[u8]) -> Vec<u8> {
    let mut event = vec![b'{'];
    for (key, value) in members(object).map_while(Result::ok) {
        let key = key.bytes();
        if key != b"data" && key != b"data_base64" {
            write(key, value, &mut event);
            event.push(b',');
        }
    }
    event
}

fn write(key: &[u8], value: RawValue<'_>, out: &mut Vec<u8>) {
    let quote: &[u8] = if matches!(value, RawValue::Text(_)) { b"\"" } else { b"" };
    for part in [b"\"", key, b"\":", quote, value.bytes(), quote] {
        out.extend_from_slice(part);
    }
}
