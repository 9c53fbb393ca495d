//! `ripcord replay`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use super::{DONE, config};
use crate::app::replay::{self, Replay};
use crate::cli::{self, Global, MappingArgs, ReplayMode};
use crate::config::{self, Config, REGISTRY};
use crate::edge::target::registry::ShadowRegistry;
use crate::edge::terminal;
use crate::model::{Mode, Source, TargetId};

/// Replays recordings and tells what came of it.
pub(super) fn run(
    global: &Global,
    args: &cli::Replay,
    environment: &BTreeMap<String, String>,
) -> Result<u8> {
    let config = config(global, environment)?;
    let replay = Replay {
        files: args.files.clone(),
        registry: registry(args)?,
        versions: args.production.clone().map(|version| (version, args.previous.clone())),
        source: source(&config, args.source.as_deref(), &args.mapping)?,
        rules: config.rules.clone(),
        mode: match args.mode {
            ReplayMode::Config => None,
            ReplayMode::Observe => Some(Mode::Observe),
            ReplayMode::Recommend => Some(Mode::Recommend),
            ReplayMode::Act => Some(Mode::Act),
        },
    };
    let replayed = replay.run(|_| {})?;
    if global.json {
        terminal::line(&serde_json::to_string_pretty(&replayed.summary)?);
    }
    Ok(DONE)
}

/// The shadow registry that a replay acts on.
fn registry(args: &cli::Replay) -> Result<ShadowRegistry> {
    let id = TargetId::new(REGISTRY)?;
    let Some(path) = &args.registry else { return Ok(ShadowRegistry::new(id)) };
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{name} cannot be read; --registry takes a registry.json"))?;
    let registry = ShadowRegistry::read(id, &text).with_context(|| format!("in {name}"))?;
    if !args.check_artifacts {
        return Ok(registry);
    }
    let folder = path.parent().map(std::path::Path::to_path_buf).unwrap_or_default();
    Ok(registry.check_artifacts(folder))
}

/// The source of the config that is named, with the mapping of the flags.
pub(super) fn source(config: &Config, named: Option<&str>, args: &MappingArgs) -> Result<Source> {
    let sources = &config.settings.sources;
    let source = match named {
        Some(name) => sources.iter().find(|source| source.id.as_str() == name),
        None => sources.first(),
    };
    let Some(source) = source else {
        let known: Vec<_> = sources.iter().map(|source| source.id.as_str()).collect();
        bail!("no source {}; the config has: {}", named.unwrap_or("at all"), known.join(", "));
    };
    let mut source = replay::recorded(source, config.settings.replay_max_jump);
    let fields = args.field.iter().cloned().collect();
    let constants = args.constant.iter().cloned().collect();
    let mapping = config::mapping(args.kind, fields, constants)
        .map_err(|(field, would_do)| anyhow::anyhow!("{field}: {would_do}"))?;
    if mapping.is_some() {
        for topic in &mut source.topics {
            topic.mapping.clone_from(&mapping);
        }
    }
    Ok(source)
}
