//! One layer of settings, and two of them laid over each other.
//!
//! The crate `config` reads a layer and keeps the origin of each value. Its own merging
//! would take a dot in a key for a path, so the layers are laid over each other here.

use config::{File, FileFormat, Map, Source, Value, ValueKind};
use serde_json::Value as Json;

/// A layer, from TOML.
pub(super) fn parse(text: &str) -> Result<Map<String, Value>, String> {
    File::from_str(text, FileFormat::Toml).collect().map_err(|why| why.to_string())
}

/// What a variable says: a value as TOML writes it, else plain text. With `digits` a number is
/// taken as it is written: as a password 1e5 is no 100000.
pub(super) fn from_text(name: &str, text: &str, digits: bool) -> Value {
    let parsed = parse(&format!("value = {text}")).ok();
    let kind = match parsed.and_then(|mut table| table.remove("value")).map(|value| value.kind) {
        Some(ValueKind::I64(_) | ValueKind::Float(_)) if digits => None,
        other => other,
    };
    let kind = kind.unwrap_or_else(|| ValueKind::String(text.to_owned()));
    with_origin(Value::new(None, kind), &name.to_owned())
}

/// The same, said by `name`.
pub(super) fn with_origin(value: Value, name: &String) -> Value {
    let kind = if let ValueKind::Table(table) = value.kind {
        ValueKind::Table(
            table.into_iter().map(|(key, value)| (key, with_origin(value, name))).collect(),
        )
    } else if let ValueKind::Array(list) = value.kind {
        ValueKind::Array(list.into_iter().map(|value| with_origin(value, name)).collect())
    } else {
        value.kind
    };
    Value::new(Some(name), kind)
}

/// Sets what a variable names: case and `-` or `_` of its parts go by what is there already.
pub(super) fn set(into: &mut Value, name: &str, value: Value) {
    let (first, rest) = match name.split_once("__") {
        Some((first, rest)) => (first, Some(rest)),
        None => (name, None),
    };
    if !matches!(into.kind, ValueKind::Table(_)) {
        into.kind = ValueKind::Table(Map::default());
    }
    let ValueKind::Table(table) = &mut into.kind else { return };
    let plain = |key: &str| key.to_lowercase().replace('-', "_");
    let known = table.keys().find(|key| plain(key) == plain(first)).cloned();
    let place = table.entry(known.unwrap_or_else(|| first.to_lowercase())).or_default();
    match rest {
        Some(rest) => set(place, rest, value),
        None => merge(place, value),
    }
}

/// Lays `over` on `under`, table by table.
pub(super) fn merge(under: &mut Value, over: Value) {
    match (&mut under.kind, over) {
        (ValueKind::Table(table), over) if matches!(over.kind, ValueKind::Table(_)) => {
            let ValueKind::Table(over) = over.kind else { return };
            for (key, value) in over {
                merge(table.entry(key).or_default(), value);
            }
        }
        (_, over) => *under = over,
    }
}

/// Lays what tables within a table say under names with dots into that table.
pub(super) fn flatten(table: &mut Map<String, Value>) {
    let nested = table.extract_if(|_, value| matches!(value.kind, ValueKind::Table(_)));
    for (name, value) in nested.collect::<Vec<_>>() {
        let ValueKind::Table(mut inner) = value.kind else { continue };
        flatten(&mut inner);
        table.extend(inner.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
    }
}

/// The value at a place, to be changed.
pub(super) fn at<'a>(tree: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter().try_fold(tree, |value, key| {
        let ValueKind::Table(table) = &mut value.kind else { return None };
        table.get_mut(*key)
    })
}

/// The value at a place.
pub(super) fn find<'a, S: AsRef<str>>(tree: &'a Value, path: &[S]) -> Option<&'a Value> {
    path.iter().try_fold(tree, |value, key| {
        if let ValueKind::Array(list) = &value.kind {
            return list.get(key.as_ref().parse::<usize>().ok()?);
        }
        let ValueKind::Table(table) = &value.kind else { return None };
        table.get(key.as_ref())
    })
}

/// The origin. `None` for the shipped file, and for tables from more than one.
pub(super) fn origin(value: &Value) -> Option<&str> {
    let ValueKind::Table(table) = &value.kind else { return value.origin() };
    let mut said = table.values().map(origin);
    let first = said.next()??;
    said.all(|other| other == Some(first)).then_some(first)
}

/// The same as JSON, which does not turn texts into numbers as the crate `config` would.
pub(super) fn json(value: &Value) -> Json {
    match &value.kind {
        ValueKind::Nil => Json::Null,
        ValueKind::Boolean(yes) => Json::from(*yes),
        ValueKind::I64(n) => Json::from(*n),
        ValueKind::U64(n) => Json::from(*n),
        ValueKind::I128(n) => Json::from(n.to_string()),
        ValueKind::U128(n) => Json::from(n.to_string()),
        ValueKind::Float(x) => Json::Number(match serde_json::Number::from_f64(*x) {
            Some(number) => number,
            None => return Json::from(x.to_string()),
        }),
        ValueKind::String(text) => Json::from(text.clone()),
        ValueKind::Array(list) => list.iter().map(json).collect(),
        ValueKind::Table(table) => {
            Json::Object(table.iter().map(|(key, value)| (key.clone(), json(value))).collect())
        }
    }
}
