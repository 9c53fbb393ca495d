//! The main job on the real thing: a recording in, a rollback out.

use ripcord::edge::log::Topic;
use ripcord::model::{Mode, StepResult};

use crate::common::{files, replay};
use crate::world::{Shape, World, absolute, header, until};

#[test]
fn the_recorded_flights_are_rolled_back_as_in_the_replay() {
    let replayed = replay::of(&files::in_tree(replay::FLIGHTS));
    let registry = replay::flights_registry();
    let replayed = ripcord::replay::Replay {
        registry: replay::registry(&registry),
        mode: Some(Mode::Act),
        ..replayed
    };
    let summary = replay::summary(&replayed.run(|_| {}).unwrap());
    let expected = &summary["rollbacks"][0];

    let world = World::new(Shape { lanes: 4, shards: 2 }, &registry, "");
    let roles: Vec<_> = [
        &["ingest"][..],
        &["ingest"],
        &["decide"],
        &["work", "registry"],
        &["work", "notice"],
        &["serve"],
    ]
    .into_iter()
    .map(|role| world.start(role))
    .collect();
    world.run(&["publish", &absolute(replay::FLIGHTS)]);
    let incident = until("an incident is open and its rollback was answered", || {
        let answered = world.answers().iter().any(|(_, outcome)| *outcome == StepResult::Done);
        world.rolled_back().into_iter().next().filter(|_| answered && world.registry().0 > 1)
    });
    let as_json = serde_json::to_value(&incident).unwrap();
    for (ours, replays) in
        [("version", "from"), ("to", "to"), ("trigger", "trigger"), ("breach_from", "breach_from")]
    {
        assert_eq!(as_json[ours], expected[replays], "{ours}: {as_json:#}\n{expected:#}");
    }
    until("everything was read", || (world.read() == Some(98_991)).then_some(()));
    for role in roles {
        role.stop();
    }
    assert_eq!(world.rolled_back().len(), 1, "{:#?}", world.rolled_back());
    let orders = world.commands();
    let index = orders.iter().position(|order| order.target.as_str() == "registry").unwrap();
    let commands = world.records(Topic::Commands);
    let first = &commands[index];
    for (name, value) in [
        ("ce_specversion", "1.0"),
        ("ce_type", "io.ripcord.command.v1"),
        ("ce_partitionkey", "flight-delay"),
        ("ce_correlationid", incident.id.as_str()),
        ("content-type", "application/json"),
    ] {
        assert_eq!(header(first, name), value, "{name}");
    }
    assert_eq!(header(first, "ce_id"), orders[index].id.as_str());
    assert_eq!(world.registry(), (2, "v2".to_owned()));
}
