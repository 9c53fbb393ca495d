//! All layers as one tree, read into the raw structs.
//!
//! The crate `config` would read a text as a number where one is wanted, so serde reads the tree
//! as JSON and says what does not fit. Such a value is written down and replaced by the
//! default's, so that one reading finds every problem.

use std::collections::BTreeMap;
use std::path::PathBuf;

use config::{Value, ValueKind};
use serde_json::Value as Json;

use super::layers::{at, find, flatten, from_text, json, merge, origin, parse, set, with_origin};
use super::problem::{ConfigProblem, Path};
use super::raw::Raw;
use super::secret;
use super::wording;

/// The prefix of every variable that is a setting.
const PREFIX: &str = "RIPCORD__";

/// The name of the defaults in messages.
const SHIPPED: &str = "the shipped config.toml";

/// Whether the setting at a place may hold a secret; its value is never shown.
pub(super) fn is_secret(path: &[String]) -> bool {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    match parts.as_slice() {
        // No table: whatever it is, it was to hold properties.
        ["kafka", "properties"] => true,
        ["kafka", "properties", name] => secret::is_secret(name),
        // No table either.
        ["http", "tokens", _] => true,
        // Also a key that is not known: it may hold the token itself.
        ["http", "tokens", _, key] => !matches!(*key, "name" | "role" | "file"),
        [.., last] => *last == "webhook_url",
        [] => false,
    }
}

/// Whether the value at a place may be a secret that belongs elsewhere: it is no usual name of a
/// variable, or no usual path, where one of these is wanted.
pub(super) fn is_misplaced(path: &[String], value: &str) -> bool {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["kafka", "properties_from_env", _]
        | ["kafka", "instruction_keys_env"]
        | ["http", "token_env"]
        | ["workers", "notice", "webhook_secret_env"] => !secret::is_usual_variable(value),
        ["kafka", "properties_from_file", _]
        | ["http", "token_file"]
        | ["http", "tokens", _, "file"] => !secret::is_usual_path(value),
        _ => false,
    }
}

/// All layers merged, with the origin of each value.
#[derive(Debug)]
pub(super) struct Tree {
    /// As written.
    given: Value,
    /// With inherited values.
    whole: Value,
}

impl Tree {
    /// The defaults, under files, under environment variables.
    pub(super) fn read(
        files: &[PathBuf],
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<ConfigProblem>> {
        let mut given = Value::new(None, ValueKind::Table(shipped()));
        let mut problems = Vec::new();
        for file in files {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(file).map_err(|why| why.to_string());
            match text.and_then(|text| parse(&text)) {
                Ok(layer) => {
                    let mut layer = Value::new(None, ValueKind::Table(layer));
                    dotted(&mut layer);
                    merge(&mut given, with_origin(layer, &name));
                }
                Err(why) => problems.push(unreadable(name, &why)),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        for (name, text) in environment {
            if let Some(path) = name.strip_prefix(PREFIX) {
                let property = path.to_lowercase().starts_with("kafka__properties__");
                set(&mut given, path, from_text(name, text, property));
            }
        }
        // A variable wins over a file here too, though it cannot write a dot.
        dotted(&mut given);
        let whole = inherited(&given);
        Ok(Self { given, whole })
    }

    /// The raw structs, if they can be read, and the problems.
    pub(super) fn raw(&self) -> (Option<Raw>, Vec<ConfigProblem>) {
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
                problems.push(self.problem(&path, format!("missing; {}", wording::ADD)));
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

    /// A problem at a path, with its value and origin.
    pub(super) fn problem(&self, path: &Path, why: impl Into<String>) -> ConfigProblem {
        let path = self.home(path);
        let value = find(&self.given, path.parts());
        let shown = match value {
            Some(_) if is_secret(path.parts()) => Some("…".to_owned()),
            Some(Value { kind: ValueKind::String(text), .. })
                if is_misplaced(path.parts(), text) =>
            {
                Some("…".to_owned())
            }
            Some(value) if !matches!(value.kind, ValueKind::Table(_)) => {
                Some(json(value).to_string())
            }
            Some(_) | None => None,
        };
        let leaf = value.filter(|value| !matches!(value.kind, ValueKind::Table(_)));
        let origin = value.and_then(origin).or(leaf.map(|_| SHIPPED)).map(str::to_owned);
        ConfigProblem { path, value: shown, origin, why: why.into() }
    }

    /// The file or variable that sets the value at a path. `None` if only the default does.
    pub(super) fn set_by(&self, path: &Path) -> Option<&str> {
        find(&self.given, self.home(path).parts()).and_then(origin)
    }

    /// The path where an inherited value is written, or would be.
    fn home(&self, path: &Path) -> Path {
        let mut places = std::iter::successors(Some(path.clone()), inherits_from);
        match places.find(|place| find(&self.given, place.parts()).is_some()) {
            Some(place) => place,
            None => match path.parts().last() {
                Some(last) => self.home(&path.parent()).key(last),
                None => path.clone(),
            },
        }
    }
}

/// The path that this one inherits from.
fn inherits_from(path: &Path) -> Option<Path> {
    let parts: Vec<&str> = path.parts().iter().map(String::as_str).collect();
    let (above, rest): (&[&str], &[&str]) = match parts.as_slice() {
        ["models", _, rest @ ..] => (&["rules"], rest),
        ["rules", "triggers", _, rest @ ..] => (&["rules", "trigger_defaults"], rest),
        ["sources", _, rest @ ..] => (&["source_defaults"], rest),
        ["workers", "exec", _, rest @ ..] => (&["workers", "exec_defaults"], rest),
        ["router", "models", _, rest @ ..] => (&["router", "model_defaults"], rest),
        _ => return None,
    };
    let known = !rest.is_empty();
    known.then(|| above.iter().chain(rest).map(|&part| part.to_owned()).collect())
}

/// Tables of properties, whose names have dots that are no levels.
const DOTTED: [&str; 3] = ["properties", "properties_from_env", "properties_from_file"];

/// Gives properties that were written as tables within tables their names with dots.
fn dotted(tree: &mut Value) {
    for table in DOTTED {
        if let Some(ValueKind::Table(table)) = at(tree, &["kafka", table]).map(|v| &mut v.kind) {
            flatten(table);
        }
    }
}

fn unreadable(file: String, why: &str) -> ConfigProblem {
    ConfigProblem {
        path: Path::default(),
        value: None,
        origin: Some(file),
        why: format!("cannot be read: {}", why.trim_end()),
    }
}

/// The defaults. A test holds that they can be read.
fn shipped() -> config::Map<String, Value> {
    parse(super::DEFAULTS).unwrap_or_default()
}

/// Adds what models, sources, triggers and programs inherit.
fn inherited(given: &Value) -> Value {
    let mut whole = given.clone();
    let rules = find(given, &["rules"]).cloned();
    below(&mut whole, &["models"], rules.as_ref());
    let sources = find(given, &["source_defaults"]).cloned();
    below(&mut whole, &["sources"], sources.as_ref());
    let programs = find(given, &["workers", "exec_defaults"]).cloned();
    below(&mut whole, &["workers", "exec"], programs.as_ref());
    let routed = find(given, &["router", "model_defaults"]).cloned();
    below(&mut whole, &["router", "models"], routed.as_ref());
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

/// The default at a path, its own or inherited.
fn default_at(path: &Path) -> Option<Json> {
    let shipped = Value::new(None, ValueKind::Table(shipped()));
    std::iter::successors(Some(path.clone()), inherits_from)
        .find_map(|place| find(&shipped, place.parts()).map(json))
}

/// Replaces or removes the value at a path; false if there was none.
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
