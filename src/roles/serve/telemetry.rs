//! `POST /api/telemetry`: records into a source's topic. Taken means durable.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::{App, Shared, locked, posted};
use crate::edge::chain::chain;
use crate::edge::diagnostics;
use crate::edge::http::{Problem, unpacked};
use crate::edge::log::{LogError, Outgoing, Partition};
use crate::model::{EventTime, Mapping, PlaceRoot, Sample, Source, SourceId, TopicRule};
use crate::topics::partitioner::{key_of, lane_of};
use crate::wire::api::{RejectedRecord, TelemetryReceipt};
use crate::wire::telemetry::{
    Raw, RecordAt, RecordPart, Rejected, TextArena, decode, each_record, utf16,
};

/// Rejected records that an answer names.
const NAMED: usize = 100;

/// The source of posts that name none, if there are several.
const USUAL: &str = "telemetry";

/// Which source, and which of its topics.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Into {
    source: Option<String>,
    topic: Option<String>,
}

pub(super) async fn take(
    State(app): Shared,
    into: Result<Query<Into>, QueryRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<TelemetryReceipt>, Problem> {
    let Query(into) = into?;
    posted::check_type(&headers)?;
    app.in_turn(move |app| append(app, &into, &headers, body)).await.map(Json)
}

/// `POST /v1/traces`: spans in OTLP JSON, answered as its clients expect.
pub(super) async fn traces(
    State(app): Shared,
    into: Result<Query<Into>, QueryRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<serde_json::Value>, Problem> {
    let Query(into) = into?;
    posted::check_otlp(&headers)?;
    let taken = app.in_turn(move |app| append(app, &into, &headers, body)).await?;
    Ok(Json(match taken.rejected.first() {
        None => serde_json::json!({}),
        Some(first) => serde_json::json!({ "partialSuccess": {
            "rejectedSpans": taken.rejected_count.to_string(),
            "errorMessage": format!("{}: {}", first.code, first.detail),
        } }),
    }))
}

fn append(
    app: &App,
    into: &Into,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<TelemetryReceipt, Problem> {
    let source = named(&app.sources, into.source.as_deref())?;
    let topic = topic(source, into.topic.as_deref())?;
    let Some(lanes) = app.topics.log.partitions(&topic.name)? else {
        let detail = format!(
            "the topic {} does not exist; `ripcord up` creates it on the local log, `ripcord \
             topics create --telemetry` on Kafka",
            topic.name
        );
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-topic", detail).again_in(5));
    };
    let body = unpacked(headers, body, app.max_unpacked_bytes)?;
    if let Some(encoding) = utf16(&body) {
        return Err(Problem::bad(format!("the body is {encoding}; encode it as UTF-8")));
    }
    let most = app.max_unpacked_bytes.max(body.len());
    let headers = posted::kept(headers, topic);
    // The log takes them a moment later; what a record says of itself comes first anyway.
    let now = EventTime::from_ms(app.topics.log.now().as_ms());
    let mut posted = Posted::new(Target { source, topic, lanes, headers, most, now });
    each_record(&body, topic, |part| posted.take(part))?;
    let Posted { records, taken, .. } = posted;
    if records.is_empty() {
        if let Some(first) = taken.rejected.first() {
            count(app, &taken);
            let RejectedRecord { line, element, code, detail } = first;
            let at = RecordAt { line: *line, element: *element };
            return Err(Problem::bad(format!(
                "none of the {} records can be used; {at}: {code}: {detail}",
                taken.rejected_count
            )));
        }
    } else {
        let written = locked(&app.writer).append(records);
        tell(app, &source.id, &written);
        written?;
    }
    count(app, &taken);
    Ok(taken)
}

/// Says once when the log begins to fail, and once when it works again.
fn tell(app: &App, source: &SourceId, written: &Result<Vec<i64>, LogError>) {
    let failed_before = app.counts.failing.swap(written.is_err(), Ordering::Relaxed);
    match written {
        Err(error) if !failed_before => {
            diagnostics::posts_refused(source, &chain(error));
        }
        Ok(_) if failed_before => diagnostics::posts_taken(source),
        _ => {}
    }
}

fn count(app: &App, taken: &TelemetryReceipt) {
    app.counts.taken.fetch_add(taken.taken, Ordering::Relaxed);
    app.counts.rejected.fetch_add(taken.rejected_count, Ordering::Relaxed);
}

/// The source that is named, else the usual one, else the only one.
fn named<'a>(sources: &'a [Source], name: Option<&str>) -> Result<&'a Source, Problem> {
    let known = || match sources {
        [] => "none".to_owned(),
        some => some.iter().map(|source| source.id.as_str()).collect::<Vec<_>>().join(", "),
    };
    let wanted = name.unwrap_or(USUAL);
    let found = sources.iter().find(|source| source.id.as_str() == wanted);
    match (found, name, sources) {
        (Some(source), ..) | (None, None, [source]) => Ok(source),
        (None, Some(""), _) => {
            Err(Problem::bad(format!("source is empty; name one of: {}", known())))
        }
        (None, Some(name), _) => Err(Problem::missing(format!(
            "there is no source {name}; the settings have: {}",
            known()
        ))),
        (None, None, []) => Err(Problem::missing("the settings have no source; add one")),
        (None, None, _) => Err(Problem::bad(format!(
            "there are several sources; add ?source=NAME to the path: {}",
            known()
        ))),
    }
}

/// The topic that is named, else the first one.
fn topic<'s>(source: &'s Source, name: Option<&str>) -> Result<&'s TopicRule, Problem> {
    let found = match name {
        Some(name) => source.topics.iter().find(|topic| topic.name == name),
        None => source.topics.first(),
    };
    found.ok_or_else(|| {
        let known: Vec<_> = source.topics.iter().map(|topic| topic.name.as_str()).collect();
        Problem::missing(format!(
            "source {} has no topic {}; it has: {}",
            source.id,
            name.unwrap_or_default(),
            known.join(", ")
        ))
    })
}

/// Where records go.
struct Target<'a> {
    source: &'a Source,
    topic: &'a TopicRule,
    lanes: u32,
    /// What is stored with each of them.
    headers: Vec<(String, Vec<u8>)>,
    /// Bytes of all of them at most: what a list's records have in common is stored with each.
    most: usize,
    /// When they came.
    now: EventTime,
}

/// The usable records, and how all were received.
struct Posted<'a> {
    target: Target<'a>,
    bytes: usize,
    records: Vec<Outgoing>,
    taken: TelemetryReceipt,
}

impl<'a> Posted<'a> {
    fn new(target: Target<'a>) -> Self {
        let taken =
            TelemetryReceipt { taken: 0, not_ours: 0, rejected_count: 0, rejected: Vec::new() };
        Self { target, bytes: 0, records: Vec::new(), taken }
    }

    fn take(&mut self, part: RecordPart<'_>) -> Result<(), Problem> {
        let RecordPart { at, value } = part;
        let Target { source, topic, headers, most, .. } = &self.target;
        if let Ok(value) = value {
            let stored = headers.iter().map(|(name, value)| name.len() + value.len());
            self.bytes += value.len() + stored.sum::<usize>();
        }
        if self.bytes > *most {
            return Err(Problem::unpacked_too_large(*most));
        }
        let read = value.map(|value| {
            let (texts, log_time) = (TextArena::new(), Some(self.target.now));
            let raw = Raw { key: None, headers, value, log_time, path: None };
            let samples = decode(&raw, topic, source, &texts);
            let first = samples.first().map(|sample| record(sample, &self.target, value));
            let refused = samples.into_iter().filter_map(Result::err);
            (first, refused.collect::<Vec<_>>())
        });
        match read {
            Err(why) => self.refuse(at, why),
            Ok((None, refused)) if refused.is_empty() => self.taken.not_ours += 1,
            Ok((first, refused)) => {
                self.taken.taken += u64::from(first.is_some());
                self.records.extend(first);
                refused.into_iter().for_each(|why| self.refuse(at, why));
            }
        }
        Ok(())
    }

    fn refuse(&mut self, RecordAt { line, element }: RecordAt, why: Rejected) {
        let Rejected { code, detail, .. } = why;
        self.taken.rejected_count += 1;
        if self.taken.rejected.len() < NAMED {
            self.taken.rejected.push(RejectedRecord { line, element, code, detail });
        }
    }
}

/// What joins lies in one lane, also with what others wrote to the same topics.
fn record(sample: &Sample<'_>, target: &Target<'_>, value: &[u8]) -> Outgoing {
    let Target { topic, lanes, headers, .. } = target;
    let key = key_of(sample);
    let partition = lane_of(key.as_bytes(), *lanes);
    let mut places = topic.mapping.iter().flat_map(Mapping::places);
    let reads_key = places.any(|place| place.root == PlaceRoot::Key);
    Outgoing {
        to: Partition { topic: topic.name.clone(), partition },
        // A source that reads a field from the key was decoded without one, and must be again.
        key: (!reads_key).then(|| key.as_bytes().to_vec()),
        headers: headers.clone(),
        value: value.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::model::SourceId;

    #[test]
    fn a_post_goes_to_the_source_it_names_else_the_usual_else_the_only_one() {
        let config = Config::load(&[], &Default::default()).unwrap();
        let source = config.settings.sources.first().unwrap().clone();
        let all = |names: &[&str]| -> Vec<Source> {
            let of = |name: &&str| Source { id: SourceId::new(name).unwrap(), ..source.clone() };
            names.iter().map(of).collect()
        };
        for (names, name, expected) in [
            (&["a", "telemetry"][..], None, Ok("telemetry")),
            (&["a", "telemetry"], Some("a"), Ok("a")),
            (&["a"], None, Ok("a")),
            (&["a", "b"], Some("b"), Ok("b")),
            (&["a", "b"], None, Err("?source=NAME to the path: a, b")),
            (&["a", "b"], Some("c"), Err("no source c; the settings have: a, b")),
            (&[], None, Err("the settings have no source")),
        ] {
            let sources = all(names);
            match (named(&sources, name), expected) {
                (Ok(source), Ok(name)) => assert_eq!(source.id.as_str(), name),
                (Err(why), Err(part)) => assert!(format!("{why:?}").contains(part), "{why:?}"),
                (found, expected) => panic!("{found:?} is not {expected:?}"),
            }
        }
    }
}
