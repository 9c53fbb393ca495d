//! `ripcord check-source`, and the source that a recording is read as.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};

use super::{config, screen};
use crate::cli::{DONE, Global, MappingArgs, NO};
use crate::config::{Config, WrittenMapping, mapping};
use crate::edge::terminal::{self, Bar};
use crate::model::Source;
use crate::phrases::count;
use crate::replay::recording::{Line, Recording};
use crate::show;
use crate::wire::check::SourceCheck;
use crate::wire::telemetry::Raw;

/// Requests whose joins are remembered at a time.
const REQUESTS: usize = 1_000_000;

/// Records between two updates of the progress bar.
const LOOK_EVERY: u64 = 1000;

/// Shows what Ripcord understands of a recording.
pub(super) fn run(
    global: &Global,
    file: &Path,
    named: Option<&str>,
    map: &MappingArgs,
    environment: &BTreeMap<String, String>,
) -> Result<u8> {
    let config = config(global, environment)?;
    let source = of(&config, named, map)?;
    let Some(topic) = source.topics.first() else { bail!("source {} has no topic", source.id) };
    let mut recording = Recording::open(file, &source)?;
    let mut check = SourceCheck::new(topic, &source, REQUESTS);
    let bar = Bar::new(!global.json);
    let mut records = 0_u64;
    loop {
        let progress = recording.progress();
        let Some(line) = recording.line()? else { break };
        let at = match line {
            Line::Whole { at, bytes } => {
                check.take_at(at, &Raw::line(bytes));
                at
            }
            Line::TooLarge { at, bytes } => {
                check.too_large(at, bytes);
                at
            }
        };
        records += 1;
        if records.is_multiple_of(LOOK_EVERY) {
            bar.at(progress.read, progress.total, format!("line {}", count(at.line)));
        }
    }
    bar.end();
    let mut report = check.report();
    report.hints.extend(recording.notes());
    if global.json {
        terminal::line(&serde_json::to_string_pretty(&report)?);
    } else {
        let name = file.display().to_string();
        terminal::line(&show::source(&name, &report, screen(global)));
    }
    let good = report.rejected.is_empty() && !report.understood.is_empty();
    Ok(if good { DONE } else { NO })
}

/// The source of the config that is named, with the mapping of the flags.
pub(super) fn of(config: &Config, named: Option<&str>, args: &MappingArgs) -> Result<Source> {
    let sources = &config.settings.sources;
    let source = match named {
        Some(name) => sources.iter().find(|source| source.id.as_str() == name),
        None => sources.first(),
    };
    let Some(source) = source else {
        let known: Vec<_> = sources.iter().map(|source| source.id.as_str()).collect();
        match named {
            Some(name) => bail!("there is no source {name}; the config has: {}", known.join(", ")),
            None => bail!("the config has no enabled source; enable one under [sources]"),
        }
    };
    let mut source = source.clone();
    let fields = args.field.iter().map(|(field, place)| (field.clone(), place.clone().into()));
    let written = WrittenMapping {
        kind: args.kind,
        fields: fields.collect(),
        constants: args.constant.iter().cloned().collect(),
        ..WrittenMapping::default()
    };
    let mapped = mapping(written)
        .map_err(|wrong| anyhow::anyhow!("{}: {}", wrong.at.join("."), wrong.why))?;
    if mapped.is_some() {
        for topic in &mut source.topics {
            topic.mapping.clone_from(&mapped);
        }
    }
    Ok(source)
}
