//! The rule of one field as a config writes it: a place, or a table.
//!
//! Law: an error names the key of the table that is wrong, and what would do.

use std::ops::RangeInclusive;

use serde_json::{Map, Value as Json};

use super::place::place;
use crate::model::{FieldRule, FieldPlace, Reading, TimeUnit, ValuePattern, Zone};
use crate::phrases::closest;

/// What is wrong, under which key of the rule. No key: the rule itself.
pub(super) type Wrong = (Option<String>, String);

const KEYS: [&str; 9] =
    ["from", "default", "values", "unit", "zone", "minus", "as", "threshold", "repeats"];
/// Milliseconds, and so on.
const UNITS: [(&str, TimeUnit); 4] = [
    ("s", TimeUnit::Seconds),
    ("ms", TimeUnit::Milliseconds),
    ("us", TimeUnit::Microseconds),
    ("ns", TimeUnit::Nanoseconds),
];
const READINGS: [(&str, Reading); 5] = [
    ("number", Reading::Number),
    ("text", Reading::Text),
    ("boolean", Reading::Boolean),
    ("argmax", Reading::Argmax),
    ("max", Reading::Max),
];
/// HTTP codes and the like.
const CODES: RangeInclusive<i64> = -1_000_000_000..=1_000_000_000;

/// The rule that a value of the config is.
pub(super) fn rule(written: &Json) -> Result<FieldRule, Wrong> {
    match written {
        Json::String(text) => Ok(FieldRule::at(place(text).map_err(|why| (None, why))?)),
        Json::Object(table) => of_table(table),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => {
            let why = format!(
                "{written} is no place; write a place in quotes, or a table such as {{ from = \"/a\" }}"
            );
            Err((None, why))
        }
    }
}

fn of_table(table: &Map<String, Json>) -> Result<FieldRule, Wrong> {
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let near = closest(key, KEYS.iter().copied());
        let hint = near.map_or_else(|| format!("it has {}", KEYS.join(", ")), |near| {
            format!("did you mean {near}?")
        });
        return Err((Some(key.clone()), format!("a field has no such key; {hint}")));
    }
    let at = |key: &'static str| move |why: String| (Some(key.to_owned()), why);
    let get = |key: &str| table.get(key);
    let from = match get("from") {
        None => return Err((None, "needs from: the place of the value".to_owned())),
        Some(written) => places(written).map_err(at("from"))?,
    };
    let mut rule = FieldRule { from, default: get("default").cloned(), ..FieldRule::default() };
    if let Some(written) = get("minus") {
        let text = text(written).map_err(at("minus"))?;
        rule.minus = Some(place(text).map_err(at("minus"))?);
    }
    if let Some(written) = get("unit") {
        rule.unit = Some(word(written, &UNITS).map_err(at("unit"))?);
    }
    if let Some(written) = get("zone") {
        let name = text(written).map_err(at("zone"))?;
        rule.zone = Some(zone(name).map_err(at("zone"))?);
    }
    if let Some(written) = get("values") {
        rule.values = values(written).map_err(at("values"))?;
    }
    rule.reading = match (get("as"), get("threshold")) {
        (Some(_), Some(_)) => {
            return Err(at("threshold")("as is set, too; keep one of the two".to_owned()));
        }
        (Some(written), None) => Some(word(written, &READINGS).map_err(at("as"))?),
        (None, Some(Json::Number(number))) => number.as_f64().map(Reading::Threshold),
        (None, Some(other)) => return Err(at("threshold")(format!("{other} is no number"))),
        (None, None) => None,
    };
    Ok(rule)
}

fn text(written: &Json) -> Result<&str, String> {
    written.as_str().ok_or_else(|| format!("{written} is no text; write it in quotes"))
}

/// One place or a list of them.
fn places(written: &Json) -> Result<Vec<FieldPlace>, String> {
    match written {
        Json::Array(list) if list.is_empty() => Err("is empty; name a place".to_owned()),
        Json::Array(list) => list.iter().map(|one| place(text(one)?)).collect(),
        one => Ok(vec![place(text(one)?)?]),
    }
}

fn word<T: Copy>(written: &Json, words: &[(&str, T)]) -> Result<T, String> {
    let known = written.as_str().and_then(|text| words.iter().find(|(word, _)| *word == text));
    known.map(|(_, meant)| *meant).ok_or_else(|| {
        let all: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        format!("{written} is unknown; write one of {}", all.join(", "))
    })
}

fn zone(name: &str) -> Result<Zone, String> {
    name.parse().map(Zone).map_err(|_| {
        format!("{name:?} is no time zone; write a name such as \"Europe/Berlin\" or \"UTC\"")
    })
}

/// Words for words, the ones with fewer values first: `*` is for what is left.
fn values(written: &Json) -> Result<Vec<(ValuePattern, String)>, String> {
    let Json::Object(table) = written else {
        return Err(format!("{written} is no table; write {{ \"200-299\" = \"ok\", \"*\" = \"error\" }}"));
    };
    let mut values = Vec::new();
    for (patterns, word) in table {
        let word = text(word)?.to_owned();
        for pattern in patterns.split(',') {
            values.push((self::pattern(pattern.trim())?, word.clone()));
        }
    }
    values.sort_by_key(|(pattern, _)| breadth(pattern));
    Ok(values)
}

fn pattern(text: &str) -> Result<ValuePattern, String> {
    let range = text.split_once('-').and_then(|(low, high)| {
        Some((low.parse::<i64>().ok()?, high.parse::<i64>().ok()?))
    });
    match (text, range) {
        ("", _) => Err("a pattern is empty; write \"absent\" for no value".to_owned()),
        ("present", _) => Ok(ValuePattern::Present),
        ("absent", _) => Ok(ValuePattern::Absent),
        (_, Some((low, high))) if low > high || !CODES.contains(&low) || !CODES.contains(&high) => {
            Err(format!("{text:?} is no range; write the smaller number first"))
        }
        (_, Some((low, high))) => Ok(ValuePattern::Numbers(low, high)),
        (_, None) if text.len() > 1 && text.trim_matches('*').contains('*') => {
            Err(format!("{text:?} has a * inside; write it at the ends only"))
        }
        (_, None) => Ok(ValuePattern::Text(text.to_owned())),
    }
}

/// How many values a pattern is for: exact ones come first.
fn breadth(pattern: &ValuePattern) -> (u8, i64) {
    match pattern {
        ValuePattern::Absent => (0, 0),
        ValuePattern::Text(text) if !text.contains('*') => (0, 0),
        ValuePattern::Numbers(low, high) => (1, high - low),
        ValuePattern::Text(text) if text != "*" => (2, -i64::try_from(text.len()).unwrap_or(0)),
        ValuePattern::Text(_) | ValuePattern::Present => (3, 0),
    }
}
