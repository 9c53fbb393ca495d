//! The Kafka that tests run against.

use std::collections::BTreeMap;

use ripcord::config::{GroupProtocol, KafkaSettings};
use ripcord::model::Span;

/// Where it is. Not said: the test fails, since a test that is passed over proves nothing.
pub(crate) fn brokers() -> String {
    std::env::var("RIPCORD_TEST_BROKERS").expect(
        "this test needs Kafka: run it with `tests/kafka/broker run cargo test …`, or name a \
         running one in RIPCORD_TEST_BROKERS",
    )
}

/// A name that no other run uses.
pub(crate) fn unique(name: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("{name}-{}", &id[..8])
}

/// How it is reached by a test: what died is missed soon.
pub(crate) fn settings() -> KafkaSettings {
    let properties = [
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "500"),
        ("topic.metadata.refresh.interval.ms", "1000"),
    ];
    KafkaSettings {
        brokers: brokers(),
        instance: None,
        group_protocol: GroupProtocol::Classic,
        replication: None,
        retention: Span::from_s(30 * 24 * 3600),
        longest_work: Span::from_s(300),
        properties: properties.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        secrets: BTreeMap::new(),
    }
}
