//! The brokers go and come back.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ripcord::edge::log::{Log as _, Partition};
use ripcord::model::Span;

use crate::common::broker;
use crate::own_broker::Broker;
use crate::world::{REGISTRY, Shape, World, answer, until};

#[test]
fn the_brokers_restart_under_load() {
    let data = tempfile::tempdir().unwrap();
    let (started, settings) = Broker::alone(data.path());
    let topic = broker::unique("telemetry");
    let mut world = World::on(&settings, &topic, Shape { lanes: 2, shards: 2 }, REGISTRY, "");
    let roles = [
        world.start(&["ingest"]),
        world.start(&["ingest"]),
        world.start(&["decide"]),
        world.start(&["work", "registry"]),
    ];
    world.minute(0, "v3", false);
    until("the first was read", || (world.read() == Some(60)).then_some(()));

    // Producers keep on, and wait as long as they must.
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(60));
    let world = &world;
    let started = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = world.log.writer(None).unwrap();
            for batch in 0.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let second = |i: i64| batch * 10 + i;
                let from = world.from + Span::from_s(60);
                let line = |i| answer(&format!("b{batch}-{i}"), "v3", from, second(i), batch > 60);
                let records = (0..10).map(|i| world.line(u32::try_from(i % 2).unwrap(), &line(i)));
                sent.fetch_add(
                    writer.append(records.collect()).unwrap().len() as u64,
                    Ordering::SeqCst,
                );
                // The pace of the load: a moment without it.
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        });
        until("load has come", || (sent.load(Ordering::SeqCst) > 200).then_some(()));
        let arguments = started.kill();
        let again = Broker::start(arguments);
        let before = sent.load(Ordering::SeqCst);
        until("load goes on", || (sent.load(Ordering::SeqCst) > before + 200).then_some(()));
        until("the fault was rolled back", || (world.registry().0 == 2).then_some(()));
        stop.store(true, Ordering::SeqCst);
        again
    });
    let sent = sent.load(Ordering::SeqCst);
    let on_the_log: usize = (0..2)
        .map(|partition| Partition { topic: topic.clone(), partition })
        .map(|at| world.log.scan(&at, 0, usize::MAX).unwrap().len())
        .sum();
    assert_eq!(on_the_log as u64, sent, "the test's own producer lost or doubled");
    until("all was read, each record once", || (world.read() == Some(sent)).then_some(()));
    let status = world.status();
    let counters = status[0].records.values().next().unwrap();
    assert_eq!(counters.measured, sent, "{counters:?}");
    assert_eq!((world.rolled_back().len(), world.registry()), (1, (2, "v2".to_owned())));
    for mut role in roles {
        assert!(role.runs(), "{}", role.said());
        role.stop();
    }
    drop(started);
}
