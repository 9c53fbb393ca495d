//! Lanes that are added, empty, or never heard of.

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use ripcord::edge::log::{Log as _, Topic};
use ripcord::model::{SourceId, Span, Verdict};
use ripcord::shard::{Decision, Inbox};

use serde_json::json;

use crate::common::broker;
use crate::world::{REGISTRY, Shape, World, answer, until};

#[test]
fn partitions_are_added_while_it_runs() {
    let mut world = World::new(Shape { lanes: 2, shards: 1 }, REGISTRY, "");
    let roles = [world.start(&["ingest"]), world.start(&["ingest"]), world.start(&["decide"])];
    world.minute(0, "v3", false);
    until("the first was read", || (world.read() == Some(60)).then_some(()));
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", broker::brokers()).create().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let grown = [NewPartitions::new(&world.topic, 3)];
    runtime.block_on(admin.create_partitions(&grown, &AdminOptions::new())).unwrap()[0]
        .as_ref()
        .unwrap();
    until("the topic has grown", || {
        (world.log.partitions(&world.topic).unwrap() == Some(3)).then_some(())
    });
    world.shape.lanes = 3;
    world.minute(1, "v3", false);
    until("all three lanes were read", || (world.read() == Some(120)).then_some(()));
    let inbox = world.values::<Inbox>(Topic::Inbox);
    let lanes = inbox.iter().filter_map(|record| match record {
        Inbox::Source { lanes, .. } => Some(*lanes),
        _ => None,
    });
    assert_eq!(lanes.max(), Some(3));
    drop(roles);
}

#[test]
fn an_empty_partition_holds_nothing_up() {
    let world = World::new(Shape { lanes: 4, shards: 1 }, REGISTRY, "");
    let roles =
        [world.start(&["ingest"]), world.start(&["decide"]), world.start(&["work", "registry"])];
    let (from, ill) = (world.from, |second: i64| second >= 60);
    let lines: Vec<_> = (0..300).map(|s| answer(&format!("p{s}"), "v3", from, s, ill(s))).collect();
    let records = lines.iter().enumerate();
    let records = records.map(|(i, line)| world.line(u32::try_from(i % 3).unwrap(), line));
    world.log.writer(None).unwrap().append(records.collect()).unwrap();
    until("it was rolled back", || (world.registry() == (2, "v2".to_owned())).then_some(()));
    until("all was read", || (world.read() == Some(300)).then_some(()));
    assert_eq!(world.rolled_back().len(), 1);
    drop(roles);
}

#[test]
fn without_a_lane_that_was_never_heard_of_nothing_is_judged() {
    let more = "[rules.policy]\nstall_after_seconds = 5\n";
    let mut world = World::new(Shape { lanes: 2, shards: 1 }, REGISTRY, more);
    let topics = vec![world.topic.clone()];
    let (source, pane) = (SourceId::new("telemetry").unwrap(), Span::from_s(10));
    let third = Inbox::Source { source, topics, lanes: 3, pane, known: Vec::new() };
    let inbox =
        ripcord::edge::log::Partition { topic: Topic::Inbox.name(&world.namespace), partition: 0 };
    let value = serde_json::to_vec(&third).unwrap();
    let third = ripcord::edge::log::Outgoing { to: inbox, key: None, headers: Vec::new(), value };
    world.log.writer(None).unwrap().append(vec![third]).unwrap();
    let roles =
        [world.start(&["ingest"]), world.start(&["decide"]), world.start(&["work", "registry"])];
    // Lanes that rest hold no pane open, so traffic goes on.
    let mut minute = 0;
    until("panes close without it, and the verdict says so", || {
        if minute == 0 || world.read() == Some(world.sent()) {
            world.minute(minute, "v3", minute > 0);
            minute += 1;
        }
        let decisions = world.values::<Decision>(Topic::Decisions);
        let said = decisions.iter().map(|decision| decision.assessment.verdict);
        (minute > 5 && said.into_iter().any(|verdict| verdict == Verdict::Stale)).then_some(())
    });
    until("all was read", || (world.read() == Some(world.sent())).then_some(()));
    assert_eq!(
        (world.registry().0, world.commands().len()),
        (1, 0),
        "it acted on two lanes of three"
    );
    drop(roles);
}

/// Claims of each lane, in order.
fn claims(world: &World) -> Vec<(u32, u64)> {
    let inbox = world.values::<Inbox>(Topic::Inbox).into_iter();
    let claims = inbox.filter_map(|record| match record {
        Inbox::Claim { lane, epoch } => Some((lane.lane, epoch)),
        _ => None,
    });
    claims.collect()
}

#[test]
fn a_process_that_restarts_under_its_name_moves_no_other_lane() {
    let mut world = World::new(Shape { lanes: 2, shards: 1 }, REGISTRY, "");
    let decide = world.start(&["decide"]);
    let first = world.start_as("one", &["ingest"]);
    until("the first has both lanes", || (claims(&world).len() == 2).then_some(()));
    let second = world.start_as("two", &["ingest"]);
    until("the second has taken a lane over", || (claims(&world).len() == 3).then_some(()));
    let (moved, _) = claims(&world)[2];
    drop(first);
    let again = world.start_as("one", &["ingest"]);
    until("the lane of the first is claimed again", || (claims(&world).len() == 4).then_some(()));
    world.minute(0, "v3", false);
    until("all was read", || (world.read() == Some(60)).then_some(()));
    assert_eq!(claims(&world)[3].0, 1 - moved, "{:?}", claims(&world));
    drop((decide, second, again));
}

#[test]
fn outcomes_meet_predictions_in_another_topic_while_lanes_move() {
    const LANES: u32 = 3;
    const REQUESTS: usize = 1500;
    // Chunks come at once after a rest, so either topic may be read before the other.
    let more = "[source_defaults]\nallowed_disorder_seconds = 600\n";
    let world = World::new(Shape { lanes: LANES, shards: 1 }, REGISTRY, more);
    let outcomes = format!("{}.outcomes", world.topic);
    let topics = |list: &[&str]| format!("topics = {list:?}");
    world.replace(&topics(&[&world.topic]), &topics(&[&world.topic, &outcomes]));
    world.run(&["topics", "create", "--telemetry"]);
    let mut writer = world.log.writer(None).unwrap();
    let mut send = |requests: std::ops::Range<usize>| {
        let mut records = Vec::new();
        for i in requests {
            let lane = u32::try_from(i).unwrap() % LANES;
            let second = i64::try_from(i / 10).unwrap();
            records
                .push(world.line(lane, &answer(&format!("r{i}"), "v3", world.from, second, false)));
            let ts = world.from + Span::from_s(second + 5);
            let outcome = json!({"type": "outcome", "request": format!("r{i}"), "model": "m",
                "ts": ts, "actual": 1});
            let mut outcome = world.line(lane, &outcome.to_string());
            outcome.to.topic.clone_from(&outcomes);
            records.push(outcome);
        }
        writer.append(records).unwrap();
    };
    let read = |least: usize| {
        until("it was read", || world.read().filter(|read| *read >= 2 * least as u64));
    };
    let decide = world.start(&["decide"]);
    let first = world.start(&["ingest"]);
    send(0..REQUESTS / 3);
    read(REQUESTS / 3);
    let second = world.start(&["ingest"]);
    until("lanes have moved", || (claims(&world).len() > LANES as usize).then_some(()));
    send(REQUESTS / 3..2 * REQUESTS / 3);
    read(2 * REQUESTS / 3);
    first.stop();
    send(2 * REQUESTS / 3..REQUESTS);
    read(REQUESTS);
    until("every outcome has met its prediction", || {
        let status = world.status();
        let counters = status[0].records.values().next()?;
        assert_eq!(counters.unmatched + counters.late + counters.duplicate, 0, "{counters:?}");
        (counters.measured == 2 * REQUESTS as u64).then_some(())
    });
    drop((decide, second));
}
