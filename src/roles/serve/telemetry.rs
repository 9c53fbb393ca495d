//! `POST /api/telemetry`: lines into a source's topic. Taken means durable.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::{App, Shared, locked};
use crate::edge::http::Problem;
use crate::edge::log::{Outgoing, Partition};
use crate::model::{Field, Sample, Source, TopicRule};
use crate::topics::partitioner::{key_of, lane_of};
use crate::wire::api::{RejectedLine, TelemetryReceipt};
use crate::wire::telemetry::{Raw, Rejected, decode};

/// Rejected lines that an answer names.
const NAMED: usize = 100;

/// Which source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Into {
    source: Option<String>,
}

pub(super) async fn take(
    State(app): Shared,
    into: Result<Query<Into>, QueryRejection>,
    body: Bytes,
) -> Result<Json<TelemetryReceipt>, Problem> {
    let Query(into) = into?;
    app.blocking(move |app| append(app, into.source.as_deref(), &body)).await.map(Json)
}

fn append(app: &App, source: Option<&str>, body: &[u8]) -> Result<TelemetryReceipt, Problem> {
    let source = named(app, source)?;
    let Some(topic) = source.topics.first() else {
        return Err(Problem::missing(format!("source {} has no topic", source.id)));
    };
    let Some(lanes) = app.topics.log.partitions(&topic.name)? else {
        let detail = format!(
            "the topic {} does not exist; `ripcord up` creates it on the local log, `ripcord \
             topics create --telemetry` on Kafka",
            topic.name
        );
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-topic", detail).again_in(5));
    };
    let (records, taken) = sorted(body, source, topic, lanes);
    if records.is_empty() {
        if let Some(first) = taken.rejected.first() {
            count(app, &taken);
            let RejectedLine { line, code, detail } = first;
            return Err(Problem::bad(format!(
                "none of the {} lines can be used; line {line}: {code}: {detail}",
                taken.rejected_count
            )));
        }
    } else {
        locked(&app.writer).append(records)?;
    }
    count(app, &taken);
    Ok(taken)
}

fn count(app: &App, taken: &TelemetryReceipt) {
    app.counts.taken.fetch_add(taken.taken, Ordering::Relaxed);
    app.counts.rejected.fetch_add(taken.rejected_count, Ordering::Relaxed);
}

fn named<'a>(app: &'a App, name: Option<&str>) -> Result<&'a Source, Problem> {
    let found = match name {
        Some(name) => app.sources.iter().find(|source| source.id.as_str() == name),
        None => app.sources.first(),
    };
    found.ok_or_else(|| {
        let known: Vec<_> = app.sources.iter().map(|source| source.id.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let name = name.unwrap_or("at all");
        Problem::missing(format!("there is no source {name}; the settings have: {known}"))
    })
}

/// The usable lines as records, and how all were received.
fn sorted(
    body: &[u8],
    source: &Source,
    topic: &TopicRule,
    lanes: u32,
) -> (Vec<Outgoing>, TelemetryReceipt) {
    let mut records = Vec::new();
    let mut taken = TelemetryReceipt { taken: 0, rejected_count: 0, rejected: Vec::new() };
    for (line, bytes) in (1..).zip(body.split(|byte| *byte == b'\n')) {
        let bytes = bytes.trim_ascii();
        if bytes.is_empty() {
            continue;
        }
        match decode(&Raw::line(bytes), topic, source) {
            Ok(sample) => {
                taken.taken += 1;
                records.push(record(&sample, topic, lanes, bytes));
            }
            Err(Rejected { code, detail, .. }) => {
                taken.rejected_count += 1;
                if taken.rejected.len() < NAMED {
                    taken.rejected.push(RejectedLine { line, code, detail });
                }
            }
        }
    }
    (records, taken)
}

/// What joins lies in one lane, also with what others wrote to the same topics.
fn record(sample: &Sample<'_>, topic: &TopicRule, lanes: u32, bytes: &[u8]) -> Outgoing {
    let key = key_of(sample);
    let partition = lane_of(key.as_bytes(), lanes);
    let mapped = topic.mapping.iter().flat_map(|mapping| mapping.fields.values());
    let reads_key = mapped.into_iter().any(|field| *field == Field::Key);
    Outgoing {
        to: Partition { topic: topic.name.clone(), partition },
        // A source that reads a field from the key was decoded without one, and must be again.
        key: (!reads_key).then(|| key.as_bytes().to_vec()),
        headers: Vec::new(),
        value: bytes.to_vec(),
    }
}
