//! What a process would meet when it starts on this machine: files, programs, and properties that
//! only the Kafka client can judge.
//!
//! Law: nothing is created, and no broker is asked.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::config::{
    Config, ConfigProblem, ExecSettings, KafkaSettings, LogKind, REGISTRY, RegistrySettings,
};
use crate::edge::chain::chain;
use crate::edge::log::kafka::try_properties;
use crate::model::TargetId;
use crate::targets::registry::RegistryFile;

/// What is wrong, with the setting that names it.
#[must_use]
pub fn problems(config: &Config, environment: &BTreeMap<String, String>) -> Vec<ConfigProblem> {
    let workers = &config.settings.workers;
    let registry = workers.registry.as_ref().and_then(|settings| registry(config, settings));
    let programs = workers.exec.iter().flat_map(|settings| programs(settings, environment));
    let properties = match &config.settings.log.kind {
        LogKind::Kafka(kafka) => properties(kafka),
        LogKind::Local => Vec::new(),
    };
    registry.into_iter().chain(programs).chain(properties).collect()
}

fn problem(path: &[&str], value: Option<String>, why: String) -> ConfigProblem {
    let path = path.iter().map(|part| (*part).to_owned()).collect();
    ConfigProblem { path, value, origin: None, why }
}

fn quoted(text: &str) -> Option<String> {
    serde_json::to_string(text).ok()
}

fn registry(config: &Config, settings: &RegistrySettings) -> Option<ConfigProblem> {
    let at = ["workers", "registry", "path"];
    let value = quoted(&settings.path.display().to_string());
    if !settings.path.exists() {
        let why = "there is no such file on this machine; correct the path, or run this check \
                   where `ripcord work registry` runs";
        return Some(problem(&at, value, why.to_owned()));
    }
    let file = RegistryFile::new(TargetId::new(REGISTRY).ok()?, settings.path.clone());
    let shape = config.settings.workers.registry_shape.clone();
    let error = file.in_shape(shape).check().err()?;
    Some(problem(&at, value, chain(&error)))
}

fn programs(settings: &ExecSettings, environment: &BTreeMap<String, String>) -> Vec<ConfigProblem> {
    let search = environment.get("PATH").map_or("", String::as_str);
    let named = [("probe", &settings.probe), ("act", &settings.act)];
    let missing = named.into_iter().filter_map(|(key, words)| {
        let program = words.first()?;
        let why = missing(program, search)?;
        Some(problem(&["workers", "exec", settings.id.as_str(), key], quoted(program), why))
    });
    missing.collect()
}

/// Why a program cannot be run from here; `None` if it can be.
fn missing(program: &str, search: &str) -> Option<String> {
    let runs = |path: &Path| {
        let found = path.metadata().ok().filter(std::fs::Metadata::is_file);
        found.map(|file| file.permissions().mode() & 0o111 != 0)
    };
    if !program.contains('/') {
        let mut folders = search.split(':').filter(|folder| !folder.is_empty());
        let found = folders.any(|folder| runs(&Path::new(folder).join(program)) == Some(true));
        let why = "this program is in no folder of PATH on this machine; install it, or write its \
                   path";
        return (!found).then(|| why.to_owned());
    }
    match runs(Path::new(program)) {
        Some(true) => None,
        Some(false) => Some(format!("this file may not be executed; run chmod +x {program}")),
        None => {
            let why = "there is no such program on this machine; correct the path, or run this \
                       check where the worker runs. A relative path begins where ripcord starts";
            Some(why.to_owned())
        }
    }
}

/// The properties that the client refuses. It names one at a time.
fn properties(kafka: &KafkaSettings) -> Vec<ConfigProblem> {
    let Err(refused) = try_properties(kafka) else { return Vec::new() };
    let at = match &refused.property {
        Some(name) if kafka.properties.contains_key(name) => {
            let value = kafka.properties.get(name).and_then(|value| quoted(value));
            return vec![problem(&["kafka", "properties", name], value, refused.why)];
        }
        Some(name) if kafka.secrets.contains_key(name) => vec!["kafka", "properties", name],
        Some(_) | None => vec!["kafka", "properties"],
    };
    vec![problem(&at, None, refused.why)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_as_a_shell_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        for (name, mode) in [("runs", 0o755), ("text", 0o644)] {
            std::fs::write(path(name), "").unwrap();
            let file = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(path(name), file).unwrap();
        }
        let search = format!("/nowhere:{}", folder.path().display());
        for (program, word) in [
            ("runs".to_owned(), None),
            (path("runs"), None),
            ("text".to_owned(), Some("no folder of PATH")),
            (path("text"), Some("chmod +x")),
            ("gone".to_owned(), Some("no folder of PATH")),
            (path("gone"), Some("no such program")),
            (folder.path().display().to_string(), Some("no such program")),
        ] {
            let found = missing(&program, &search);
            match word {
                None => assert_eq!(found, None, "{program}"),
                Some(word) => assert!(found.unwrap().contains(word), "{program}"),
            }
        }
    }
}
