//! Mapped records, and CloudEvents with an envelope.
//!
//! A pointer points into the value as it is on the log, so into the envelope too if there is one. A
//! constant wins over a mapped field, and that over the record's own field; a mapped field that is
//! absent is missing, not looked for elsewhere.

use std::borrow::Cow;

use super::cursor::RawValue;
use super::event::{Envelope, envelope};
use super::fields::{FieldSlot, Fields, Found};
use super::parse::{at, broken, fields_of, no_object};
use super::scan::whole;
use super::value::Scalar;
use super::{Context, Raw, Rejected};
use crate::model::Field;

/// The known fields of a record, and the envelope that it has if it is an event.
pub(super) fn fields<'a>(
    record: &Raw<'a>,
    context: &Context<'_>,
) -> Result<(Fields<'a>, Option<Envelope<'a>>), Rejected> {
    let root = whole(record.value).map_err(|why| broken(record.value, why))?;
    let RawValue::Object(object) = root else {
        return Err(no_object(record.value));
    };
    let envelope = envelope(object);
    let own = envelope.as_ref().map_or(Ok(object), |envelope| envelope.record.clone());
    let mut fields = Fields::default();
    if let Ok(own) = own {
        fields_of(own, &mut fields)?;
    }
    for slot in FieldSlot::ALL {
        if let Some(found) = from_elsewhere(slot.name(), root, record, context) {
            *fields.slot(slot) = found;
        }
    }
    if let Some(found) = from_elsewhere("features", root, record, context) {
        fields.replace_features(found);
    }
    Ok((fields, envelope))
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
        Field::Header(header) => record.header_bytes(header),
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
