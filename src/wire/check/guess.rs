//! A mapping for records that cannot be read as they are: a dialect that reads them, or else places
//! guessed by names and types.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::config::{WrittenMapping, dialects, mapping};
use crate::model::{EventTime, SampleField, Source, TopicRule};
use crate::wire::telemetry::{Raw, Samples, TextArena, decode};

/// Records that are looked at.
const KEPT: usize = 50;
/// Levels of nesting that are looked through.
const DEPTH: usize = 4;
/// What a record may be called that does not say it.
const SOME: &str = "?";

/// Names that fields often have, the likeliest first; lower case, letters and digits only.
const NAMES: [(&str, &[&str]); 9] = [
    (
        "id",
        &["predictionid", "requestid", "inferenceid", "eventid", "uid", "uuid", "id", "traceid"],
    ),
    ("model", &["model", "modelname", "modelid", "endpoint", "service", "application"]),
    ("version", &["version", "modelversion", "deployment", "revision", "build"]),
    (
        "ts",
        &[
            "ts",
            "timestamp",
            "eventtime",
            "predictionts",
            "inferencetime",
            "createdat",
            "time",
            "datetime",
            "date",
        ],
    ),
    (
        "prediction",
        &[
            "prediction",
            "predictedlabel",
            "ypred",
            "pred",
            "predictionlabel",
            "label",
            "output",
            "result",
            "class",
        ],
    ),
    ("score", &["score", "probability", "proba", "ypredproba", "confidence", "predictionscore"]),
    ("status", &["status", "statuscode", "state", "httpstatus", "code"]),
    (
        "latency_ms",
        &[
            "latencyms",
            "durationms",
            "executiontimems",
            "latency",
            "duration",
            "elapsed",
            "took",
            "responsetime",
        ],
    ),
    ("features", &["features", "inputs", "input", "instance", "x", "payload"]),
];

/// How codes of HTTP say how a call ended.
const CODES: &str = "values = { \"200-299\" = \"ok\", \"408,504\" = \"timeout\", \
                     \"*\" = \"error\" }";

/// The first records, as they are.
#[derive(Debug, Default)]
pub(super) struct Guess {
    kept: Vec<KeptRecord>,
    read: usize,
}

#[derive(Debug)]
struct KeptRecord {
    value: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Guess {
    /// Looks at a record and what it was read as.
    pub(super) fn take(&mut self, record: &Raw<'_>, topic: &TopicRule, samples: &Samples<'_>) {
        let has_dialect = topic.mapping.as_ref().is_some_and(|mapping| mapping.dialect.is_some());
        if self.kept.len() >= KEPT || has_dialect {
            return;
        }
        self.read += usize::from(samples.first().is_some() || samples.is_empty());
        let (value, headers) = (record.value.to_vec(), record.headers.to_vec());
        self.kept.push(KeptRecord { value, headers });
    }

    /// A mapping to paste. `None`: most records can be read, or nothing is known of them.
    pub(super) fn proposal(&self, source: &Source, topics: &[TopicRule]) -> Option<String> {
        if self.read * 2 >= self.kept.len() {
            return None;
        }
        let dialect = self.recognized(source, topics.first()?);
        dialect.or_else(|| self.guessed(source))
    }

    /// The dialect that reads most of the records, if any reads half of them.
    fn recognized(&self, source: &Source, topic: &TopicRule) -> Option<String> {
        let tried = dialects().iter().filter_map(|dialect| {
            let written =
                WrittenMapping { dialect: Some(dialect.name.to_owned()), ..Default::default() };
            let mut mapped = mapping(written).ok()??;
            let mut missing = Vec::new();
            for field in [SampleField::Model, SampleField::Version] {
                match mapped.fields.get_mut(&field) {
                    Some(rule) => drop(rule.default.get_or_insert_with(|| Json::from(SOME))),
                    None => {
                        mapped.constants.insert(field, Json::from(SOME));
                        missing.push(field.name());
                    }
                }
            }
            let rule = TopicRule { mapping: Some(mapped), ..topic.clone() };
            let read = self.kept.iter().filter(|kept| kept.read_by(&rule, source)).count();
            Some((read, dialect, missing))
        });
        // Of several that read as many, the first.
        let (read, dialect, missing) = tried.rev().max_by_key(|(read, ..)| *read)?;
        if read * 2 < self.kept.len() {
            return None;
        }
        let mut toml = format!("[sources.{}]\ndialect = \"{}\"", source.id, dialect.name);
        if !missing.is_empty() {
            let constants: Vec<_> = missing
                .iter()
                .map(|field| format!("{field} = \"{}\"", field.to_uppercase()))
                .collect();
            toml.push_str(&format!(
                "\n# No record says these; for files, path = \"{{model}}/{{version}}/*\" may.\n\
                 constants = {{ {} }}",
                constants.join(", ")
            ));
        }
        Some(format!("This looks like {}:\n\n{toml}", dialect.of))
    }

    /// Places by their names and types: a guess.
    fn guessed(&self, source: &Source) -> Option<String> {
        let records = self.kept.iter();
        let records = records.filter_map(|kept| serde_json::from_slice::<Json>(&kept.value).ok());
        let mut places = BTreeMap::new();
        for record in records {
            look(&record, &mut String::new(), DEPTH, &mut places);
        }
        let mut lines = Vec::new();
        for (field, names) in NAMES {
            let of = |name: &&str| places.iter().find(|(place, _)| last(place) == **name);
            let found = names.iter().filter_map(of).find(|(_, value)| fits(field, value));
            lines.extend(
                found.map(|(place, value)| format!("{field} = {}", rule(field, place, value))),
            );
        }
        if lines.len() < 3 {
            return None;
        }
        let missing = ["id", "model", "version", "ts"].into_iter();
        let missing = missing.filter(|field| !lines.iter().any(|line| line.starts_with(*field)));
        let missing: Vec<_> =
            missing.map(|field| format!("{field} = \"{}\"", field.to_uppercase())).collect();
        let constants = match missing.is_empty() {
            true => String::new(),
            false => format!("\nconstants = {{ {} }}", missing.join(", ")),
        };
        let id = &source.id;
        Some(format!(
            "No dialect that Ripcord knows. A guess by names and types; check each line:\n\n\
             [sources.{id}]\ntype = \"prediction\"{constants}\n\n[sources.{id}.fields]\n{}",
            lines.join("\n")
        ))
    }
}

impl KeptRecord {
    fn read_by(&self, rule: &TopicRule, source: &Source) -> bool {
        let log_time = Some(EventTime::from_ms(946_684_800_000));
        let raw = Raw { headers: &self.headers, log_time, ..Raw::line(&self.value) };
        decode(&raw, rule, source, &TextArena::new()).first().is_some()
    }
}

/// Collects every place in a value with the first value there; outer places come first.
fn look(value: &Json, at: &mut String, depth: usize, places: &mut BTreeMap<String, Json>) {
    if !at.is_empty() {
        places.entry(at.clone()).or_insert_with(|| value.clone());
    }
    let Json::Object(object) = value else { return };
    if depth == 0 {
        return;
    }
    for (name, value) in object {
        let length = at.len();
        at.push('/');
        at.push_str(&name.replace('~', "~0").replace('/', "~1"));
        look(value, at, depth - 1, places);
        at.truncate(length);
    }
}

/// The last name of a place, in lower case, letters and digits only.
fn last(place: &str) -> String {
    let name = place.rsplit('/').next().unwrap_or_default();
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn fits(field: &str, value: &Json) -> bool {
    match field {
        "features" => value.is_object(),
        "latency_ms" | "score" => value.is_number(),
        "ts" => value.is_number() || value.is_string(),
        _ => value.is_number() || value.is_string() || value.is_boolean(),
    }
}

/// A rule that reads this value.
fn rule(field: &str, place: &str, value: &Json) -> String {
    let table = |rest: &str| format!("{{ from = \"{place}\", {rest} }}");
    match field {
        "status" => {
            let codes =
                value.is_number() || value.as_str().is_some_and(|text| text.parse::<i64>().is_ok());
            match codes {
                true => table(CODES),
                false => {
                    table("values = { \"ok,success*,OK,SUCCESS*\" = \"ok\", \"*\" = \"error\" }")
                }
            }
        }
        "ts" => match super::units::unit(value) {
            Some(rest) => table(&rest),
            None => format!("\"{place}\""),
        },
        "latency_ms" if !last(place).ends_with("ms") && value.as_f64().is_some_and(|n| n < 1.0) => {
            table("unit = \"s\"")
        }
        _ => format!("\"{place}\""),
    }
}
