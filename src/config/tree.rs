//! Files and environment, laid over each other, and read into the raw structs.
//!
//! The crate `config` lays the layers and keeps who said what; serde says what does not fit. A
//! value that does not fit is written down and replaced by the default's, so that one reading
//! finds every problem.

use std::collections::BTreeMap;
use std::path::PathBuf;

use config::{File, FileFormat, Source, Value, ValueKind};
use serde_json::Value as Json;

use super::problem::{Path, Problem};
use super::raw::Raw;
use super::wording;

/// The prefix of every variable that is a setting.
const PREFIX: &str = "RIPCORD__";

/// Settings that may hold a secret; their values are never shown.
pub(super) const SECRETS: [&str; 1] = ["webhook_url"];

/// All layers as one, with who said what.
#[derive(Debug)]
pub(super) struct Tree {
    /// As written.
    given: Value,
    /// With what is inherited.
    whole: Value,
}

impl Tree {
    /// The defaults, under files, under environment variables.
    pub(super) fn read(
        files: &[PathBuf],
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<Problem>> {
        let mut builder =
            config::Config::builder().add_source(File::from_str(super::DEFAULTS, FileFormat::Toml));
        let mut problems = Vec::new();
        for file in files {
            let layer = File::from(file.as_path()).format(FileFormat::Toml);
            match layer.collect() {
                Ok(_) => builder = builder.add_source(layer),
                Err(why) => {
                    problems.push(unreadable(&file.display().to_string(), &why.to_string()));
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let layered =
            builder.build().map_err(|why| vec![unreadable("a file", &why.to_string())])?;
        let mut given = layered.cache;
        for (name, text) in environment {
            if let Some(path) = name.strip_prefix(PREFIX) {
                set(&mut given, path, from_text(name, text));
            }
        }
        let whole = inherited(&given);
        Ok(Self { given, whole })
    }

    /// The raw structs, as far as they can be had, and what does not fit.
    pub(super) fn raw(&self) -> (Option<Raw>, Vec<Problem>) {
        /// More than anybody reads.
        const MOST: usize = 100;
        let mut json = json(&self.whole);
        let mut problems = Vec::new();
        while problems.len() < MOST {
            let error = match serde_path_to_error::deserialize::<_, Raw>(&json) {
                Ok(raw) => return (Some(raw), problems),
                Err(error) => error,
            };
            let text = error.inner().to_string();
            let path = path_of(error.path());
            if let Some(field) = wording::missing(&text) {
                let path = path.key(field);
                problems.push(self.problem(&path, format!("it is missing; {}", wording::ADD)));
                return (None, problems);
            }
            problems.push(self.problem(&path, wording::of(&path, &text)));
            let instead = default_at(&path);
            if !replace(&mut json, path.parts(), instead) {
                return (None, problems);
            }
        }
        (None, problems)
    }

    /// What is wrong at a place, with what stands there and who says so.
    pub(super) fn problem(&self, path: &Path, would_do: impl Into<String>) -> Problem {
        let path = self.home(path);
        let value = find(&self.given, path.parts());
        let shown = match value {
            Some(_) if path.parts().last().is_some_and(|key| SECRETS.contains(&key.as_str())) => {
                Some("…".to_owned())
            }
            Some(value) if !matches!(value.kind, ValueKind::Table(_)) => {
                Some(json(value).to_string())
            }
            Some(_) | None => None,
        };
        let origin =
            value.map(|value| origin(value).unwrap_or("the shipped config.toml").to_owned());
        Problem { path, value: shown, origin, would_do: would_do.into() }
    }

    /// The file or variable that says what stands at a place; none: nobody, or only the default.
    pub(super) fn said_by(&self, path: &Path) -> Option<&str> {
        find(&self.given, self.home(path).parts()).and_then(origin)
    }

    /// The place where an inherited value was written down.
    fn home(&self, path: &Path) -> Path {
        let mut path = path.clone();
        loop {
            if find(&self.given, path.parts()).is_some() {
                return path;
            }
            let parts: Vec<&str> = path.parts().iter().map(String::as_str).collect();
            let up: Vec<&str> = match parts.as_slice() {
                ["models", _, rest @ ..] if !rest.is_empty() => [&["rules"], rest].concat(),
                ["rules", "triggers", _, rest @ ..] if !rest.is_empty() => {
                    [&["rules", "trigger_defaults"], rest].concat()
                }
                ["sources", _, rest @ ..] if !rest.is_empty() => {
                    [&["source_defaults"], rest].concat()
                }
                ["workers", "exec", _, rest @ ..] if !rest.is_empty() => {
                    [&["workers", "exec_defaults"], rest].concat()
                }
                _ => return path,
            };
            let up: Path = up.into_iter().map(str::to_owned).collect();
            if find(&self.given, up.parts()).is_none() && parts.first() != Some(&"models") {
                return path;
            }
            path = up;
        }
    }
}

fn unreadable(file: &str, why: &str) -> Problem {
    Problem {
        path: Path::default(),
        value: None,
        origin: Some(file.to_owned()),
        would_do: format!("{}; give a file of TOML", why.trim_end()),
    }
}

/// What a variable says: a value as TOML writes it, else plain text.
fn from_text(name: &str, text: &str) -> Value {
    let parsed = File::from_str(&format!("value = {text}"), FileFormat::Toml).collect();
    let kind = match parsed.ok().and_then(|mut table| table.remove("value")) {
        Some(value) => value.kind,
        None => ValueKind::String(text.to_owned()),
    };
    with_origin(Value::new(None, kind), &name.to_owned())
}

fn with_origin(value: Value, name: &String) -> Value {
    let kind = match value.kind {
        ValueKind::Table(table) => ValueKind::Table(
            table.into_iter().map(|(key, value)| (key, with_origin(value, name))).collect(),
        ),
        other => other,
    };
    Value::new(Some(name), kind)
}

/// Sets what a variable names: case and `-` or `_` of its parts go by what is there already.
fn set(into: &mut Value, name: &str, value: Value) {
    let (first, rest) = match name.split_once("__") {
        Some((first, rest)) => (first, Some(rest)),
        None => (name, None),
    };
    if !matches!(into.kind, ValueKind::Table(_)) {
        into.kind = ValueKind::Table(config::Map::default());
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
fn merge(under: &mut Value, over: Value) {
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

/// With what models, sources, triggers and programs do not say themselves.
fn inherited(given: &Value) -> Value {
    let mut whole = given.clone();
    let rules = find(given, &["rules"]).cloned();
    below(&mut whole, &["models"], rules.as_ref());
    let sources = find(given, &["source_defaults"]).cloned();
    below(&mut whole, &["sources"], sources.as_ref());
    let programs = find(given, &["workers", "exec_defaults"]).cloned();
    below(&mut whole, &["workers", "exec"], programs.as_ref());
    let triggers = find(&whole, &["rules", "trigger_defaults"]).cloned();
    below(&mut whole, &["rules", "triggers"], triggers.as_ref());
    if let Some(ValueKind::Table(models)) = at(&mut whole, &["models"]).map(|v| &mut v.kind) {
        for model in models.values_mut() {
            let triggers = find(model, &["trigger_defaults"]).cloned();
            below(model, &["triggers"], triggers.as_ref());
        }
    }
    whole
}

/// Puts `defaults` below each entry of a table.
fn below(tree: &mut Value, path: &[&str], defaults: Option<&Value>) {
    let Some(defaults) = defaults else { return };
    let Some(ValueKind::Table(entries)) = at(tree, path).map(|value| &mut value.kind) else {
        return;
    };
    for entry in entries.values_mut() {
        if matches!(entry.kind, ValueKind::Table(_)) {
            let own = std::mem::replace(entry, defaults.clone());
            merge(entry, own);
        }
    }
}

fn at<'a>(tree: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter().try_fold(tree, |value, key| match &mut value.kind {
        ValueKind::Table(table) => table.get_mut(*key),
        _ => None,
    })
}

fn find<'a, S: AsRef<str>>(tree: &'a Value, path: &[S]) -> Option<&'a Value> {
    path.iter().try_fold(tree, |value, key| match &value.kind {
        ValueKind::Table(table) => table.get(key.as_ref()),
        ValueKind::Array(list) => list.get(key.as_ref().parse::<usize>().ok()?),
        _ => None,
    })
}

/// Who said it; for a table: who said its first value.
fn origin(value: &Value) -> Option<&str> {
    match &value.kind {
        ValueKind::Table(table) => {
            let first = table.iter().min_by_key(|(key, _)| key.as_str());
            value.origin().or_else(|| first.and_then(|(_, value)| origin(value)))
        }
        _ => value.origin(),
    }
}

/// The same as JSON, which does not turn texts into numbers as the crate `config` would.
fn json(value: &Value) -> Json {
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

fn path_of(path: &serde_path_to_error::Path) -> Path {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// What the shipped file has at a place.
fn default_at(path: &Path) -> Option<Json> {
    let shipped = File::from_str(super::DEFAULTS, FileFormat::Toml).collect().ok()?;
    let whole = inherited(&Value::new(None, ValueKind::Table(shipped)));
    find(&whole, path.parts()).map(json)
}

/// Puts `instead` at a place, or takes away what stands there. No: there was nothing.
fn replace(json: &mut Json, path: &[String], instead: Option<Json>) -> bool {
    let Some((last, above)) = path.split_last() else { return false };
    let parent = above.iter().try_fold(json, |value, key| match value {
        Json::Object(table) => table.get_mut(key),
        Json::Array(list) => list.get_mut(key.parse::<usize>().ok()?),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    });
    match (parent, instead) {
        (Some(Json::Object(table)), Some(value)) => {
            table.insert(last.clone(), value);
            true
        }
        (Some(Json::Object(table)), None) => table.remove(last).is_some(),
        (Some(Json::Array(list)), _) => match last.parse::<usize>() {
            Ok(index) if index < list.len() => {
                list.remove(index);
                true
            }
            Ok(_) | Err(_) => false,
        },
        (Some(_) | None, _) => false,
    }
}
