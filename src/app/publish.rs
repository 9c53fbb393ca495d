//! `ripcord publish`.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::{config, kafka, screen};
use crate::cli::{self, DONE, Global, NO};
use crate::config::Config;
use crate::edge::terminal::{self, Bar};
use crate::model::Source;
use crate::phrases::{count, moment};
use crate::replay::publish::{Publish, Published};

/// Sends recordings to the topics of a source.
pub(super) fn run(
    global: &Global,
    args: &cli::PublishArgs,
    environment: &BTreeMap<String, String>,
) -> Result<u8> {
    let config = config(global, environment)?;
    let instead = "the local log belongs to one process; start `ripcord up` and POST the lines to \
                   its /api/telemetry";
    let Some((_, log)) = kafka(&config, instead)? else { return Ok(NO) };
    let publish = Publish {
        files: args.files.clone(),
        source: source(&config, args.source.as_deref())?.clone(),
        rate: args.rate,
        until: args.until,
    };
    let bar = Bar::new(!global.json);
    let published = publish.run(&log, |progress, sent| {
        if bar.is_shown() {
            bar.at(progress.read, progress.total, &format!("{} records", count(sent)));
        }
    });
    bar.end();
    let published = published?;
    match global.json {
        true => terminal::line(&terminal::json(&published)?),
        false => terminal::line(&screen(global).wrap(&words(&published), 0)),
    }
    Ok(DONE)
}

/// The source that is named, or the only one.
fn source<'a>(config: &'a Config, named: Option<&str>) -> Result<&'a Source> {
    let sources = &config.settings.sources;
    let known: Vec<_> = sources.iter().map(|source| source.id.as_str()).collect();
    match (named, sources.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => {
            bail!("the config has several sources; choose one with --source: {}", known.join(", "))
        }
        (Some(name), _) => match sources.iter().find(|source| source.id.as_str() == name) {
            Some(source) => Ok(source),
            None => bail!("there is no source {name}; the config has: {}", known.join(", ")),
        },
    }
}

fn words(published: &Published) -> String {
    let Published { sent, keyless, too_large, stopped_at, notes, seconds, per_second } = published;
    let topics = sent.iter().map(|(topic, n)| format!("{} to {topic}", count(*n)));
    let topics: Vec<_> = topics.collect();
    let topics = if topics.is_empty() { "nothing".to_owned() } else { topics.join(", ") };
    let per_second = count(per_second.round() as u64);
    let mut text = format!("sent {topics} in {seconds:.1} s, {per_second} records/s");
    if *keyless > 0 {
        let bad = count(*keyless);
        text.push_str(&format!(
            "\n{bad} of them are not records of the source and were sent without a key"
        ));
    }
    if *too_large > 0 {
        let large = count(*too_large);
        text.push_str(&format!(
            "\n{large} records are longer than max_record_bytes and were not sent"
        ));
    }
    if let Some(at) = stopped_at {
        text.push_str(&format!("\nstopped before {}", moment(*at)));
    }
    for note in notes {
        text.push_str(&format!("\n{note}"));
    }
    text
}
