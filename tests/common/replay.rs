//! Replays in process: what the binary does, without starting it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ripcord::config::Config;
use ripcord::model::{Mode, TargetId};
use ripcord::replay::{Replay, Replayed};
use ripcord::shard::{Decision, Output};
use ripcord::targets::registry::ShadowRegistry;
use serde_json::Value as Json;

use super::files;

pub const FLIGHTS: &str = "examples/flights/telemetry.jsonl.gz";
pub const REGISTRY: &str = "examples/flights/registry.json";

/// A replay of `file` by the shipped rules in mode act.
pub fn of(file: &Path) -> Replay {
    let config = Config::load(&[], &BTreeMap::new()).unwrap();
    Replay {
        only: None,
        files: vec![file.to_path_buf().into()],
        registry: ShadowRegistry::new(TargetId::new("registry").unwrap()),
        versions: None,
        source: config.settings.sources[0].clone(),
        rules: config.rules,
        mode: Some(Mode::Act),
    }
}

/// A registry from text.
pub fn registry(text: &str) -> ShadowRegistry {
    ShadowRegistry::read(TargetId::new("registry").unwrap(), text).unwrap()
}

/// The shipped registry of the flights.
pub fn flights_registry() -> String {
    std::fs::read_to_string(files::in_tree(REGISTRY)).unwrap()
}

/// Writes lines to a file in a folder.
pub fn write(folder: &Path, name: &str, lines: &[String]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, lines.join("\n")).unwrap();
    path
}

/// The summary as `--json` prints it.
pub fn summary(replayed: &Replayed) -> Json {
    serde_json::to_value(&replayed.summary).unwrap()
}

/// All decisions, in order.
pub fn decisions(replayed: &Replayed) -> Vec<&Decision> {
    let outputs = replayed.outputs.iter();
    outputs
        .filter_map(|output| match output {
            Output::Decision(decision) => Some(&**decision),
            Output::Command(_) | Output::Incident(_) | Output::Reply(_) => None,
        })
        .collect()
}

/// One decision in one line, for a test that fails to show.
pub fn line(decision: &Decision) -> String {
    let a = &decision.assessment;
    let e = &a.evidence;
    let feature = a.feature.as_ref().map(|f| format!("/{f}")).unwrap_or_default();
    let did = decision.ruling.as_ref().map(|r| format!("{:?}: {}", r.did, r.because));
    format!(
        "{} {} {}{feature} {:?}/{:?} stat {:.3e} of {:.3e} null {:?} est {:?} in {:?} n {} d {:.2} \
         {:?} since {:?} against {:?} | {}",
        a.at,
        a.version,
        a.trigger,
        a.verdict,
        a.reason,
        e.statistic,
        e.threshold,
        e.null,
        e.estimate,
        e.interval,
        e.samples,
        e.design_effect,
        e.calibration,
        e.since,
        a.against,
        did.unwrap_or_default()
    )
}
