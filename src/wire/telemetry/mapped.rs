//! Mapped records, and CloudEvents with an envelope.
//!
//! A pointer points into the value as it is on the log, so into the envelope too if there is one. A
//! constant wins over a mapped field, and that over the record's own field; a mapped field that is
//! absent is missing, not looked for elsewhere.
//!
//! `place` finds what stands where the mapping says, in texts within texts too (`part`), and `rule`
//! makes of it what is meant: another word, a time, a number (`decimal`).

mod decimal;
mod part;
mod place;
mod rule;

use bumpalo::Bump;

use self::place::Seen;
use super::cursor::RawValue;
use super::event::{Envelope, envelope};
use super::fields::{FieldSlot, Fields, Found};
use super::parse::{broken, fields_of, no_object};
use super::scan::whole;
use super::value::Scalar;
use super::{Context, Raw, Rejected};

/// The known fields of a record, and the envelope that it has if it is an event.
pub(super) fn fields<'a>(
    record: &Raw<'a>,
    context: &Context<'_>,
    texts: &'a Bump,
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
    let Some(mapping) = context.mapping else { return Ok((fields, envelope)) };
    for (name, constant) in &mapping.constants {
        if let Some(slot) = FieldSlot::named(name) {
            *fields.slot(slot) = Found::Given(Scalar::of_json(constant));
        }
    }
    let seen = Seen { root, record, texts };
    for (name, rule) in &mapping.fields {
        match FieldSlot::named(name) {
            Some(slot) => *fields.slot(slot) = rule::found(slot, rule, seen),
            None if name == "features" => fields.replace_features(rule::features(rule, seen)),
            None => {}
        }
    }
    Ok((fields, envelope))
}
