//! Reads files and the environment into a [`Config`]: rules for the pure rooms, settings for the
//! others.
//!
//! Law: it uses nothing but `model`, so that what a setting means is written in one room. Raw
//! structs never leave it.
//!
//! There are two phases: the layers are read into raw structs that only mirror the keys, and one
//! conversion turns those into valid values or lists everything that is wrong. All defaults are in
//! `config.toml`, which is compiled in.

mod check;
mod file;
mod http;
mod instruction_keys;
mod kafka;
mod layers;
mod mapping;
mod place;
mod policy;
mod problem;
mod raw;
mod report;
mod routed;
mod router;
mod rules;
mod secret;
mod settings;
mod shape;
mod sources;
mod tokens;
mod tree;
mod units;
mod wording;
mod workers;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::model::{ModelId, Namespace, RuleSet, Span};
use check::Checker;
use problem::Path;
use tree::Tree;

pub use file::ExposedFile;
pub(crate) use file::{in_words, only_regular, open_regular, read_regular, readable_by_all};
pub use http::{HttpLimits, HttpSettings, SeriesPerModel};
pub use instruction_keys::{
    InstructionKey, InstructionKeys, WrongInstructionKeys, is_key_id, written_key,
};
pub use kafka::{GroupProtocol, KafkaSettings};
pub use mapping::{Dialect, WrittenMapping, WrongMapping, dialects, mapping, place, toml_value};
pub use place::Place;
pub use problem::{ConfigError, ConfigProblem};
pub use report::{ConfigReport, RulesInWords};
pub use routed::{FeaturesAt, HealthSettings, RoutedFields, RoutedModel};
pub use router::{RouterLimits, RouterSettings};
pub use secret::{KeptSecrets, Secret};
pub use settings::{IngestSettings, LogKind, LogSettings, Settings};
pub use shape::{MarkedBy, ProductionMark, RegistryForm, RegistryShape};
pub use tokens::{AccessRole, AccessToken, token_hash};
pub use workers::{
    ExecSettings, NOTICE, NoticeSettings, REGISTRY, ROUTER, RegistrySettings, RouterWorkerSettings,
    WorkerSettings,
};

/// The shipped `config.toml`.
pub const DEFAULTS: &str = include_str!("../../config.toml");

/// The complete configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The rules, with revision 0.
    pub rules: RuleSet,
    /// All other settings.
    pub settings: Settings,
    /// The settings under their names in the files, without secrets.
    effective: Json,
}

impl Config {
    /// The defaults, under `files`, under `environment` (all variables of the process: the
    /// settings among them begin with `RIPCORD__`, and others may hold secrets).
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn load(
        files: &[PathBuf],
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let tree = Tree::read(files, environment).map_err(|problems| ConfigError { problems })?;
        let (raw, problems) = tree.raw();
        let mut check = Checker::new(&tree, problems);
        let config = raw.and_then(|raw| convert(&mut check, &raw, environment));
        let problems = check.into_problems();
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            Some(_) | None => Err(ConfigError { problems }),
        }
    }

    /// What is in effect and what it means, for `check-config`.
    #[must_use]
    pub fn report(&self) -> ConfigReport {
        report::report(&self.rules, self.effective.clone())
    }
}

fn convert(
    check: &mut Checker<'_>,
    raw: &raw::Raw,
    environment: &BTreeMap<String, String>,
) -> Option<Config> {
    let top = Path::default();
    let none = BTreeMap::new();
    let overrides = raw.models.as_ref().unwrap_or(&none);
    let programs = raw.workers.exec.iter().flatten();
    let mut known: BTreeSet<String> = overrides.keys().cloned().collect();
    known.extend(programs.flat_map(|(_, program)| program.models.iter().cloned()));
    known.extend(workers::routed(raw).cloned());
    let limits = settings::limits(check, &raw.ingest);
    let sources = sources::sources(check, &raw.sources, &known, limits);
    let panes: Vec<Span> = sources.iter().map(|source| source.pane).collect();
    let targets = workers::targets(check, raw, None);
    let default = rules::rules(check, &Path::of(["rules"]), &raw.rules, &panes, targets);
    let mut models = BTreeMap::new();
    for name in &known {
        let at = Path::of(["models", name]);
        let targets = workers::targets(check, raw, Some(name));
        let own = overrides.get(name).unwrap_or(&raw.rules);
        let rules = rules::rules(check, &at, own, &panes, targets);
        if let Some(model) = check.name(&at, name, ModelId::new) {
            models.insert(model, rules);
        }
    }
    let namespace = namespace(check, &top.key("namespace"), &raw.namespace);
    let mut settings = settings::settings(check, raw, environment, sources);
    if let Some(settings) = &mut settings {
        settings.ingest.named = models.keys().cloned().collect();
    }
    let mut effective = serde_json::to_value(raw).unwrap_or_default();
    redact(&mut effective, &mut Vec::new());
    let mut rules = RuleSet {
        namespace: namespace?,
        revision: 0,
        hash: String::new(),
        by: None,
        reason: None,
        limits,
        default,
        models,
    };
    rules.hash = rules_hash(&rules);
    Some(Config { rules, settings: settings?, effective })
}

fn namespace(check: &mut Checker<'_>, at: &Path, text: &str) -> Option<Namespace> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if text.is_empty() || text.len() > 64 || !text.chars().all(fits) {
        check.refuse(at, "use 1 to 64 letters, digits, - and _, since it is part of topic names");
        return None;
    }
    check.name(at, text, Namespace::new)
}

/// SHA-256, in hex, of the rules as JSON with sorted keys, without what says of the revision who
/// made it: the same rules have one hash.
#[must_use]
pub fn rules_hash(rules: &RuleSet) -> String {
    let mut json = serde_json::to_value(rules).unwrap_or_default();
    if let Json::Object(rule_set) = &mut json {
        for of_revision in ["revision", "hash", "by", "reason"] {
            rule_set.remove(of_revision);
        }
    }
    let mut text = String::new();
    canonical(&json, &mut text);
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// JSON without spaces, keys sorted whatever the map's own order.
fn canonical(json: &Json, out: &mut String) {
    match json {
        Json::Object(table) => {
            out.push('{');
            let sorted: BTreeMap<&String, &Json> = table.iter().collect();
            for (i, (key, value)) in sorted.into_iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                out.push_str(&Json::from(key.as_str()).to_string());
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
        Json::Array(list) => {
            out.push('[');
            for (i, value) in list.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                canonical(value, out);
            }
            out.push(']');
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            out.push_str(&json.to_string());
        }
    }
}

/// Removes what may be a secret. `path` is the path of `json`.
fn redact(json: &mut Json, path: &mut Vec<String>) {
    match json {
        Json::Object(table) => {
            for (key, value) in table {
                path.push(key.clone());
                redact(value, path);
                path.pop();
            }
        }
        Json::Array(list) if !tree::is_secret(path) => {
            for (nth, value) in list.iter_mut().enumerate() {
                path.push(nth.to_string());
                redact(value, path);
                path.pop();
            }
        }
        Json::Null => {}
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            if tree::is_secret(path) {
                *json = Json::from("…");
            }
        }
    }
}
