//! The log on Kafka does what every log must.

use std::sync::Arc;

use ripcord::config::GroupProtocol;
use ripcord::edge::clock::SystemClock;
use ripcord::edge::log::kafka::KafkaLog;

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
