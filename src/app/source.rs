//! `ripcord check-source`, and the source that a recording is read as.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::Value as Json;

use super::{config, screen};
use crate::cli::{DONE, Global, MappingArgs, NO};
use crate::config::{Config, WrittenMapping, mapping, toml_value};
use crate::edge::terminal::{self, Bar};
use crate::model::RecordingFile;
use crate::model::Source;
use crate::phrases::count;
use crate::replay::recording::{Files, Progress};
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
    files: &[RecordingFile],
    named: Option<&str>,
    map: &MappingArgs,
    environment: &BTreeMap<String, String>,
) -> Result<u8> {
    let config = config(global, environment)?;
    let source = of(&config, named, map)?;
    let several = files.len() > 1;
    let mut files = Files::open(&by_topic(files, map), &source)?;
    let read_as = files.source().clone();
    let check = SourceCheck::new(&read_as, REQUESTS);
    let check = check.of_several_topics(source.topics.len() > 1);
    let mut check = if several { check.of_several_files() } else { check };
    let bar = Bar::new(!global.json);
    let mut records = 0_u64;
    while let Some(next) = files.next()? {
        let Some(rules) = files.rules(next.file) else { continue };
        let name = files.name(next.file);
        match &next.bytes {
            Some(bytes) => {
                let (path, log_time) = (Some(name), next.log_time);
                let raw = Raw { path, log_time, ..Raw::line(bytes) };
                check.take((name, next.at), &raw, rules);
            }
            None => check.too_large((name, next.at)),
        }
        records += 1;
        if records.is_multiple_of(LOOK_EVERY) {
            let Progress { read, total } = next.progress;
            bar.at(read, total, &format!("line {}", count(next.at.line)));
        }
    }
    bar.end();
    let mut report = check.report();
    report.hints.extend(files.notes());
    if global.json {
        terminal::line(&terminal::json(&report)?);
    } else {
        let topics = files.source().topics.iter();
        let name: String = topics.map(|topic| topic.name.as_str()).collect();
        terminal::line(&show::source(&name, &report, screen(global)));
    }
    let read = report.rejected.is_empty() && !report.understood.is_empty();
    let good = read && report.never_found.is_empty();
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
    let written = WrittenMapping {
        dialect: args.dialect.clone(),
        kind: args.kind,
        fields: args.field.iter().map(rule).collect::<Result<_>>()?,
        constants: args.constant.iter().cloned().collect(),
        each: args.each.clone().map(Into::into),
        path: args.path.clone(),
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

/// A field with its rule: a table as a config has it, or a place.
fn rule((field, written): &(String, String)) -> Result<(String, Json)> {
    let rule = match written.starts_with('{') {
        true => toml_value(written).with_context(|| {
            format!(
                "--field {field}: {written} is no table; write it as in a config, such as \
                     {{ from = \"/t\", unit = \"s\" }}"
            )
        })?,
        false => Json::from(written.as_str()),
    };
    Ok((field.clone(), rule))
}

/// The files, each by the rules of the topic that it names, else of the one that all have.
pub(super) fn by_topic(files: &[RecordingFile], args: &MappingArgs) -> Vec<RecordingFile> {
    let topic = |file: &RecordingFile| file.topic.clone().or_else(|| args.topic.clone());
    files.iter().map(|file| RecordingFile { topic: topic(file), ..file.clone() }).collect()
}
