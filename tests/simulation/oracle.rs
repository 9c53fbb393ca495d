//! What must be true of a world that has come to rest, whatever struck it.

use std::collections::{BTreeMap, BTreeSet};

use ripcord::edge::log::{Record, Topic};
use ripcord::model::{Command, Incident, IncidentState, Want};
use ripcord::shard::{Decision, Inbox, Output, Shard, Snapshot, restore};
use ripcord::sums::Counters;
use serde::de::DeserializeOwned;

use crate::reference::{self, Measured};
use crate::target::{PROVEN, SERVING};
use crate::world::World;

/// Panics at the first thing that is not as it must be.
pub(crate) fn check(world: &World) {
    rollbacks(world);
    sums(world);
    let folds = folds(world);
    outputs(world, &folds);
    states(world, &folds);
    snapshots(world);
}

/// One rollback for each fault, carried out once and ended; none without a fault.
fn rollbacks(world: &World) {
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for command in values::<Command>(world, Topic::Commands).into_values().flatten() {
        let Want::Production { version, instead_of } = &command.want else { continue };
        assert_eq!((version.as_str(), instead_of.as_str()), (PROVEN, SERVING));
        ids.entry(command.model.to_string()).or_default().insert(command.id.to_string());
    }
    let mut applied: BTreeMap<String, usize> = BTreeMap::new();
    for command in world.makings.registry.applied() {
        *applied.entry(command.model.to_string()).or_default() += 1;
    }
    for model in &world.models {
        let expected = usize::from(model.bad_from_ms.is_some());
        let asked = ids.get(model.id.as_str()).map_or(0, BTreeSet::len);
        assert_eq!(asked, expected, "rollbacks of {}", model.id);
        let done = applied.get(model.id.as_str()).copied().unwrap_or(0);
        assert_eq!(done, expected, "acts of the target on {}", model.id);
        let serving = if expected == 1 { PROVEN } else { SERVING };
        assert_eq!(world.makings.registry.production(&model.id), serving);
    }
    let mut last: BTreeMap<String, Incident> = BTreeMap::new();
    for incident in world.incidents() {
        last.insert(incident.id.to_string(), incident);
    }
    for incident in last.values().filter(|incident| incident.generation.is_some()) {
        assert_eq!(incident.state, IncidentState::Resolved, "{incident:#?}");
    }
}

/// Every shard knows of each record once, and the sums are those of an undisturbed reading.
fn sums(world: &World) {
    let expected = if world.exact { reference::expected(world) } else { Measured::default() };
    let shards = world.shards();
    assert_eq!(shards.len(), world.makings.topics.shards as usize, "each shard has one owner");
    for shard in shards {
        let mut counters = Counters::default();
        shard.judged().counters().values().for_each(|of| counters.merge(of));
        assert_eq!(counters.read, world.sent(), "records that shard {} knows of", shard.id());
        assert_eq!(counters.read, counters.accounted());
        let rejected: u64 = counters.rejected.values().sum();
        assert_eq!(rejected, unreadable(world), "what shard {} rejects", shard.id());
        if world.exact {
            assert_eq!(counters, expected.counters, "what shard {} counts", shard.id());
        }
    }
    if !world.exact {
        return;
    }
    let told = reference::told(world);
    for (cell, sums) in &expected.cells {
        assert_eq!(told.cells.get(cell), Some(sums), "sums of {cell:?}");
    }
    assert_eq!(told.cells.len(), expected.cells.len(), "cells that nobody sent");
}

/// The records of telemetry that are no JSON.
fn unreadable(world: &World) -> u64 {
    let topics = world.makings.source.topics.iter();
    let records = topics.flat_map(|topic| world.site.broker.all(&topic.name));
    let read = |value: &[u8]| serde_json::from_slice::<serde_json::Value>(value).is_ok();
    records.filter(|(_, record)| !read(&record.value)).count() as u64
}

/// A shard folded from the start, and what it put out.
pub(crate) struct Folded {
    pub(crate) shard: Shard,
    outputs: Vec<Output>,
}

/// Folds an inbox from its start to a position.
pub(crate) fn fold(world: &World, id: u32, upto: i64) -> Folded {
    let topics = world.outside();
    let inbox = topics.partition(Topic::Inbox, id);
    let mut folded = Folded { shard: Shard::new(id, topics.shards), outputs: Vec::new() };
    for record in topics.log.scan(&inbox, 0, usize::MAX).unwrap() {
        if record.position >= upto {
            break;
        }
        let inbox: Inbox = serde_json::from_slice(&record.value).unwrap();
        folded.shard.step(record.position, record.time, &inbox, &mut folded.outputs).unwrap();
    }
    folded
}

fn folds(world: &World) -> Vec<Folded> {
    (0..world.makings.topics.shards).map(|id| fold(world, id, i64::MAX)).collect()
}

/// What is on the log is what the fold puts out: nothing is lost, and nothing is said twice.
fn outputs(world: &World, folds: &[Folded]) {
    let decisions = values::<Decision>(world, Topic::Decisions);
    let incidents = values::<Incident>(world, Topic::Incidents);
    let commands = values::<Command>(world, Topic::Commands);
    for Folded { shard, outputs } in folds {
        let (mut said, mut told, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for output in outputs {
            match output {
                Output::Decision(decision) => said.push((**decision).clone()),
                Output::Incident(incident) => told.push((**incident).clone()),
                Output::Command(command) => asked.push((**command).clone()),
                Output::Reply(_) => {}
            }
        }
        let id = shard.id();
        same("decisions", id, &said, decisions.get(&id));
        same("incidents", id, &told, incidents.get(&id));
        same("commands", id, &asked, commands.get(&id));
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, shard: u32, folded: &[T], on: Option<&Vec<T>>) {
    let none = Vec::new();
    let on_log = on.unwrap_or(&none);
    let first = folded.iter().zip(on_log).position(|(a, b)| a != b);
    let counts = (folded.len(), on_log.len());
    assert!(
        first.is_none() && counts.0 == counts.1,
        "{what} of shard {shard}: folded and on the log {counts:?}, first differing {first:?}"
    );
}

/// The state of each owner is the fold's, bit for bit.
fn states(world: &World, folds: &[Folded]) {
    for shard in world.shards() {
        let folded = folds.iter().find(|folded| folded.shard.id() == shard.id()).unwrap();
        assert_eq!(shard.next(), folded.shard.next(), "shard {} is behind", shard.id());
        assert!(pieces(shard) == pieces(&folded.shard), "the state of shard {}", shard.id());
        assert_eq!(shard.undo_state().illegal_moves(), 0);
    }
}

/// The stored snapshots are the state at their position, and at least one is whole.
fn snapshots(world: &World) {
    for shard in 0..world.makings.topics.shards {
        let whole = stored(world, shard);
        assert!(!whole.is_empty(), "shard {shard} has no snapshot");
        for restored in whole {
            let folded = fold(world, shard, restored.next());
            assert!(pieces(&restored) == pieces(&folded.shard), "snapshot of shard {shard}");
        }
    }
}

/// The snapshots of a shard that have a manifest.
pub(crate) fn stored(world: &World, shard: u32) -> Vec<Shard> {
    let topics = world.outside();
    let state = topics.partition(Topic::State, shard);
    let records = topics.log.latest(&state, "snapshot/").unwrap();
    let find = |key: String| -> Option<&Record> {
        records.iter().find(|record| record.key.as_deref() == Some(key.as_bytes()))
    };
    let mut whole = Vec::new();
    for slot in ["a", "b"] {
        let Some(manifest) = find(format!("snapshot/{slot}")) else { continue };
        let manifest: serde_json::Value = serde_json::from_slice(&manifest.value).unwrap();
        let chunks = manifest["chunks"].as_u64().unwrap();
        let chunks = (0..chunks).map(|nth| find(format!("snapshot/{slot}/{nth}")).unwrap());
        let packed: Vec<u8> = chunks.flat_map(|chunk| chunk.value.clone()).collect();
        let lines = zstd::stream::decode_all(packed.as_slice()).unwrap();
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        whole.push(restore(lines).unwrap());
    }
    whole
}

/// A shard in bytes.
pub(crate) fn pieces(shard: &Shard) -> Vec<Vec<u8>> {
    let mut snapshot = Snapshot::of(shard);
    std::iter::from_fn(|| snapshot.next_piece().unwrap()).collect()
}

/// The records of a topic, by shard.
fn values<T: DeserializeOwned>(world: &World, topic: Topic) -> BTreeMap<u32, Vec<T>> {
    let mut found: BTreeMap<u32, Vec<T>> = BTreeMap::new();
    for (at, record) in world.site.broker.all(&world.makings.topics.topic(topic)) {
        let value = serde_json::from_slice(&record.value).unwrap();
        found.entry(at.partition).or_default().push(value);
    }
    found
}
