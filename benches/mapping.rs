//! What a mapping costs: the same facts as plain samples and in the shapes that people have, each
//! as a ratio to the plain one in the same run.
//!
//! `cargo bench --bench mapping` prints the table. Figures are processor time.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench")]

use std::collections::BTreeMap;
use std::hint::black_box;

use ripcord::config::{Config, WrittenMapping, mapping};
use ripcord::model::{Source, TopicRule};
use ripcord::wire::telemetry::{Raw, TextArena, decode};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

const RECORDS: usize = 10_000;
const ROWS: usize = 10;
const ROUNDS: usize = 7;
const ROUND_SECONDS: f64 = 0.3;

fn main() {
    let config = Config::load(&[], &BTreeMap::new()).expect("the shipped defaults load");
    let source = config.settings.sources.into_iter().next().expect("there is one");
    let shapes = [plain(), renamed(), meanings(), rows(), texts()];
    println!("{:<44}{:>12}{:>12}{:>10}", "one core", "samples/s", "ns/sample", "× plain");
    let mut first = None;
    for Shape { name, mapping, records, samples } in shapes {
        let rule = rule(&source, mapping);
        let seconds = best(|| read(&records, &rule, &source, samples));
        let each = seconds / samples as f64;
        let plain = *first.get_or_insert(each);
        println!("{name:<44}{:>12.0}{:>12.0}{:>10.2}", 1.0 / each, each * 1e9, each / plain);
    }
}

struct Shape {
    name: &'static str,
    mapping: Option<Value>,
    records: Vec<String>,
    samples: usize,
}

fn rule(source: &Source, written: Option<Value>) -> TopicRule {
    let written = written.map_or_else(WrittenMapping::default, |written| {
        serde_json::from_value(written).expect("it is a mapping")
    });
    let mapping = mapping(written).expect("it can be meant");
    let topic = source.topics.first().expect("there is one");
    TopicRule { mapping, ..topic.clone() }
}

fn read(records: &[String], rule: &TopicRule, source: &Source, expected: usize) {
    let (mut texts, mut samples) = (TextArena::new(), 0);
    for record in records {
        let read = decode(&Raw::line(record.as_bytes()), rule, source, &texts);
        samples += black_box(read).into_iter().filter(Result::is_ok).count();
        texts.reset();
    }
    assert_eq!(samples, expected);
}

fn features(nth: usize) -> String {
    let all = (0..10).map(|feature| format!("\"feature_{feature}\":{}.25", nth + feature));
    all.collect::<Vec<_>>().join(",")
}

fn ts(nth: usize) -> String {
    format!("2026-03-14T{:02}:{:02}:{:02}.123Z", nth / 3600, nth / 60 % 60, nth % 60)
}

fn shape(name: &'static str, mapping: Option<Value>, record: impl Fn(usize) -> String) -> Shape {
    let records = (0..RECORDS).map(record).collect();
    Shape { name, mapping, records, samples: RECORDS }
}

fn plain() -> Shape {
    shape("plain samples, 10 features", None, |nth| {
        format!(
            "{{\"type\":\"prediction\",\"id\":\"request-{nth}\",\"model\":\"churn\",\
             \"version\":\"v7\",\"ts\":\"{}\",\"status\":\"ok\",\"prediction\":1,\"score\":0.75,\
             \"latency_ms\":12.5,\"features\":{{{}}}}}",
            ts(nth),
            features(nth)
        )
    })
}

fn nested(nth: usize, status: &str, time: &str) -> String {
    format!(
        "{{\"request\":{{\"id\":\"request-{nth}\",\"at\":{time}}},\"model\":{{\"name\":\"churn\",\
         \"build\":\"v7\"}},\"result\":{{\"state\":{status},\"label\":1,\"certainty\":0.75,\
         \"took\":12.5}},\"inputs\":{{{}}}}}",
        features(nth)
    )
}

fn renamed() -> Shape {
    let mapping = json!({ "type": "prediction", "fields": {
        "id": "/request/id", "request": "none", "ts": "/request/at", "model": "/model/name",
        "version": "/model/build", "status": "/result/state", "prediction": "/result/label",
        "score": "/result/certainty", "latency_ms": "/result/took", "features": "/inputs",
    } });
    let record = |nth| nested(nth, "\"ok\"", &format!("\"{}\"", ts(nth)));
    shape("other names and places", Some(mapping), record)
}

fn meanings() -> Shape {
    let mapping = json!({ "type": "prediction", "fields": {
        "id": { "from": ["/request/uid", "/request/id"] }, "request": "none",
        "ts": { "from": "/request/at", "unit": "ms" }, "model": "/model/name",
        "version": { "from": "/model/build", "default": "v0" },
        "status": { "from": "/result/state", "default": "ok",
            "values": { "200-299": "ok", "408,504": "timeout", "*": "error" } },
        "prediction": "/result/label", "score": "/result/certainty",
        "latency_ms": { "from": "/result/took", "unit": "ms" }, "features": "/inputs",
    } });
    let record = |nth: usize| nested(nth, "200", &(1_773_480_413_000 + nth).to_string());
    shape("the same with units and words for words", Some(mapping), record)
}

fn rows() -> Shape {
    let mapping = json!({ "type": "prediction", "each": "/rows", "fields": {
        "id": "/id", "model": "/model", "version": "/version", "ts": "/ts", "prediction": "./p",
        "score": "./s", "features": "./x",
    } });
    let records = (0..RECORDS / ROWS).map(|nth| {
        let row = |row| format!("{{\"p\":1,\"s\":0.75,\"x\":{{{}}}}}", features(nth + row));
        format!(
            "{{\"id\":\"request-{nth}\",\"model\":\"churn\",\"version\":\"v7\",\"ts\":\"{}\",\
             \"rows\":[{}]}}",
            ts(nth),
            (0..ROWS).map(row).collect::<Vec<_>>().join(",")
        )
    });
    Shape {
        name: "each: ten rows a record",
        mapping: Some(mapping),
        records: records.collect(),
        samples: RECORDS,
    }
}

fn texts() -> Shape {
    let mapping = json!({ "type": "prediction", "fields": {
        "id": "/id", "model": "/model", "version": "/version", "ts": "/ts",
        "prediction": "/response|json:/predictions/0/label",
        "score": "/response|json:/predictions/0/score", "features": "/request|json:/inputs",
    } });
    shape("JSON in texts, ten features", Some(mapping), |nth| {
        let request = format!("{{\"inputs\":{{{}}}}}", features(nth));
        let response = "{\"predictions\":[{\"label\":1,\"score\":0.75}]}";
        json!({ "id": format!("request-{nth}"), "model": "churn", "version": "v7", "ts": ts(nth),
            "request": request, "response": response })
        .to_string()
    })
}

/// Processor seconds of one run, the least of some rounds.
fn best(mut run: impl FnMut()) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let (before, mut runs) = (cpu_seconds(), 0);
        let mut spent = 0.0;
        while spent < ROUND_SECONDS {
            run();
            runs += 1;
            spent = cpu_seconds() - before;
        }
        spent / f64::from(runs)
    });
    rounds.fold(f64::INFINITY, f64::min)
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
