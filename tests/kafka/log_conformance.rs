//! The log on Kafka does what every log must.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use ripcord::config::GroupProtocol;
use ripcord::edge::clock::SystemClock;
use ripcord::edge::log::kafka::KafkaLog;
use ripcord::edge::log::{Log as _, Outgoing, Partition};

use crate::common::broker;
use crate::common::conformance::{groups, order, run, seeking};

#[test]
fn the_log_on_kafka_conforms() {
    let log = KafkaLog::open(&broker::settings(), Arc::new(SystemClock)).unwrap();
    run(&log, &broker::unique("conforms"));
}

/// KIP-848; only what depends on how a group is formed.
#[test]
fn the_log_on_kafka_conforms_where_brokers_form_the_groups() {
    let mut settings = broker::settings();
    settings.group_protocol = GroupProtocol::Consumer;
    for classic in ["session.timeout.ms", "heartbeat.interval.ms"] {
        settings.properties.remove(classic);
    }
    let log = KafkaLog::open(&settings, Arc::new(SystemClock)).unwrap();
    let run = broker::unique("formed");
    for check in [order, groups, seeking] {
        check(&log, &broker::unique(&run));
    }
}

/// Compaction removes a key only if its last record has no value at all; an empty one stays for
/// ever.
#[test]
fn what_marks_a_key_as_gone_has_no_value_and_old_marks_are_understood() {
    let log = KafkaLog::open(&broker::settings(), Arc::new(SystemClock)).unwrap();
    let topic = broker::unique("tombstones");
    log.create(&topic, 1, true).unwrap();
    let to = Partition { topic: topic.clone(), partition: 0 };
    let sent = |key: &str, value: &str| Outgoing {
        to: to.clone(),
        key: Some(key.into()),
        headers: Vec::new(),
        value: value.into(),
    };
    let records = [("a", "1"), ("b", "1"), ("a", "")].map(|(key, value)| sent(key, value));
    log.writer(None).unwrap().append(records.into()).unwrap();
    let client = |group: &str| {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", broker::brokers()).set("group.id", group).clone()
    };
    // As it was written before.
    let old: BaseProducer = client("old").create().unwrap();
    old.send(BaseRecord::to(&topic).partition(0).key("b").payload("")).unwrap();
    old.flush(Duration::from_secs(20)).unwrap();

    let reader: BaseConsumer = client("raw").create().unwrap();
    let mut from_start = TopicPartitionList::new();
    from_start.add_partition_offset(&topic, 0, Offset::Beginning).unwrap();
    reader.assign(&from_start).unwrap();
    let mut values = Vec::new();
    while values.len() < 4 {
        let message = reader.poll(Duration::from_secs(20)).expect("all of it comes").unwrap();
        values.push(message.payload().map(<[u8]>::len));
    }
    assert_eq!(values, [Some(1), Some(1), None, Some(0)]);
    assert_eq!(log.latest(&to, "").unwrap(), [], "both ways to say that a key is gone");
    assert!(log.scan(&to, 2, 9).unwrap().iter().all(|record| record.value.is_empty()));
}
