//! Times and durations whose unit looks wrong, with the mapping that mends it.

use serde_json::Value as Json;

use crate::model::{Mapping, Reject, SampleField, TopicRule};
use crate::wire::telemetry::Raw;

/// Units of times, each with the least number that it gives our days.
const UNITS: [(&str, f64); 4] = [("ns", 1e17), ("us", 1e14), ("ms", 1e11), ("s", 1e8)];

/// What was seen of times that could not be used.
#[derive(Debug, Default)]
pub(super) struct Units {
    /// The rule that would read the first of them, and in which topic.
    ts: Option<(String, String)>,
}

impl Units {
    /// Looks at a record whose time could not be used.
    pub(super) fn refused(&mut self, record: &Raw<'_>, topic: &TopicRule, code: Reject) {
        if self.ts.is_some() || !matches!(code, Reject::BadTime | Reject::TooOld) {
            return;
        }
        let Ok(json) = serde_json::from_slice::<Json>(record.value) else { return };
        let place = place_of(topic.mapping.as_ref(), SampleField::Ts);
        let Some(found) = json.pointer(&place) else { return };
        let rule = unit(found).map(|rest| format!("ts = {{ from = \"{place}\", {rest} }}"));
        self.ts = rule.map(|rule| (rule, topic.name.clone()));
    }

    /// What to write; `table` names the table of a topic.
    pub(super) fn hints(&self, table: impl Fn(&str) -> String) -> Option<String> {
        let (rule, topic) = self.ts.as_ref()?;
        let what = match rule.contains("zone") {
            true => "times name no zone; say which one their clocks have",
            false => "times are numbers in another unit; say which",
        };
        Some(format!("{what}:\n[{}.fields]\n{rule}", table(topic)))
    }
}

/// The mapping that reads durations as seconds.
pub(super) fn latency_in_seconds(topic: Option<&TopicRule>) -> String {
    let place = place_of(topic.and_then(|topic| topic.mapping.as_ref()), SampleField::LatencyMs);
    format!("latency_ms = {{ from = \"{place}\", unit = \"s\" }}")
}

/// What a rule must say of a time like this one, if it is not in milliseconds and has no zone.
pub(super) fn unit(time: &Json) -> Option<String> {
    let number = match time {
        Json::Number(number) => number.as_f64(),
        Json::String(text) if is_naive(text) => return Some("zone = \"UTC\"".to_owned()),
        Json::String(text) => text.parse().ok(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    };
    let (unit, _) = UNITS.iter().find(|(_, least)| number.is_some_and(|n| n >= *least))?;
    let in_text = time.is_string();
    (*unit != "ms" || in_text).then(|| format!("unit = \"{unit}\""))
}

/// Where a field is looked for first.
fn place_of(mapping: Option<&Mapping>, field: SampleField) -> String {
    let rule = mapping.and_then(|mapping| mapping.fields.get(&field));
    let place = rule.and_then(|rule| rule.from.first());
    place.map_or_else(|| format!("/{}", field.name()), |place| place.text.clone())
}

/// Whether a text is a time without a zone.
fn is_naive(text: &str) -> bool {
    let text = text.replacen(',', ".", 1);
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    formats.iter().any(|format| chrono::NaiveDateTime::parse_from_str(&text, format).is_ok())
}
