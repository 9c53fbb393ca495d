//! The raw sources as sources.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{Checker, checked};
use super::mapping::{WrittenMapping, mapping};
use super::problem::Path;
use super::raw;
use super::units::{HOUR, SECOND};
use crate::model::{EventTime, NameLimits, Source, SourceId, TopicRule, UnknownModels};

/// The sources that are enabled, by name; `known` are the models that have rules of their own.
pub(super) fn sources(
    check: &mut Checker<'_>,
    raw: &raw::ByName<raw::Source>,
    known: &BTreeSet<String>,
    limits: NameLimits,
) -> Vec<Source> {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    let mut sources = Vec::new();
    for (name, raw) in raw.iter().filter(|(_, raw)| raw.enabled) {
        let at = Path::of(["sources", name]);
        for topic in &raw.topics {
            if let Some(other) = taken.insert(topic, name) {
                let why = format!("source {other} already reads {topic:?}; list each topic once");
                check.refuse(&at.key("topics"), why);
            }
        }
        sources.extend(source(check, &at, name, raw, (known, limits)));
    }
    sources
}

fn source(
    check: &mut Checker<'_>,
    at: &Path,
    name: &str,
    raw: &raw::Source,
    (known, limits): (&BTreeSet<String>, NameLimits),
) -> Option<Source> {
    let id = check.name(at, name, SourceId::new);
    let topics = topics(check, at, raw);
    let unknown_models = match raw.unknown_models {
        raw::Unknown::Learn => UnknownModels::Learn,
        raw::Unknown::Reject => {
            UnknownModels::Reject(raw.models.iter().chain(known).cloned().collect())
        }
    };
    let oldest_at = at.key("oldest");
    let oldest = raw
        .oldest
        .parse::<EventTime>()
        .map_err(|why| check.refuse(&oldest_at, why.to_string()))
        .ok();
    Some(Source {
        max_waiting: checked!(check.size, at, raw.max_waiting_per_model, 1..=100_000_000),
        max_categories: checked!(check.size, at, raw.max_categories, 2..=10_000),
        max_record_bytes: checked!(check.size, at, raw.max_record_bytes, 256..=67_108_864),
        pane: checked!(check.span, at, raw.pane_seconds, SECOND, 1..=3600),
        label_horizon: checked!(check.span, at, raw.label_horizon_hours, HOUR, 1..=2160),
        max_jump: checked!(check.span, at, raw.max_jump_seconds, SECOND, 1..=86_400),
        max_skew: checked!(check.span, at, raw.max_skew_seconds, SECOND, 0..=3600),
        jump_confirmations: checked!(check.small, at, raw.jump_confirmations, 1..=10_000),
        limits,
        topics,
        unknown_models,
        id: id?,
        oldest: oldest?,
    })
}

fn topics(check: &mut Checker<'_>, at: &Path, raw: &raw::Source) -> Vec<TopicRule> {
    if raw.topics.is_empty() {
        check.refuse(&at.key("topics"), "lists no topic; add one, or set enabled = false");
    }
    let own = raw.topic.as_ref();
    for name in own.into_iter().flat_map(BTreeMap::keys) {
        if !raw.topics.contains(name) {
            let why = format!("{name:?} is not one of this source's topics; add it to topics");
            check.refuse(&at.key("topic").key(name), why);
        }
    }
    let mut rules = Vec::new();
    for name in &raw.topics {
        check.text(&at.key("topics"), name, "each topic a name");
        let topic = own.and_then(|topics| topics.get(name));
        let own_at = at.key("topic").key(name);
        let (disorder_at, seconds) = match topic.and_then(|topic| topic.allowed_disorder_seconds) {
            Some(seconds) => (&own_at, seconds),
            None => (at, raw.allowed_disorder_seconds),
        };
        let written = topic.map(of_topic).unwrap_or_default().over(of_source(raw));
        let mapping = mapping(written).map_err(|wrong| {
            let under = |begin: &Path| wrong.at.iter().fold(begin.clone(), |at, key| at.key(key));
            let place = [under(&own_at), under(at)].into_iter().find(|place| check.is_set(place));
            check.refuse(&place.unwrap_or_else(|| under(at)), wrong.why);
        });
        rules.push(TopicRule {
            name: name.clone(),
            allowed_disorder: check.span(
                &disorder_at.key("allowed_disorder_seconds"),
                seconds,
                SECOND,
                0..=86_400,
            ),
            mapping: mapping.ok().flatten(),
        });
    }
    rules
}

/// The mapping that a source writes for all its topics.
fn of_source(raw: &raw::Source) -> WrittenMapping {
    WrittenMapping {
        dialect: raw.dialect.clone(),
        kind: raw.r#type,
        fields: raw.fields.clone(),
        constants: raw.constants.clone(),
        each: raw.each.clone(),
        only: raw.only.clone(),
        envelope: raw.envelope.clone(),
        pair: raw.pair.clone(),
        path: raw.path.clone(),
        skip_bytes: raw.skip_bytes,
    }
}

/// What it writes for one of them.
fn of_topic(raw: &raw::Topic) -> WrittenMapping {
    WrittenMapping {
        dialect: raw.dialect.clone(),
        kind: raw.r#type,
        fields: raw.fields.clone().unwrap_or_default(),
        constants: raw.constants.clone().unwrap_or_default(),
        each: raw.each.clone(),
        only: raw.only.clone(),
        envelope: raw.envelope.clone(),
        pair: raw.pair.clone(),
        path: raw.path.clone(),
        skip_bytes: raw.skip_bytes,
    }
}
