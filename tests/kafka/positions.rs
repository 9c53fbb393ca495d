//! Positions that are not on the log any more: records that retention took, topics that were
//! created again, groups that were moved. None of it may pass without a word.

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use ripcord::edge::log::{Log as _, Partition};
use serde_json::Value as Json;

use crate::common::broker;
use crate::world::{Process, REGISTRY, Shape, World, until};

fn positions(list: &[(&str, i32, i64)]) -> TopicPartitionList {
    let mut positions = TopicPartitionList::new();
    for (topic, partition, position) in list {
        positions.add_partition_offset(topic, *partition, Offset::Offset(*position)).unwrap();
    }
    positions
}

/// Deletes all records of a topic before these positions, as retention does.
pub fn retention(list: &[(&str, i32, i64)]) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", broker::brokers()).create().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let deleted = admin.delete_records(&positions(list), &AdminOptions::new());
    runtime.block_on(deleted).unwrap().elements().iter().for_each(|one| one.error().unwrap());
}

/// Moves the group of the source, which has no member.
fn move_group(world: &World, list: &[(&str, i32, i64)]) {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker::brokers())
        .set("group.id", format!("ripcord.{}.ingest.telemetry", world.namespace))
        .create()
        .unwrap();
    until("the group is empty", || consumer.commit(&positions(list), CommitMode::Sync).ok());
}

/// What the group of the source has committed.
fn committed(world: &World, topic: &str) -> Option<i64> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker::brokers())
        .set("group.id", format!("ripcord.{}.ingest.telemetry", world.namespace))
        .create()
        .unwrap();
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, 0);
    let found = consumer.committed_offsets(asked, std::time::Duration::from_secs(10)).ok()?;
    match found.elements().first()?.offset() {
        Offset::Offset(position) => Some(position),
        _ => None,
    }
}

/// The report on the partition of a topic in `GET /api/status`.
fn report(serve: &Process, topic: &str) -> Option<Json> {
    let (status, body) = serve.get("/api/status");
    assert_eq!(status, 200, "{body}");
    let overview: Json = serde_json::from_str(&body).unwrap();
    let lanes = overview["lanes"].as_array().unwrap();
    let mut topics = lanes.iter().flat_map(|lane| lane["topics"].as_array().unwrap());
    topics.find(|found| found["topic"] == topic).cloned()
}

/// What the log of a process says of gaps.
fn warnings(process: &Process, of: &str) -> usize {
    process.said().lines().filter(|line| line.contains("WARN") && line.contains(of)).count()
}

fn end(world: &World) -> i64 {
    let at = Partition { topic: world.topic.clone(), partition: 0 };
    let last = world.log.scan(&at, 0, usize::MAX).unwrap();
    last.last().map_or(0, |record| record.position + 1)
}

const DELETED: &str = "records were deleted before they were read";
const ANEW: &str = "the partition ends before the position to read on from";

#[test]
fn records_that_retention_took_unread_are_told_and_the_lane_is_not_warm() {
    let mut world = World::new(Shape { lanes: 1, shards: 2 }, REGISTRY, "");
    let decide = world.start(&["decide"]);
    let serve = world.start(&["serve"]);
    let first = world.start(&["ingest"]);
    (0..5).for_each(|minute| world.minute(minute, "v3", false));
    until("it was read", || (world.read() == Some(300)).then_some(()));
    until("it is committed", || committed(&world, &world.topic).filter(|at| *at > 0));
    first.stop();
    assert_eq!(report(&serve, &world.topic), None, "nothing is lost yet");
    (5..7).for_each(|minute| world.minute(minute, "v3", false));
    retention(&[(&world.topic, 0, end(&world))]);
    world.minute(8, "v3", false);

    let second = world.start(&["ingest"]);
    until("the rest was read", || (world.read() == Some(360)).then_some(()));
    let told = until("it is told", || report(&serve, &world.topic));
    assert_eq!((&told["gaps"], &told["lost"]), (&1.into(), &120.into()), "{told}");
    let last = &told["last"];
    assert_eq!((&last["from"], &last["to"]), (&300.into(), &420.into()), "{told}");
    assert_eq!((&last["cause"], &told["forgotten"]), (&"deleted".into(), &true.into()), "{told}");
    assert_eq!(warnings(&second, DELETED), 1, "{}", second.said());
    assert_eq!(warnings(&second, "records that had to be read again are gone"), 1);
    let said = second.said();
    for part in ["from=300", "to=420", "records=120", "partition=0", world.topic.as_str()] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert!(!said.contains("warmed"), "{said}");
    assert_eq!(serve.metric("ripcord_position_gaps_total"), ["ripcord_position_gaps_total{} 1"]);
    assert_eq!(serve.metric("ripcord_lost_records_total"), ["ripcord_lost_records_total{} 120"]);
    let url = until("it says where it answers", || {
        let said = serve.said();
        said.split_whitespace().find_map(|word| word.strip_prefix("at=")).map(str::to_owned)
    });
    let status = world.run(&["status", "--url", &format!("http://{url}")]);
    let text = String::from_utf8(status.stdout).unwrap();
    let line = format!("LOST {}[0]: up to 120 records were deleted", world.topic);
    assert!(text.contains(&line), "{text}");
    assert!(text.contains("NOT WARM lane telemetry/0"), "{text}");

    // Told again by the next process, and counted once.
    second.stop();
    let third = world.start(&["ingest"]);
    world.minute(9, "v3", false);
    until("the rest was read", || (world.read() == Some(420)).then_some(()));
    assert_eq!(warnings(&third, DELETED), 0, "{}", third.said());
    let told = report(&serve, &world.topic).unwrap();
    assert_eq!((&told["gaps"], &told["lost"]), (&1.into(), &120.into()), "{told}");
    drop((decide, serve, third));
}

#[test]
fn retention_that_overtakes_a_reader_is_told_too() {
    let mut world = World::new(Shape { lanes: 1, shards: 1 }, REGISTRY, "");
    let roles = [world.start(&["decide"]), world.start(&["serve"])];
    let ingest = world.start(&["ingest"]);
    world.minute(0, "v3", false);
    until("it was read", || (world.read() == Some(60)).then_some(()));
    ingest.signal("-STOP");
    // The request under way may still bring the first of these, never the second.
    (1..3).for_each(|minute| world.minute(minute, "v3", false));
    let behind = end(&world);
    retention(&[(&world.topic, 0, behind)]);
    world.minute(3, "v3", false);
    ingest.signal("-CONT");
    let told = until("it is told", || report(&roles[1], &world.topic));
    let lost = told["lost"].as_u64().unwrap();
    assert_eq!((&told["gaps"], (60..=120).contains(&lost)), (&1.into(), true), "{told}");
    until("the rest was read", || (world.read() == Some(world.sent() - lost)).then_some(()));
    assert_eq!(warnings(&ingest, DELETED), 1, "{}", ingest.said());
    drop((roles, ingest));
}

#[test]
fn a_topic_that_is_created_again_is_read_from_its_start_and_that_is_told() {
    let mut world = World::new(Shape { lanes: 1, shards: 1 }, REGISTRY, "");
    let roles = [world.start(&["decide"]), world.start(&["serve"])];
    let first = world.start(&["ingest"]);
    (0..3).for_each(|minute| world.minute(minute, "v3", false));
    until("it was read", || (world.read() == Some(180)).then_some(()));
    until("it is committed", || committed(&world, &world.topic).filter(|at| *at > 0));
    first.stop();
    let topic = world.topic.clone();
    world.log.delete(std::slice::from_ref(&topic)).unwrap();
    until("it is gone", || world.log.partitions(&topic).unwrap().is_none().then_some(()));
    world.run(&["topics", "create", "--telemetry"]);
    world.minute(4, "v3", false);

    let second = world.start(&["ingest"]);
    let told = until("it is told", || report(&roles[1], &topic));
    let cause = told["last"]["cause"].as_str().unwrap();
    assert!(["created_again", "position_lost"].contains(&cause), "{told}");
    assert_eq!((&told["last"]["from"], &told["last"]["to"]), (&180.into(), &0.into()), "{told}");
    until("the new one was read from its start", || committed(&world, &topic).filter(|at| *at > 0));
    until("all of it", || {
        let counters = world.status()[0].records.values().next()?.clone();
        [60, 240].contains(&counters.read).then_some(())
    });
    assert_eq!(warnings(&second, "begins at"), 1, "{}", second.said());
    drop((roles, second));
}

#[test]
fn a_topic_that_is_created_again_under_a_running_process_is_read_from_its_start() {
    let mut world = World::new(Shape { lanes: 1, shards: 1 }, REGISTRY, "");
    let roles = [world.start(&["decide"]), world.start(&["serve"])];
    let ingest = world.start(&["ingest"]);
    (0..3).for_each(|minute| world.minute(minute, "v3", false));
    until("it was read", || (world.read() == Some(180)).then_some(()));
    until("it is committed", || committed(&world, &world.topic).filter(|at| *at > 0));
    let topic = world.topic.clone();
    world.log.delete(std::slice::from_ref(&topic)).unwrap();
    until("it is gone", || world.log.partitions(&topic).unwrap().is_none().then_some(()));
    world.run(&["topics", "create", "--telemetry"]);
    world.minute(4, "v3", false);
    let told = until("it is told", || report(&roles[1], &topic));
    assert_eq!(told["last"]["to"], 0, "{told}");
    until("the new one was read", || {
        let counters = world.status()[0].records.values().next()?.clone();
        [60, 240].contains(&counters.read).then_some(())
    });
    drop((roles, ingest));
}

#[test]
fn a_group_that_was_moved_is_told() {
    let mut world = World::new(Shape { lanes: 1, shards: 1 }, REGISTRY, "");
    let roles = [world.start(&["decide"]), world.start(&["serve"])];
    let first = world.start(&["ingest"]);
    (0..3).for_each(|minute| world.minute(minute, "v3", false));
    until("it was read", || (world.read() == Some(180)).then_some(()));
    until("it is committed", || committed(&world, &world.topic).filter(|at| *at > 0));
    first.stop();
    // Behind the end.
    let topic = world.topic.clone();
    move_group(&world, &[(&topic, 0, 1000)]);
    let second = world.start(&["ingest"]);
    let told = until("it is told", || report(&roles[1], &topic));
    let last = &told["last"];
    assert_eq!((&last["from"], &last["to"]), (&1000.into(), &0.into()), "{told}");
    assert_eq!(warnings(&second, ANEW), 1, "{}", second.said());
    until("it is committed", || committed(&world, &topic).filter(|at| (1..=180).contains(at)));
    second.stop();

    // Over records that were not read.
    (4..6).for_each(|minute| world.minute(minute, "v3", false));
    move_group(&world, &[(&topic, 0, 240)]);
    let third = world.start(&["ingest"]);
    let told =
        until("that is told, too", || report(&roles[1], &topic).filter(|told| told["gaps"] == 2));
    let last = &told["last"];
    assert_eq!((&last["from"], &last["to"]), (&180.into(), &240.into()), "{told}");
    assert_eq!((&last["cause"], &last["records"]), (&"moved".into(), &60.into()), "{told}");
    drop((roles, third));
}

/// The reason on `/readyz` of a process.
fn why(process: &Process) -> String {
    process.get("/readyz").1
}

#[test]
fn a_source_whose_topic_is_deleted_rests_and_goes_on_and_the_others_are_measured() {
    let other = broker::unique("other");
    let more = format!("[sources.other]\ntopics = [{other:?}]\n");
    let mut world = World::new(Shape { lanes: 1, shards: 2 }, REGISTRY, &more);
    let decide = world.start(&["decide"]);
    let mut ingest = world.start(&["ingest", "--health", "127.0.0.1:0"]);
    world.minute(0, "v3", false);
    let read = |world: &World, wanted: &str| {
        let status = world.status();
        let counts = status.iter().flat_map(|one| one.records.iter());
        counts.filter(|(source, _)| source.as_str() == wanted).map(|(_, one)| one.read).max()
    };
    until("the first was read", || (read(&world, "telemetry") == Some(60)).then_some(()));
    until("both sources are measured", || (ingest.get("/readyz").0 == 200).then_some(()));

    world.log.delete(std::slice::from_ref(&other)).unwrap();
    let told = format!("the topic {other} of source other does not exist, so this source rests");
    until("it says that the source rests", || why(&ingest).contains(&told).then_some(()));
    world.minute(1, "v3", false);
    until("the other one goes on", || (read(&world, "telemetry") == Some(120)).then_some(()));
    // A process that starts meanwhile does the same.
    assert!(ingest.runs(), "{}", ingest.said());
    ingest.stop();
    ingest = world.start(&["ingest", "--health", "127.0.0.1:0"]);
    until("it rests in the new process, too", || why(&ingest).contains(&told).then_some(()));

    world.run(&["topics", "create", "--telemetry"]);
    until("all is measured again", || (ingest.get("/readyz").0 == 200).then_some(()));
    let to = Partition { topic: other, partition: 0 };
    let line = world.line(0, &crate::world::answer("again", "v3", world.from, 3, false));
    let record = ripcord::edge::log::Outgoing { to, ..line };
    world.log.writer(None).unwrap().append(vec![record]).unwrap();
    until("what comes then is read", || (read(&world, "other") == Some(1)).then_some(()));
    ingest.stop();
    decide.stop();
}
