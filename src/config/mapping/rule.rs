//! The rule of one field as a config writes it: a place, or a table.
//!
//! Law: an error names the key of the table that is wrong, and what would do.

use std::ops::RangeInclusive;

use serde_json::{Map, Value as Json};

use super::place::place;
use crate::model::{FieldPlace, FieldRule, NamesRule, Reading, TimeUnit, ValuePattern, Zone};
use crate::phrases::closest;

/// What is wrong, under which key of the rule. No key: the rule itself.
pub(super) type Wrong = (Option<String>, String);

const KEYS: [&str; 11] = [
    "from",
    "default",
    "values",
    "unit",
    "zone",
    "minus",
    "as",
    "threshold",
    "names",
    "shape",
    "repeats",
];
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
/// More than any code of HTTP or gRPC.
const CODES: RangeInclusive<i64> = -1_000_000_000..=1_000_000_000;

/// The rule that a value of the config is.
pub(super) fn rule(written: &Json) -> Result<FieldRule, Wrong> {
    match written {
        Json::String(text) => Ok(FieldRule::at(place(text).map_err(|why| (None, why))?)),
        Json::Object(table) => of_table(table),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => {
            let why = format!(
                "{written} is no place; write a place in quotes, or a table such as \
                 {{ from = \"/a\" }}"
            );
            Err((None, why))
        }
    }
}

fn of_table(table: &Map<String, Json>) -> Result<FieldRule, Wrong> {
    known_keys(table, &KEYS)?;
    let get = |key: &str| table.get(key);
    let from = match get("from") {
        None => return Err((None, "needs from: the place of the value".to_owned())),
        Some(written) => places(written).map_err(at("from"))?,
    };
    let mut rule = FieldRule { from, default: get("default").cloned(), ..FieldRule::default() };
    rule.minus = place_at(table, "minus")?;
    rule.shape = places_at(table, "shape")?;
    rule.names = names(table)?;
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
    if rule.names.is_some() && rule.reading != Some(Reading::Argmax) {
        return Err(at("names")("needs as = \"argmax\": the name of the largest".to_owned()));
    }
    Ok(rule)
}

/// Refuses a key that a table cannot have.
pub(super) fn known_keys(table: &Map<String, Json>, keys: &[&str]) -> Result<(), Wrong> {
    let Some(key) = table.keys().find(|key| !keys.contains(&key.as_str())) else { return Ok(()) };
    let hint = match closest(key, keys) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("it may have {}", keys.join(", ")),
    };
    Err((Some(key.clone()), format!("there is no such key; {hint}")))
}

/// An error under a key.
pub(super) fn at(key: &'static str) -> impl Fn(String) -> Wrong {
    move |why| (Some(key.to_owned()), why)
}

/// The place under a key of a table.
pub(super) fn place_at(
    table: &Map<String, Json>,
    key: &'static str,
) -> Result<Option<FieldPlace>, Wrong> {
    let Some(written) = table.get(key) else { return Ok(None) };
    text(written).and_then(place).map(Some).map_err(at(key))
}

/// The places under a key of a table; none if it is not there.
pub(super) fn places_at(
    table: &Map<String, Json>,
    key: &'static str,
) -> Result<Vec<FieldPlace>, Wrong> {
    let written = table.get(key).map(places).transpose();
    written.map(Option::unwrap_or_default).map_err(at(key))
}

/// The names under `names`: a list, or the place of one.
pub(super) fn names(table: &Map<String, Json>) -> Result<Option<NamesRule>, Wrong> {
    match table.get("names") {
        None => Ok(None),
        Some(Json::Array(list)) => {
            let names: Result<Vec<_>, _> =
                list.iter().map(|name| text(name).map(str::to_owned)).collect();
            names.map(|names| Some(NamesRule::Given(names))).map_err(at("names"))
        }
        Some(_) => Ok(place_at(table, "names")?.map(NamesRule::At)),
    }
}

pub(super) fn text(written: &Json) -> Result<&str, String> {
    written.as_str().ok_or_else(|| format!("{written} is no text; write it in quotes"))
}

/// One place or a list of them.
pub(super) fn places(written: &Json) -> Result<Vec<FieldPlace>, String> {
    match written {
        Json::Array(list) if list.is_empty() => Err("is empty; name a place".to_owned()),
        Json::Array(list) => list.iter().map(|one| place(text(one)?)).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
            Ok(vec![place(text(written)?)?])
        }
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
        return Err(format!(
            "{written} is no table; write {{ \"200-299\" = \"ok\", \"*\" = \"error\" }}"
        ));
    };
    let mut values = Vec::new();
    for (patterns, word) in table {
        let word = text(word)?.to_owned();
        for pattern in patterns.split(',') {
            values.push((self::pattern(pattern.trim())?, word.clone()));
        }
    }
    values.sort_by_key(|(pattern, _)| breadth(pattern));
    let twice = values.iter().enumerate().find_map(|(nth, (pattern, word))| {
        let earlier = values.get(..nth)?.iter().find(|(other, _)| other == pattern)?;
        Some(format!("one value is {:?} and {word:?}, too", earlier.1))
    });
    if let Some(why) = twice {
        return Err(why);
    }
    Ok(values)
}

pub(super) fn pattern(text: &str) -> Result<ValuePattern, String> {
    let range = text
        .split_once('-')
        .and_then(|(low, high)| Some((low.parse::<i64>().ok()?, high.parse::<i64>().ok()?)));
    match (text, range) {
        ("", _) => Err("a pattern is empty; write \"absent\" for no value".to_owned()),
        ("present", _) => Ok(ValuePattern::Present),
        ("absent", _) => Ok(ValuePattern::Absent),
        (_, Some((low, high))) if low > high || !CODES.contains(&low) || !CODES.contains(&high) => {
            Err(format!("{text:?} is no range; write the smaller number first"))
        }
        (_, Some((low, high))) => Ok(ValuePattern::Numbers(low, high)),
        // A code is that code however a table writes it: 200 or 200.0.
        (_, None) if text.parse::<i64>().is_ok_and(|code| CODES.contains(&code)) => {
            let code = text.parse().unwrap_or_default();
            Ok(ValuePattern::Numbers(code, code))
        }
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
        ValuePattern::Numbers(low, high) if low == high => (0, 0),
        ValuePattern::Numbers(low, high) => (1, high - low),
        ValuePattern::Text(text) if text != "*" => (2, -i64::try_from(text.len()).unwrap_or(0)),
        ValuePattern::Text(_) | ValuePattern::Present => (3, 0),
    }
}
