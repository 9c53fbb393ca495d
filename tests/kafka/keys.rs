//! Two producers that place keys differently: Java's partitioner and librdkafka's default.

use std::process::Output;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use ripcord::model::Span;
use serde_json::{Value as Json, json};

use crate::common::broker;
use crate::world::{REGISTRY, Shape, World, answer, until};

/// A producer with this partitioner.
fn producer(partitioner: &str) -> BaseProducer {
    ClientConfig::new()
        .set("bootstrap.servers", broker::brokers())
        .set("partitioner", partitioner)
        .create()
        .unwrap()
}

/// A world with a topic of predictions and one of outcomes, and its outcomes topic.
fn world(lanes: u32) -> (World, String) {
    let world = World::new(Shape { lanes, shards: 1 }, REGISTRY, "");
    let outcomes = format!("{}.outcomes", world.topic);
    let topics = |list: &[&str]| format!("topics = {list:?}");
    world.replace(&topics(&[&world.topic]), &topics(&[&world.topic, &outcomes]));
    world.run(&["topics", "create", "--telemetry"]);
    (world, outcomes)
}

/// Sends predictions with one partitioner and their outcomes with another.
fn send(world: &World, outcomes: &str, (one, other): (&str, &str), keyed: bool) {
    const REQUESTS: i64 = 300;
    let (predicts, answers) = (producer(one), producer(other));
    for n in 0..REQUESTS {
        let request = format!("{}-{n}", world.topic);
        let prediction = answer(&request, "v3", world.from, n, false);
        let ts = world.from + Span::from_s(n);
        let outcome = json!({"type": "outcome", "request": request, "model": "m", "ts": ts,
            "actual": 1})
        .to_string();
        let topics =
            [(&predicts, world.topic.as_str(), &prediction), (&answers, outcomes, &outcome)];
        for (producer, topic, value) in topics {
            let record = BaseRecord::to(topic).payload(value.as_str());
            let record = if keyed { record.key(request.as_str()) } else { record };
            producer.send(record).unwrap();
        }
    }
    for producer in [predicts, answers] {
        producer.flush(std::time::Duration::from_secs(60)).unwrap();
    }
}

/// Topics whose keys `topics check --sample` finds wrong, and what it says of each topic's keys.
fn sampled(world: &World) -> (Vec<String>, Vec<String>) {
    let Output { stdout, .. } = world.output(&["topics", "check", "--sample", "2000", "--json"]);
    let report: Json = serde_json::from_slice(&stdout).unwrap();
    let (mut found, mut keys) = (Vec::new(), Vec::new());
    for topic in report["topics"].as_array().unwrap() {
        keys.extend(topic["keys"].as_str().map(str::to_owned));
        let findings = topic["findings"].as_array().unwrap().iter();
        let of_keys = findings.filter(|finding| finding["setting"] == "placement of keys");
        let name = topic["topic"].as_str().unwrap();
        found.extend(of_keys.map(|_| name.to_owned()));
    }
    (found, keys)
}

#[test]
fn two_partitioners_are_named_in_the_log_in_status_and_by_topics_check() {
    let (world, outcomes) = world(3);
    let roles = [world.start(&["decide"]), world.start(&["serve"])];
    let ingest = world.start(&["ingest"]);
    send(&world, &outcomes, ("murmur2_random", "consistent_random"), true);
    let why = until("status tells it", || {
        let overview: Json = serde_json::from_str(&roles[1].get("/api/status").1).unwrap();
        overview["keys"]["telemetry"].as_str().map(str::to_owned)
    });
    let (pred, topic) = (&world.topic, &outcomes);
    let start = format!(
        "keys of {pred} are placed by murmur2 (Java), those of {topic} by CRC32 (librdkafka)"
    );
    assert!(why.starts_with(&start), "{why}");
    assert!(why.contains("partitioner=murmur2_random in clients of librdkafka"), "{why}");
    assert_eq!(ingest.said().matches("keys misplaced").count(), 1, "{}", ingest.said());

    let (found, keys) = sampled(&world);
    assert_eq!(found, std::slice::from_ref(topic));
    assert_eq!(keys, ["murmur2 (Java)", "CRC32 (librdkafka)"]);
    let checked = world.output(&["topics", "check", "--sample", "2000"]);
    let text = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(1), "{text}");
    assert!(text.contains("partitioner=murmur2_random"), "{text}");
    drop((roles, ingest));
}

#[test]
fn one_partitioner_one_partition_and_no_keys_say_nothing() {
    for (lanes, partitioners, keyed, expected) in [
        (3, ("consistent_random", "consistent_random"), true, "CRC32 (librdkafka)"),
        (1, ("murmur2_random", "consistent_random"), true, "one partition"),
        (3, ("murmur2_random", "consistent_random"), false, "no keys of requests, or too few"),
    ] {
        let (world, outcomes) = world(lanes);
        send(&world, &outcomes, partitioners, keyed);
        assert_eq!(sampled(&world), (Vec::new(), vec![expected.to_owned(); 2]));
    }
}
