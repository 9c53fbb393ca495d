//! Every role while no broker answers: it says so, its pages answer, and it ends when asked.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::ExitStatus;

use ripcord::edge::clock::Stopwatch;
use ripcord::edge::log::{Log as _, Partition};
use ripcord::model::Span;

use crate::common::broker;
use crate::own_broker::Broker;
use crate::world::{Process, REGISTRY, Shape, World, ask, until};

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

/// The router routes without a broker, also one that starts then.
#[test]
fn a_router_routes_while_no_broker_answers() {
    let data = tempfile::tempdir().unwrap();
    let (started, settings) = Broker::alone(data.path());
    let topic = broker::unique("telemetry");
    let backend = backend();
    let more = format!(
        "[router]\nlisten = \"127.0.0.1:0\"\ntelemetry = \"telemetry\"\nfolder = \"routes\"\n\
         [router.models.m]\nversions = {{ v1 = \"http://{backend}\" }}\n\
         weights_percent = {{ v1 = 100 }}\n"
    );
    let world = World::on(&settings, &topic, Shape { lanes: 1, shards: 1 }, REGISTRY, &more);
    let routes = |router: &Process| {
        let at = until("it says where it listens", || router.told("listen="));
        let answer = ask(&at, "POST", "/models/m/predict", "{\"x\":1}");
        assert_eq!(answer, (200, "{}".to_owned()));
        assert_eq!(ask(&at, "GET", "/readyz", "").0, 200);
    };
    let mut router = world.start(&["route"]);
    routes(&router);
    let telemetry = Partition { topic, partition: 0 };
    let sent = || world.log.scan(&telemetry, 0, 10).unwrap().len();
    until("its telemetry is written", || (sent() == 1).then_some(()));
    drop(started);
    routes(&router);
    assert!(router.end().success(), "{}", router.said());

    let late = world.start(&["route"]);
    routes(&late);
    assert!(late.said().contains("the log does not answer"), "{}", late.said());
    let said = late.said();
    let (status, took) = ended(late);
    assert!(status.success() && took < ENDS_WITHIN, "{status} after {took:?}: {said}");
}

/// A model that answers `{}` to anything; where it is.
fn backend() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut caller in listener.incoming().flatten() {
            let mut asked = [0; 4096];
            while caller.read(&mut asked).is_ok_and(|read| read > 0) {
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                if caller.write_all(answer.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    at
}

/// How a process ends that is asked to, and how long that takes.
fn ended(mut role: Process) -> (ExitStatus, Span) {
    let watch = Stopwatch::start();
    let status = role.end();
    (status, watch.elapsed())
}
