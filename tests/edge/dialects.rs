//! Nine dialects over HTTP: every record is taken, left out or refused, and counted so.

use ripcord::edge::log::Partition;
use ripcord::model::Mapping;
use ripcord::wire::telemetry::Raw;
use serde_json::{Value as Json, json};

use crate::common::decoded::{decode_all, mapped};
use crate::common::dialects::{self, Dialect, Wire};
use crate::common::served::{Setting, World};

fn mapping(dialect: &Dialect) -> Mapping {
    mapped(json!({ "dialect": dialect.name, "fields": dialect.fields,
        "constants": dialect.constants }))
}

fn world(mapping: Mapping) -> World {
    let mapping = Some(mapping);
    World::start(&Setting { decides: false, mapping, ..Setting::default() })
}

/// What one post is answered: taken, left out, refused.
fn posted(answer: &Json) -> [u64; 3] {
    ["taken", "not_ours", "rejected_count"].map(|count| answer[count].as_u64().unwrap_or(0))
}

#[test]
fn every_record_is_taken_left_out_or_refused() {
    for dialect in dialects::all() {
        let (name, world) = (dialect.name, world(mapping(&dialect)));
        let mut sums = [0; 3];
        for some in dialect.records.chunks(50) {
            let lines: Vec<_> = some.iter().map(|record| record.value.as_str()).collect();
            let answer = world.send("POST", "/api/telemetry", &[], &lines.join("\n"));
            assert_eq!(answer.status, 200, "{name}: {}", answer.text);
            for (sum, count) in sums.iter_mut().zip(posted(&answer.json())) {
                *sum += count;
            }
        }
        let expected = dialect.expected;
        let [taken, not_ours, rejected] = sums;
        assert_eq!((not_ours, rejected), (expected.not_ours, expected.rejected), "{name}");
        assert_eq!(taken + not_ours + rejected, dialect.records.len() as u64, "{name}");

        // What is on the log is read as the same samples.
        let source = crate::common::source::source(Some(mapping(&dialect)));
        let lane = Partition { topic: "telemetry".to_owned(), partition: 0 };
        let stored = world.topics.log.scan(&lane, 0, 10_000).unwrap();
        assert_eq!(stored.len() as u64, taken, "{name}");
        let samples = stored.iter().flat_map(|record| {
            let headers = record.headers.as_slice();
            let raw = Raw { key: record.key.as_deref(), headers, ..Raw::line(&record.value) };
            let log_time = Some(ripcord::model::EventTime::from_ms(record.appended.as_ms()));
            decode_all(&Raw { log_time, ..raw }, &source.topics[0], &source)
        });
        assert_eq!(samples.filter(Result::is_err).count(), 0, "{name}");
    }
}

#[test]
fn an_event_may_say_its_attributes_in_headers() {
    for dialect in
        dialects::all().into_iter().filter(|one| ["kserve", "seldon-1"].contains(&one.name))
    {
        let world = world(mapping(&dialect));
        for event in dialect.records.iter().take(8) {
            let Wire { headers, value } = dialects::binary(event, "ce-");
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.replace('"', "%22")))
                .collect();
            let headers: Vec<_> = headers.iter().map(String::as_str).collect();
            let answer = world.send("POST", "/api/telemetry", &headers, &value);
            assert_eq!(posted(&answer.json()), [1, 0, 0], "{}: {}", dialect.name, answer.text);
        }
    }
}

#[test]
fn spans_are_answered_as_their_senders_expect() {
    let dialect = dialects::all().into_iter().find(|one| one.name == "otlp-genai").unwrap();
    let world = world(mapping(&dialect));
    const JSON: &str = "content-type: application/json";
    let span = &dialect.records[0].value;
    let answer = world.send("POST", "/v1/traces?source=telemetry", &[JSON], span);
    assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
    // Spans of other programs are left out, and that is no failure.
    let other = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"a"}]}]}]}"#;
    let answer = world.send("POST", "/v1/traces", &[JSON], other);
    assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
    let timeless = span.replacen("endTimeUnixNano", "ended", 1);
    let answer = world.send("POST", "/v1/traces", &[JSON], &timeless).json();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "1", "{answer}");
    let answer = world.send("POST", "/v1/traces", &["content-type: application/x-protobuf"], "x");
    assert_eq!(answer.status, 415);
    assert!(answer.text.contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/json"), "{}", answer.text);
}

#[test]
fn a_post_goes_to_the_topic_it_names() {
    let world = world(mapped(json!({ "type": "prediction" })));
    let answer = world.send("POST", "/api/telemetry?topic=other", &[], "{}");
    assert_eq!(answer.status, 404);
    assert!(answer.text.contains("has no topic other; it has: telemetry"), "{}", answer.text);
    let record = r#"{"id":"a","model":"m","version":"v","ts":"2026-03-01T12:00:00Z"}"#;
    let answer = world.send("POST", "/api/telemetry?topic=telemetry", &[], record);
    assert_eq!(posted(&answer.json()), [1, 0, 0], "{}", answer.text);
}
