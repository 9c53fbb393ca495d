//! One pass over the text of a record.
//!
//! Law: known fields land in their slots, borrowed; the rest is walked only to count its depth
//! and to find keys that stand twice. Recursion ends at the allowed depth.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Rejected;
use super::fields::{Features, FieldSlot, Fields, Scalar, feature};
use super::pass::Pass;
use crate::model::{Feature, Reject};

/// Room made ahead for features.
const USUAL_FEATURES: usize = 10;

/// The known fields of a record.
pub(super) fn fields(text: &str, max_depth: usize) -> Result<Fields<'_>, Rejected> {
    let blank = [' ', '\t', '\r', '\n'];
    if text.trim_start_matches(blank).starts_with('{') {
        return Pass::new(max_depth).read(text, |pass, json| json.deserialize_map(Record(pass)));
    }
    let pass = Pass::new(max_depth);
    let found = pass.read(text, |pass, json| One::at(pass, 1).deserialize(json))?;
    Err(no_object(&found))
}

pub(super) fn no_object(found: &Scalar<'_>) -> Rejected {
    Rejected::new(Reject::WrongType, format!("the record is {found}; write a JSON object"))
}

/// The record itself.
struct Record<'p>(&'p mut Pass);

impl<'a> Visitor<'a> for Record<'_> {
    type Value = Fields<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Fields<'a>, A::Error> {
        let pass = self.0;
        pass.enter(1)?;
        let mut fields = Fields::default();
        let mut others: Vec<Cow<'a, str>> = Vec::new();
        let mut features = false;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            if let Some(slot) = FieldSlot::named(&key) {
                pass.at = slot.name();
                let value = map.next_value_seed(One::at(&mut *pass, 2))?;
                if !fields.put(slot, value) {
                    return Err(pass.twice(slot.name()));
                }
            } else if key == "features" {
                pass.at = "features";
                if std::mem::replace(&mut features, true) {
                    return Err(pass.twice("features"));
                }
                let into = Some(&mut fields.features);
                let found =
                    map.next_value_seed(One { pass: &mut *pass, depth: 2, features: into })?;
                if !matches!(found, Scalar::Object | Scalar::Null) {
                    fields.features = Features::NoObject(found);
                }
            } else {
                pass.at = "an unknown field";
                fields.cloud_event |= key == "specversion";
                others.push(key);
                map.next_value_seed(One::at(&mut *pass, 2))?;
            }
        }
        pass.distinct(&others, |key| key)?;
        Ok(fields)
    }
}

/// A key, borrowed where it holds no escape.
pub(super) struct KeySeed;

impl<'a> DeserializeSeed<'a> for KeySeed {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for KeySeed {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// One value. What is in an array or object at `depth` is walked and forgotten, unless its
/// members are wanted as features.
struct One<'p, 'a> {
    pass: &'p mut Pass,
    depth: usize,
    features: Option<&'p mut Features<'a>>,
}

impl<'p, 'a> One<'p, 'a> {
    const fn at(pass: &'p mut Pass, depth: usize) -> Self {
        Self { pass, depth, features: None }
    }
}

impl<'a> DeserializeSeed<'a> for One<'_, 'a> {
    type Value = Scalar<'a>;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for One<'_, 'a> {
    type Value = Scalar<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Whole(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Negative(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Self { pass, depth, features: _ } = self;
        pass.enter(depth)?;
        while items.next_element_seed(One::at(&mut *pass, depth + 1))?.is_some() {}
        Ok(Scalar::Array)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { pass, depth, features } = self;
        pass.enter(depth)?;
        if let Some(into) = features {
            *into = members(pass, depth, map)?;
            return Ok(Scalar::Object);
        }
        let mut keys: Vec<Cow<'a, str>> = Vec::new();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            keys.push(key);
            map.next_value_seed(One::at(&mut *pass, depth + 1))?;
        }
        pass.distinct(&keys, |key| key)?;
        Ok(Scalar::Object)
    }
}

/// The members of the object of features.
fn members<'a, A: MapAccess<'a>>(
    pass: &mut Pass,
    depth: usize,
    mut map: A,
) -> Result<Features<'a>, A::Error> {
    let mut read: Vec<(Cow<'a, str>, Feature<'a>)> = Vec::with_capacity(USUAL_FEATURES);
    let mut nested = None;
    while let Some(name) = map.next_key_seed(KeySeed)? {
        let value = map.next_value_seed(One::at(&mut *pass, depth + 1))?;
        match feature(value) {
            Ok(value) => read.push((name, value)),
            Err(found) => {
                // It still counts as a key.
                read.push((name.clone(), Feature::Missing));
                nested.get_or_insert((name, found));
            }
        }
    }
    pass.distinct(&read, |(name, _)| name)?;
    Ok(match nested {
        None => Features::Read(read),
        Some((name, found)) => Features::Nested(name, found),
    })
}
