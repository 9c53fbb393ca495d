//! The slower path: mapped records, and CloudEvents with an envelope.
//!
//! A pointer points into the value as it is on the log, so into the envelope too if there is one. A
//! constant wins over a mapped field, and that over the record's own field; a mapped field that is
//! absent is missing, not looked for elsewhere.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::fields::{Features, FieldSlot, Fields, Scalar, feature};
use super::parse::{KeySeed, no_object};
use super::pass::Pass;
use super::{Context, Raw, Rejected};
use crate::model::{Field, Reject};

/// The known fields of a record, and the event type that its envelope states.
pub(super) fn fields(
    text: &str,
    record: &Raw<'_>,
    context: &Context<'_>,
) -> Result<(Fields<'static>, Option<String>), Rejected> {
    let pass = Pass::new(context.source.max_depth);
    let root = pass.read(text, |pass, json| Tree { pass, depth: 1 }.deserialize(json))?;
    let Json::Object(object) = &root else {
        return Err(no_object(&scalar(&root)));
    };
    let (own, envelope) = unwrap(object)?;
    let mut fields = Fields::default();
    for slot in FieldSlot::ALL {
        let value = match from_elsewhere(slot.name(), &root, record, context)? {
            Some(value) => value.map(|value| scalar(&value)),
            None => own.get(slot.name()).map(scalar),
        };
        if let Some(value) = value {
            fields.put(slot, value);
        }
    }
    let features = match from_elsewhere("features", &root, record, context)? {
        Some(value) => value,
        None => own.get("features").cloned(),
    };
    fields.features = features.map(features_of).unwrap_or_default();
    Ok((fields, envelope))
}

/// The record in a CloudEvent's envelope and the event's type; a bare record is its own.
fn unwrap(object: &Map<String, Json>) -> Result<(&Map<String, Json>, Option<String>), Rejected> {
    if !object.contains_key("specversion") {
        return Ok((object, None));
    }
    let kind = object.get("type").and_then(Json::as_str).map(str::to_owned);
    match object.get("data") {
        Some(Json::Object(data)) => Ok((data, kind)),
        None if object.contains_key("data_base64") => Err(Rejected::new(
            Reject::WrongType,
            "the event's data is in base64; send it as JSON, with datacontenttype \
             application/json",
        )),
        None => Ok((object, None)),
        Some(found) => {
            let detail = format!("the event's data is {}; write a JSON object", scalar(found));
            Err(Rejected::new(Reject::WrongType, detail))
        }
    }
}

/// The value of a field from constants and the mapping. The outer `None` if they do not name it.
fn from_elsewhere(
    name: &str,
    root: &Json,
    record: &Raw<'_>,
    context: &Context<'_>,
) -> Result<Option<Option<Json>>, Rejected> {
    let Some(mapping) = context.mapping else {
        return Ok(None);
    };
    if let Some(constant) = mapping.constants.get(name) {
        return Ok(Some(Some(constant.clone())));
    }
    let bytes = match mapping.fields.get(name) {
        None => return Ok(None),
        Some(Field::Pointer(pointer)) => return Ok(Some(root.pointer(pointer).cloned())),
        Some(Field::Key) => record.key,
        Some(Field::Header(header)) => {
            let found = record.headers.iter().find(|(key, _)| key == header);
            found.map(|(_, value)| value.as_slice())
        }
    };
    let Some(bytes) = bytes else {
        return Ok(Some(None));
    };
    let text = std::str::from_utf8(bytes).map_err(|_| {
        let detail =
            format!("{name} comes from a key or header that is not UTF-8; encode that as UTF-8");
        Rejected::new(Reject::WrongType, detail)
    })?;
    Ok(Some(Some(plain(name, text))))
}

/// Keys and headers have no types: what reads as a number, true or false is one, but in names.
fn plain(name: &str, text: &str) -> Json {
    if !FieldSlot::named(name).is_some_and(FieldSlot::is_name)
        && let Ok(value @ (Json::Number(_) | Json::Bool(_))) = serde_json::from_str(text)
    {
        return value;
    }
    Json::String(text.to_owned())
}

fn scalar(value: &Json) -> Scalar<'static> {
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

fn features_of(value: Json) -> Features<'static> {
    let object = match value {
        Json::Null => return Features::Absent,
        Json::Object(object) => object,
        other @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
            return Features::NoObject(scalar(&other));
        }
    };
    let mut read = Vec::with_capacity(object.len());
    for (name, value) in object {
        match feature(scalar(&value)) {
            Ok(value) => read.push((Cow::Owned(name), value)),
            Err(found) => return Features::Nested(Cow::Owned(name), found),
        }
    }
    Features::Read(read)
}

/// All of a value, with the checks of [`Pass`].
struct Tree<'p> {
    pass: &'p mut Pass,
    depth: usize,
}

impl<'a> DeserializeSeed<'a> for Tree<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Json, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Tree<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::from(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::from(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<Json, A::Error> {
        let Self { pass, depth } = self;
        pass.enter(depth)?;
        let mut read = Vec::new();
        while let Some(item) =
            items.next_element_seed(Tree { pass: &mut *pass, depth: depth + 1 })?
        {
            read.push(item);
        }
        Ok(Json::Array(read))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Json, A::Error> {
        let Self { pass, depth } = self;
        pass.enter(depth)?;
        let mut read = Map::new();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let value = map.next_value_seed(Tree { pass: &mut *pass, depth: depth + 1 })?;
            if read.contains_key(key.as_ref()) {
                return Err(pass.twice(&key));
            }
            read.insert(key.into_owned(), value);
        }
        Ok(Json::Object(read))
    }
}
