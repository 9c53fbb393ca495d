//! Every role while no broker answers: it says so, its pages answer, and it ends when asked.

use std::process::ExitStatus;

use ripcord::edge::clock::Stopwatch;
use ripcord::model::Span;

use crate::common::broker;
use crate::own_broker::Broker;
use crate::world::{Process, REGISTRY, Shape, World, until};

/// The promise: a role that is asked to end has ended by then.
const ENDS_WITHIN: Span = Span::from_s(10);

/// The roles whose readiness depends on the brokers.
const ROLES: [&[&str]; 4] = [
    &["ingest", "--health", "127.0.0.1:0"],
    &["decide", "--health", "127.0.0.1:0"],
    &["work", "registry", "--health", "127.0.0.1:0"],
    &["serve"],
];

#[test]
fn every_role_tells_that_no_broker_answers_and_ends_when_asked() {
    let data = tempfile::tempdir().unwrap();
    let (started, settings) = Broker::alone(data.path());
    let topic = broker::unique("telemetry");
    let mut world = World::on(&settings, &topic, Shape { lanes: 2, shards: 1 }, REGISTRY, "");
    let roles = ROLES.map(|role| (role[0], world.start(role)));
    world.minute(0, "v3", false);
    for (name, role) in &roles {
        until("it is ready", || (role.get("/readyz").0 == 200).then_some(()));
        assert!(!role.metric("process_cpu_seconds_total").is_empty(), "{name}");
        assert!(!role.metric("process_resident_memory_bytes").is_empty(), "{name}");
    }
    until("the first was read", || (world.read() == Some(60)).then_some(()));
    let ingest = &roles[0].1;
    let lag = || ingest.metric("ripcord_role_lag_records{role=\"ingest telemetry\"}");
    until("nothing is left to be read", || lag()[0].ends_with(" 0.0").then_some(()));
    until("the client counted", || {
        let told = ingest.metric("ripcord_kafka_rebalances_total");
        told.first().and_then(|line| line.split(' ').nth(1)?.parse::<u64>().ok()).filter(|n| *n > 0)
    });

    drop(started);
    for (name, role) in &roles {
        let why = until("it is not ready", || {
            let watch = Stopwatch::start();
            let (status, why) = role.get("/readyz");
            assert!(
                watch.elapsed() < Span::from_s(5),
                "{name}: /readyz took {:?}",
                watch.elapsed()
            );
            (status == 503).then_some(why)
        });
        println!("{name}: {why}");
        let watch = Stopwatch::start();
        assert!(!role.metric("process_open_fds").is_empty(), "{name}");
        assert!(watch.elapsed() < Span::from_s(5), "{name}: /metrics took {:?}", watch.elapsed());
    }
    let lost = || ingest.metric("ripcord_kafka_disconnects_total");
    until("lost connections are counted", || {
        lost().first().is_some_and(|line| !line.ends_with(" 0")).then_some(())
    });
    for (name, role) in roles {
        let said = role.said();
        let (status, took) = ended(role);
        println!("{name} ended after {} ms: {status}", took.as_ms());
        assert!(status.success() && took < ENDS_WITHIN, "{name}: {status} after {took:?}: {said}");
    }
}

/// How a process ends that is asked to, and how long that takes.
fn ended(mut role: Process) -> (ExitStatus, Span) {
    let watch = Stopwatch::start();
    let status = role.end();
    (status, watch.elapsed())
}
