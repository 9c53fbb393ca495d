//! The example producers publish so that an outcome meets its prediction. Each runs where its
//! client is installed.

use std::process::Command;

use ripcord::edge::log::{Log as _, Partition};

use crate::common::broker;
use crate::common::skip::skipped;
use crate::world::{REGISTRY, Shape, World, absolute, until};

fn installed(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Runs a producer that is asked for a prediction and its outcome; both must lie in one lane and
/// be measured.
fn meets(world: &World, producer: &mut Command, before: u64) -> u64 {
    let output = producer.args([&broker::brokers(), &world.topic]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let lanes = (0..world.shape.lanes).map(|partition| {
        let at = Partition { topic: world.topic.clone(), partition };
        world.log.scan(&at, 0, usize::MAX).unwrap().len() as u64
    });
    let lanes: Vec<_> = lanes.collect();
    let all: u64 = lanes.iter().sum();
    assert_eq!(all, before + 2, "a prediction and its outcome: {lanes:?}");
    until("both were measured", || {
        let status = world.status();
        let counters = status.first()?.records.values().next()?;
        (counters.measured == all && counters.unmatched + counters.waiting == 0).then_some(())
    });
    all
}

#[test]
fn what_the_examples_publish_meets() {
    let world = World::new(Shape { lanes: 8, shards: 1 }, REGISTRY, "");
    let roles = [world.start(&["ingest"]), world.start(&["decide"])];
    let mut sent = 0;
    let jars = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| absolute("target"));
    if installed("javac", &["-version"]) {
        let mut java = Command::new("java");
        java.args([
            "-cp",
            &format!("{jars}/kafka/libs/*"),
            &absolute("examples/producers/java/Publish.java"),
        ]);
        sent = meets(&world, &mut java, sent);
    } else {
        skipped("the Java example of a producer: apt-get install default-jdk-headless");
    }
    if installed("python3", &["-c", "import confluent_kafka"]) {
        let mut python = Command::new("python3");
        python.arg(absolute("examples/producers/python/publish.py"));
        sent = meets(&world, &mut python, sent);
    } else {
        skipped("the Python example of a producer: pip install confluent-kafka");
    }
    drop((roles, sent));
}
