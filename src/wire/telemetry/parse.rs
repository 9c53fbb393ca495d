//! One pass over the text of a record.
//!
//! Law: known fields land in their slots, borrowed; the rest is walked only to count its depth
//! and to find keys that stand twice. Recursion ends at the allowed depth.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Rejected;
use super::fields::{Features, Fields, Quoted, Scalar, Slot, feature, repeated};
use crate::model::{Feature, Reject};

/// Room made ahead for features.
const USUAL_FEATURES: usize = 10;

/// What a pass over a record carries along.
pub(super) struct Pass {
    max_depth: usize,
    /// The field that is being read, for details.
    at: &'static str,
    /// Why the pass was stopped, where serde's own errors do not say it.
    fault: Option<Rejected>,
}

impl Pass {
    pub(super) const fn new(max_depth: usize) -> Self {
        Self { max_depth, at: "the record", fault: None }
    }

    /// Goes into an array or object at `depth`; the record itself is at 1.
    pub(super) fn enter<E: serde::de::Error>(&mut self, depth: usize) -> Result<(), E> {
        if depth <= self.max_depth {
            return Ok(());
        }
        Err(self.stop(Reject::TooDeep, too_deep(self.at, self.max_depth)))
    }

    /// No key may stand twice in an object.
    pub(super) fn distinct<T, E: serde::de::Error>(
        &mut self,
        items: &[T],
        key: impl Fn(&T) -> &str,
    ) -> Result<(), E> {
        match repeated(items, key) {
            None => Ok(()),
            Some(key) => Err(self.twice(key)),
        }
    }

    pub(super) fn twice<E: serde::de::Error>(&mut self, key: &str) -> E {
        let detail = format!("{} stands twice in one object; leave one", Quoted(key));
        self.stop(Reject::DuplicateKey, detail)
    }

    fn stop<E: serde::de::Error>(&mut self, code: Reject, detail: String) -> E {
        self.fault = Some(Rejected::new(code, detail));
        E::custom("")
    }

    /// Reads all of `text` by `seed`, and says what stopped it.
    pub(super) fn read<'a, T>(
        mut self,
        text: &'a str,
        seed: impl FnOnce(&mut Self, &mut Json<'a>) -> Result<T, serde_json::Error>,
    ) -> Result<T, Rejected> {
        let mut json = serde_json::Deserializer::from_str(text);
        let read = seed(&mut self, &mut json).and_then(|read| json.end().map(|()| read));
        read.map_err(|error| match self.fault {
            Some(fault) => fault,
            None => syntax(&error, text, self.at, self.max_depth),
        })
    }
}

/// What serde_json reads from.
pub(super) type Json<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

fn too_deep(at: &str, max_depth: usize) -> String {
    format!("{at} is nested deeper than {max_depth}; flatten it, or raise max_depth (at most 126)")
}

/// What serde_json stumbled over.
fn syntax(error: &serde_json::Error, text: &str, at: &str, max_depth: usize) -> Rejected {
    let message = error.to_string();
    if message.starts_with("number out of range") {
        let detail = format!("{at} holds a number beyond 1.8e308; write a finite one, or null");
        return Rejected::new(Reject::NotFinite, detail);
    }
    if message.starts_with("recursion limit") {
        return Rejected::new(Reject::TooDeep, too_deep(at, max_depth));
    }
    let offset = offset(text, error.line(), error.column());
    let words = ["NaN", "Infinity", "-Infinity"];
    let near = (offset.saturating_sub(2)..=offset).filter_map(|from| text.get(from..));
    if near.into_iter().any(|rest| words.iter().any(|word| rest.starts_with(word))) {
        let detail = format!("{at} is NaN or Infinity, which JSON does not have; write null");
        return Rejected::new(Reject::NotFinite, detail);
    }
    let hint = if text.starts_with('\u{feff}') {
        "a byte order mark stands before the value; write without it"
    } else if error.is_eof() {
        "the record is cut off"
    } else if message.starts_with("trailing characters") {
        "write one JSON object per record"
    } else {
        "write a JSON object"
    };
    Rejected::new(Reject::NotJson, format!("{message}, near {at}; {hint}"))
}

/// Where in `text` a line and column, both counted from 1, are.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column
}

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
        while let Some(key) = map.next_key_seed(Key)? {
            if let Some(slot) = Slot::named(&key) {
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
pub(super) struct Key;

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key {
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
        while let Some(key) = map.next_key_seed(Key)? {
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
    while let Some(name) = map.next_key_seed(Key)? {
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
