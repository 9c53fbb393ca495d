//! Kill -9 and SIGSTOP at the boundaries between the roles: one rollback, applied once, and the
//! counts add up.

use std::collections::BTreeMap;
use std::fs;

use ripcord::edge::log::{Log as _, Outgoing, Partition, Topic};
use ripcord::model::{IncidentState, LaneId, SourceId, StepResult};
use ripcord::shard::Inbox;

use crate::world::{REGISTRY, Shape, World, answer, until};

const SHAPE: Shape = Shape { lanes: 2, shards: 2 };

/// A program as a worker: its probe tells what is in a file, its act writes there and, while a
/// file named hold is there, does not come back.
fn program(world: &World) {
    fs::write(world.path("live"), "v3").unwrap();
    let script = |name: &str, body: &str| {
        fs::write(world.path(name), format!("#!/bin/sh\n{body}\n")).unwrap();
    };
    script("probe", "printf '{\"model\": \"m\", \"production\": \"%s\"}\\n' \"$(cat live)\"");
    script(
        "act",
        "to=$(sed 's/.*\"version\":\"\\([^\"]*\\)\".*/\\1/')\n\
         echo \"$to\" > live\n\
         echo \"$to\" >> runs\n\
         while [ -e hold ]; do sleep 0.05; done",
    );
}

const SWITCH: &str = "[workers.exec.switch]\nprobe = [\"/bin/sh\", \"probe\"]\n\
    act = [\"/bin/sh\", \"act\"]\nstage = \"traffic\"\npoll_seconds = 1\nmodels = [\"m\"]\n";

fn read_all(world: &World) {
    until("all that was sent was read, each record once", || {
        (world.read() == Some(world.sent())).then_some(())
    });
}

/// Waits for the one rollback to be proven, with traffic of the restored version.
fn proven(world: &mut World, from_minute: i64) {
    let mut minute = from_minute;
    until("the rollback is mitigated", || {
        if world.read() == Some(world.sent()) {
            world.minute(minute, "v2", false);
            minute += 1;
        }
        let rolled = world.rolled_back();
        assert!(rolled.len() <= 1, "{rolled:#?}");
        rolled.iter().any(|one| one.state == IncidentState::Mitigated).then_some(())
    });
}

#[test]
fn one_rollback_though_every_role_is_killed_at_its_worst_moment() {
    let mut world = World::new(SHAPE, REGISTRY, SWITCH);
    program(&world);
    let ingest = world.start(&["ingest"]);
    let decide = world.start(&["decide"]);
    let registry = world.start(&["work", "registry"]);
    for minute in 0..3 {
        world.minute(minute, "v3", false);
    }
    read_all(&world);

    // Ingest, in the middle of a pane.
    let start = world.from + ripcord::model::Span::from_s(180);
    let half: Vec<_> =
        (0..5).map(|s| answer(&format!("half-{s}"), "v3", start, s, false)).collect();
    world.send(&half);
    read_all(&world);
    drop(ingest);
    let rest: Vec<_> =
        (5..60).map(|s| answer(&format!("half-{s}"), "v3", start, s, false)).collect();
    world.send(&rest);
    let ingest = world.start(&["ingest"]);
    read_all(&world);

    // Decide, once the command is there and nobody has answered it: the switch has no worker yet,
    // and it is the first step.
    for minute in 4..8 {
        world.minute(minute, "v3", true);
    }
    let first = until("a command for the switch is there", || {
        world.commands().into_iter().find(|order| order.target.as_str() == "switch")
    });
    drop(decide);
    drop(registry);
    assert_eq!(world.registry(), (1, "v3".to_owned()));

    // The worker, after it acted and before it answered.
    fs::write(world.path("hold"), "").unwrap();
    let switch = world.start(&["work", "exec", "switch"]);
    until("the switch has acted", || {
        (fs::read_to_string(world.path("live")).unwrap() == "v2\n").then_some(())
    });
    drop(switch);
    fs::remove_file(world.path("hold")).unwrap();
    assert!(world.answers().iter().all(|(id, _)| *id != first.id.to_string()), "it answered");

    let roles = [
        world.start(&["decide"]),
        world.start(&["work", "exec", "switch"]),
        world.start(&["work", "registry"]),
        world.start(&["work", "notice"]),
    ];
    until("the registry was switched", || (world.registry() == (2, "v2".to_owned())).then_some(()));
    proven(&mut world, 8);
    read_all(&world);
    let runs = fs::read_to_string(world.path("runs")).unwrap();
    assert_eq!(runs, "v2\n", "the switch was thrown more than once");
    assert_eq!(world.registry(), (2, "v2".to_owned()), "the registry was switched more than once");
    let mut per_target: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for order in world.commands().iter().filter(|order| order.target.as_str() != "notice") {
        per_target.entry(order.target.to_string()).or_default().push(order.id.to_string());
    }
    for (target, mut ids) in per_target {
        ids.dedup();
        assert_eq!(ids.len(), 1, "{target} was told different things: {ids:?}");
    }
    let done = world.answers().into_iter().filter(|(id, _)| *id == first.id.to_string());
    assert!(
        done.clone().count() > 0 && done.clone().all(|(_, outcome)| outcome == StepResult::Done)
    );
    drop((roles, ingest));
}

/// What was said of a lane, in order: claims, and the epochs of frames.
fn of_lane(world: &World, lane: u32) -> Vec<(bool, u64)> {
    let inbox = Partition { topic: Topic::Inbox.name(&world.namespace), partition: 0 };
    let records = world.log.scan(&inbox, 0, usize::MAX).unwrap();
    let said = records.iter().filter_map(|record| match serde_json::from_slice(&record.value) {
        Ok(Inbox::Claim { lane: of, epoch }) if of.lane == lane => Some((true, epoch)),
        Ok(Inbox::Frame(frame)) if frame.lane.lane == lane => Some((false, frame.epoch)),
        _ => None,
    });
    said.collect()
}

/// The epochs of those who claimed the first lane.
fn claims(world: &World) -> Vec<u64> {
    let said = of_lane(world, 0).into_iter();
    said.filter_map(|(claim, epoch)| claim.then_some(epoch)).collect()
}

#[test]
fn an_ingest_that_comes_back_from_the_dead_changes_nothing() {
    let mut world = World::new(Shape { lanes: 1, shards: 1 }, REGISTRY, "");
    // Slow to speak, so that it holds something when it is stopped.
    world.replace("flush_milliseconds = 50", "flush_milliseconds = 4000");
    let decide = world.start(&["decide"]);
    let zombie = world.start(&["ingest"]);
    world.minute(0, "v3", false);
    read_all(&world);
    world.minute(1, "v3", false);
    // Some moment before the flush that would say it: nothing can be waited for.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    zombie.signal("-STOP");
    world.replace("flush_milliseconds = 4000", "flush_milliseconds = 50");
    let ingest = world.start(&["ingest"]);
    until("another has taken over", || (claims(&world).len() == 2).then_some(()));
    read_all(&world);
    zombie.signal("-CONT");
    world.minute(2, "v3", false);
    until("the zombie has spoken, or knows that it is out", || {
        let (said, claims) = (of_lane(&world, 0), claims(&world));
        let claimed = said.iter().position(|said| *said == (true, claims[1])).unwrap();
        let spoke = said[claimed..].contains(&(false, claims[0]));
        (spoke || zombie.said().contains("lane released")).then_some(())
    });
    // A claim that comes late is ignored like a frame that does.
    let lane = LaneId { source: SourceId::new("telemetry").unwrap(), lane: 0 };
    let late = serde_json::to_vec(&Inbox::Claim { lane, epoch: claims(&world)[0] }).unwrap();
    let inbox = Partition { topic: Topic::Inbox.name(&world.namespace), partition: 0 };
    let late = Outgoing { to: inbox, key: None, headers: Vec::new(), value: late };
    world.log.writer(None).unwrap().append(vec![late]).unwrap();
    world.minute(3, "v3", false);
    read_all(&world);
    let counters = world.status()[0].records.values().next().unwrap().clone();
    assert_eq!((counters.measured, counters.read), (world.sent(), world.sent()), "{counters:?}");
    drop((decide, ingest, zombie));
}

#[test]
fn a_decide_that_comes_back_from_the_dead_adds_nothing() {
    let mut world = World::new(SHAPE, REGISTRY, "");
    let ingest = world.start(&["ingest"]);
    let mut zombie = world.start(&["decide"]);
    let worker = world.start(&["work", "registry"]);
    for minute in 0..3 {
        world.minute(minute, "v3", false);
    }
    read_all(&world);
    zombie.signal("-STOP");
    for minute in 3..7 {
        world.minute(minute, "v3", true);
    }
    let decide = world.start(&["decide"]);
    until("the other has rolled back", || (world.registry().0 == 2).then_some(()));
    zombie.signal("-CONT");
    proven(&mut world, 7);
    read_all(&world);
    // It lives, and takes over again when it is needed.
    assert!(zombie.runs(), "it ended");
    let before = world.commands().len();
    drop(decide);
    world.minute(60, "v2", false);
    read_all(&world);
    assert_eq!(world.registry(), (2, "v2".to_owned()));
    let registry = world.commands().into_iter().filter(|o| o.target.as_str() == "registry");
    let ids: std::collections::BTreeSet<_> = registry.map(|order| order.id.to_string()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert!(world.commands().len() >= before);
    drop((ingest, worker));
}
