//! What shippers, servers and people post, taken by the real server.
#![expect(clippy::unwrap_used, reason = "a test may fail where it is")]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use ripcord::edge::log::{Outgoing, Partition, Record};
use serde_json::{Value as Json, json};

use crate::common::served::{Answer, MAX_BODY_BYTES, Setting, World};

fn prediction(id: &str) -> Json {
    json!({"type": "prediction", "id": id, "model": "h", "version": "v1",
        "ts": "2026-03-03T19:10:00Z", "prediction": 1})
}

/// A prediction whose type is said elsewhere.
fn untyped(id: &str) -> Json {
    let mut record = prediction(id);
    record.as_object_mut().unwrap().remove("type");
    record
}

fn event(id: &str, data: &Json) -> Json {
    json!({"specversion": "1.0", "id": id, "source": "s", "type": "io.ripcord.prediction.v1",
        "data": data})
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    zstd::encode_all(bytes.as_ref(), 3).unwrap()
}

fn world() -> World {
    World::start(&Setting { decides: false, ..Setting::default() })
}

/// What is on the only lane of the log.
fn on_the_log(world: &World) -> Vec<Record> {
    let lane = Partition { topic: "telemetry".to_owned(), partition: 0 };
    world.topics.log.scan(&lane, 0, 1000).unwrap()
}

#[test]
fn every_form_in_which_records_are_sent_is_taken() {
    let world = world();
    let (a, b) = (prediction("a"), prediction("b"));
    let lines = format!("{a}\n{b}\n");
    let list = json!([a, b]).to_string();
    let several_lines = format!("{a:#}");
    let mark = "\u{feff}";
    const GZIP: &str = "content-encoding: gzip";
    const ZSTD: &str = "content-encoding: zstd";
    const JSON: &str = "content-type: application/json";
    const FORM: &str = "content-type: application/x-www-form-urlencoded";
    const EVENT: &str = "content-type: application/cloudevents+json; charset=utf-8";
    const BATCH: &str = "content-type: application/cloudevents-batch+json";
    let untyped_list = json!([untyped("a"), untyped("b")]);
    let table: Vec<(Vec<&str>, Vec<u8>, u64)> = vec![
        (vec![], lines.clone().into(), 2),
        (vec![FORM], lines.clone().into(), 2),
        (vec!["content-type: application/x-ndjson"], lines.clone().into(), 2),
        (vec![], format!("{mark}{lines}").into(), 2),
        (vec![JSON], format!("{mark}{list}").into(), 2),
        (vec![JSON], list.clone().into(), 2),
        (vec![JSON], format!("{:#}", json!([a, b])).into(), 2),
        (vec![], format!("{list}\n{list}").into(), 4),
        (vec![JSON], several_lines.into(), 1),
        (vec![JSON], "[]".into(), 0),
        (vec![GZIP], gzip(&lines), 2),
        (vec![GZIP, JSON], gzip(format!("{mark}{list}")), 2),
        (vec![ZSTD], zstd(&lines), 2),
        (vec![EVENT], event("e", &untyped("a")).to_string().into(), 1),
        (vec![EVENT], format!("{:#}", event("e", &untyped("a"))).into(), 1),
        (vec![EVENT], event("e", &untyped_list).to_string().into(), 2),
        (vec![EVENT], event("e", &json!(untyped("a").to_string())).to_string().into(), 1),
        (vec![EVENT], event("e", &json!(untyped_list.to_string())).to_string().into(), 2),
        (
            vec![BATCH],
            json!([event("e", &untyped("a")), event("f", &untyped_list)]).to_string().into(),
            3,
        ),
        (
            vec![
                "ce-specversion: 1.0",
                "Ce-Id: e",
                "ce-source: s",
                "CE-Type: io.ripcord.prediction.v1",
            ],
            untyped("a").to_string().into(),
            1,
        ),
        (vec!["ce-type: io.ripcord.prediction.v1"], untyped_list.to_string().into(), 2),
    ];
    for (headers, body, taken) in table {
        let body_said = String::from_utf8_lossy(&body).into_owned();
        let answer = world.send("POST", "/api/telemetry", &headers, &body);
        assert_eq!(answer.status, 200, "{headers:?} {body_said}: {}", answer.text);
        assert_eq!(answer.json()["taken"], taken, "{headers:?} {body_said}: {}", answer.text);
        assert_eq!(answer.json()["rejected_count"], 0, "{headers:?} {body_said}");
    }
}

#[test]
fn what_is_stored_says_by_itself_what_it_is() {
    let world = world();
    let headers = ["ce-specversion: 1.0", "CE-Type: io.ripcord.prediction.v1", "ce-subject: a%20b"];
    world.send("POST", "/api/telemetry", &headers, &untyped("a").to_string());
    let list = event("e", &json!([untyped("b"), untyped("c")])).to_string();
    world.send("POST", "/api/telemetry", &[], &list);
    let records = on_the_log(&world);
    let [first, second, third] = records.as_slice() else { panic!("{records:?}") };
    let said = |record: &Record, name: &str| {
        let mut headers = record.headers.iter();
        headers.find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    assert_eq!(said(first, "ce_type"), Some(b"io.ripcord.prediction.v1".to_vec()));
    assert_eq!(said(first, "ce_subject"), Some(b"a b".to_vec()));
    assert_eq!(said(first, "host"), None);
    let parsed = |record: &Record| serde_json::from_slice::<Json>(&record.value).unwrap();
    assert_eq!(parsed(first), untyped("a"));
    assert_eq!(parsed(second), event("e", &untyped("b")));
    assert_eq!(parsed(third), event("e", &untyped("c")));
    assert_eq!(second.key.as_deref(), Some(&b"b"[..]));
}

#[test]
fn what_is_refused_in_a_list_is_named_by_its_line_and_element() {
    let world = world();
    let list = format!("[\n{},\n7,\n{}]", prediction("a"), json!({"type": "prediction"}));
    let answer = world.send("POST", "/api/telemetry", &[], &list);
    let taken = answer.json();
    assert_eq!((&taken["taken"], &taken["rejected_count"]), (&json!(1), &json!(2)), "{taken}");
    let places: Vec<_> = taken["rejected"].as_array().unwrap().iter().collect();
    assert_eq!((&places[0]["line"], &places[0]["element"]), (&json!(3), &json!(2)));
    assert_eq!((&places[1]["line"], &places[1]["element"]), (&json!(4), &json!(3)));

    let answer = world.send("POST", "/api/telemetry", &[], "[7]");
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("line 1, element 1: wrong_type"), "{}", answer.text);
    // The whole ones before the end are taken.
    let torn = format!("[{},{{\"type\":", prediction("b"));
    let taken = world.send("POST", "/api/telemetry", &[], &torn).json();
    assert_eq!((&taken["taken"], &taken["rejected"][0]["element"]), (&json!(1), &json!(2)));
}

#[test]
fn what_cannot_be_read_says_what_is() {
    let world = world();
    let utf16: Vec<u8> =
        prediction("a").to_string().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bomb = vec![b' '; 10 * MAX_BODY_BYTES];
    let common = "x".repeat(1000);
    let mut grown = event("e", &json!(vec![7; 1000]));
    grown["source"] = json!(common);
    for (header, body, status, holds) in [
        ("content-type: application/avro", b"{}".to_vec(), 415, "application/x-ndjson"),
        ("content-type: application/json; charset=utf-16", b"{}".to_vec(), 415, "UTF-8"),
        ("content-encoding: br", b"{}".to_vec(), 415, "gzip or zstd"),
        ("content-encoding: gzip", b"{}".to_vec(), 400, "not packed"),
        ("content-encoding: gzip", gzip(&bomb), 413, "http.max_unpacked_bytes"),
        ("content-encoding: zstd", zstd(&bomb), 413, "http.max_unpacked_bytes"),
        ("x-nothing: 1", grown.to_string().into_bytes(), 413, "http.max_unpacked_bytes"),
        ("x-nothing: 1", utf16, 400, "the body is UTF-16LE; encode it as UTF-8"),
    ] {
        let answer = world.send("POST", "/api/telemetry", &[header], &body);
        assert_eq!(answer.status, status, "{header}: {}", answer.text);
        assert!(answer.text.contains(holds), "{header}: {}", answer.text);
    }
    assert!(on_the_log(&world).is_empty());
}

#[test]
fn a_record_without_a_value_is_counted_apart_and_rejects_nothing() {
    let world = World::start(&Setting::default());
    let to = Partition { topic: "telemetry".to_owned(), partition: 0 };
    let key = Some(b"a".to_vec());
    let tombstone = Outgoing { to, key, headers: Vec::new(), value: Vec::new() };
    world.topics.log.writer(None).unwrap().append(vec![tombstone]).unwrap();
    world.send("POST", "/api/telemetry", &[], &prediction("a").to_string());
    let counted = |answer: &Answer| answer.json()["records"]["telemetry"]["tombstones"] == 1;
    let records = world.wait_for("/api/status", counted).json()["records"]["telemetry"].clone();
    assert_eq!(records["rejected"], json!({}), "{records}");
    let metrics = world.get("/metrics").text;
    let counter = metrics.lines().find(|line| line.contains("result=\"tombstone\""));
    assert!(counter.is_some_and(|line| line.ends_with(" 1")), "{metrics}");
}
