//! JSON that is written back as it was read: fields in their order, none lost, none twice.

use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Number;

/// A JSON value whose objects keep the order of their fields.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum LiteralJson {
    Null,
    Flag(bool),
    Number(Number),
    Text(String),
    List(Vec<LiteralJson>),
    Object(Vec<(String, LiteralJson)>),
}

impl LiteralJson {
    pub(super) fn text(text: impl fmt::Display) -> Self {
        Self::Text(text.to_string())
    }

    pub(super) fn real(value: f64) -> Self {
        Number::from_f64(value).map_or(Self::Null, Self::Number)
    }

    /// A field; null counts as absent.
    pub(super) fn get(&self, field: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        let (_, value) = fields.iter().find(|(name, _)| name == field)?;
        (*value != Self::Null).then_some(value)
    }

    pub(super) fn has(&self, field: &str) -> bool {
        matches!(self, Self::Object(fields) if fields.iter().any(|(name, _)| name == field))
    }

    /// A field, made as an empty object where there is none.
    pub(super) fn object_at(&mut self, field: &str) -> Option<&mut Self> {
        if self.get(field).is_none() {
            self.set(field, Self::Object(Vec::new()));
        }
        let Self::Object(fields) = self else { return None };
        fields.iter_mut().find(|(name, _)| name == field).map(|(_, value)| value)
    }

    /// Sets a field in its place, or as the last.
    pub(super) fn set(&mut self, field: &str, value: Self) {
        let Self::Object(fields) = self else { return };
        match fields.iter_mut().find(|(name, _)| name == field) {
            Some((_, old)) => *old = value,
            None => fields.push((field.to_owned(), value)),
        }
    }

    pub(super) fn remove(&mut self, field: &str) {
        if let Self::Object(fields) = self {
            fields.retain(|(name, _)| name != field);
        }
    }
}

/// What it is, for an error.
impl fmt::Display for LiteralJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "the number {number}"),
            Self::Text(text) if text.chars().count() > 40 => {
                write!(f, "the text {:?}…", text.chars().take(40).collect::<String>())
            }
            Self::Text(text) => write!(f, "the text {text:?}"),
            Self::List(_) => f.write_str("a list"),
            Self::Object(_) => f.write_str("an object"),
        }
    }
}

impl Serialize for LiteralJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for LiteralJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = LiteralJson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<LiteralJson, E> {
        Ok(LiteralJson::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<LiteralJson, E> {
        Ok(LiteralJson::Flag(flag))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<LiteralJson, E> {
        Ok(LiteralJson::Number(number.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<LiteralJson, E> {
        Ok(LiteralJson::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<LiteralJson, E> {
        Ok(LiteralJson::real(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LiteralJson, E> {
        Ok(LiteralJson::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<LiteralJson, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(LiteralJson::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LiteralJson, A::Error> {
        let mut fields: Vec<(String, LiteralJson)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, LiteralJson>()? {
            if fields.iter().any(|(earlier, _)| *earlier == name) {
                return Err(A::Error::custom(format_args!("{name:?} stands twice in an object")));
            }
            fields.push((name, value));
        }
        Ok(LiteralJson::Object(fields))
    }
}
