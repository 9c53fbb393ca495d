//! Four dialects on a real Kafka: a fault that each shows is rolled back, and every record is
//! accounted for.

use ripcord::edge::log::{Log as _, Outgoing, Partition};
use serde_json::json;

use crate::common::broker;
use crate::common::dialects::{self, Dialect, Wire};
use crate::world::{Shape, World, until};

fn registry(dialect: &Dialect) -> String {
    json!({ "schema": "ripcord.registry/1", "revision": 1, "models": [
        { "name": dialect.model, "version": dialect.version, "is_production": true,
          "created_at": "2025-03-01T00:00:00Z" },
        { "name": dialect.model, "version": "v6", "is_production": false, "proven_good": true,
          "created_at": "2025-02-01T00:00:00Z",
          "baseline": { "error_rate": { "value": 0.02, "n": 50_000 } } },
    ] })
    .to_string()
}

fn rolled_back(dialect: &Dialect, on_kafka: impl Fn(&Wire) -> Wire) {
    let topic = broker::unique("telemetry");
    let more = format!("[sources.telemetry.topic.{topic:?}]\ndialect = {:?}\n", dialect.name);
    let world = World::of_topic(&topic, Shape { lanes: 1, shards: 1 }, &registry(dialect), &more);
    let roles = [&["ingest"][..], &["decide"], &["work", "registry"]].map(|role| world.start(role));
    let records = dialect.records.iter().map(|record| {
        let Wire { headers, value } = on_kafka(record);
        let headers = headers.into_iter().map(|(name, value)| (name, value.into_bytes()));
        let to = Partition { topic: topic.clone(), partition: 0 };
        Outgoing { to, key: None, headers: headers.collect(), value: value.into_bytes() }
    });
    world.log.writer(None).unwrap().append(records.collect()).unwrap();
    until("it was rolled back", || (world.registry() == (2, "v6".to_owned())).then_some(()));
    until("everything was read", || {
        let status = world.status();
        let counters = status.first()?.records.values().next()?.clone();
        let rejected: u64 = counters.rejected.values().sum();
        let expected = dialect.expected;
        let all = counters.read == counters.accounted()
            && (counters.not_ours, rejected) == (expected.not_ours, expected.rejected);
        all.then_some(())
    });
    drop(roles);
}

fn named(name: &str) -> Dialect {
    dialects::all().into_iter().find(|dialect| dialect.name == name).unwrap()
}

#[test]
fn halves_of_kserve_in_headers_as_events_have_them() {
    rolled_back(&named("kserve"), |event| dialects::binary(event, "ce_"));
}

#[test]
fn halves_of_seldon_in_headers_without_a_prefix() {
    // Its own logger writes neither id nor time: the log's time counts, so all is read at once.
    let dialect = named("seldon-1");
    rolled_back(&dialect, |event| {
        let mut wire = dialects::binary(event, "");
        wire.headers.retain(|(name, _)| name != "id");
        let time = wire.headers.iter().position(|(name, _)| name == "time").unwrap();
        let (_, time) = wire.headers.remove(time);
        wire.headers.push(("ce_time".to_owned(), time));
        wire
    });
}

#[test]
fn rows_in_texts_of_databricks() {
    rolled_back(&named("databricks"), Wire::clone);
}

#[test]
fn spans_of_generative_models() {
    rolled_back(&named("otlp-genai"), Wire::clone);
}
