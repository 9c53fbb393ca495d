//! What a mapping may not say: keys and words that would have no effect.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::rule::Wrong;
use super::{WrittenMapping, WrongMapping};
use crate::model::{EachRule, FieldRule, Mapping, PlaceRoot};

/// Every field that a sample of any kind may have.
pub(super) const FIELDS: [&str; 19] = [
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

/// Refuses fields that no sample has, and fields that are set twice.
pub(super) fn named_once(written: &WrittenMapping) -> Result<(), WrongMapping> {
    let WrittenMapping { fields, constants, .. } = written;
    if let Some(field) = fields.keys().find(|key| constants.contains_key(*key)) {
        let why = "is also set in constants; keep one of the two";
        return Err(WrongMapping::new(&["fields", field], why));
    }
    let fields = fields.keys().map(|key| ("fields", key));
    let constants = constants.keys().map(|key| ("constants", key));
    match fields.chain(constants).find(|(_, key)| !FIELDS.contains(&key.as_str())) {
        None => Ok(()),
        Some((table, key)) => {
            let why = format!("unknown sample field {key:?}; the fields are {}", FIELDS.join(", "));
            Err(WrongMapping::new(&[table, key], why))
        }
    }
}

/// `id = { …, repeats = "number" }`.
pub(super) fn repeats(fields: &BTreeMap<String, Json>) -> Result<bool, WrongMapping> {
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
pub(super) fn fits(field: &str, rule: FieldRule) -> Result<FieldRule, Wrong> {
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

/// Refuses keys that have no effect without another one.
pub(super) fn coherent(mapping: &Mapping) -> Result<(), WrongMapping> {
    let EachRule { asked, answered, others } = &mapping.each;
    let halves = others.is_empty() && !(asked.is_empty() && answered.is_empty());
    if halves && mapping.pair.is_none() {
        let why = "asked and answered need pair, which says how the two meet";
        return Err(WrongMapping::new(&["each"], why));
    }
    let each = [asked, answered, others].iter().any(|places| !places.is_empty());
    if each && mapping.numbers_repeats {
        let why = "has no effect with each, which numbers the samples of a record";
        return Err(WrongMapping::new(&["fields", "id", "repeats"], why));
    }
    let in_element = mapping.places().find(|place| place.root == PlaceRoot::Element);
    if let Some(place) = in_element.filter(|_| !each) {
        let why = format!("{:?} is in an element, and each names none", place.text);
        return Err(WrongMapping::new(&["each"], why));
    }
    Ok(())
}
