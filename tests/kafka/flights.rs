//! The main job on the real thing: a recording in, a rollback out.

use ripcord::edge::log::Topic;
use ripcord::model::{Mode, Outcome};

use crate::words::replay;
use crate::world::{Shape, World, absolute, header, until};

#[test]
fn the_recorded_flights_are_rolled_back_as_in_the_replay() {
    let replayed = replay::of(&crate::words::files::in_tree(replay::FLIGHTS));
    let registry = replay::flights_registry();
    let replayed = ripcord::app::replay::Replay {
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
        let answered = world.answers().iter().any(|(_, outcome)| *outcome == Outcome::Done);
        world.incidents().into_iter().next().filter(|_| answered && world.registry().0 > 1)
    });
    let as_json = serde_json::to_value(&incident).unwrap();
    for same in ["version", "to", "trigger", "breach_from"] {
        assert_eq!(as_json[same], expected[same], "{same}: {as_json:#}\n{expected:#}");
    }
    until("everything was read", || (world.read() == Some(98_991)).then_some(()));
    for role in roles {
        role.stop();
    }
    assert_eq!(world.incidents().len(), 1, "{:#?}", world.incidents());
    let commands = world.records(Topic::Commands);
    let first = &commands[0];
    for (name, value) in [
        ("ce_specversion", "1.0"),
        ("ce_type", "io.ripcord.command.v1"),
        ("ce_partitionkey", "flight-delay"),
        ("ce_correlationid", incident.id.as_str()),
        ("content-type", "application/json"),
    ] {
        assert_eq!(header(first, name), value, "{name}");
    }
    assert_eq!(header(first, "ce_id"), world.commands()[0].id.as_str());
    assert_eq!(world.registry(), (2, "v2".to_owned()));
}
