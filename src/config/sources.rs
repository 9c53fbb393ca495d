//! Raw sources into sources, and how a mapping is written.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{Checker, HOUR, SECOND, checked};
use super::problem::Path;
use super::raw;
use crate::model::{
    EventTime, Field, Mapping, SampleKind, Source, SourceId, TopicRule, UnknownModels,
};

/// The sources that are enabled, by name; `known` are the models that have rules of their own.
pub(super) fn sources(
    check: &mut Checker<'_>,
    raw: &raw::ByName<raw::Source>,
    known: &BTreeSet<String>,
) -> Vec<Source> {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    let mut sources = Vec::new();
    for (name, raw) in raw.iter().filter(|(_, raw)| raw.enabled) {
        let at = Path::of(["sources", name]);
        for topic in &raw.topics {
            if let Some(other) = taken.insert(topic, name) {
                let would_do =
                    format!("source {other} reads {topic:?} already; name each topic once");
                check.refuse(&at.key("topics"), would_do);
            }
        }
        sources.extend(source(check, &at, name, raw, known));
    }
    sources
}

fn source(
    check: &mut Checker<'_>,
    at: &Path,
    name: &str,
    raw: &raw::Source,
    known: &BTreeSet<String>,
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
        max_depth: checked!(check.size, at, raw.max_depth, 4..=120),
        pane: checked!(check.span, at, raw.pane_seconds, SECOND, 1..=3600),
        label_horizon: checked!(check.span, at, raw.label_horizon_hours, HOUR, 1..=2160),
        max_jump: checked!(check.span, at, raw.max_jump_seconds, SECOND, 1..=86_400),
        jump_confirmations: checked!(check.small, at, raw.jump_confirmations, 1..=10_000),
        topics,
        unknown_models,
        id: id?,
        oldest: oldest?,
    })
}

fn topics(check: &mut Checker<'_>, at: &Path, raw: &raw::Source) -> Vec<TopicRule> {
    if raw.topics.is_empty() {
        check.refuse(&at.key("topics"), "no topic; name one, or say enabled = false");
    }
    let own = raw.topic.as_ref();
    for name in own.into_iter().flat_map(BTreeMap::keys) {
        if !raw.topics.contains(name) {
            let would_do = format!("{name:?} is not among the topics of this source; add it there");
            check.refuse(&at.key("topic").key(name), would_do);
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
        let mut fields = raw.fields.clone();
        let mut constants = raw.constants.clone();
        if let Some(topic) = topic {
            fields.extend(topic.fields.clone().unwrap_or_default());
            constants.extend(topic.constants.clone().unwrap_or_default());
        }
        let kind = topic.and_then(|topic| topic.r#type).or(raw.r#type);
        let mapping = mapping(kind, fields, constants).map_err(|(key, why)| {
            let inside = ["fields", "constants"]
                .into_iter()
                .flat_map(|table| [own_at.key(table).key(&key), at.key(table).key(&key)]);
            let place = inside.into_iter().find(|place| check.said(place));
            check.refuse(&place.unwrap_or_else(|| at.key("fields")), why);
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

/// Every field that a sample of any kind may have.
pub const FIELDS: [&str; 19] = [
    "type",
    "id",
    "model",
    "version",
    "ts",
    "request",
    "status",
    "error",
    "prediction",
    "score",
    "latency_ms",
    "features",
    "tags",
    "role",
    "actual",
    "instance",
    "cpu_ratio",
    "memory_bytes",
    "kind",
];

/// A mapping from what a config or a command line says; none: records are samples already.
///
/// # Errors
/// The sample field that cannot be mapped so, and what would do.
pub fn mapping(
    kind: Option<SampleKind>,
    fields: BTreeMap<String, String>,
    constants: BTreeMap<String, serde_json::Value>,
) -> Result<Option<Mapping>, (String, String)> {
    if kind.is_none() && fields.is_empty() && constants.is_empty() {
        return Ok(None);
    }
    for key in fields.keys().chain(constants.keys()) {
        if !FIELDS.contains(&key.as_str()) {
            let would_do = format!("a sample has no field {key:?}; it has {}", FIELDS.join(", "));
            return Err((key.clone(), would_do));
        }
    }
    if let Some(key) = fields.keys().find(|key| constants.contains_key(*key)) {
        return Err((key.clone(), "it is a constant too; keep one of the two".to_owned()));
    }
    let mut mapped = BTreeMap::new();
    for (key, text) in fields {
        match field(&text) {
            Ok(field) => mapped.insert(key, field),
            Err(why) => return Err((key, why)),
        };
    }
    Ok(Some(Mapping { kind, fields: mapped, constants }))
}

/// Where a field stands: a JSON pointer, `header:name` or `key`.
pub(super) fn field(text: &str) -> Result<Field, String> {
    let name = text.strip_prefix("header:");
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    match name {
        Some(name) if !name.is_empty() => Ok(Field::Header(name.to_owned())),
        None if text == "key" => Ok(Field::Key),
        None if text.starts_with('/') && escapes => Ok(Field::Pointer(text.to_owned())),
        Some(_) | None => Err(format!(
            "{text:?} is no place in a record; write a JSON pointer such as \"/meta/time\" \
             (~ as ~0, / as ~1), \"header:name\" or \"key\""
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_record() {
        for (text, want) in [
            ("/a/b", Some(Field::Pointer("/a/b".to_owned()))),
            ("/a~1b~0c", Some(Field::Pointer("/a~1b~0c".to_owned()))),
            ("header:x-id", Some(Field::Header("x-id".to_owned()))),
            ("key", Some(Field::Key)),
            ("/a~b", None),
            ("a/b", None),
            ("header:", None),
            ("", None),
        ] {
            assert_eq!(field(text).ok(), want, "{text}");
        }
    }

    #[test]
    fn nothing_said_is_no_mapping() {
        assert_eq!(mapping(None, BTreeMap::new(), BTreeMap::new()), Ok(None));
        let kind = Some(SampleKind::Outcome);
        let only_kind = Mapping { kind, ..Mapping::default() };
        assert_eq!(mapping(kind, BTreeMap::new(), BTreeMap::new()), Ok(Some(only_kind)));
    }
}
