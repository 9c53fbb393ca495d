//! What decide writes about models: each on its own, and only when it changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ripcord::config::{Config, InstructionKeys};
use ripcord::edge::clock::SimulatedClock;
use ripcord::edge::log::local::LocalLog;
use ripcord::edge::log::{Log, Outgoing, Record, Topic};
use ripcord::model::{Ask, Fact, Instruction, LogTime, ModelId, Scope, VersionFact, VersionId};
use ripcord::roles::decide::Decide;
use ripcord::shard::{Inbox, shard_of};
use ripcord::topics::Topics;

const START: i64 = 1_767_225_600_000;
const MODELS: usize = 40;

struct World {
    topics: Topics,
    decide: Decide,
}

fn model(nth: usize) -> ModelId {
    ModelId::new(&format!("model-{nth:03}")).unwrap()
}

fn fact(nth: usize, production: &str) -> Inbox {
    let versions = ["v2", "v1"].map(|name| VersionFact {
        proven_good: name == "v1",
        ..VersionFact::named(VersionId::new(name).unwrap())
    });
    Inbox::Fact(Fact {
        model: model(nth),
        target: "registry".parse().unwrap(),
        production: Some(VersionId::new(production).unwrap()),
        versions: versions.to_vec(),
        generation: 0,
        routes: BTreeMap::new(),
    })
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(START)));
        let log: Arc<dyn Log> = Arc::new(LocalLog::in_memory(clock).unwrap());
        let environment = [("RIPCORD__WORKERS__REGISTRY__PATH", "registry.json")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let config = Config::load(&[], &environment.into()).unwrap();
        let namespace = config.rules.namespace.clone();
        let topics = Topics { log, namespace, shards: 1, keys: InstructionKeys::default() };
        topics.create(&config.rules).unwrap();
        let decide = Decide::new(topics.clone()).unwrap();
        let mut world = Self { topics, decide };
        world.give((0..MODELS).map(|nth| fact(nth, "v2")));
        world
    }

    fn give(&mut self, records: impl IntoIterator<Item = Inbox>) {
        let to = self.topics.partition(Topic::Inbox, 0);
        let records = records.into_iter().map(|record| Outgoing {
            to: to.clone(),
            key: None,
            headers: Vec::new(),
            value: serde_json::to_vec(&record).unwrap(),
        });
        let mut writer = self.topics.log.writer(None).unwrap();
        writer.append(records.collect()).unwrap();
        self.settle();
    }

    fn ask(&mut self, id: &str, ask: Ask) {
        let [by, reason] = ["ann", "a test"].map(str::to_owned);
        self.give([Inbox::Instruction(Instruction { id: id.to_owned(), by, reason, ask })]);
    }

    fn settle(&mut self) {
        while !self.decide.turn(Duration::ZERO).unwrap().idle {}
    }

    fn end(&self, topic: Topic) -> i64 {
        self.records(topic, 0).last().map_or(0, |last| last.position + 1)
    }

    fn records(&self, topic: Topic, from: i64) -> Vec<Record> {
        self.topics.log.scan(&self.topics.partition(topic, 0), from, 10_000).unwrap()
    }

    /// The keys that were written since, without the numbers of the shard.
    fn keys(&self, topic: Topic, from: i64) -> Vec<String> {
        let records = self.records(topic, from).into_iter();
        let keys = records.map(|record| String::from_utf8(record.key.unwrap()).unwrap());
        keys.filter(|key| key != "status" && key != "undo" && !key.starts_with("reply/")).collect()
    }

    /// What a turn tells.
    fn told(&mut self) -> Vec<String> {
        let from = self.end(Topic::Status);
        self.decide.publish_status().unwrap();
        self.keys(Topic::Status, from)
    }
}

#[test]
fn a_model_is_told_of_and_stored_when_it_changed() {
    let mut world = World::new();
    assert_eq!(shard_of("model-000", 1), 0);
    let first = world.told();
    assert_eq!(first.iter().filter(|key| key.starts_with("model/")).count(), MODELS);
    assert_eq!(first.iter().filter(|key| key.starts_with("undo/")).count(), MODELS);
    assert_eq!(world.told(), Vec::<String>::new(), "nothing is new");
    world.give([fact(7, "v1")]);
    assert_eq!(world.told(), ["model/model-007", "undo/model-007"]);

    let from = world.end(Topic::State);
    world.ask("i", Ask::Freeze { scope: Scope::Model(model(9)) });
    let stored = world.keys(Topic::State, from);
    let all: Vec<_> = (0..MODELS).map(|nth| format!("undo/{}", model(nth))).collect();
    assert_eq!(stored, all, "the first commit stores all that is known");
    let from = world.end(Topic::State);
    world.ask("j", Ask::Unfreeze { scope: Scope::Model(model(9)) });
    assert_eq!(world.keys(Topic::State, from), ["undo/model-009"]);
}

#[test]
fn a_decide_that_begins_anew_knows_what_was_stored_of_each_model() {
    let mut world = World::new();
    world.ask("i", Ask::Freeze { scope: Scope::Model(model(3)) });
    let before = world.decide.shards().next().unwrap().1.undo_state().clone();
    world.decide = Decide::new(world.topics.clone()).unwrap();
    world.settle();
    let after = world.decide.shards().next().unwrap().1.undo_state();
    assert_eq!(after, &before);
    assert!(after.frozen(&model(3)).is_some() && after.frozen(&model(4)).is_none());
    let told = world.told();
    assert!(told.contains(&"model/model-003".to_owned()), "{told:?}");
}
