//! `ripcord baseline`: baselines from recorded healthy traffic, written to a registry.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::{apart, config, registry_text, screen, source};
use crate::cli::{DONE, Global, MappingArgs, NO};
use crate::config::{REGISTRY, RegistryShape};
use crate::edge::terminal;
use crate::model::RecordingFile;
use crate::model::{Fact, ModelId, RuleSet, Signal, TargetId, VersionId};
use crate::phrases::{count, moment};
use crate::replay::{Measured, measure};
use crate::show::{self, BaselineChange, lost_values, mostly_lost};
use crate::targets::registry::{RegistryFile, ShadowRegistry};

/// The signals that a registry keeps.
const SIGNALS: [Signal; 3] = [Signal::Accuracy, Signal::ErrorRate, Signal::Latency];

/// Measures recordings and writes the baselines of the versions that both know.
pub(super) fn run(
    global: &Global,
    files: &[RecordingFile],
    registry: &Path,
    (named, mapping): (Option<&str>, &MappingArgs),
    environment: &BTreeMap<String, String>,
) -> Result<u8> {
    let config = config(global, environment)?;
    apart(registry, files.iter().map(|file| file.path.as_path()))?;
    let shape = &config.settings.workers.registry_shape;
    let facts = facts(registry, shape)?;
    let source = source::of(&config, named, mapping)?;
    let measured = measure(&source::by_topic(files, mapping), &source)?;
    if let Some(why) = mostly_lost(&measured.records) {
        bail!("no baseline is written. {why}");
    }
    let file = RegistryFile::new(TargetId::new(REGISTRY)?, registry.to_path_buf());
    let file = file.in_shape(shape.clone());
    let written = write(&file, &facts, &measured, &config.rules)?;
    let strangers = strangers(&facts, &measured);
    let done = if written.is_empty() { NO } else { DONE };
    if global.json {
        let names =
            |(model, version): &(ModelId, VersionId)| json!({ "model": model, "version": version });
        let answer = json!({
            "registry": registry.display().to_string(),
            "records": measured.records,
            "written": written,
            "notes": measured.notes,
            "not_in_registry": strangers.iter().map(names).collect::<Vec<_>>(),
        });
        terminal::line(&terminal::json(&answer)?);
        return Ok(done);
    }
    let screen = screen(global);
    let (from, to) = measured.times;
    let text = format!(
        "{} of {} records measured, {} to {}. This traffic is assumed to be healthy.",
        count(measured.records.measured),
        count(measured.records.read),
        moment(from),
        moment(to)
    );
    terminal::line(&screen.wrap(&text, 0));
    for note in measured.notes.iter().chain(&lost_values(&measured.records)) {
        terminal::line(&screen.wrap(note, 0));
    }
    if written.is_empty() {
        terminal::line(&screen.wrap(&nothing(registry, &config.rules), 0));
    } else {
        terminal::line(&show::baselines(&written, screen));
        terminal::line(&format!("Written to {}.", registry.display()));
    }
    for (model, version) in strangers {
        let text = format!(
            "{version} of {model} is not in {}, so its baseline was not written.",
            registry.display()
        );
        terminal::line(&screen.wrap(&text, 0));
    }
    Ok(done)
}

fn facts(registry: &Path, shape: &RegistryShape) -> Result<Vec<Fact>> {
    let name = registry.display();
    let text = registry_text(registry)?;
    let locked = std::fs::metadata(registry).is_ok_and(|about| about.permissions().readonly());
    if locked {
        bail!("{name} is read-only; make it writable to store baselines in it");
    }
    let mut shadow = ShadowRegistry::read_in(TargetId::new(REGISTRY)?, &text, shape)
        .with_context(|| format!("in {name}"))?;
    let facts = shadow.facts().with_context(|| format!("in {name}"))?;
    if facts.is_empty() {
        bail!("{name} has no entries; add the versions first, then write their baselines");
    }
    Ok(facts)
}

fn nothing(registry: &Path, rules: &RuleSet) -> String {
    format!(
        "Nothing was written to {}: none of its versions has {} samples of a signal in this \
         recording (rules.policy.baseline_samples).",
        registry.display(),
        count(rules.default.policy.baseline_samples)
    )
}

fn write(
    file: &RegistryFile,
    facts: &[Fact],
    measured: &Measured,
    rules: &RuleSet,
) -> Result<Vec<BaselineChange>> {
    let (mut written, mut baselines) = (Vec::new(), Vec::new());
    for fact in facts {
        for known in &fact.versions {
            let mut now = measured.days.total(&fact.model, &known.version).baselines();
            let enough = rules.of(&fact.model).policy.baseline_samples;
            now.retain(|_, baseline| baseline.n >= enough);
            if now.is_empty() {
                continue;
            }
            written.extend(SIGNALS.into_iter().filter_map(|signal| {
                let before = known.baselines.get(&signal).copied();
                let after = now.get(&signal).copied();
                before.or(after)?;
                let (model, version) = (fact.model.clone(), known.version.clone());
                Some(BaselineChange { model, version, signal, before, after })
            }));
            baselines.push((fact.model.clone(), known.version.clone(), now));
        }
    }
    if !baselines.is_empty() {
        file.write_baselines(&baselines)?;
    }
    Ok(written)
}

/// Versions that were measured and that the registry does not know.
fn strangers(facts: &[Fact], measured: &Measured) -> BTreeSet<(ModelId, VersionId)> {
    let knows = |model: &ModelId, version: &VersionId| {
        let mut of = facts.iter().filter(|fact| fact.model == *model);
        of.any(|fact| fact.versions.iter().any(|known| known.version == *version))
    };
    let days = measured.days.iter().map(|((_, model, version, _), _)| (model, version));
    let strange = days.filter(|(model, version)| !knows(model, version));
    strange.map(|(model, version)| (model.clone(), version.clone())).collect()
}
