//! Where a recorded line goes: its topic, its key, its time.

use serde::Deserialize;

use crate::model::{EventTime, Mapping, SampleKind, Source, TopicRule};
use crate::topics::partitioner::key_of;
use crate::wire::telemetry::{Raw, TextArena, decode};

/// Where a line goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    /// Which of the source's topics.
    pub(super) topic: usize,
    /// Its key and its time; `None` if it is not a record of this source.
    pub(super) known: Option<(String, EventTime)>,
}

/// What chooses a topic.
#[derive(Deserialize)]
struct Typed {
    r#type: SampleKind,
}

/// The topic that takes records of this line's type; where none says its type, the first that
/// understands the line.
pub(super) fn route(source: &Source, line: &[u8]) -> Destination {
    let raw = Raw::line(line);
    let known = |topic: &TopicRule| {
        let texts = TextArena::new();
        let samples = decode(&raw, topic, source, &texts);
        samples.first().map(|sample| (key_of(sample).to_owned(), sample.ts()))
    };
    let typed = match source.topics.len() {
        0 | 1 => Some(0),
        _ => serde_json::from_slice(line).ok().and_then(|Typed { r#type }| of(source, r#type)),
    };
    if let Some(topic) = typed {
        return Destination { topic, known: source.topics.get(topic).and_then(known) };
    }
    let mut understood = source.topics.iter().map(known).enumerate();
    let first = understood.find(|(_, known)| known.is_some());
    let (topic, known) = first.unwrap_or((0, None));
    Destination { topic, known }
}

/// The topic whose records are all of this type.
fn of(source: &Source, kind: SampleKind) -> Option<usize> {
    let kinds = source.topics.iter().map(|topic| topic.mapping.as_ref()?.kind);
    kinds.enumerate().find_map(|(topic, of)| (of == Some(kind)).then_some(topic))
}

/// A source of one topic that takes every record of this one, to read recordings as one stream.
pub(super) fn as_one(source: &Source) -> Source {
    let mut one = source.clone();
    if source.topics.len() > 1 {
        one.topics.truncate(1);
        for topic in &mut one.topics {
            topic.mapping = topic.mapping.take().map(|own| Mapping { kind: None, ..own });
        }
    }
    one
}
