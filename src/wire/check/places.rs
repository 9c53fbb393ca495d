//! In how many records each mapped field was found, and at which place.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{
    EachRule, FeaturesRule, FieldPlace, FieldRule, Mapping, PlaceRoot, SampleField, SampleKind,
    TopicRule, ValuePattern,
};
use crate::wire::telemetry::FieldTold;

/// Without these nothing is judged, or nobody knows that it is not.
const NEEDED: [&str; 7] = ["id", "model", "version", "ts", "type", "prediction", "status"];

/// A place of a mapped field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaceReport {
    /// The sample field.
    pub field: String,
    /// Where it was looked for.
    pub place: String,
    /// Samples in which it stood there.
    pub found: u64,
    /// Samples for which it was looked for.
    pub of: u64,
}

/// The places of all topics.
#[derive(Debug, Default)]
pub(super) struct LookedFor {
    /// By topic and field.
    fields: BTreeMap<(String, String), Looked>,
}

#[derive(Debug, Default)]
struct Looked {
    of: u64,
    /// By the number of the place.
    found: BTreeMap<usize, u64>,
}

impl LookedFor {
    /// Takes what was looked for in one record.
    pub(super) fn take(&mut self, topic: &TopicRule, told: &[FieldTold]) {
        for FieldTold { field, kind, place } in told {
            if !kind.is_none_or(|kind| has(kind, field)) {
                continue;
            }
            let looked = self.fields.entry((topic.name.clone(), field.clone())).or_default();
            looked.of += 1;
            if let Some(place) = place {
                *looked.found.entry(*place).or_default() += 1;
            }
        }
    }

    /// Every place that a mapping names, in the order of their fields.
    pub(super) fn report(&self, topics: &[TopicRule]) -> Vec<PlaceReport> {
        let mut all = Vec::new();
        for (topic, mapping) in mapped(topics) {
            for (field, places) in rules(mapping) {
                let looked = self.fields.get(&(topic.clone(), field.to_owned()));
                let of = looked.map_or(0, |looked| looked.of);
                all.extend(places.iter().enumerate().map(|(nth, place)| PlaceReport {
                    field: field.to_owned(),
                    place: place.text.clone(),
                    found: looked.and_then(|looked| looked.found.get(&nth).copied()).unwrap_or(0),
                    of,
                }));
            }
        }
        all
    }

    /// Fields that no record has, although somebody needs them or has mapped them.
    pub(super) fn never_found(&self, topics: &[TopicRule]) -> Vec<String> {
        let mut all = Vec::new();
        for (topic, mapping) in mapped(topics) {
            for ((_, field), looked) in self.fields.iter().filter(|((of, _), _)| of == topic) {
                let needed = NEEDED.contains(&field.as_str());
                if looked.found.is_empty() && looked.of > 0 && matters(mapping, field, needed) {
                    all.push(sentence(mapping, field, looked.of));
                }
            }
        }
        all
    }
}

/// Whether it matters that a field was never found.
fn matters(mapping: &Mapping, field: &str, needed: bool) -> bool {
    if field == "type" && mapping.kind.is_some() {
        return false;
    }
    let of_preset = mapping.preset.contains(field);
    let named_by_path = mapping.path.as_ref().is_some_and(|path| path.names(field));
    let rule = SampleField::named(field).and_then(|field| mapping.fields.get(&field));
    let known_to_miss = rule.is_some_and(|rule| {
        let none = rule.from.iter().all(|place| place.root == PlaceRoot::Nothing);
        let absent = rule.values.iter().any(|(is, _)| *is == ValuePattern::Absent);
        none || absent || rule.default.is_some()
    });
    let is_mapped =
        rule.is_some() || field == "each" || (field == "features" && mapping.features.is_some());
    !known_to_miss && !named_by_path && (needed || (is_mapped && !of_preset))
}

fn sentence(mapping: &Mapping, field: &str, of: u64) -> String {
    let from = rules(mapping).find(|(name, _)| *name == field).map(|(_, places)| {
        let places: Vec<_> = places.iter().map(|place| place.text.as_str()).collect();
        format!(" (from {})", places.join(" or "))
    });
    let advice = match (field, from.is_some()) {
        ("status" | "prediction", false) => {
            format!("; map it, or say that nothing tells it: {field} = \"none\" under fields")
        }
        ("model" | "version" | "type", false) => "; map it, or set it under constants".to_owned(),
        (_, false) => "; map it".to_owned(),
        (_, true) => "; correct the place, or give the field a default".to_owned(),
    };
    format!("{field}{} was found in 0 of {of} samples{advice}", from.unwrap_or_default())
}

fn mapped(topics: &[TopicRule]) -> impl Iterator<Item = (&String, &Mapping)> {
    topics.iter().filter_map(|topic| Some((&topic.name, topic.mapping.as_ref()?)))
}

/// The fields of a mapping with their places.
fn rules(mapping: &Mapping) -> impl Iterator<Item = (&str, &[FieldPlace])> {
    let fields = mapping.fields.iter();
    let fields = fields.map(|(name, rule): (_, &FieldRule)| (name.name(), rule.from.as_slice()));
    let features = mapping.features.iter().flat_map(|features| match features {
        FeaturesRule::Together(set) => vec![("features", set.from.as_slice())],
        FeaturesRule::Apart(_) => Vec::new(),
    });
    let EachRule { asked, answered, others } = &mapping.each;
    let each = [others, asked, answered].into_iter().find(|places| !places.is_empty());
    fields.chain(features).chain(each.map(|places| ("each", places.as_slice())))
}

/// Whether samples of this kind have the field.
fn has(kind: SampleKind, field: &str) -> bool {
    let common = ["type", "model", "ts", "each"].contains(&field);
    let own: &[&str] = match kind {
        SampleKind::Prediction => &[
            "id",
            "version",
            "request",
            "status",
            "prediction",
            "score",
            "latency_ms",
            "features",
            "role",
            "actual",
        ],
        SampleKind::Asked => &["id", "request", "features"],
        SampleKind::Answered => &[
            "id",
            "version",
            "request",
            "status",
            "prediction",
            "score",
            "latency_ms",
            "role",
            "actual",
        ],
        SampleKind::Outcome => &["request", "actual", "version", "prediction"],
        SampleKind::Latency => &["id", "version", "latency_ms"],
        SampleKind::Health => &["version", "cpu_ratio", "memory_bytes"],
        SampleKind::Run => &["version", "kind", "status"],
    };
    // What only some outcomes carry is not looked for in all of them.
    let carried = kind == SampleKind::Outcome && ["version", "prediction"].contains(&field);
    !carried && (common || own.contains(&field))
}
