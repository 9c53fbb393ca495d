//! How any record becomes a sample, as a config or a command line writes it.
//!
//! Law: what a topic writes wins over what its source writes, and that over the
//! preset of the dialect; field by field, and else key by key.

mod dialects;
mod features;
mod place;
mod record;
mod rule;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

pub use self::dialects::{Dialect, dialects, toml_value};
pub use self::place::place;
pub(super) use self::place::steps;
use self::rule::{Wrong, rule};
pub use self::written::WrittenMapping;
use crate::model::{EachRule, Field, FieldPlace, FieldRule, Mapping, PlaceRoot, SampleField};

/// Every field that a sample of any kind may have.
const FIELDS: [&str; 19] = [
    "type",
    "id",
    "model",
    "version",
    "ts",
    "request",
    "status",
    "error",
    "prediction",
    "score",
    "latency_ms",
    "features",
    "tags",
    "role",
    "actual",
    "instance",
    "cpu_ratio",
    "memory_bytes",
    "kind",
];

/// What cannot be mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongMapping {
    /// The keys that lead to it, from the source's table on.
    pub at: Vec<String>,
    /// What is wrong, and what would do.
    pub why: String,
}

impl WrongMapping {
    fn under(keys: &[&str]) -> impl Fn(Wrong) -> Self {
        move |(key, why)| {
            let at = keys.iter().map(|key| (*key).to_owned()).chain(key).collect();
            Self { at, why }
        }
    }

    fn new(keys: &[&str], why: impl Into<String>) -> Self {
        Self::under(keys)((None, why.into()))
    }
}

/// A mapping as written in a config or on a command line. `None` if records are samples already.
///
/// # Errors
/// The key that cannot be meant, and why.
pub fn mapping(written: WrittenMapping) -> Result<Option<Mapping>, WrongMapping> {
    if written == WrittenMapping::default() {
        return Ok(None);
    }
    if let Some(field) = written.fields.keys().find(|key| written.constants.contains_key(*key)) {
        let why = "is also set in constants; keep one of the two";
        return Err(WrongMapping::new(&["fields", field], why));
    }
    let (written, preset) = with_preset(written)?;
    for (table, key) in written
        .fields
        .keys()
        .map(|key| ("fields", key))
        .chain(written.constants.keys().map(|key| ("constants", key)))
    {
        if !FIELDS.contains(&key.as_str()) {
            let why = format!("unknown sample field {key:?}; the fields are {}", FIELDS.join(", "));
            return Err(WrongMapping::new(&[table, key], why));
        }
    }
    let mut fields = written.fields;
    let features = fields.remove("features").map(|rule| features::features(&rule)).transpose();
    let features = features.map_err(WrongMapping::under(&["fields", "features"]))?;
    let numbers_repeats = repeats(&fields)?;
    let mut rules = BTreeMap::new();
    for (field, written) in fields {
        let rule = rule(&written).and_then(|rule| fits(&field, rule));
        let rule = rule.map_err(WrongMapping::under(&["fields", &field]))?;
        // The others are not read.
        rules.extend(SampleField::named(&field).map(|field| (field, rule)));
    }
    if written.kind.is_some() && rules.contains_key(&SampleField::Type) {
        let why = "type is set for every record, too; keep one of the two";
        return Err(WrongMapping::new(&["fields", "type"], why));
    }
    let each = written.each.as_ref().map(record::each).transpose();
    let pair = written.pair.as_ref().map(record::pair).transpose();
    let only = written.only.as_ref().map(record::only).transpose();
    let path = written.path.as_deref().map(record::path).transpose();
    let own_names = written.dialect.is_none()
        && written.each.is_none()
        && written.pair.is_none()
        && written.envelope.is_none();
    let constants: BTreeMap<_, _> = written
        .constants
        .into_iter()
        .filter_map(|(field, value)| Some((SampleField::named(&field)?, value)))
        .collect();
    let own = SampleField::ALL
        .into_iter()
        .filter(|field| own_names && !constants.contains_key(field) && !rules.contains_key(field));
    let own = own.filter_map(|field| Some((field, named(field.name())?))).collect();
    let own_features = named("features").filter(|_| own_names && features.is_none());
    let event = named("specversion").filter(|_| own_names);
    let mapping = Mapping {
        dialect: written.dialect,
        kind: written.kind,
        fields: rules,
        features,
        constants,
        each: each.map_err(WrongMapping::under(&["each"]))?.unwrap_or_default(),
        only: only.map_err(WrongMapping::under(&["only"]))?.unwrap_or_default(),
        envelope: envelope(written.envelope.as_deref())?,
        pair: pair.map_err(WrongMapping::under(&["pair"]))?,
        path: path.map_err(|why| WrongMapping::new(&["path"], why))?,
        skip_bytes: skip_bytes(written.skip_bytes)?,
        numbers_repeats,
        own_names,
        own,
        own_features,
        event,
        preset,
        ..Mapping::default()
    };
    coherent(&mapping)?;
    Ok(Some(mapping.planned()))
}

/// Refuses keys that have no effect without another one.
fn coherent(mapping: &Mapping) -> Result<(), WrongMapping> {
    let EachRule { asked, answered, others } = &mapping.each;
    let halves = others.is_empty() && !(asked.is_empty() && answered.is_empty());
    if halves && mapping.pair.is_none() {
        let why = "asked and answered need pair, which says how the two meet";
        return Err(WrongMapping::new(&["each"], why));
    }
    let each = [asked, answered, others].iter().any(|places| !places.is_empty());
    let in_element = mapping.places().find(|place| place.root == PlaceRoot::Element);
    if let Some(place) = in_element.filter(|_| !each) {
        let why = format!("{:?} is in an element, and each names none", place.text);
        return Err(WrongMapping::new(&["each"], why));
    }
    Ok(())
}

/// The place of a member of the record.
fn named(name: &str) -> Option<FieldPlace> {
    place(&format!("/{name}")).ok()
}

/// What is written over the preset that it names, and the fields that only the preset has.
fn with_preset(
    written: WrittenMapping,
) -> Result<(WrittenMapping, BTreeSet<String>), WrongMapping> {
    let Some(name) = &written.dialect else { return Ok((written, BTreeSet::new())) };
    let base = dialects::preset(name).map_err(|why| WrongMapping::new(&["dialect"], why))?;
    let own = |name: &&String| {
        !written.fields.contains_key(*name) && !written.constants.contains_key(*name)
    };
    let mut preset: BTreeSet<String> = base.fields.keys().filter(own).cloned().collect();
    if written.each.is_none() {
        preset.insert("each".to_owned());
    }
    Ok((written.over(base), preset))
}

fn envelope(written: Option<&str>) -> Result<bool, WrongMapping> {
    match written {
        None | Some("none") => Ok(false),
        Some("cloudevents") => Ok(true),
        Some(other) => {
            let why = format!("{other:?} is unknown; write \"cloudevents\" or \"none\"");
            Err(WrongMapping::new(&["envelope"], why))
        }
    }
}

fn skip_bytes(written: Option<u64>) -> Result<usize, WrongMapping> {
    let bytes = written.unwrap_or(0);
    match usize::try_from(bytes).ok().filter(|bytes| *bytes <= 1_024) {
        Some(bytes) => Ok(bytes),
        None => Err(WrongMapping::new(&["skip_bytes"], "write 0 to 1024")),
    }
}

/// `id = { …, repeats = "number" }`.
fn repeats(fields: &BTreeMap<String, Json>) -> Result<bool, WrongMapping> {
    let mut numbers = false;
    for (field, written) in fields {
        let Some(repeats) = written.get("repeats") else { continue };
        let wrong = |why: &str| Err(WrongMapping::new(&["fields", field, "repeats"], why));
        match (field.as_str(), repeats.as_str()) {
            ("id", Some("number")) => numbers = true,
            ("id", _) => return wrong("write \"number\": the second record of an id is id#1"),
            _ => return wrong("belongs to id"),
        }
    }
    Ok(numbers)
}

/// The words that a field may have, for those that have words.
fn words_of(field: &str) -> Option<&'static [&'static str]> {
    match field {
        "status" => Some(&["ok", "error", "timeout", "started", "succeeded", "failed"]),
        "role" => Some(&["live", "shadow"]),
        "type" => Some(&["prediction", "outcome", "latency", "health", "run", "asked", "answered"]),
        _ => None,
    }
}

/// Refuses what means nothing in this field.
fn fits(field: &str, rule: FieldRule) -> Result<FieldRule, Wrong> {
    let wrong = |key: &str, why: &str| Err((Some(key.to_owned()), why.to_owned()));
    if let Some(words) = words_of(field) {
        let unknown = |word: &str| !words.contains(&word);
        let said = rule.values.iter().map(|(_, word)| ("values", word.as_str()));
        let default = rule.default.iter().map(|word| ("default", word.as_str().unwrap_or("")));
        if let Some((key, word)) = said.chain(default).find(|(_, word)| unknown(word)) {
            let why = format!("{word:?} is no {field}; write one of {}", words.join(", "));
            return wrong(key, &why);
        }
    }
    let nowhere = rule.from.iter().all(|place| place.root == PlaceRoot::Nothing);
    if nowhere && rule.default.is_none() && ["id", "model", "version", "ts"].contains(&field) {
        return wrong("from", "is needed by every sample; map it, or set it under constants");
    }
    match field {
        "ts" => {}
        _ if rule.zone.is_some() => return wrong("zone", "belongs to ts"),
        "latency_ms" => {}
        _ if rule.unit.is_some() => return wrong("unit", "belongs to ts or latency_ms"),
        _ if rule.minus.is_some() => return wrong("minus", "belongs to latency_ms"),
        _ => {}
    }
    Ok(rule)
}

/// The place of a field of the router: a JSON pointer, `header:name` or `key`.
pub(super) fn field(text: &str) -> Result<Field, String> {
    let name = text.strip_prefix("header:");
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    match name {
        Some(name) if !name.is_empty() => Ok(Field::Header(name.to_owned())),
        None if text == "key" => Ok(Field::Key),
        None if text.starts_with('/') && escapes => Ok(Field::Pointer(text.to_owned())),
        Some(_) | None => Err(format!(
            "{text:?} does not name a place in a record; write a JSON pointer such as \
             \"/meta/time\" (~ as ~0, / as ~1), \"header:name\" or \"key\""
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SampleKind;

    #[test]
    fn a_place_in_a_record() {
        for (text, want) in [
            ("/a/b", Some(Field::Pointer("/a/b".to_owned()))),
            ("/a~1b~0c", Some(Field::Pointer("/a~1b~0c".to_owned()))),
            ("header:x-id", Some(Field::Header("x-id".to_owned()))),
            ("key", Some(Field::Key)),
            ("/a~b", None),
            ("a/b", None),
            ("header:", None),
            ("", None),
        ] {
            assert_eq!(field(text).ok(), want, "{text}");
        }
    }

    #[test]
    fn nothing_said_is_no_mapping() {
        assert_eq!(mapping(WrittenMapping::default()), Ok(None));
        let kind = Some(SampleKind::Outcome);
        let written = WrittenMapping { kind, ..WrittenMapping::default() };
        let mapped = mapping(written).unwrap().unwrap();
        assert!(mapped.own_names && mapped.kind == kind, "{mapped:?}");
    }
}
