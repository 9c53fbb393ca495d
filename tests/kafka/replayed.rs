//! What is in the command topic is sent to it again, and what belongs elsewhere is sent there.

use ripcord::edge::log::{Log as _, Outgoing, Record, Topic};
use ripcord::model::StepResult;
use ripcord::shard::Inbox;
use serde_json::Value as Json;

use crate::world::{REGISTRY, Shape, World, until};

const REFUSED: &str = "ripcord_refused_commands_total";

fn again(world: &World, record: &Record, value: Vec<u8>, partition: u32) -> Outgoing {
    let to =
        ripcord::edge::log::Partition { topic: Topic::Commands.name(&world.namespace), partition };
    Outgoing { to, key: record.key.clone(), headers: record.headers.clone(), value }
}

#[test]
fn commands_replayed_into_live_workers_change_nothing() {
    let mut world = World::new(Shape { lanes: 1, shards: 1 }, REGISTRY, "");
    let health = ["--health", "127.0.0.1:0"];
    let start = |role: &[&str]| world.start(&[role, &health].concat());
    let roles = [
        start(&["ingest"]),
        start(&["decide"]),
        start(&["work", "registry"]),
        start(&["work", "notice"]),
    ];
    let [ingest, decide, registry, notice] = &roles;
    for role in &roles {
        until("it is ready", || (role.get("/readyz").0 == 200).then_some(()));
        assert_eq!(role.get("/livez").0, 200);
        assert_eq!(role.get("/api/status").0, 404);
    }
    let refused = || [registry, notice].map(|role| role.metric(REFUSED));
    world.minute(0, "v3", false);
    for minute in 1..5 {
        world.minute(minute, "v3", true);
    }
    until("it was rolled back", || (world.registry().0 == 2).then_some(()));
    let answered = || {
        let (asked, answers) = (world.commands().len(), world.answers().len());
        (asked == answers).then_some(())
    };
    until("every command was answered", answered);
    let incidents = world.incidents();
    let commands = world.records(Topic::Commands);
    for round in 0..2 {
        let copies =
            commands.iter().map(|command| again(&world, command, command.value.clone(), 0));
        world.log.writer(None).unwrap().append(copies.collect()).unwrap();
        until(&format!("round {round} was answered"), answered);
    }
    assert_eq!(refused(), [const { Vec::<String>::new() }; 2], "what was done is no refusal");
    for (role, phase) in [(ingest, "flush"), (decide, "fold"), (decide, "commit")] {
        let count = format!("ripcord_phase_duration_seconds_count{{phase=\"{phase}\"}}");
        assert!(!role.metric(&count).is_empty(), "{phase}");
    }
    let before = world.answers().len();
    let mut foreign: Json = serde_json::from_slice(&commands[0].value).unwrap();
    foreign["namespace"] = "elsewhere".into();
    let foreign = again(&world, &commands[0], foreign.to_string().into_bytes(), 0);
    world.log.writer(None).unwrap().append(vec![foreign]).unwrap();
    until("the foreign one was answered", || (world.answers().len() > before).then_some(()));
    let (_, outcome) = world.answers().pop().unwrap();
    assert_eq!(outcome, StepResult::Refused);
    let said =
        world.values::<Inbox>(Topic::Inbox).into_iter().rev().find_map(|record| match record {
            Inbox::Answer(answer) => Some(answer.detail),
            _ => None,
        });
    assert!(said.as_ref().unwrap().starts_with("wrong_namespace"), "{said:?}");
    let worker = world.commands().remove(0).target;
    let counted = format!("{REFUSED}{{worker=\"{worker}\",reason=\"wrong_namespace\"}} 1");
    assert_eq!(refused().concat(), [counted]);
    assert_eq!(world.registry(), (2, "v2".to_owned()));
    assert_eq!(world.incidents(), incidents, "an incident moved by what was said again");
    drop(roles);
}
